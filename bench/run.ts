// `npm run bench`: every contender and workload side by side in one run, interleaved, medians, ratios to nginx.
//   npm run bench                          all, three rounds; writes bench/RESULTS.md and bench/results.svg
//   npm run bench -- --only http1,https1   some rows
//   npm run bench -- --contenders nginx,lintel --rounds 1 --seconds 2     a quick look; writes nothing
//   npm run bench -- --only http1 --beside ../before   another checkout of Lintel as one more contender, "lintel-beside"
import { execFileSync, spawn } from "node:child_process";
import { openSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CONTENDERS, lintelAt, LOAD_CORE, type Contender, type Proxy } from "./contenders.ts";
import { backendConfig, makeFixture, registryConfig, type Fixture } from "./fixture.ts";
import { type CpuTime, cpuTime, pssBytes, start, stopAll } from "./processes.ts";
import { profileOf } from "./profile.ts";
import { fallsShort, renderMarkdown, renderSvg, type Results, type Row } from "./report.ts";
import { connect as connectAnew, WORKLOADS, type Workload } from "./workloads.ts";

const READY_MS_MAX = 300_000;
const IDLE_CONNECTIONS = 1000;
/** A just-in-time compiler has seen enough after this, and a pool has its connections. */
const WARM_UP_SECONDS = 3;
/** In half a second: less than this is idle. */
const IDLE_CPU_SECONDS = 0.02;
const KEY_EXCHANGES: readonly string[] = ["X25519", "X25519MLKEM768"];

/** By contender: CPU seconds an operation, those of them in the kernel, and operations a second, one of each a round. */
type Runs = Map<string, { cpu: number[]; system: number[]; rate: number[]; failure?: string }>;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    contenders: { type: "string" },
    beside: { type: "string" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "2" },
  },
});
const workloads = WORKLOADS.filter(({ id }) => flags.only === undefined || flags.only.split(",").includes(id));
const contenders = [
  ...CONTENDERS.filter(({ name }) => flags.contenders?.split(",").includes(name) ?? true),
  ...(flags.beside === undefined ? [] : [lintelAt("lintel-beside", flags.beside)]),
];
const isWhole = flags.only === undefined && flags.contenders === undefined && flags.beside === undefined;

const folder = mkdtempSync(join(tmpdir(), "lintel-bench-"));
try {
  const fixture = await makeFixture(folder);
  await startBackends(fixture);
  const rows: Row[] = [];
  for (const routes of new Set(workloads.map((workload) => workload.routes))) {
    rows.push(...(await measure(fixture, routes)));
  }
  const memory = flags.only === undefined || flags.only.includes("memory") ? await measureMemory(fixture) : [];
  const keyExchanges = workloads.some(({ id }) => id === "tls-new") ? await measureKeyExchanges(fixture) : [];
  const results: Results = {
    rows,
    memory,
    keyExchanges,
    machine: machine(),
    versions: versions(),
    rounds: Number(flags.rounds),
  };
  const text = renderMarkdown(results);
  process.stdout.write(`\n${text}`);
  if (isWhole) {
    writeFileSync("bench/RESULTS.md", text);
    writeFileSync("bench/results.svg", renderSvg(results));
  }
} finally {
  await stopAll();
  rmSync(folder, { recursive: true, force: true });
}

async function startBackends(fixture: Fixture): Promise<void> {
  const log = openSync(join(folder, "backends.log"), "a");
  const config = join(folder, "backend.conf");
  writeFileSync(config, backendConfig(fixture));
  start(LOAD_CORE, ["nginx", "-c", config], log);
  start(LOAD_CORE, ["bin/node", "bench/sink.ts", String(fixture.sinkPort)], log);
  const registry = join(folder, "registry.yaml");
  writeFileSync(registry, registryConfig(fixture));
  start(LOAD_CORE, ["docker-registry", "serve", registry], log);
  await listening(fixture.registryPort);
  await listening(fixture.fastPort);
  await listening(fixture.sinkPort);
}

async function measure(fixture: Fixture, routes: number): Promise<readonly Row[]> {
  const proxies = await openAll(fixture, routes);
  const rows: Row[] = [];
  for (const workload of workloads.filter((candidate) => candidate.routes === routes)) {
    // Not counted: compilers, caches and connection pools get to where they are in a long run.
    for (const proxy of proxies) await warmUp(workload, proxy, fixture);
    const runs: Runs = new Map();
    for (let round = 0; round < Number(flags.rounds); round++) {
      // Each round begins with another contender, so that a slow minute of the machine hits none of them always.
      for (const proxy of rotated(proxies, round)) await measureOnce(workload, proxy, fixture, runs);
    }
    rows.push(await explained({ workload, runs }, fixture));
    process.stderr.write(`${workload.title}: done\n`);
  }
  for (const proxy of proxies) await proxy.running.stop();
  return rows;
}

async function warmUp(workload: Workload, proxy: Proxy, fixture: Fixture): Promise<void> {
  try {
    await workload.run(proxy, fixture, WARM_UP_SECONDS);
  } catch {
    // The measured run will say what is wrong.
  }
  await idle(proxy);
}

/** Waits until the proxy has finished what it does after its start, so that it is not counted as work for requests. */
async function idle(proxy: Proxy): Promise<void> {
  const pid = proxy.running.child.pid ?? 0;
  let before = cpuTime(pid);
  await until(`${proxy.name} to be idle`, async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const used = since(before, proxy);
    before = cpuTime(pid);
    return used.user + used.system <= IDLE_CPU_SECONDS;
  });
}

async function measureOnce(workload: Workload, proxy: Proxy, fixture: Fixture, runs: Runs): Promise<void> {
  const run = runs.get(proxy.name) ?? { cpu: [], system: [], rate: [] };
  runs.set(proxy.name, run);
  if (run.failure !== undefined) return;
  try {
    const before = cpuTime(proxy.running.child.pid ?? 0);
    const { count, seconds } = await workload.run(proxy, fixture, Number(flags.seconds));
    const used = since(before, proxy);
    run.cpu.push((used.user + used.system) / count);
    run.system.push(used.system / count);
    run.rate.push(count / seconds);
  } catch (error) {
    run.failure = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    process.stderr.write(`${workload.id}, ${proxy.name}: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

function since(before: CpuTime, proxy: Proxy): CpuTime {
  const now = cpuTime(proxy.running.child.pid ?? 0);
  return { user: now.user - before.user, system: now.system - before.system };
}

/** Adds a profile when Lintel fell short: where its time went. */
async function explained(row: Row, fixture: Fixture): Promise<Row> {
  if (!fallsShort(row)) return row;
  const { workload } = row;
  const load = async (proxy: Proxy): Promise<void> => {
    await workload.run(proxy, fixture, Number(flags.seconds));
  };
  const ready = async (proxy: Proxy): Promise<void> => {
    await listening(proxy.httpPort);
    await answering(proxy);
    // Never idle: the profiler itself takes time.
    await workload.run(proxy, fixture, WARM_UP_SECONDS);
  };
  try {
    return { ...row, profile: await profileOf(fixture, workload.routes, ready, load) };
  } catch (error) {
    // The figures are worth having without it.
    process.stderr.write(`${workload.id}, profile: ${error instanceof Error ? error.message : String(error)}\n`);
    return row;
  }
}

/** What agreeing on a key that a quantum computer cannot work out later costs Lintel; Debian's nginx has no such exchange. */
async function measureKeyExchanges(fixture: Fixture): Promise<Results["keyExchanges"]> {
  const lintel = contenders.find(({ name }) => name === "lintel");
  if (lintel === undefined) return [];
  const proxy = await openOne(lintel, fixture);
  const cpu = new Map<string, number[]>(KEY_EXCHANGES.map((group) => [group, []]));
  for (const group of KEY_EXCHANGES) await connectAnew("handshake", proxy, WARM_UP_SECONDS, group);
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const [group, runs] of cpu) {
      const before = cpuTime(proxy.running.child.pid ?? 0);
      const { count } = await connectAnew("handshake", proxy, Number(flags.seconds), group);
      const used = since(before, proxy);
      runs.push((used.user + used.system) / count);
    }
  }
  await proxy.running.stop();
  return [...cpu].map(([group, runs]) => ({ group, cpu: runs }));
}

async function openAll(fixture: Fixture, routes: number): Promise<readonly Proxy[]> {
  const proxies: Proxy[] = [];
  for (const contender of contenders) {
    const proxy = await contender.open(fixture, routes);
    await listening(proxy.httpPort);
    await answering(proxy);
    proxies.push(proxy);
  }
  return proxies;
}

async function measureMemory(fixture: Fixture): Promise<Results["memory"]> {
  const found: { name: string; baseBytes: number; perConnectionBytes: number }[] = [];
  for (const contender of contenders) {
    const proxy = await openOne(contender, fixture);
    const root = proxy.running.child.pid ?? 0;
    const before = pssBytes(root);
    const client = spawn("bin/node", [
      "bench/load-client.ts",
      "idle",
      String(proxy.httpsPort),
      String(IDLE_CONNECTIONS),
    ]);
    await new Promise((resolve) => client.stdout.once("data", resolve));
    found.push({
      name: contender.name,
      baseBytes: before,
      perConnectionBytes: (pssBytes(root) - before) / IDLE_CONNECTIONS,
    });
    const gone = new Promise((resolve) => client.once("exit", resolve));
    client.kill("SIGKILL");
    await gone;
    await proxy.running.stop();
  }
  return found;
}

async function openOne(contender: Contender, fixture: Fixture): Promise<Proxy> {
  const proxy = await contender.open(fixture, 0);
  await listening(proxy.httpPort);
  await answering(proxy);
  return proxy;
}

function rotated<Item>(items: readonly Item[], by: number): readonly Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

async function listening(port: number): Promise<void> {
  await until(
    `port ${port}`,
    () =>
      new Promise((resolve) => {
        const socket = connect(port, "127.0.0.1", () => resolve(true));
        socket.once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
      }),
  );
}

async function answering(proxy: Proxy): Promise<void> {
  await until(`${proxy.name} on port ${proxy.httpsPort}`, () => {
    const urls = [`http://localhost:${proxy.httpPort}/1k`, `https://localhost:${proxy.httpsPort}/1k`];
    const codes = urls.map((url) => {
      try {
        return execFileSync("curl", ["-sk", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", url], {
          encoding: "utf8",
        });
      } catch {
        return "000"; // Not there yet.
      }
    });
    return Promise.resolve(codes.every((code) => code === "200"));
  });
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + READY_MS_MAX;
  while (!(await check())) {
    if (performance.now() > endMs) throw new Error(`Waited ${READY_MS_MAX / 1000} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function machine(): string {
  const model = cpus()[0]?.model ?? "unknown processor";
  return `${model}, ${cpus().length} cores, ${Math.round(totalmem() / 1024 ** 3)} GiB`;
}

function versions(): readonly string[] {
  const tools = ["wrk", "h2load", "curl"].map((tool) => {
    const text = execFileSync("sh", ["-c", `${tool} --version 2>&1 | head -1`], { encoding: "utf8" });
    return `${tool}: ${text.trim()}`;
  });
  return [...contenders.map((contender) => `${contender.name}: ${contender.version()}`), ...tools];
}
