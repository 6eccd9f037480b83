import { execFile } from "node:child_process";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "../ground/system-clock.ts";
import { ManualClock, MemoryLog, seededRandom } from "../ground/testing.ts";
import type { Backend, Endpoint, Host, Route, RoutePolicy, Snapshot } from "../routing/snapshot.ts";
import { EMPTY_SNAPSHOT } from "../routing/snapshot.ts";
import { TEST_POLICY } from "../routing/testing.ts";
import type { AccessLine } from "./access-line.ts";
import { DataPlane, type DataPlaneOptions } from "./data-plane.ts";

/** A data plane on loopback with a clock that stands still. Does not imitate: several workers, inherited descriptors. */
export interface TestEdge extends AsyncDisposable {
  readonly dataPlane: DataPlane;
  readonly clock: ManualClock;
  readonly log: MemoryLog;
  readonly lines: AccessLine[];
  readonly httpPort: number;
  readonly httpsPort: number;
}

export async function openEdge(snapshot: Snapshot, options: Partial<DataPlaneOptions> = {}): Promise<TestEdge> {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const lines: AccessLine[] = [];
  const dataPlane = await DataPlane.open({
    http: [{ host: "127.0.0.1", port: 0 }],
    https: [{ host: "127.0.0.1", port: 0 }],
    clock,
    log,
    random: seededRandom(1),
    accessLog: (line) => lines.push(line),
    ...options,
  });
  dataPlane.serve(snapshot);
  const { http, https } = dataPlane.addresses();
  return {
    dataPlane,
    clock,
    log,
    lines,
    httpPort: http[0]?.port ?? 0,
    httpsPort: https[0]?.port ?? 0,
    [Symbol.asyncDispose]: () => dataPlane[Symbol.asyncDispose](),
  };
}

export interface SnapshotOptions {
  readonly generation?: number;
  readonly policy?: Partial<RoutePolicy>;
  readonly backend?: Partial<Backend>;
  readonly more?: Partial<Snapshot>;
}

/** A snapshot that sends everything for `shop.example` and its subdomains to these ports of loopback. */
export function shopSnapshot(ports: readonly number[], options: SnapshotOptions = {}): Snapshot {
  const route: Route = {
    id: "Ingress/shop/web#0/0",
    source: { kind: "Ingress", namespace: "shop", name: "web" },
    path: { type: "prefix", value: "/" },
    action: { kind: "forward", targets: [{ backend: "shop/web:80", weight: 1 }] },
    policy: { ...TEST_POLICY, ...options.policy },
  };
  const backend: Backend = {
    id: "shop/web:80",
    protocol: "http",
    balance: "round-robin",
    endpoints: ports.map((port): Endpoint => ({ address: "127.0.0.1", port })),
    ...options.backend,
  };
  const hosts = ["shop.example", "*.shop.example"].map((host): [string, Host] => [host, { host, routes: [route] }]);
  return {
    ...EMPTY_SNAPSHOT,
    generation: options.generation ?? 1,
    hosts: new Map(hosts),
    backends: new Map([[backend.id, backend]]),
    ...options.more,
  };
}

/** How TLS is answered for `host`: with a self-signed certificate, made with OpenSSL. */
export async function selfSigned(host: string): Promise<Pick<Snapshot, "tls" | "certificates">> {
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"];
  const subject = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`, "-keyout", "-"];
  const { stdout } = await promisify(execFile)("openssl", [...request, ...subject]);
  const at = stdout.indexOf("-----BEGIN CERTIFICATE");
  const pem = { chain: stdout.slice(at), key: stdout.slice(0, at) };
  const certificate = { id: host, ...pem, notAfterMs: 4e12, standIn: false };
  return {
    tls: new Map([[host, { host, certificates: [host], minVersion: "TLSv1.2" as const }]]),
    certificates: new Map([[host, certificate]]),
  };
}

/** A certificate with its key, PEM. */
export interface KeyPair {
  readonly chain: string;
  readonly key: string;
}

const EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** A certificate authority made with OpenSSL, with its files in a folder that goes with it. */
export class TestAuthority implements AsyncDisposable {
  /** PEM. */
  readonly certificate: string;
  readonly #folder: string;
  readonly #above: string;
  #issued = 0;

  private constructor(folder: string, certificate: string, above: string) {
    this.#folder = folder;
    this.certificate = certificate;
    this.#above = above;
  }

  /** A root, or an intermediate of `parent`. */
  static async open(name: string, parent?: TestAuthority): Promise<TestAuthority> {
    const folder = await mkdtemp(join(tmpdir(), "lintel-ca-"));
    const extensions = "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n";
    if (parent !== undefined) {
      const { chain, key } = await parent.#sign(name, extensions, 30);
      await writeFile(join(folder, "ca.crt"), chain);
      await writeFile(join(folder, "ca.key"), key);
      return new TestAuthority(folder, chain, chain + parent.#above);
    }
    const files = ["-keyout", join(folder, "ca.key"), "-out", join(folder, "ca.crt")];
    const usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
    await promisify(execFile)("openssl", [
      "req",
      "-x509",
      ...EC_KEY,
      "-days",
      "30",
      "-subj",
      `/CN=${name}`,
      ...usage,
      ...files,
    ]);
    return new TestAuthority(folder, await readFile(join(folder, "ca.crt"), "utf8"), "");
  }

  /** Signs a certificate for these names; `days` may be negative. The chain has the intermediates. */
  async issue(names: readonly string[], days = 30): Promise<KeyPair> {
    const alternatives = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(",");
    const { chain, key } = await this.#sign(names[0] ?? "", `subjectAltName=${alternatives}\n`, days);
    return { chain: chain + this.#above, key };
  }

  async #sign(name: string, extensions: string, days: number): Promise<KeyPair> {
    const path = (suffix: string): string => join(this.#folder, `${this.#issued}.${suffix}`);
    this.#issued++;
    const [request, key, certificate, config] = [path("csr"), path("key"), path("crt"), path("ext")];
    await writeFile(config, extensions);
    const openssl = promisify(execFile);
    await openssl("openssl", ["req", "-new", ...EC_KEY, "-subj", `/CN=${name}`, "-keyout", key, "-out", request]);
    const authority = ["-CA", join(this.#folder, "ca.crt"), "-CAkey", join(this.#folder, "ca.key"), "-CAcreateserial"];
    const what = ["-in", request, "-out", certificate, "-extfile", config, "-days", String(days)];
    await openssl("openssl", ["x509", "-req", ...what, ...authority]);
    return { chain: await readFile(certificate, "utf8"), key: await readFile(key, "utf8") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A server on loopback that is closed with its connections. */
export interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly sockets: Set<Socket>;
}

async function listen(server: Server): Promise<TestServer> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** An endpoint on `node:http`. */
export function openEndpoint(handle: RequestListener): Promise<TestServer> {
  const server = createHttpServer(handle);
  server.on("clientError", (_error, socket) => socket.destroy());
  return listen(server);
}

/** An endpoint that says what a test wants, byte by byte: `onRequest` gets each head (and what came with it) as text. */
export function openRawEndpoint(onRequest: (socket: Socket, text: string) => unknown): Promise<TestServer> {
  return listen(
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("data", (bytes) => onRequest(socket, bytes.toString("latin1")));
    }),
  );
}

/** A port of loopback where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = await listen(createServer());
  await server[Symbol.asyncDispose]();
  return server.port;
}

/** A client that says what a test wants and keeps what it hears. */
export class RawClient {
  readonly socket: Socket;
  /** Everything heard so far. */
  text = "";
  ended = false;
  readonly closed: Promise<void>;
  #onText: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      this.text += bytes.toString("latin1");
      this.#onText?.();
    });
    socket.on("end", () => (this.ended = true));
    this.closed = new Promise((resolve) =>
      socket.on("close", () => {
        this.#onText?.();
        resolve();
      }),
    );
  }

  static connect(port: number): RawClient {
    return new RawClient(connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true }));
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Resolves when `text` has been heard; rejects when the connection closes before. */
  async heard(text: string | RegExp): Promise<string> {
    while (typeof text === "string" ? !this.text.includes(text) : !text.test(this.text)) {
      if (this.socket.destroyed) throw new Error(`Closed after ${JSON.stringify(this.text)}`);
      await new Promise<void>((resolve) => (this.#onText = resolve));
    }
    return this.text;
  }

  /** Resolves when the server has closed its half, with all it said. */
  async end(): Promise<string> {
    while (!this.ended && !this.socket.destroyed) {
      await new Promise<void>((resolve) => {
        this.socket.once("end", resolve);
        this.socket.once("close", resolve);
      });
    }
    this.socket.destroy();
    return this.text;
  }
}

/** Sends bytes on a connection of their own and returns all that comes back until the server closes its half. */
export async function say(port: number, text: string): Promise<string> {
  const client = RawClient.connect(port);
  client.send(text);
  return client.end();
}

/** A GET that closes, with more header lines when given. */
export function get(path: string, ...lines: readonly string[]): string {
  return [`GET ${path} HTTP/1.1`, "Host: shop.example", "Connection: close", ...lines, "", ""].join("\r\n");
}

/** Turns of the event loop in which most things happen; whoever waits for longer waits for another process. */
const QUICK_TURNS = 2_000;
const IN_VAIN_MS = 60_000;

/** Waits for something that other sockets or processes will bring about, however slow the machine; throws after a minute. */
export async function waitFor(condition: () => boolean): Promise<void> {
  const untilMs = systemClock.monotonicMs() + IN_VAIN_MS;
  for (let turn = 0; !condition(); turn++) {
    if (systemClock.monotonicMs() > untilMs) throw new Error("Waited in vain");
    if (turn < QUICK_TURNS) await new Promise((resolve) => setImmediate(resolve));
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
