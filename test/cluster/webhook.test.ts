import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { stringify } from "yaml";
import { recordAt } from "../../src/ground/json.ts";
import { freePort, skipWithout } from "../../src/ground/testing.ts";
import { createRequest } from "../../src/pki/x509/request.ts";
import { generateKey } from "../../src/pki/key.ts";
import { CERTIFICATE_REQUEST, NAMESPACE, SECRET } from "../../src/resource/kind.ts";
import { eventually } from "../e2e/eventually.ts";
import { run } from "../e2e/instance.ts";
import { ApiServer } from "./api-server.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";
import { Replica } from "./replica.ts";
import { webhookByUrl } from "./webhook-by-url.ts";

const binaries = findKubernetesBinaries();
const skip = typeof binaries === "string" ? binaries : skipWithout("kubectl");

describe("the admission webhook, asked by a real API server", { skip }, () => {
  let server: ApiServer;
  before(async () => {
    if (typeof binaries !== "string") server = await ApiServer.start(binaries);
  });
  after(async () => server.stop());

  async function kubectl(...args: readonly string[]): Promise<string> {
    const { stdout, stderr } = await run("kubectl", ["--kubeconfig", server.kubeconfig, ...args]);
    return stdout + stderr;
  }

  async function apply(object: object): Promise<string> {
    const path = join(server.folder, "object.yaml");
    writeFileSync(path, stringify(object));
    return kubectl("apply", "-f", path);
  }

  it("records who asks, refuses what could not work, warns of what is odd, and is not needed", async (t) => {
    const port = await freePort();
    for (const object of webhookByUrl("lintel", port)) await apply(object);
    const store = await server.store();
    t.after(() => store.close());
    for (const name of ["shop", "lintel"]) {
      await store.create(NAMESPACE, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    }
    const more = ["--webhook", "lintel", "--webhook-port", String(port)];
    const first = await Replica.start(t, server.kubeconfig, ...more).serving();
    await first.printed("Answering admission reviews");
    await eventually("the API server trusts it", async () => {
      const said = await apply(issuer("none", {})).catch(String);
      return said.includes("validate.lintel.dev") ? true : undefined;
    });

    const csr = await createRequest(await generateKey({ algorithm: "ECDSA", size: 256 }), { commonName: "a.example" });
    const request = {
      apiVersion: "cert-manager.io/v1",
      kind: "CertificateRequest",
      metadata: { name: "mine", namespace: "shop" },
      spec: {
        request: Buffer.from(csr).toString("base64"),
        issuerRef: { name: "none" },
        username: "somebody-else",
        groups: ["kings"],
        extra: { a: ["b"] },
      },
    };
    await apply(request);
    const stored = await store.get(CERTIFICATE_REQUEST, "shop", "mine");
    const { username, groups, extra } = recordAt(stored, "spec");
    assert.deepEqual([username, groups, extra], ["admin", ["system:masters", "system:authenticated"], undefined]);
    const changed = { ...request, spec: { ...request.spec, username: "root" } };
    await assert.rejects(apply(changed), /cannot change username after creation|spec\.username|validate\.lintel\.dev/);

    await assert.rejects(apply(issuer("two", { selfSigned: {}, ca: { secretName: "x" } })), /validate\.lintel\.dev/);
    await assert.rejects(
      apply(ingress({ "nginx.ingress.kubernetes.io/auth-url": "https://auth.example" })),
      /validate\.lintel\.dev.*auth-url/s,
    );
    assert.match(
      await apply(ingress({ "nginx.ingress.kubernetes.io/auth-url": "x" }, "other")),
      /created|does not exist/,
    );
    assert.match(
      await apply(ingress({ "nginx.ingress.kubernetes.io/no-such-thing": "x" })),
      /Warning:.*no-such-thing/s,
    );
    await apply(certificate("one"));
    await eventually("a warning of the shared Secret", async () =>
      /Warning:.*"one" writes the Secret "same"/.test(await apply(certificate("two"))) ? true : undefined,
    );

    await store.delete(SECRET, "lintel", "lintel-webhook-tls");
    await first.stop();
    assert.match(await apply(issuer("two", { selfSigned: {}, ca: { secretName: "x" } })), /created/);
    // A new certificate is trusted as soon as a replica leads again.
    const second = await Replica.start(t, server.kubeconfig, ...more).serving();
    await second.printed("Answering admission reviews");
    await eventually("the API server trusts the new certificate", async () => {
      const said = await apply(issuer("none", {})).catch(String);
      return said.includes("validate.lintel.dev") ? true : undefined;
    });
    await second.stop();
  });
});

function issuer(name: string, spec: object): object {
  return {
    apiVersion: "cert-manager.io/v1",
    kind: "Issuer",
    metadata: { name, namespace: "shop" },
    spec,
  };
}

function ingress(annotations: object, ingressClassName = "lintel"): object {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "web", namespace: "shop", annotations },
    spec: {
      ingressClassName,
      rules: [
        {
          host: "shop.example",
          http: {
            paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } }],
          },
        },
      ],
    },
  };
}

function certificate(name: string): object {
  return {
    apiVersion: "cert-manager.io/v1",
    kind: "Certificate",
    metadata: { name, namespace: "shop" },
    spec: { secretName: "same", dnsNames: ["a.example"], issuerRef: { name: "none" } },
  };
}
