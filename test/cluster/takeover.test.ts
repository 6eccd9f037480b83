import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { numberAt, recordAt, stringAt } from "../../src/ground/json.ts";
import { conditionsOf } from "../../src/resource/condition.ts";
import { apiVersionOf, CERTIFICATE, INGRESS, ISSUER, LEASE, NAMESPACE, SECRET } from "../../src/resource/kind.ts";
import type { ClusterStore } from "../../src/store/cluster/cluster-store.ts";
import { eventually } from "../e2e/eventually.ts";
import { lintel, run } from "../e2e/instance.ts";
import { ApiServer } from "./api-server.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";
import { Replica } from "./replica.ts";

const CACHE = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
const PROGRAM = join(CACHE, "lintel-tests/cert-manager-1.21.2");
const binaries = findKubernetesBinaries();
const skip = existsSync(join(PROGRAM, "controller"))
  ? typeof binaries === "string" && binaries
  : 'run ".ci/build-cert-manager" with Go installed to build the controllers of cert-manager';

const SHOP = "shop";
/** Certificates of every kind that the two write down in ways of their own. */
const SPECS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  plain: { dnsNames: ["plain.example"], issuerRef: { name: "ca" } },
  short: { dnsNames: ["short.example"], issuerRef: { name: "ca" }, duration: "24h", renewBefore: "8h" },
  literal: { literalSubject: "CN=lit.example,O=Org,C=DE", dnsNames: ["lit.example"], issuerRef: { name: "ca" } },
  edwards: {
    dnsNames: ["edwards.example"],
    issuerRef: { name: "root" },
    renewBeforePercentage: 30,
    privateKey: { algorithm: "Ed25519" },
  },
  full: {
    dnsNames: ["full.example", "*.full.example"],
    ipAddresses: ["10.1.2.3"],
    uris: ["spiffe://full/example"],
    emailAddresses: ["a@full.example"],
    issuerRef: { name: "ca", kind: "Issuer", group: "cert-manager.io" },
    usages: ["server auth", "client auth"],
    privateKey: { algorithm: "ECDSA", size: 384, encoding: "PKCS8", rotationPolicy: "Always" },
    subject: { organizations: ["Org"], countries: ["DE"] },
    secretTemplate: { labels: { a: "b" }, annotations: { c: "d" } },
    additionalOutputFormats: [{ type: "CombinedPEM" }],
  },
};
const NAMES = ["ca", "web", ...Object.keys(SPECS)];

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

describe("taking over from cert-manager, and giving back", { skip }, () => {
  let server: ApiServer;
  let store: ClusterStore;
  before(async () => {
    if (typeof binaries !== "string") server = await ApiServer.start(binaries);
    for (const file of readdirSync(join(PROGRAM, "crds"))) {
      await run("kubectl", ["--kubeconfig", server.kubeconfig, "replace", "-f", join(PROGRAM, "crds", file)]);
    }
    store = await server.store();
    for (const name of [SHOP, "cert-manager", "lintel"]) {
      await store.create(NAMESPACE, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    }
  });
  after(async () => {
    await store.close();
    await server.stop();
  });

  async function startCertManager(t: TestContext): Promise<ChildProcess> {
    const child = spawn(join(PROGRAM, "controller"), ["--kubeconfig", server.kubeconfig], { stdio: "ignore" });
    t.after(() => child.kill("SIGKILL"));
    await eventually("cert-manager leads", async () => ((await holder()) === "" ? undefined : true));
    return child;
  }

  const holder = async (): Promise<string> => {
    const lease = await store.get(LEASE, "kube-system", "cert-manager-controller");
    return stringAt(recordAt(lease, "spec"), "holderIdentity") ?? "";
  };

  async function issue(name: string, spec: Readonly<Record<string, unknown>>): Promise<void> {
    const metadata = { name, namespace: SHOP };
    await store.create(CERTIFICATE, {
      apiVersion: apiVersionOf(CERTIFICATE),
      kind: "Certificate",
      metadata,
      spec: { secretName: name, ...spec },
    });
  }

  /** By Certificate: its revision and what its Secret holds, once all are Ready and nobody works on any. */
  async function atRest(names: readonly string[]): Promise<Readonly<Record<string, string>>> {
    return await eventually("all certificates Ready", async () => {
      const found: Record<string, string> = {};
      for (const name of names) {
        const certificate = await store.get(CERTIFICATE, SHOP, name);
        const secret = await store.get(SECRET, SHOP, name);
        const conditions = conditionsOf(certificate?.["status"]).map(({ type, status }) => `${type}=${status}`);
        if (!conditions.includes("Ready=True") || conditions.includes("Issuing=True")) return undefined;
        const revision = numberAt(recordAt(certificate, "status"), "revision") ?? 0;
        if (revision === 0) return undefined;
        found[name] = `${String(revision)} ${stringAt(recordAt(secret, "data"), "tls.crt") ?? ""}`;
      }
      return found;
    });
  }

  it("issues nothing anew in either direction", async (t) => {
    const first = await startCertManager(t);
    for (const [name, spec] of [
      ["root", { selfSigned: {} }],
      ["ca", { ca: { secretName: "ca" } }],
    ] as const) {
      const metadata = { name, namespace: SHOP };
      await store.create(ISSUER, { apiVersion: apiVersionOf(ISSUER), kind: "Issuer", metadata, spec });
    }
    await issue("ca", { isCA: true, commonName: "ca", issuerRef: { name: "root" } });
    for (const [name, spec] of Object.entries(SPECS)) await issue(name, spec);
    await store.create(INGRESS, {
      apiVersion: apiVersionOf(INGRESS),
      kind: "Ingress",
      metadata: { name: "web", namespace: SHOP, annotations: { "cert-manager.io/issuer": "ca" } },
      spec: {
        tls: [{ hosts: ["web.example"], secretName: "web" }],
        defaultBackend: { service: { name: "web", port: { number: 80 } } },
      },
    });
    const issued = await atRest(NAMES);

    const beside = await Replica.start(t, server.kubeconfig).serving();
    await beside.printed("cert-manager runs here and keeps its issuers");
    await beside.stop();
    await end(first);

    const shadow = await lintel("shadow", "--kubeconfig", server.kubeconfig, "-o", "json");
    assert.match(shadow.stdout, /"changes"/);
    assert.doesNotMatch(shadow.stdout, /Certificate shop\//);
    const taker = await Replica.start(t, server.kubeconfig, "--certificates", "always").serving();
    await taker.printed("This replica leads: ");
    // What comes after all that was there shows that all of it was looked at.
    await issue("later", { dnsNames: ["later.example"], issuerRef: { name: "ca" } });
    const { later, ...taken } = await atRest([...NAMES, "later"]);
    assert.deepEqual(taken, issued);

    for (const name of Object.keys(SPECS)) await store.delete(SECRET, SHOP, name);
    const reissued = await eventually("issued by Lintel", async () => {
      const now = await atRest([...NAMES, "later"]);
      return Object.keys(SPECS).every((name) => now[name]?.startsWith("2 ") === true) ? now : undefined;
    });
    assert.equal(reissued["later"], later);
    await taker.stop();

    await startCertManager(t);
    await issue("last", { dnsNames: ["last.example"], issuerRef: { name: "ca" } });
    const { last, ...back } = await atRest([...NAMES, "later", "last"]);
    assert.match(last ?? "", /^1 /);
    assert.deepEqual(back, reissued);
  });
});
