import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { HTTP01_PATH } from "../acme/key-authorization.ts";
import { AcmeServer, type Http01Dialer } from "../acme/server/acme-server.ts";
import { portOf } from "../acme/testing.ts";
import { systemClock } from "../ground/system-clock.ts";
import { MemoryLog, seededRandom } from "../ground/testing.ts";
import { LocalCa } from "../pki/local-ca.ts";
import { parseCertificate } from "../pki/x509/certificate.ts";
import { conditionsOf } from "../resource/condition.ts";
import { base64At } from "../resource/certificate-request.ts";
import { CERTIFICATE, CLUSTER_ISSUER, INGRESS, NAMESPACE, SECRET } from "../resource/kind.ts";
import { MemoryStore } from "../store/memory.ts";
import { ControlPlane } from "./control-plane.ts";
import { FakeEdge, make } from "./testing.ts";

/** What DESIGN promises a person who applies an Ingress; a busy machine may take a little longer. */
const PROMISED_MS = 1000;
const PATIENCE_MS = 20 * PROMISED_MS;

async function openEmbeddedCa(t: TestContext, edge: FakeEdge): Promise<{ url: string; ca: LocalCa }> {
  const directory = await mkdtemp(join(tmpdir(), "lintel-control-"));
  const ca = await LocalCa.open({ directory, clock: systemClock });
  const { chain, key } = await ca.issue({ names: ["127.0.0.1", "localhost"], durationMs: 86_400_000 });
  const dial: Http01Dialer = (host, path) => {
    const answer = edge.snapshot.challenges.get(path.slice(HTTP01_PATH.length));
    return Promise.resolve(
      answer?.host === host ? { status: 200, body: answer.keyAuthorization } : { status: 404, body: "" },
    );
  };
  let baseUrl = "";
  const options = { baseUrl: () => baseUrl, ca, clock: systemClock, log: new MemoryLog(), directory, dial };
  const server = await AcmeServer.open({ ...options, random: seededRandom(1) });
  const listener = createServer({ cert: chain, key }, (request, response) => server.handle(request, response));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  baseUrl = `https://127.0.0.1:${String(portOf(listener))}`;
  t.after(async () => {
    listener.closeAllConnections();
    await new Promise((resolve) => listener.close(resolve));
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });
  return { url: `${baseUrl}/acme/local/directory`, ca };
}

describe("ControlPlane with the embedded CA", () => {
  it("has a certificate live within a second of its Ingress", async (t) => {
    const edge = new FakeEdge();
    const { url, ca } = await openEmbeddedCa(t, edge);
    const store = new MemoryStore({ clock: systemClock });
    for (const name of ["default", "kube-system", "shop"]) await store.create(NAMESPACE, make(NAMESPACE, name));
    const acme = { server: url, privateKeySecretRef: { name: "account" }, solvers: [{ http01: { ingress: {} } }] };
    await store.create(CLUSTER_ISSUER, make(CLUSTER_ISSUER, "lintel-local", { spec: { acme } }));
    await using _ = await ControlPlane.open({
      store,
      edge,
      clock: systemClock,
      random: seededRandom(1),
      log: new MemoryLog(),
      localCa: ca,
      acmeDirectory: (server) => ({ url: server, caBundle: ca.rootPem, root: ca.rootPem, offline: false }),
      addresses: [],
      settings: { trustedProxies: [], httpsPort: 443 },
      classes: ["nginx"],
      serveClassless: true,
      clusterResourceNamespace: "kube-system",
    });
    await untilReady(store, CLUSTER_ISSUER, "", "lintel-local");
    const spec = { ingressClassName: "nginx", tls: [{ hosts: ["shop.example"], secretName: "web-tls" }], rules: [] };
    const annotations = { "cert-manager.io/cluster-issuer": "lintel-local" };
    const startMs = performance.now();
    await store.create(INGRESS, make(INGRESS, "web", { spec }, { annotations }));
    await untilReady(store, CERTIFICATE, "shop", "web-tls");
    const tookMs = performance.now() - startMs;
    t.diagnostic(`took ${tookMs.toFixed(0)} ms`);
    assert.ok(tookMs < PATIENCE_MS, `took ${tookMs.toFixed(0)} ms`);
    const secret = await store.get(SECRET, "shop", "web-tls");
    const facts = parseCertificate(base64At(secret?.["data"], "tls.crt") ?? "");
    assert.deepEqual(facts.dnsNames, ["shop.example"]);
    assert.equal(base64At(secret?.["data"], "ca.crt"), ca.rootPem);
    assert.equal(edge.snapshot.certificates.get("shop/web-tls")?.standIn, false);
  });
});

async function untilReady(
  store: MemoryStore,
  kind: typeof CERTIFICATE,
  namespace: string,
  name: string,
): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  for await (const { object } of store.watch(kind, { signal })) {
    if (object.metadata.name !== name || object.metadata.namespace !== (namespace === "" ? undefined : namespace))
      continue;
    const conditions = conditionsOf(object["status"]);
    if (conditions.some((condition) => condition.type === "Ready" && condition.status === "True")) return;
  }
  const object = await store.get(kind, namespace, name);
  assert.fail(`${kind.kind} "${name}" is not ready: ${JSON.stringify(object?.["status"])}`);
}
