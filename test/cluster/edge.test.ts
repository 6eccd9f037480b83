// What the edge does with Ingresses and certificates, on its own API and on a real one: the same steps, with kubectl.
import assert from "node:assert/strict";
import { after, before, describe, it, type TestContext } from "node:test";
import { arrayAt, recordAt, stringAt } from "../../src/ground/json.ts";
import { skipWithout } from "../../src/ground/testing.ts";
import { eventually } from "../e2e/eventually.ts";
import { startPebble } from "../e2e/pebble.ts";
import { APIS, Edge, skipWithoutApi, type Api } from "./edge.ts";
import { skipWithoutNamespaces, startFarHost, type FarHost } from "./far-host.ts";

const NO_TOOLS = skipWithout("kubectl", "pebble", "pebble-challtestsrv");

/** What was told on each API: compared at the end. */
const told = new Map<Api, readonly string[]>();

for (const api of APIS) {
  const skip = skipWithoutApi(api, NO_TOOLS, skipWithoutNamespaces());
  describe(`the edge on ${api === "real" ? "a real API server" : "its own API"}`, { skip }, () => {
    let edge: Edge;
    let first: FarHost;
    let second: FarHost;
    let scope: TestContext;
    const ends: (() => unknown)[] = [];

    before(async () => {
      // The fixtures end with a test's own hook; here one edge serves the whole suite.
      scope = { after: (end: () => unknown) => ends.unshift(end) } as unknown as TestContext;
      const at = APIS.indexOf(api) * 10;
      first = await startFarHost(scope, "first", at + 21);
      second = await startFarHost(scope, "second", at + 22);
      edge = await Edge.start(scope, api, ["--preflight", "off"]);
      await edge.apply(shop(first));
    });
    after(async () => {
      for (const end of ends) await end();
    });

    it("serves an Ingress, tells its address in the status, and knows no other host", async () => {
      await edge.apply(ingress("plain", "plain.example", { annotations: NO_REDIRECT }));
      await body("plain.example", "/a", "first /a");
      assert.equal((await edge.http("other.example")).status, 404);
      await eventually("its address", async () =>
        (await edge.kubectl("get", "ingress", "plain", "-n", "shop", "--no-headers")).includes("127.0.0.1")
          ? true
          : undefined,
      );
    });

    it("follows the endpoints of a Service as they change, go and come back", async () => {
      await edge.apply(slice([second]));
      await body("plain.example", "/b", "second /b");
      await edge.apply(slice([]));
      await status("plain.example", 503);
      await edge.kubectl("delete", "endpointslice", "web-1", "-n", "shop");
      await edge.apply(slice([first]));
      await body("plain.example", "/c", "first /c");
    });

    it("follows an Ingress as its paths and annotations change", async () => {
      await edge.apply(
        ingress("plain", "plain.example", {
          annotations: { ...NO_REDIRECT, "nginx.ingress.kubernetes.io/rewrite-target": "/new/$1" },
          path: "/old/(.*)",
          pathType: "ImplementationSpecific",
        }),
      );
      await body("plain.example", "/old/x", "first /new/x");
      assert.equal((await edge.http("plain.example", "/else")).status, 404);
      await edge.kubectl(
        "annotate",
        "ingress",
        "plain",
        "-n",
        "shop",
        "nginx.ingress.kubernetes.io/whitelist-source-range=192.0.2.0/24",
      );
      await eventually("it is closed to us", async () =>
        (await edge.http("plain.example", "/old/x")).status === 403 ? true : undefined,
      );
      await edge.kubectl(
        "annotate",
        "ingress",
        "plain",
        "-n",
        "shop",
        "nginx.ingress.kubernetes.io/whitelist-source-range-",
      );
      await body("plain.example", "/old/y", "first /new/y");
    });

    it("answers for a security setting that makes no sense with 503, and says so in an Event", async () => {
      await edge.apply(
        ingress("closed", "closed.example", {
          annotations: { ...NO_REDIRECT, "nginx.ingress.kubernetes.io/whitelist-source-range": "everybody" },
        }),
      );
      await status("closed.example", 503);
      await eventually("its Event", async () =>
        /whitelist-source-range/.test(await edge.kubectl("events", "-n", "shop", "--for", "ingress/closed"))
          ? true
          : undefined,
      );
    });

    it("issues from selfSigned and ca issuers, and serves what an Ingress asks for", async () => {
      await edge.apply(AUTHORITY);
      await ready("root");
      await edge.apply(caIssuer("root"));
      await edge.kubectl("wait", "--for=condition=Ready", "issuer/root", "-n", "shop", "--timeout=60s");
      await edge.apply(
        ingress("secure", "secure.example", {
          annotations: { "cert-manager.io/issuer": "root" },
          tls: "secure-tls",
        }),
      );
      await ready("secure-tls");
      await eventually("its certificate is served", async () => {
        const { status: code, certificate } = await edge.https("secure.example", "/d");
        return code === 200 && certificate?.issuer.CN === "Shop Root" ? true : undefined;
      });
      const { certificate, body: text } = await edge.https("secure.example", "/d");
      assert.equal(text, "first /d");
      assert.equal(certificate?.subjectaltname, "DNS:secure.example");
      const redirect = await edge.http("secure.example", "/d");
      assert.deepEqual(
        [redirect.status, redirect.headers["location"]],
        [308, `https://secure.example:${String(edge.port("edgeHttps"))}/d`],
      );
      const secret: unknown = JSON.parse(await edge.kubectl("get", "secret", "secure-tls", "-n", "shop", "-o", "json"));
      assert.equal(stringAt(secret, "type"), "kubernetes.io/tls");
      assert.deepEqual(Object.keys(recordAt(secret, "data")).sort(), ["ca.crt", "tls.crt", "tls.key"]);
    });

    it("serves a certificate that somebody else made, from kubectl create secret tls", async () => {
      await edge.kubectl("get", "secret", "root-tls", "-n", "shop");
      const of = async (key: string): Promise<string> =>
        edge.kubectl("get", "secret", "secure-tls", "-n", "shop", "-o", `jsonpath={.data.${key}}`);
      const [crt, key] = [await of("tls\\.crt"), await of("tls\\.key")];
      await edge.apply(
        JSON.stringify({
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name: "own-tls", namespace: "shop" },
          type: "kubernetes.io/tls",
          data: { "tls.crt": crt, "tls.key": key },
        }),
      );
      await edge.apply(ingress("own", "secure.example", { path: "/own", tls: "own-tls" }));
      await eventually("the new path", async () =>
        (await edge.https("secure.example", "/own")).body === "first /own" ? true : undefined,
      );
    });

    it("gets a certificate from an ACME CA by the challenge it answers itself, and renews it when told", async () => {
      const pebble = await startPebble(scope, {
        program: "pebble",
        httpPort: edge.port("edgeHttp"),
        tlsPort: edge.port("edgeHttps"),
        environment: { PEBBLE_AUTHZREUSE: "0" },
      });
      await edge.apply(acmeIssuer(pebble.directoryUrl, pebble.caPem));
      await edge.kubectl("wait", "--for=condition=Ready", "issuer/acme", "-n", "shop", "--timeout=60s");
      await edge.apply(
        ingress("acme", "acme.example", { annotations: { "cert-manager.io/issuer": "acme" }, tls: "acme-tls" }),
      );
      await ready("acme-tls");
      const before = await served("acme.example", /Pebble/);
      assert.match(await edge.kubectl("get", "orders", "-n", "shop", "--no-headers"), /valid/);
      const renewing = await edge.lintel("renew", "acme-tls", "-n", "shop", "--kubeconfig", edge.kubeconfig);
      assert.equal(renewing.code, 0, renewing.text);
      await eventually("another certificate", async () =>
        (await served("acme.example", /Pebble/)) === before ? undefined : true,
      );
      assert.equal(
        await edge.kubectl("get", "certificate", "acme-tls", "-n", "shop", "-o", "jsonpath={.status.revision}"),
        "2",
      );
    });

    it("says on the Certificate why it is not there, and goes on when that is repaired", async () => {
      await edge.apply(`
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: late, namespace: shop }
spec: { secretName: late-tls, dnsNames: [late.example], issuerRef: { name: later } }
`);
      await eventually("the reason", async () =>
        /later/.test(await condition("certificate/late", "Ready", "message")) ? true : undefined,
      );
      await edge.apply(caIssuer("later"));
      await ready("late");
    });

    it("tells of hosts and certificates with lintel status, and of lifetimes with lintel doctor", async () => {
      const { code, text } = await edge.lintel("status", "--state", edge.state);
      assert.equal(code, 0, text);
      for (const part of ["secure.example", "acme.example", "secure-tls", "acme-tls"])
        assert.ok(text.includes(part), text);
      const doctor = await edge.lintel("doctor", "--lifetimes", "--kubeconfig", edge.kubeconfig);
      assert.ok(doctor.code <= 1, doctor.text);
      assert.match(doctor.text, /acme-tls/);
    });

    it("has told all of it in conditions and Events", async () => {
      told.set(
        api,
        await eventually("everything is said", async () => {
          const said = await sayings(edge);
          return said.some((line) => line.includes("Issuing: The certificate has been successfully issued"))
            ? said
            : undefined;
        }),
      );
    });

    it("forgets the Certificate of an Ingress that asks for none any more, and the host of one that is gone", async () => {
      await edge.apply(
        ingress("acme", "acme.example", { annotations: { "cert-manager.io/issuer": "acme", ...NO_REDIRECT } }),
      );
      await edge.kubectl("wait", "--for=delete", "certificate/acme-tls", "-n", "shop", "--timeout=60s");
      await body("acme.example", "/e", "first /e");
      await edge.kubectl("delete", "ingress", "acme", "-n", "shop");
      await status("acme.example", 404);
      await edge.kubectl("delete", "issuer", "acme", "-n", "shop", "--timeout=60s");
      assert.match(await edge.kubectl("get", "secret", "acme-account", "-n", "shop", "-o", "name"), /acme-account/);
    });

    async function ready(name: string): Promise<void> {
      // That of an Ingress is made a moment after it.
      await eventually(`certificate "${name}"`, async () =>
        (await edge.kubectl("get", "certificate", "-n", "shop", "-o", "name")).includes(`/${name}\n`)
          ? true
          : undefined,
      );
      try {
        await edge.kubectl("wait", "--for=condition=Ready", `certificate/${name}`, "-n", "shop", "--timeout=90s");
      } catch (error) {
        const about = await edge.kubectl("describe", "certificate,certificaterequest,order,challenge", "-n", "shop");
        throw new Error(`Certificate "${name}" is not Ready:\n${about}`, { cause: error });
      }
    }

    async function body(host: string, path: string, expected: string): Promise<void> {
      await eventually(`${host}${path} answers "${expected}"`, async () =>
        (await edge.http(host, path)).body === expected ? true : undefined,
      );
    }

    async function status(host: string, expected: number): Promise<void> {
      await eventually(`${host} answers ${String(expected)}`, async () =>
        (await edge.http(host)).status === expected ? true : undefined,
      );
    }

    function condition(object: string, type: string, field: string): Promise<string> {
      const path = `jsonpath={.status.conditions[?(@.type=="${type}")].${field}}`;
      return edge.kubectl("get", object, "-n", "shop", "-o", path);
    }

    /** The serial number of what is served, once it is from that CA. */
    async function served(host: string, issuer: RegExp): Promise<string> {
      return eventually(`${host} with a certificate of ${String(issuer)}`, async () => {
        const { certificate } = await edge.https(host);
        return certificate !== undefined && issuer.test(String(certificate.issuer.CN))
          ? certificate.serialNumber
          : undefined;
      });
    }
  });
}

it("was told in the same words on both", { skip: skipWithoutApi("real", NO_TOOLS, skipWithoutNamespaces()) }, () => {
  assert.deepEqual(told.get("real"), told.get("embedded"));
});

const NO_REDIRECT = { "nginx.ingress.kubernetes.io/ssl-redirect": "false" };

function shop(host: FarHost): string {
  return `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { ports: [{ name: http, port: 80, targetPort: ${String(host.port)} }] }
---
${slice([host])}`;
}

function slice(hosts: readonly FarHost[]): string {
  const endpoints = hosts.map(({ address }) => ({ addresses: [address], conditions: { ready: true } }));
  return JSON.stringify({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints,
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  });
}

function ingress(
  name: string,
  host: string,
  more: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly path?: string;
    readonly pathType?: string;
    readonly tls?: string;
  },
): string {
  const { annotations = {}, path = "/", pathType = "Prefix", tls } = more;
  const backend = { service: { name: "web", port: { number: 80 } } };
  return JSON.stringify({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name, namespace: "shop", annotations },
    spec: {
      ingressClassName: "lintel",
      ...(tls === undefined ? {} : { tls: [{ hosts: [host], secretName: tls }] }),
      rules: [{ host, http: { paths: [{ path, pathType, backend }] } }],
    },
  });
}

const AUTHORITY = `
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: { name: self, namespace: shop }
spec: { selfSigned: {} }
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: root, namespace: shop }
spec: { isCA: true, commonName: Shop Root, secretName: root-tls, issuerRef: { name: self } }
`;

function caIssuer(name: string): string {
  return `
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: { name: ${name}, namespace: shop }
spec: { ca: { secretName: root-tls } }
`;
}

function acmeIssuer(server: string, caPem: string): string {
  return JSON.stringify({
    apiVersion: "cert-manager.io/v1",
    kind: "Issuer",
    metadata: { name: "acme", namespace: "shop" },
    spec: {
      acme: {
        server,
        caBundle: Buffer.from(caPem).toString("base64"),
        privateKeySecretRef: { name: "acme-account" },
        solvers: [{ http01: { ingress: { ingressClassName: "lintel" } } }],
      },
    },
  });
}

/**
 * Every condition and Event in the namespace, without what is another each time. What an Ingress lacks for a moment is only
 * told when the moment is long.
 */
async function sayings(edge: Edge): Promise<readonly string[]> {
  const kinds = "issuers,certificates,certificaterequests,orders,challenges,ingresses,events";
  const list: unknown = JSON.parse(await edge.kubectl("get", kinds, "-n", "shop", "-o", "json"));
  const lines = arrayAt(list, "items").flatMap((item) => {
    const kind = stringAt(item, "kind") ?? "";
    if (kind === "Event") {
      const about = recordAt(item, "involvedObject");
      return [`${stringAt(about, "kind") ?? ""} ${stringAt(about, "name") ?? ""} ${saying(item)}`];
    }
    const name = stringAt(recordAt(item, "metadata"), "name") ?? "";
    return arrayAt(recordAt(item, "status"), "conditions").map(
      (condition) => `${kind} ${name} ${stringAt(condition, "status") ?? ""} ${saying(condition)}`,
    );
  });
  const passing = /^Ingress (?!closed )\S+ Warning /;
  return [...new Set(lines.filter((line) => !passing.test(line)).map(comparable))].sort();
}

function saying(item: unknown): string {
  return `${stringAt(item, "type") ?? ""} ${stringAt(item, "reason") ?? ""}: ${stringAt(item, "message") ?? ""}`;
}

function comparable(text: string): string {
  return text
    .replaceAll(/-\d{5,}/g, "-N")
    .replaceAll(/127\.0\.0\.1:\d+/g, "ADDRESS")
    .replaceAll(/\d{4}-\d\d-\d\d(T| )\d\d:\d\d(:\d\d)?(\.\d+)?Z?/g, "MOMENT")
    .replaceAll(/"[a-z0-9-]+-[a-z0-9]{5}"/g, '"NAME"');
}
