// `bin/node bench/certificates.ts [count]`: how one machine carries many Certificates. Prints, for 10,000 of them unless told
// otherwise: the time from the start until every one is Ready, memory and CPU of control at rest, the time and the number
// of looks at objects that one changed Certificate costs, and how renewals are spread.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/ground/system-clock.ts";
import { encodeKey, generateKey } from "../src/pki/key.ts";
import { selfSign, signRequest } from "../src/pki/sign.ts";
import { createRequest } from "../src/pki/x509/request.ts";
import { toBase64 } from "../src/resource/certificate-request.ts";
import { apiVersionOf, CERTIFICATE, INGRESS, ISSUER, NAMESPACE, SECRET, type Kind } from "../src/resource/kind.ts";
import type { KubeObject } from "../src/resource/object.ts";
import { SqliteStore } from "../src/store/sqlite.ts";
import { recordAt, stringAt, arrayAt, numberAt } from "../src/ground/json.ts";

const COUNT = Number(process.argv[2] ?? 10_000);
const DAY_MS = 86_400_000;
const READY_MS_MAX = 600_000;
const IDLE_SECONDS = 10;
const LINTEL = join(import.meta.dirname, "../bin/lintel");

const folder = mkdtempSync(join(tmpdir(), "lintel-certificates-"));
let running: ChildProcess | undefined;
try {
  await fill();
  await launch("adopted");
  await halt();
  await launch("again, after a restart");
  const pid = controlPid();
  const before = cpuSeconds(pid);
  await systemClock.sleep(IDLE_SECONDS * 1000);
  print("CPU of control at rest", `${(((cpuSeconds(pid) - before) / IDLE_SECONDS) * 100).toFixed(2)} % of a core`);
  print("memory of control at rest", `${String(Math.round(rssBytes(pid) / 2 ** 20))} MiB`);
  await measureChange(pid);
  printSpread();
  print("most memory of control so far", `${String(Math.round(peakBytes(pid) / 2 ** 20))} MiB`);
} finally {
  await halt();
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

async function launch(how: string): Promise<void> {
  const startedMs = performance.now();
  running = spawn(LINTEL, ["up", "--state", folder, "--listen", "127.0.0.1", ...ports(), "--workers", "1"], {
    stdio: ["ignore", "ignore", "inherit"],
    detached: true,
  });
  await until("control answers", async () => (await metric(/^lintel_generation (\d+)/m)) > 0);
  await until("all Ready", async () => (await readyCount()) === COUNT);
  await rest();
  print(`${String(COUNT)} Certificates at rest, ${how}, after`, `${seconds(performance.now() - startedMs)} s`);
}

async function halt(): Promise<void> {
  if (running?.pid === undefined || running.exitCode !== null) return;
  running.kill("SIGINT");
  await once(running, "exit");
}

/** The state of an instance that has had its certificates for a while, of all ages. */
async function fill(): Promise<void> {
  const store = await SqliteStore.open({ path: join(folder, "objects.sqlite"), clock: systemClock });
  const nowMs = systemClock.nowMs();
  const caKey = await generateKey({ algorithm: "ECDSA", size: 256 });
  const terms = { notBeforeMs: nowMs - 400 * DAY_MS, durationMs: 4000 * DAY_MS, isCa: true, usages: ["cert sign"] };
  const ca = await selfSign({
    csr: await createRequest(caKey, { commonName: "Bench CA", isCa: true }),
    key: caKey,
    ...terms,
  });
  await store.create(NAMESPACE, make(NAMESPACE, "bench", {}));
  await store.create(SECRET, make(SECRET, "ca", pair(ca.chain, encodeKey(caKey, "PKCS8"))));
  await store.create(ISSUER, make(ISSUER, "ca", { spec: { ca: { secretName: "ca" } } }));
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const keyPem = encodeKey(key, "PKCS8");
  for (let index = 0; index < COUNT; index++) {
    const name = `host-${String(index)}`;
    const host = `${name}.bench.example`;
    const { chain } = await signRequest({
      csr: await createRequest(key, { dnsNames: [host] }),
      authority: { chain: ca.chain, key: caKey },
      notBeforeMs: nowMs - Math.floor((index * 50 * DAY_MS) / COUNT),
      durationMs: 90 * DAY_MS,
      isCa: false,
      usages: ["digital signature", "key encipherment"],
    });
    const annotations = { "cert-manager.io/issuer-name": "ca", "cert-manager.io/certificate-name": name };
    await store.create(SECRET, make(SECRET, `${name}-tls`, pair(chain, keyPem), annotations));
    const privateKey = { algorithm: "ECDSA", encoding: "PKCS8" };
    const spec = { secretName: `${name}-tls`, dnsNames: [host], issuerRef: { name: "ca" }, privateKey };
    await store.create(CERTIFICATE, make(CERTIFICATE, name, { spec }));
    if (index % 10 !== 0) continue;
    const tls = [{ hosts: [host], secretName: `${name}-tls` }];
    await store.create(INGRESS, make(INGRESS, name, { spec: { tls, rules: [{ host }] } }));
  }
  store.close();
}

function make(
  kind: Kind,
  name: string,
  fields: Readonly<Record<string, unknown>>,
  annotations?: Readonly<Record<string, string>>,
): KubeObject {
  const metadata = {
    name,
    ...(kind.namespaced ? { namespace: "bench" } : {}),
    ...(annotations ? { annotations } : {}),
  };
  return { ...fields, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata };
}

function pair(chain: string, key: string): Readonly<Record<string, unknown>> {
  return { type: "kubernetes.io/tls", data: { "tls.crt": toBase64(chain), "tls.key": toBase64(key) } };
}

function ports(): readonly string[] {
  return ["--http", "--https", "--api", "--acme", "--admin"].flatMap((flag) => [flag, "0"]);
}

async function until(what: string, holds: () => Promise<boolean>): Promise<number> {
  const endMs = performance.now() + READY_MS_MAX;
  while (performance.now() < endMs) {
    if (await holds().catch(() => false)) return performance.now();
    await systemClock.sleep(200);
  }
  throw new Error(`Not within ${String(READY_MS_MAX / 1000)} s: ${what}`);
}

/** Resolves when no controller has looked at anything for two seconds. */
async function rest(): Promise<void> {
  let last = -1;
  await until("rest", async () => {
    const calls = await syncCalls();
    await systemClock.sleep(2000);
    const calm = calls === last;
    last = await syncCalls();
    return calm && calls === last;
  });
}

async function measureChange(pid: number): Promise<void> {
  const calls = await syncCalls();
  const cpu = cpuSeconds(pid);
  kubectl("annotate", "certificate", "host-7", "-n", "bench", "bench.example/touched=yes");
  await rest();
  print(
    "one changed Certificate costs",
    `${String((await syncCalls()) - calls)} looks, ${(cpuSeconds(pid) - cpu).toFixed(2)} s CPU`,
  );
  const renewMs = performance.now();
  const revision = (): string =>
    kubectl("get", "certificate", "host-7", "-n", "bench", "-o", "jsonpath={.status.revision}");
  kubectl("delete", "secret", "host-7-tls", "-n", "bench");
  await until("issued anew", () => Promise.resolve(revision() === "1"));
  print("one lost Secret is issued anew in", `${String(Math.round(performance.now() - renewMs))} ms`);
}

/** How many renewals fall on each of the next days, from the fullest to the emptiest of the first forty. */
function printSpread(): void {
  const list: unknown = JSON.parse(kubectl("get", "certificates", "-n", "bench", "-o", "json"));
  const days = new Map<number, number>();
  for (const item of arrayAt(list, "items")) {
    const renewal = Date.parse(stringAt(recordAt(item, "status"), "renewalTime") ?? "");
    const day = Math.floor((renewal - systemClock.nowMs()) / DAY_MS);
    days.set(day, (days.get(day) ?? 0) + 1);
  }
  const counts = [...days.values()].sort((left, right) => right - left);
  print(
    "renewals on the fullest and the emptiest day",
    `${String(counts[0])} and ${String(counts.at(-1))}, over ${String(counts.length)} days`,
  );
}

async function readyCount(): Promise<number> {
  const text = await metrics();
  return text.match(/^certmanager_certificate_ready_status\{condition="True".* 1$/gm)?.length ?? 0;
}

async function syncCalls(): Promise<number> {
  const counts = (await metrics()).matchAll(/^certmanager_controller_sync_call_count\{.*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

async function metric(pattern: RegExp): Promise<number> {
  return Number(pattern.exec(await metrics())?.[1] ?? "0");
}

async function metrics(): Promise<string> {
  const facts: unknown = JSON.parse(readFileSync(join(folder, "run", "instance.json"), "utf8"));
  const admin = recordAt(facts, "admin");
  const url = `http://${stringAt(admin, "host") ?? ""}:${String(numberAt(admin, "port"))}/metrics`;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${String(response.status)}`);
  return await response.text();
}

function controlPid(): number {
  const status: unknown = JSON.parse(
    execFileSync(LINTEL, ["status", "--state", folder, "-o", "json"], { maxBuffer: 1 << 28 }).toString(),
  );
  const control = arrayAt(status, "processes").find((entry) => stringAt(entry, "name") === "control");
  return numberAt(control, "pid") ?? 0;
}

function cpuSeconds(pid: number): number {
  const fields =
    readFileSync(`/proc/${String(pid)}/stat`, "utf8")
      .split(") ")[1]
      ?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function rssBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(pid)}/status`, "utf8"))?.[1] ?? 0) * 1024;
}

function peakBytes(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${String(pid)}/status`, "utf8"))?.[1] ?? 0) * 1024;
}

function kubectl(...args: readonly string[]): string {
  return execFileSync("kubectl", ["--kubeconfig", join(folder, "kubeconfig"), ...args], {
    maxBuffer: 1 << 29,
  }).toString();
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

function print(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(48)} ${figure}\n`);
}
