import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { isLintelError } from "../ground/errors.ts";
import { ManualClock, skipWithout } from "../ground/testing.ts";
import { LocalCa } from "./local-ca.ts";
import { temporaryFolder } from "./testing.ts";
import { coversHost, parseCertificate, parseChain } from "./x509/certificate.ts";

const run = promisify(execFile);
const DAY_MS = 86_400_000;

test("LocalCa.open() twice gives the same root, also when both happen at once", async (t) => {
  const directory = await temporaryFolder(t);
  const clock = new ManualClock();
  const both = await Promise.all([1, 2, 3].map(() => LocalCa.open({ directory, clock })));
  const again = await LocalCa.open({ directory, clock });
  assert.deepEqual(new Set([...both, again].map((ca) => ca.rootPem)).size, 1);
  assert.deepEqual((await readdir(directory)).sort(), ["root.crt", "root.pem"]);
});

test("LocalCa.open() keeps keys to their owner and publishes the root", async (t) => {
  const directory = await temporaryFolder(t);
  const ca = await LocalCa.open({ directory, clock: new ManualClock() });
  await ca.authority();
  assert.equal((await stat(join(directory, "root.pem"))).mode & 0o777, 0o600);
  assert.equal((await stat(join(directory, "intermediate.pem"))).mode & 0o777, 0o600);
  assert.equal(await readFile(join(directory, "root.crt"), "utf8"), ca.rootPem);
});

test("LocalCa.open() removes what a killed process left half written, but nothing young", async (t) => {
  const directory = await temporaryFolder(t);
  const name = (digit: string): string => join(directory, `root.pem.${digit.repeat(36)}.new`);
  await writeFile(name("0"), "half");
  await writeFile(name("1"), "half");
  await utimes(name("0"), 0, 0);
  await LocalCa.open({ directory, clock: new ManualClock() });
  assert.deepEqual((await readdir(directory)).sort(), ["root.crt", "root.pem", `root.pem.${"1".repeat(36)}.new`]);
});

test("LocalCa.open() refuses a damaged root rather than make a new one", async (t) => {
  const directory = await temporaryFolder(t);
  const clock = new ManualClock();
  await LocalCa.open({ directory, clock });
  await writeFile(join(directory, "root.pem"), "");
  await assert.rejects(LocalCa.open({ directory, clock }), (error) => isLintelError(error, "StateUnreadable"));
});

test("LocalCa.open() refuses an expired root and says when it expired", async (t) => {
  const directory = await temporaryFolder(t);
  const clock = new ManualClock();
  await LocalCa.open({ directory, clock });
  await clock.advance(3653 * DAY_MS);
  await assert.rejects(LocalCa.open({ directory, clock }), /expired on 2035-12/);
});

test("authority() keeps the intermediate for two days, across a restart, then replaces it", async (t) => {
  const directory = await temporaryFolder(t);
  const clock = new ManualClock();
  const ca = await LocalCa.open({ directory, clock });
  const first = (await ca.authority()).chain;
  assert.equal((await (await LocalCa.open({ directory, clock })).authority()).chain, first);
  await clock.advance(DAY_MS);
  assert.equal((await ca.authority()).chain, first);
  await clock.advance(DAY_MS);
  const [second, third] = await Promise.all([ca.authority(), ca.authority()]);
  assert.notEqual(second?.chain, first);
  assert.equal(second?.chain, third?.chain);
});

test("LocalCa keeps replaced intermediates until they expire, to sign their lists", async (t) => {
  const directory = await temporaryFolder(t);
  const clock = new ManualClock();
  const ca = await LocalCa.open({ directory, clock });
  const keyIds: string[] = [];
  for (let round = 0; round < 4; round++) {
    keyIds.unshift(parseCertificate((await ca.authority()).chain).subjectKeyIdHex ?? "");
    await clock.advance(2 * DAY_MS);
  }
  const { root, intermediates } = await ca.issuers();
  // The first was made eight days ago and lived for seven.
  assert.deepEqual(
    intermediates.map(({ keyIdHex }) => keyIdHex),
    keyIds.slice(0, 3),
  );
  assert.equal(await ca.revocationList(keyIds[3] ?? "", []), undefined);
  assert.notEqual(await ca.revocationList(keyIds[2] ?? "", []), undefined);
  assert.deepEqual([root.keyIdHex, root.state], [ca.rootKeyIdHex, "signing"]);
  await ca.authority();
  assert.deepEqual(
    (await ca.issuers()).intermediates.map(({ state }) => state),
    ["signing", "retired", "retired", "retired"],
  );
});

test("revokeIntermediate() has the next certificate signed by another one, also in other processes", async (t) => {
  const directory = await temporaryFolder(t);
  const clock = new ManualClock();
  const ca = await LocalCa.open({ directory, clock });
  const before = await ca.authority();
  const other = await LocalCa.open({ directory, clock });
  const revoked = await other.revokeIntermediate(1);
  assert.equal(revoked?.serialHex, parseCertificate(before.chain).serialHex);
  assert.equal(await other.revokeIntermediate(1), undefined, "only once");
  assert.equal(await ca.issuerRevokedMs(revoked?.keyIdHex ?? ""), clock.nowMs());
  assert.notEqual((await ca.authority()).chain, before.chain);
  assert.deepEqual(
    (await ca.issuers()).intermediates.map(({ state }) => state),
    ["signing", "revoked"],
  );
});

test("LocalCa signs nothing while it cannot tell which intermediates were revoked", async (t) => {
  const directory = await temporaryFolder(t);
  const ca = await LocalCa.open({ directory, clock: new ManualClock() });
  await ca.authority();
  await writeFile(join(directory, "revoked.json"), "{");
  await assert.rejects(ca.authority(), (error) => isLintelError(error, "StateUnreadable"));
});

test("authority() replaces a damaged intermediate", async (t) => {
  const directory = await temporaryFolder(t);
  await writeFile(join(directory, "intermediate.pem"), "-----BEGIN NONSENSE-----");
  const ca = await LocalCa.open({ directory, clock: new ManualClock() });
  assert.equal(parseCertificate((await ca.authority()).chain).commonName, "Lintel Local CA Intermediate");
});

test("issue() covers names and addresses, and ends with the intermediate at the latest", async (t) => {
  const clock = new ManualClock();
  const ca = await LocalCa.open({ directory: await temporaryFolder(t), clock });
  const issued = await ca.issue({ names: ["shop.internal", "127.0.0.1"], durationMs: 90 * DAY_MS });
  const [leaf, intermediate] = parseChain(issued.chain);
  assert.ok(leaf !== undefined && intermediate !== undefined);
  assert.ok(coversHost(leaf, "shop.internal") && coversHost(leaf, "127.0.0.1"));
  assert.equal(issued.notAfterMs, intermediate.notAfterMs);
  assert.ok(issued.notAfterMs - clock.nowMs() >= 5 * DAY_MS);
  assert.equal(leaf.notBeforeMs, clock.nowMs() - 3_600_000);
});

test("issue() makes a chain that openssl verifies strictly", { skip: skipWithout("openssl") }, async (t) => {
  const directory = await temporaryFolder(t);
  const clock = new ManualClock();
  const ca = await LocalCa.open({ directory, clock });
  const issued = await ca.issue({ names: ["shop.internal"], durationMs: DAY_MS });
  await writeFile(join(directory, "leaf.pem"), issued.chain);
  const files = [
    "-CAfile",
    join(directory, "root.crt"),
    "-untrusted",
    join(directory, "leaf.pem"),
    join(directory, "leaf.pem"),
  ];
  const at = [
    "-attime",
    String(Math.floor(clock.nowMs() / 1000)),
    "-verify_hostname",
    "shop.internal",
    "-purpose",
    "sslserver",
  ];
  const { stdout } = await run("openssl", ["verify", "-x509_strict", ...at, ...files]);
  assert.match(stdout, /: OK/);
});

test("LocalCa survives kill -9 at any moment: what is there is whole, and the root stays", async (t) => {
  const directory = await temporaryFolder(t);
  const script = `
    const { LocalCa } = await import(${JSON.stringify(new URL("local-ca.ts", import.meta.url).href)});
    const { ManualClock } = await import(${JSON.stringify(new URL("../ground/testing.ts", import.meta.url).href)});
    const clock = new ManualClock();
    const ca = await LocalCa.open({ directory: ${JSON.stringify(directory)}, clock });
    for (;;) { console.log((await ca.authority()).chain.length); await clock.advance(${3 * DAY_MS}); }`;
  const roots = new Set<string>();
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    for (let lines = 0; lines <= round * 3; lines++) await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "exit");
    const ca = await LocalCa.open({ directory, clock: new ManualClock() });
    roots.add(ca.rootPem);
    await ca.authority();
  }
  assert.equal(roots.size, 1);
});
