// DNS-01 and TLS-ALPN-01 against Pebble: DNS by Knot, TLS by the data plane that workers run.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Resolver } from "../acme/dns/resolver.ts";
import { hasKnot, KNOT_SECRET, startKnot } from "../acme/solvers/testing.ts";
import { systemClock } from "../ground/system-clock.ts";
import { MemoryLog, freePort, seededRandom, skipWithout } from "../ground/testing.ts";
import { LocalCa } from "../pki/local-ca.ts";
import { temporaryFolder } from "../pki/testing.ts";
import { parseCertificate } from "../pki/x509/certificate.ts";
import { base64At, toBase64 } from "../resource/certificate-request.ts";
import { conditionsOf } from "../resource/condition.ts";
import { CERTIFICATE, EVENT, ISSUER, NAMESPACE, SECRET } from "../resource/kind.ts";
import { MemoryStore } from "../store/memory.ts";
import { ControlPlane } from "./control-plane.ts";
import { FakeEdge, make } from "./testing.ts";

const noPebble = skipWithout("pebble");
const PATIENCE_MS = 40_000;

/** Starts Pebble, which asks the DNS server at `dnsPort`. */
async function startPebble(t: TestContext, dnsPort: number): Promise<{ url: string; ca: LocalCa }> {
  const directory = await temporaryFolder(t);
  const ca = await LocalCa.open({ directory, clock: systemClock });
  const { chain, key } = await ca.issue({ names: ["127.0.0.1"], durationMs: 3_600_000 });
  const listenAddress = `127.0.0.1:${String(await freePort())}`;
  const [certificate, privateKey, config] = ["cert.pem", "key.pem", "config.json"].map((name) => join(directory, name));
  const ports = { httpPort: 1, tlsPort: 1, ocspResponderURL: "", managementListenAddress: "127.0.0.1:0" };
  await writeFile(certificate!, chain);
  await writeFile(privateKey!, key);
  await writeFile(config!, JSON.stringify({ pebble: { listenAddress, certificate, privateKey, ...ports } }));
  const child = spawn("pebble", ["-strict", "-config", config!, "-dnsserver", `127.0.0.1:${String(dnsPort)}`], {
    env: { PATH: process.env["PATH"], PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "20", PEBBLE_AUTHZREUSE: "0" },
    stdio: "ignore",
  });
  t.after(() => child.kill("SIGKILL"));
  return { url: `https://${listenAddress}/dir`, ca };
}

test(
  "ControlPlane proves a name and its wildcard by DNS-01 to Pebble and takes the records away",
  { skip: hasKnot() ? noPebble : "install the Debian package knot" },
  async (t) => {
    const dnsPort = await startKnot(t);
    const { url, ca } = await startPebble(t, dnsPort);
    const nameserver = `127.0.0.1:${String(dnsPort)}`;
    const store = new MemoryStore({ clock: systemClock });
    for (const name of ["default", "shop"]) await store.create(NAMESPACE, make(NAMESPACE, name));
    await using _plane = await ControlPlane.open({
      store,
      edge: new FakeEdge(),
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
    await store.create(SECRET, make(SECRET, "tsig", { type: "Opaque", data: { key: toBase64(KNOT_SECRET) } }));
    const rfc2136 = {
      nameserver,
      tsigKeyName: "hmac-sha512-key",
      tsigAlgorithm: "HMACSHA512",
      tsigSecretSecretRef: { name: "tsig", key: "key" },
    };
    const solvers = [{ dns01: { rfc2136, nameservers: [nameserver] } }];
    const acme = { server: url, privateKeySecretRef: { name: "account" }, solvers };
    await store.create(ISSUER, make(ISSUER, "pebble", { spec: { acme } }));
    const dnsNames = ["shop.example", "*.shop.example"];
    const privateKey = { algorithm: "ECDSA" };
    const spec = { secretName: "web-tls", dnsNames, issuerRef: { name: "pebble" }, privateKey };
    await store.create(CERTIFICATE, make(CERTIFICATE, "web", { spec }));
    await untilReady(store, "web");
    const secret = await store.get(SECRET, "shop", "web-tls");
    const facts = parseCertificate(base64At(secret?.["data"], "tls.crt") ?? "");
    assert.deepEqual([...facts.dnsNames].sort(), ["*.shop.example", "shop.example"]);

    const resolver = new Resolver({ clock: systemClock, nameservers: [nameserver] });
    for (let look = 0; look < 50; look++) {
      if ((await resolver.records("_acme-challenge.shop.example", 16)).length === 0) break;
      await systemClock.sleep(100);
    }
    assert.deepEqual(await resolver.records("_acme-challenge.shop.example", 16), []);
    const events = (await store.list(EVENT)).items.map((event) => String(event["message"]));
    assert.ok(events.some((message) => message === "Presented challenge using DNS-01 challenge mechanism"));
  },
);

async function untilReady(store: MemoryStore, name: string): Promise<void> {
  for await (const { object } of store.watch(CERTIFICATE, { signal: AbortSignal.timeout(PATIENCE_MS) })) {
    const ready = conditionsOf(object["status"]).find((condition) => condition.type === "Ready");
    if (object.metadata.name === name && ready?.status === "True") return;
  }
  const object = await store.get(CERTIFICATE, "shop", name);
  assert.fail(`Certificate "${name}": ${JSON.stringify(object?.["status"])}`);
}
