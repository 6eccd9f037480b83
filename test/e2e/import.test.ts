// A move from a real certbot to the real program: the same certificate, the same account, and no new order.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Transport } from "../../src/acme/client/transport.ts";
import { hasKnot, startKnot } from "../../src/acme/solvers/testing.ts";
import { stringAt } from "../../src/ground/json.ts";
import { systemClock } from "../../src/ground/system-clock.ts";
import { freePort, skipWithout } from "../../src/ground/testing.ts";
import { LocalCa } from "../../src/pki/local-ca.ts";
import { eventually } from "./eventually.ts";
import { Instance, lintel, run, stateFolder } from "./instance.ts";

/** A name that the test zone has, at 127.0.0.1. */
const NAME = "ns.shop.example";
const skip = hasKnot() ? skipWithout("certbot", "kubectl", "pebble") : "install the Debian package knot to run this";

test("lintel import certbot takes over certificate and account without an order", { skip }, async (t) => {
  const folder = stateFolder(t);
  const pebble = await startPebble(t, folder);
  const config = join(folder, "config");
  const folders = ["--config-dir", config, "--work-dir", join(folder, "work"), "--logs-dir", join(folder, "logs")];
  const standalone = ["--standalone", "--http-01-address", "127.0.0.1", "--http-01-port", String(pebble.httpPort)];
  const account = ["--server", pebble.url, "--agree-tos", "-m", "ops@shop.example", "--no-eff-email"];
  const bundle = join(folder, "ca", "root.crt");
  await run("certbot", ["certonly", "-n", ...folders, ...account, ...standalone, "-d", NAME, "--key-type", "ecdsa"], {
    REQUESTS_CA_BUNDLE: bundle,
  });
  const live = new X509Certificate(readFileSync(join(config, "live", NAME, "cert.pem")));
  const instance = await Instance.start(t, { arguments: [] }).ready();

  const dry = await lintel("import", "certbot", config, "--dry-run", "--ca-bundle", bundle);
  assert.match(dry.stdout, /ns\.shop\.example +ns\.shop\.example +127-0-0-1 .* renewed when it is due/);
  assert.match(dry.stdout, /in place of standalone: Lintel answers HTTP-01 on port 80/);
  assert.equal(await instance.kubectl("get", "certificates", "-o", "name"), "");

  const done = await lintel("import", "certbot", config, "--state", instance.state, "--ca-bundle", bundle);
  assert.equal(done.code, 0, done.stderr);
  const ready = "jsonpath={.status.conditions[?(@.type=='Ready')].reason}";
  await eventually("the Certificate is ready", async () => {
    const reason = await instance.kubectl("get", "certificate", NAME, "-o", ready);
    return reason === "Ready" ? true : undefined;
  });
  const uri = await eventually("the account is found", async () => {
    const text = await instance.kubectl("get", "issuer", "127-0-0-1", "-o", "jsonpath={.status.acme.uri}");
    return text === "" ? undefined : text;
  });
  assert.equal(uri, accountUrl(config, new URL(pebble.url)));
  const pem = await instance.kubectl("get", "secret", `${NAME}-tls`, "-o", "jsonpath={.data.tls\\.crt}");
  assert.equal(new X509Certificate(Buffer.from(pem, "base64")).serialNumber, live.serialNumber);
  assert.equal(await instance.kubectl("get", "orders,certificaterequests", "-o", "name"), "");

  const again = await lintel("import", "certbot", config, "--state", instance.state, "--ca-bundle", bundle);
  assert.match(again.stdout, /Secret "default\/ns\.shop\.example-tls" exists already and stays as it is/);
});

/** Starts Pebble, which looks for names at the DNS server of the test zone. */
async function startPebble(t: TestContext, folder: string): Promise<{ url: string; httpPort: number }> {
  const dns = await startKnot(t);
  const ca = await LocalCa.open({ directory: join(folder, "ca"), clock: systemClock });
  const { chain, key } = await ca.issue({ names: ["127.0.0.1"], durationMs: 3_600_000 });
  const [port, managementPort, httpPort] = [await freePort(), await freePort(), await freePort()];
  const certificate = join(folder, "pebble.crt");
  const privateKey = join(folder, "pebble.key");
  const config = join(folder, "pebble.json");
  const addresses = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
  };
  const pebble = { ...addresses, certificate, privateKey, httpPort, tlsPort: 1, ocspResponderURL: "" };
  writeFileSync(certificate, chain);
  writeFileSync(privateKey, key);
  writeFileSync(config, JSON.stringify({ pebble }));
  const child = spawn("pebble", ["-strict", "-config", config, "-dnsserver", `127.0.0.1:${dns}`], {
    env: { ...process.env, PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "0" },
    stdio: "ignore",
  });
  t.after(() => child.kill("SIGKILL"));
  const url = `https://127.0.0.1:${port}/dir`;
  await eventually("Pebble answers", async () => {
    const transport = new Transport({ clock: systemClock, userAgent: "lintel-test", caBundle: ca.rootPem });
    try {
      return (await transport.send({ url, method: "GET" })).status === 200 ? true : undefined;
    } finally {
      transport.close();
    }
  });
  return { url, httpPort };
}

function accountUrl(config: string, server: URL): string | undefined {
  const folder = join(config, "accounts", server.host, ...server.pathname.split("/"));
  const [account = ""] = readdirSync(folder);
  return stringAt(JSON.parse(readFileSync(join(folder, account, "regr.json"), "utf8")), "uri");
}
