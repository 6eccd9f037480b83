// `bin/node bench/api.ts [count]`: how fast the embedded API is, asked over HTTPS from another process, its state on disk.
// Prints, for 10,000 ConfigMaps of about a kilobyte unless told otherwise: writes a second, the time of whole lists in each
// form, how long a small request waits beside lists, and what a thousand watches cost.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { arrayAt, numberAt, recordAt, stringAt } from "../src/ground/json.ts";
import { systemClock } from "../src/ground/system-clock.ts";

const COUNT = Number(process.argv[2] ?? 10_000);
/** As many clients as write at a time. */
const WRITERS = 64;
const WATCHERS = 1000;
/** Changes that all watchers are sent. */
const CHANGES = 50;
const ROUNDS = 9;
const READY_MS_MAX = 60_000;
const LINTEL = join(import.meta.dirname, "../bin/lintel");
const PATH = "/api/v1/namespaces/default/configmaps";
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";
const METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const PROTOBUF = "application/vnd.kubernetes.protobuf";

/** Counts the lines that watchers are sent. */
class Tally {
  #lines = 0;
  #wanted = Infinity;
  #resolve: () => void = () => undefined;

  add(chunk: Buffer): void {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) this.#lines += 1;
    if (this.#lines >= this.#wanted) this.#resolve();
  }

  reaches(lines: number): Promise<void> {
    this.#wanted = lines;
    return new Promise((resolve) => {
      this.#resolve = resolve;
      if (this.#lines >= lines) resolve();
    });
  }
}

const folder = mkdtempSync(join(tmpdir(), "lintel-api-"));
const running = spawn(LINTEL, ["up", "--state", folder, "--listen", "127.0.0.1", ...ports(), "--workers", "1"], {
  stdio: ["ignore", "ignore", "inherit"],
});
try {
  const api = await connect();
  const pid = controlPid();
  await writes(api);
  await lists(api);
  await besideLists(api);
  await watches(api, pid);
} finally {
  await halt(running);
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

/** How the API is reached. */
interface Api {
  readonly port: number;
  readonly ca: Buffer;
  readonly token: string;
  readonly agent: Agent;
}

interface Sent {
  readonly method?: string;
  readonly body?: object | undefined;
  readonly type?: string;
  readonly accept?: string;
}

async function writes(api: Api): Promise<void> {
  const create = (index: number): Promise<number> => ask(api, PATH, { method: "POST", body: configMap(index, "a") });
  print("objects created a second", perSecond(await spread(COUNT, create)));
  const put = (index: number): Promise<number> =>
    ask(api, `${PATH}/${nameOf(index)}`, { method: "PUT", body: configMap(index, "b") });
  print("objects replaced a second", perSecond(await spread(COUNT, put)));
  const patch = (index: number): Promise<number> =>
    ask(api, `${PATH}/${nameOf(index)}`, {
      method: "PATCH",
      body: { data: { phase: "c" } },
      type: "application/merge-patch+json",
    });
  print("merge patches a second", perSecond(await spread(COUNT, patch)));
  const apply = (index: number): Promise<number> =>
    ask(api, `${PATH}/${nameOf(index)}?fieldManager=bench&force=true`, {
      method: "PATCH",
      body: configMap(index, "d"),
      type: "application/apply-patch+yaml",
    });
  print("server-side applies a second", perSecond(await spread(COUNT, apply)));
}

async function lists(api: Api): Promise<void> {
  for (const [name, accept] of [
    ["JSON", "application/json"],
    ["a Table", TABLE],
    ["metadata only", METADATA],
    ["protobuf", `${PROTOBUF},application/json`],
  ] as const) {
    const times: number[] = [];
    let bytes = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const startedMs = performance.now();
      bytes = await ask(api, PATH, { accept });
      times.push(performance.now() - startedMs);
    }
    print(`${String(COUNT)} objects as ${name}`, `${ms(median(times))}, first ${ms(times[0] ?? 0)} (${mib(bytes)})`);
  }
  const times: number[] = [];
  for (let round = 0; round < 3; round++) times.push(await chunked(api));
  print(`${String(COUNT)} objects as Tables of 500`, ms(median(times)));
  const cached: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await ask(api, `${PATH}/${nameOf(round)}`, { method: "PUT", body: configMap(round, String(round)) });
    const startedMs = performance.now();
    await ask(api, PATH, { accept: "application/json" });
    cached.push(performance.now() - startedMs);
  }
  print(`${String(COUNT)} objects as JSON after a write`, ms(median(cached)));
}

async function chunked(api: Api): Promise<number> {
  const startedMs = performance.now();
  let token = "";
  do {
    const text = await read(api, `${PATH}?limit=500&continue=${token}`, { accept: TABLE });
    const list: unknown = JSON.parse(text.toString());
    token = stringAt(recordAt(list, "metadata"), "continue") ?? "";
  } while (token !== "");
  return performance.now() - startedMs;
}

async function besideLists(api: Api): Promise<void> {
  const waits: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const listed = ask(api, PATH, { accept: round % 2 === 0 ? TABLE : "application/json" });
    const ended = listed.then(() => true);
    do {
      const startedMs = performance.now();
      await ask(api, `${PATH}/${nameOf(1)}`);
      waits.push(performance.now() - startedMs);
    } while (!(await Promise.race([ended, Promise.resolve(false)])));
  }
  waits.sort((left, right) => left - right);
  print("one object read beside lists", `${ms(median(waits))}, longest ${ms(waits.at(-1) ?? 0)}`);
}

async function watches(api: Api, pid: number): Promise<void> {
  const before = rssBytes(pid);
  const tally = new Tally();
  const open: IncomingMessage[] = [];
  const version = await listVersion(api);
  const agent = new Agent({ ca: api.ca, maxSockets: Infinity });
  for (let index = 0; index < WATCHERS; index += 50) {
    const batch = Array.from({ length: 50 }, () => watch({ ...api, agent }, version));
    for (const response of await Promise.all(batch)) {
      response.on("data", (chunk: Buffer) => tally.add(chunk));
      open.push(response);
    }
  }
  print(`${String(WATCHERS)} watches open`, `${mib(rssBytes(pid) - before)} more memory`);
  const startedMs = performance.now();
  await ask(api, `${PATH}/${nameOf(0)}`, { method: "PUT", body: configMap(0, "one") });
  await tally.reaches(WATCHERS);
  print("one change is with the last watcher after", ms(performance.now() - startedMs));
  const cpu = cpuSeconds(pid);
  const changedMs = performance.now();
  await spread(CHANGES, (index) =>
    ask(api, `${PATH}/${nameOf(index)}`, { method: "PUT", body: configMap(index, "many") }),
  );
  await tally.reaches(WATCHERS * (CHANGES + 1));
  const seconds = (performance.now() - changedMs) / 1000;
  const events = String(Math.round((WATCHERS * CHANGES) / seconds));
  print(
    `${String(CHANGES)} changes to all of them`,
    `${events} events a second, ${(cpuSeconds(pid) - cpu).toFixed(2)} s CPU`,
  );
  for (const response of open) response.destroy();
  agent.destroy();
}

async function watch(api: Api, version: string): Promise<IncomingMessage> {
  const sent = request(options(api, `${PATH}?watch=true&resourceVersion=${version}`, {}));
  sent.end();
  const answers: unknown[] = await once(sent, "response");
  const [response] = answers;
  if (!isMessage(response) || response.statusCode !== 200) throw new Error("The watch was refused");
  return response;
}

function isMessage(value: unknown): value is IncomingMessage {
  return typeof value === "object" && value !== null && "statusCode" in value;
}

async function listVersion(api: Api): Promise<string> {
  const list: unknown = JSON.parse((await read(api, `${PATH}?limit=1`, {})).toString());
  return stringAt(recordAt(list, "metadata"), "resourceVersion") ?? "";
}

/** Runs `act` for 0 … count-1, WRITERS at a time; returns how many were done a second. */
async function spread(count: number, act: (index: number) => Promise<number>): Promise<number> {
  let next = 0;
  const startedMs = performance.now();
  const writer = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await act(index);
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  return count / ((performance.now() - startedMs) / 1000);
}

/** Sends a request and returns how many bytes answered it; throws unless it succeeded. */
function ask(api: Api, path: string, sent: Sent = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options(api, path, sent), (response) => {
      let bytes = 0;
      response.on("data", (chunk: Buffer) => (bytes += chunk.length));
      response.on("end", () => {
        const status = response.statusCode ?? 0;
        if (status < 300) resolve(bytes);
        else reject(new Error(`${sent.method ?? "GET"} ${path}: ${String(status)}`));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(sent.body === undefined ? undefined : JSON.stringify(sent.body));
  });
}

function read(api: Api, path: string, sent: Sent): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options(api, path, sent), (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve(Buffer.concat(chunks)));
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

function options(api: Api, path: string, sent: Sent): object {
  return {
    host: "127.0.0.1",
    port: api.port,
    path,
    agent: api.agent,
    method: sent.method ?? "GET",
    headers: {
      Authorization: `Bearer ${api.token}`,
      Accept: sent.accept ?? "application/json",
      ...(sent.body === undefined ? {} : { "Content-Type": sent.type ?? "application/json" }),
    },
  };
}

function configMap(index: number, phase: string): object {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: nameOf(index), namespace: "default", labels: { app: "bench", shard: String(index % 16) } },
    data: { phase, text: "some text of a setting\n".repeat(20) },
  };
}

function nameOf(index: number): string {
  return `object-${String(index)}`;
}

async function connect(): Promise<Api> {
  const file = join(folder, "kubeconfig");
  const endMs = performance.now() + READY_MS_MAX;
  while (!existsSync(file)) {
    if (performance.now() > endMs) throw new Error("Lintel did not start");
    await systemClock.sleep(200);
  }
  const config: unknown = parse(readFileSync(file, "utf8"));
  const cluster = recordAt(arrayAt(config, "clusters")[0], "cluster");
  const user = recordAt(arrayAt(config, "users")[0], "user");
  const ca = Buffer.from(stringAt(cluster, "certificate-authority-data") ?? "", "base64");
  const agent = new Agent({ ca, keepAlive: true, maxSockets: WRITERS });
  const port = Number(new URL(stringAt(cluster, "server") ?? "").port);
  const api = { port, ca, token: stringAt(user, "token") ?? "", agent };
  while (
    !(await ask(api, "/readyz").then(
      () => true,
      () => false,
    ))
  )
    await systemClock.sleep(200);
  return api;
}

async function halt(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill("SIGINT");
  await once(child, "exit");
}

function ports(): readonly string[] {
  return ["--http", "--https", "--api", "--acme", "--admin"].flatMap((flag) => [flag, "0"]);
}

function controlPid(): number {
  const text = execFileSync(LINTEL, ["status", "--state", folder, "-o", "json"], { maxBuffer: 1 << 28 }).toString();
  const status: unknown = JSON.parse(text);
  const control = arrayAt(status, "processes").find((entry) => stringAt(entry, "name") === "control");
  return numberAt(control, "pid") ?? 0;
}

function rssBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(pid)}/status`, "utf8"))?.[1] ?? 0) * 1024;
}

function cpuSeconds(pid: number): number {
  const fields =
    readFileSync(`/proc/${String(pid)}/stat`, "utf8")
      .split(") ")[1]
      ?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function perSecond(value: number): string {
  return String(Math.round(value));
}

function print(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(48)} ${figure}\n`);
}
