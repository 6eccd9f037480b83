import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { BULK_BYTES, IMAGE_LAYERS_MIB, type Fixture } from "./fixture.ts";
import { LOAD_CORE, type Proxy } from "./contenders.ts";
import { runOn } from "./processes.ts";

/** What one run did. */
export interface Work {
  /** Requests, handshakes, messages or GiB. */
  readonly count: number;
  readonly seconds: number;
}

/** One row of the table. */
export interface Workload {
  readonly id: string;
  readonly title: string;
  readonly unit: "request" | "connection" | "message" | "GiB";
  /** Hosts configured beside the one that is asked for. */
  readonly routes: number;
  run(proxy: Proxy, fixture: Fixture, seconds: number): Promise<Work>;
}

/** All rows, in the order of the table. */
export const WORKLOADS: readonly Workload[] = [
  small("http1", "HTTP/1.1 keep-alive, 1 KiB", (proxy) => `http://localhost:${proxy.httpPort}/1k`, 0),
  small("https1", "HTTP/1.1 keep-alive, 1 KiB, TLS", (proxy) => `https://localhost:${proxy.httpsPort}/1k`, 0),
  handshakes("tls-new", "TLS, new connection a request", false),
  handshakes("tls-resume", "TLS, new connection a request, resumed", true),
  {
    id: "http2",
    title: "HTTP/2, 16 connections × 32 streams, 1 KiB",
    unit: "request",
    routes: 0,
    run: async (proxy, _fixture, seconds) => {
      const rate = ["h2load", "-c16", "-m32", `-D${seconds}`, "--warm-up-time=1"];
      const output = await runOn(LOAD_CORE, [...rate, `https://localhost:${proxy.httpsPort}/1k`]);
      const done = /(\d+) succeeded, (\d+) failed, (\d+) errored/.exec(output);
      if (done === null || Number(done[2]) + Number(done[3]) > 0) throw new Error(`h2load saw failures:\n${output}`);
      return { count: Number(done[1]), seconds };
    },
  },
  bulk("download", "1 GiB download, TLS", "download"),
  bulk("upload", "1 GiB upload, TLS", "upload"),
  {
    id: "registry",
    title: "Image push and pull, docker-registry, TLS",
    unit: "GiB",
    routes: 0,
    run: pushAndPull,
  },
  {
    id: "websocket",
    title: "WebSocket messages, 64 connections, TLS",
    unit: "message",
    routes: 0,
    run: (proxy, _fixture, seconds) => client(["websocket", String(proxy.httpsPort), String(seconds)]),
  },
  small(
    "routes",
    "HTTP/1.1 keep-alive, 1 KiB, 10,000 routes",
    (proxy) => `http://localhost:${proxy.httpPort}/1k`,
    10_000,
  ),
];

function small(id: string, title: string, url: (proxy: Proxy) => string, routes: number): Workload {
  return {
    id,
    title,
    unit: "request",
    routes,
    run: async (proxy, _fixture, seconds) => {
      const output = await runOn(LOAD_CORE, ["wrk", "-t1", "-c64", `-d${seconds}s`, url(proxy)]);
      if (/Non-2xx|Socket errors/.test(output)) throw new Error(`wrk saw failures:\n${output}`);
      return { count: Number(/(\d+) requests in/.exec(output)?.[1]), seconds };
    },
  };
}

function handshakes(id: string, title: string, resume: boolean): Workload {
  return {
    id,
    title,
    unit: "connection",
    routes: 0,
    run: (proxy, _fixture, seconds) => connect(resume ? "resume" : "handshake", proxy, seconds, "X25519"),
  };
}

/** New TLS connections, each for one request, that agree on `group` as their key exchange. */
export function connect(mode: "handshake" | "resume", proxy: Proxy, seconds: number, group: string): Promise<Work> {
  return client([mode, String(proxy.httpsPort), String(seconds), group]);
}

function bulk(id: string, title: string, direction: "download" | "upload"): Workload {
  return {
    id,
    title,
    unit: "GiB",
    routes: 0,
    run: async (proxy, fixture) => {
      const url = `https://localhost:${proxy.httpsPort}/${direction}`;
      const upload = ["-T", `${fixture.folder}/www/download`, "-H", "Expect:"];
      const args = direction === "download" ? ["-o", "/dev/null"] : [...upload, "-o", "/dev/null"];
      const format = ["-w", "%{http_code} %{size_download} %{size_upload} %{time_total}"];
      const output = await runOn(LOAD_CORE, ["curl", "-sk", "--http1.1", ...args, ...format, url]);
      const [status, down, up, seconds] = output.trim().split(" ").map(Number);
      const moved = direction === "download" ? down : up;
      if (status !== 200 || moved !== BULK_BYTES) throw new Error(`curl saw ${output}`);
      return { count: BULK_BYTES / 1024 ** 3, seconds: seconds ?? 0 };
    },
  };
}

/** Pushes the image under a name of its own, so that every layer travels, and pulls it back. */
async function pushAndPull(proxy: Proxy, fixture: Fixture): Promise<Work> {
  const name = randomBytes(6).toString("hex");
  const remote = `docker://localhost:${proxy.httpsPort}/${name}/app:1`;
  const back = join(fixture.folder, `back-${name}`);
  const copy = ["skopeo", "--insecure-policy", "copy", "--quiet"];
  const began = performance.now();
  await runOn(LOAD_CORE, [...copy, "--dest-tls-verify=false", `oci:${fixture.folder}/image:1`, remote]);
  await runOn(LOAD_CORE, [...copy, "--src-tls-verify=false", remote, `oci:${back}:1`]);
  const seconds = (performance.now() - began) / 1000;
  rmSync(back, { recursive: true });
  rmSync(join(fixture.folder, "registry"), { recursive: true, force: true });
  return { count: (2 * IMAGE_LAYERS_MIB.reduce((sum, mib) => sum + mib, 0)) / 1024, seconds };
}

async function client(args: readonly string[]): Promise<Work> {
  const output = await runOn(LOAD_CORE, ["bin/node", "bench/load-client.ts", ...args]);
  const [count, seconds] = output.trim().split(" ").map(Number);
  if (count === undefined || seconds === undefined || !(count > 0)) throw new Error(`The load client said "${output}"`);
  return { count, seconds };
}
