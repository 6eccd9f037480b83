// `bin/node bench/cluster.ts [Ingresses] [unrelated Secrets] [KiB of each]`: one replica on a real kube-apiserver, as root
// (an address for its endpoint is added to the loopback interface, because a real server takes none of 127.0.0.0/8). Prints,
// for 10,000 Ingresses, 8,000 TLS Secrets and 2,000 others of 20 KiB, and 5,000 Services with an EndpointSlice each unless
// told otherwise: the time until the last worker serves, memory, what each kind of change costs in requests, and how long an
// EndpointSlice takes to the last worker, alone and beside 50 changes a second. `PROFILE=folder` has control write a CPU profile there.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { arrayAt, numberAt, recordAt, stringAt } from "../src/ground/json.ts";
import { systemClock } from "../src/ground/system-clock.ts";
import { installObjects } from "../src/install/install-objects.ts";
import { CERTIFICATE, INGRESS, SECRET } from "../src/resource/kind.ts";
import type { KubeClient } from "../src/store/cluster/kube-client.ts";
import { freePort } from "../src/ground/testing.ts";
import { ApiServer } from "../test/cluster/api-server.ts";
import { findKubernetesBinaries } from "../test/cluster/kubernetes-binaries.ts";
import {
  BENCH_NAMESPACE,
  fillCluster,
  ingress,
  make,
  pairMaker,
  PROBE,
  spread,
  type Amounts,
} from "./cluster-objects.ts";
import { Probe, startBackend } from "./cluster-probe.ts";

const LINTEL = join(import.meta.dirname, "../bin/lintel");
/** Reserved for benchmarks (RFC 2544). */
const ADDRESS = "198.18.255.1";
const INGRESSES = Number(process.argv[2] ?? 10_000);
const AMOUNTS: Amounts = {
  ingresses: INGRESSES,
  services: Math.ceil(INGRESSES / 2),
  tlsSecrets: Math.ceil(INGRESSES * 0.8),
  unrelated: Number(process.argv[3] ?? 2_000),
  unrelatedBytes: Number(process.argv[4] ?? 20) * 1024,
};
const WORKERS = 2;
const START_MS_MAX = 300_000;
const ROUNDS = 100;
const CHANGES_PER_SECOND = 50;
/** A server that has written nothing to its audit log for so long has no more requests of ours. */
const QUIET_MS = 3_000;

const binaries = findKubernetesBinaries();
if (typeof binaries === "string") throw new Error(binaries);
const folder = mkdtempSync(join(tmpdir(), "lintel-bench-cluster-"));
execFileSync("ip", ["address", "replace", `${ADDRESS}/32`, "dev", "lo"]);
const server = await ApiServer.start(binaries);
let running: ChildProcess | undefined;
try {
  await run();
} finally {
  if (running !== undefined && running.exitCode === null) {
    running.kill("SIGTERM");
    await once(running, "exit");
  }
  await server.stop();
  execFileSync("ip", ["address", "delete", `${ADDRESS}/32`, "dev", "lo"]);
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

async function run(): Promise<void> {
  const store = await server.store();
  const client = await server.client();
  const kubeconfig = install();
  const filledMs = performance.now();
  await fillCluster(store, AMOUNTS, ADDRESS, systemClock.nowMs());
  print("objects written in", seconds(performance.now() - filledMs));
  const backends = [await startBackend(ADDRESS), await startBackend(ADDRESS)];
  const [first = 0, second = 0] = backends.map(({ port }) => port);
  await patch(client, sliceOf(PROBE), portPatch(first));
  const port = await freePort();
  const probe = new Probe(port, `${PROBE}.bench.example`);

  const startedMs = performance.now();
  launch(kubeconfig, port);
  const servingMs = await probe.all((status, body) => status === 200 && body === String(first), START_MS_MAX);
  print("from the start until the last worker serves", seconds(servingMs - startedMs));
  await quiet();
  print("until every Ingress has its address", seconds(performance.now() - QUIET_MS - startedMs));
  print("requests for that", JSON.stringify(requests(0)));
  await systemClock.sleep(10_000);
  printMemory("memory");

  const pairs = await pairMaker(systemClock.nowMs());
  await cost("an Ingress with one more path", () =>
    store.update(INGRESS, ingress(7, AMOUNTS, ["/more"])).then(() => undefined),
  );
  await cost("an EndpointSlice", () => patch(client, sliceOf("service-7"), portPatch(8081)));
  await cost("a TLS Secret renewed", async () => {
    await store.update(SECRET, await pairs(7));
  });
  await cost("an unrelated Secret", () =>
    patch(client, `/api/v1/namespaces/${BENCH_NAMESPACE}/secrets/unrelated-1`, { data: { more: "eA==" } }),
  );
  const spec = { secretName: "new-tls", dnsNames: ["new.bench.example"], issuerRef: { name: "self" } };
  await cost("a Certificate until it is Ready", async () => {
    await store.create(CERTIFICATE, make(CERTIFICATE, "new", { spec }));
  });

  let current = first;
  const move = async (): Promise<number> => {
    current = current === first ? second : first;
    const sentMs = performance.now();
    const [atMs] = await Promise.all([
      probe.all((status, body) => status === 200 && body === String(current)),
      patch(client, sliceOf(PROBE), portPatch(current)),
    ]);
    return atMs - sentMs;
  };
  printLatency("an EndpointSlice to the last worker", await repeated(move));
  const cpu = cpuSeconds(pidOf("control"));
  const churnedMs = performance.now();
  const ending = new AbortController();
  const churning = churn(client, ending.signal);
  printLatency(`the same beside ${String(CHANGES_PER_SECOND)} changes a second`, await repeated(move));
  ending.abort();
  const changes = await churning;
  const took = (performance.now() - churnedMs) / 1000;
  print(
    "  changes a second, CPU of control meanwhile",
    [
      (changes / took).toFixed(0),
      `${(((cpuSeconds(pidOf("control")) - cpu) / took) * 100).toFixed(0)} % of a core`,
    ].join(", "),
  );
  printMemory("memory after that");
  probe.close();
  for (const backend of backends) backend.server.close();
  client.close();
  await store.close();
}

/** Returns a kubeconfig of the ServiceAccount, whose requests the server's audit log has. */
function install(): string {
  const path = join(folder, "objects.json");
  const objects = installObjects({
    flavor: "bare-metal",
    name: "lintel",
    namespace: "lintel",
    image: "lintel:bench",
    version: "1",
    replicas: 1,
    classes: ["lintel"],
    arguments: [],
    priorityClass: "",
    webhook: false,
  });
  writeFileSync(path, JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
  kubectl("apply", "--server-side", "--force-conflicts", "-f", path);
  const token = kubectl("create", "token", "lintel", "--namespace", "lintel", "--duration", "4h").trim();
  return server.writeKubeconfig(join(folder, "sa.kubeconfig"), "lintel", token);
}

function launch(kubeconfig: string, port: number): void {
  const args = ["controller", "--kubeconfig", kubeconfig, "--namespace", "lintel", "--workers", String(WORKERS)];
  const places = ["--state", join(folder, "state"), "--listen", "127.0.0.1", "--http", String(port), "--https", "0"];
  const profile = process.env["PROFILE"];
  const env = profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profile}` };
  const more = ["--admin", "0", "--publish-address", "192.0.2.1"];
  running = spawn(LINTEL, [...args, ...places, ...more], {
    stdio: ["ignore", "ignore", process.env["VERBOSE"] === undefined ? "ignore" : "inherit"],
    env: { ...process.env, ...env },
  });
}

/** Prints the requests that follow from one change, Leases left out: they are renewed all the time. */
async function cost(what: string, change: () => Promise<void>): Promise<void> {
  const from = statSync(server.auditLog).size;
  await change();
  await quiet();
  const counts = requests(from);
  const text = Object.entries(counts).map(([act, count]) => `${String(count)} ${act}`);
  print(`requests after ${what}`, text.length === 0 ? "none" : text.join(", "));
}

/** Resolves when no request but those for Leases has come for a while. */
async function quiet(): Promise<void> {
  let last = "";
  for (;;) {
    const now = JSON.stringify(requests(0));
    if (now === last) return;
    last = now;
    await systemClock.sleep(QUIET_MS);
  }
}

/** What of the audit log, from this byte on, is no Lease, counted by verb and resource. */
function requests(from: number): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const line of readFileSync(server.auditLog).subarray(from).toString().split("\n")) {
    if (line === "") continue;
    const event: unknown = JSON.parse(line);
    const reference = recordAt(event, "objectRef");
    const verb = stringAt(event, "verb") ?? "";
    const resource = stringAt(reference, "resource") ?? "";
    if (resource === "leases" || stringAt(event, "stage") === "ResponseStarted") continue;
    const sub = stringAt(reference, "subresource");
    const act = `${verb} ${resource}${sub === undefined ? "" : `/${sub}`}`;
    counts[act] = (counts[act] ?? 0) + 1;
  }
  return counts;
}

async function churn(client: KubeClient, signal: AbortSignal): Promise<number> {
  let changes = 0;
  const startedMs = performance.now();
  await spread(10_000_000, async (index) => {
    if (signal.aborted) return;
    const dueMs = startedMs + (index * 1000) / CHANGES_PER_SECOND;
    await systemClock.sleep(Math.max(0, dueMs - performance.now()), { signal }).catch(() => undefined);
    if (isAborted(signal)) return;
    await patch(client, sliceOf(`service-${String(index % AMOUNTS.services)}`), portPatch(9000 + (index % 999)));
    changes += 1;
  });
  return changes;
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

async function repeated(measure: () => Promise<number>): Promise<readonly number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    times.push(await measure());
    await systemClock.sleep(50);
  }
  return times.sort((left, right) => left - right);
}

function printLatency(what: string, times: readonly number[]): void {
  const at = (share: number): string => `${(times[Math.ceil(times.length * share) - 1] ?? 0).toFixed(0)} ms`;
  print(what, `median ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, longest ${at(1)}`);
}

function printMemory(what: string): void {
  for (const name of ["control", "worker-1"]) {
    const text = readFileSync(`/proc/${String(pidOf(name))}/status`, "utf8");
    const mib = (field: string): string =>
      `${String(Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(text)?.[1] ?? 0) / 1024))} MiB`;
    print(`${what} of ${name}`, `${mib("VmRSS")}, at most ${mib("VmHWM")}`);
  }
}

function pidOf(name: string): number {
  const args = ["status", "--state", join(folder, "state"), "-o", "json"];
  const status: unknown = JSON.parse(execFileSync(LINTEL, args, { maxBuffer: 1 << 28 }).toString());
  return (
    numberAt(
      arrayAt(status, "processes").find((entry) => stringAt(entry, "name") === name),
      "pid",
    ) ?? 0
  );
}

function cpuSeconds(pid: number): number {
  const [, after = ""] = readFileSync(`/proc/${String(pid)}/stat`, "utf8").split(") ");
  const fields = after.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function patch(client: KubeClient, path: string, body: unknown): Promise<void> {
  await client.request({ method: "PATCH", path, body, contentType: "application/merge-patch+json" });
}

function sliceOf(name: string): string {
  return `/apis/discovery.k8s.io/v1/namespaces/${BENCH_NAMESPACE}/endpointslices/${name}`;
}

function portPatch(port: number): object {
  return { ports: [{ name: "http", port, protocol: "TCP" }] };
}

function kubectl(...args: readonly string[]): string {
  return execFileSync("kubectl", ["--kubeconfig", server.kubeconfig, ...args]).toString();
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function print(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(52)} ${figure}\n`);
}
