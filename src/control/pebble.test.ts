// The controllers against Pebble, a CA that is strict on purpose: reused authorizations, refused nonces, Retry-After.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { HTTP01_PATH } from "../acme/key-authorization.ts";
import { portOf } from "../acme/testing.ts";
import { systemClock } from "../ground/system-clock.ts";
import { MemoryLog, seededRandom, skipWithout } from "../ground/testing.ts";
import { LocalCa } from "../pki/local-ca.ts";
import { temporaryFolder } from "../pki/testing.ts";
import { parseCertificate } from "../pki/x509/certificate.ts";
import { base64At } from "../resource/certificate-request.ts";
import { conditionsOf } from "../resource/condition.ts";
import { CERTIFICATE, CHALLENGE, ISSUER, NAMESPACE, ORDER, SECRET } from "../resource/kind.ts";
import { MemoryStore } from "../store/memory.ts";
import { ControlPlane } from "./control-plane.ts";
import { FakeEdge, make } from "./testing.ts";

const skip = skipWithout("pebble");
/** Pebble waits up to five seconds between polls with its own Retry-After. */
const PATIENCE_MS = 40_000;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return portOf(server);
}

/** Starts Pebble, which asks `edge` for the answers. */
async function startPebble(t: TestContext, edge: FakeEdge): Promise<{ url: string; ca: LocalCa }> {
  const directory = await temporaryFolder(t);
  const responder = createServer((request, response) => {
    const answer = edge.snapshot.challenges.get((request.url ?? "").slice(HTTP01_PATH.length));
    response.writeHead(answer === undefined ? 404 : 200).end(answer?.keyAuthorization);
  });
  const httpPort = await listen(responder);
  const ca = await LocalCa.open({ directory, clock: systemClock });
  const { chain, key } = await ca.issue({ names: ["127.0.0.1"], durationMs: 3_600_000 });
  const free = createServer();
  const port = await listen(free);
  await new Promise((resolve) => free.close(resolve));
  const certificate = join(directory, "cert.pem");
  const privateKey = join(directory, "key.pem");
  const config = join(directory, "config.json");
  const listenAddress = `127.0.0.1:${String(port)}`;
  const pebble = { listenAddress, certificate, privateKey, httpPort, tlsPort: 1, ocspResponderURL: "" };
  await writeFile(certificate, chain);
  await writeFile(privateKey, key);
  await writeFile(config, JSON.stringify({ pebble: { ...pebble, managementListenAddress: "127.0.0.1:0" } }));
  const child = spawn("pebble", ["-strict", "-config", config], {
    env: { PATH: process.env["PATH"], PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "20" },
    stdio: "ignore",
  });
  t.after(async () => {
    child.kill("SIGKILL");
    responder.closeAllConnections();
    await new Promise((resolve) => responder.close(resolve));
  });
  return { url: `https://${listenAddress}/dir`, ca };
}

test(
  "ControlPlane gets certificates from Pebble, over a restart, and says what Pebble found wrong",
  { skip },
  async (t) => {
    const edge = new FakeEdge();
    const { url, ca } = await startPebble(t, edge);
    const store = new MemoryStore({ clock: systemClock });
    for (const name of ["default", "shop"]) await store.create(NAMESPACE, make(NAMESPACE, name));
    const open = (): Promise<ControlPlane> =>
      ControlPlane.open({
        store,
        edge,
        clock: systemClock,
        random: seededRandom(1),
        log: new MemoryLog(),
        localCa: ca,
        acmeDirectory: (server) => ({ url: server, caBundle: ca.rootPem, offline: false }),
        addresses: [],
        settings: { trustedProxies: [], httpsPort: 443 },
        classes: [],
        serveClassless: true,
        clusterResourceNamespace: "default",
      });
    const solvers = [{ http01: { ingress: {} } }];
    const acme = { server: url, email: "ops@shop.example", privateKeySecretRef: { name: "account" }, solvers };
    await store.create(ISSUER, make(ISSUER, "pebble", { spec: { acme } }));
    const certificate = (name: string, dnsNames: readonly string[], ipAddresses: readonly string[] = []): unknown =>
      store.create(
        CERTIFICATE,
        make(CERTIFICATE, name, {
          spec: {
            secretName: `${name}-tls`,
            dnsNames,
            ipAddresses,
            issuerRef: { name: "pebble" },
            privateKey: { algorithm: "ECDSA" },
          },
        }),
      );

    let plane = await open();
    await certificate("first", ["localhost"], ["127.0.0.1"]);
    await until(store, "first", (status) => status === "True");
    const secret = await store.get(SECRET, "shop", "first-tls");
    const facts = parseCertificate(base64At(secret?.["data"], "tls.crt") ?? "");
    assert.deepEqual([facts.dnsNames, facts.ipAddresses], [["localhost"], ["127.0.0.1"]]);

    await certificate("second", ["localhost"]);
    await plane.close();
    plane = await open();
    await until(store, "second", (status) => status === "True");

    // A name that does not resolve.
    await certificate("third", ["nowhere.invalid"]);
    const message = await until(store, "third", (status, text) => status === "False" && text.includes("Next attempt"));
    assert.match(message, /nowhere\.invalid/);
    t.diagnostic(message);
    await plane.close();

    const orders = await store.list(ORDER);
    assert.equal(orders.items.length, 3);
    const waiting = (await store.list(CHALLENGE)).items.filter(
      (object) => object.metadata.deletionTimestamp === undefined,
    );
    assert.ok(waiting.length <= 1, "only the failed one stays");
  },
);

async function until(
  store: MemoryStore,
  name: string,
  enough: (status: string, message: string) => boolean,
): Promise<string> {
  for await (const { object } of store.watch(CERTIFICATE, { signal: AbortSignal.timeout(PATIENCE_MS) })) {
    if (object.metadata.name !== name) continue;
    const ready = conditionsOf(object["status"]).find((condition) => condition.type === "Ready");
    if (ready !== undefined && enough(ready.status, ready.message)) return ready.message;
  }
  const object = await store.get(CERTIFICATE, "shop", name);
  return assert.fail(`Certificate "${name}": ${JSON.stringify(object?.["status"])}`);
}
