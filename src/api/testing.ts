import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { isRecord } from "../ground/json.ts";
import { ManualClock, MemoryLog } from "../ground/testing.ts";
import { MemoryStore } from "../store/memory.ts";
import { ensureDefaults } from "./bootstrap.ts";
import { ApiServer } from "./server.ts";

const TOKEN = "correct-horse";

export interface TestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON, when it is; read it with {@link at}. */
  readonly json: unknown;
}

/** Returns what is at a path such as `items.0.metadata.name`, or undefined. */
export function at(value: unknown, path: string): unknown {
  let current = value;
  for (const key of path.split(".")) {
    if (Array.isArray(current)) current = current[Number(key)];
    else current = isRecord(current) ? current[key] : undefined;
  }
  return current;
}

interface Call {
  readonly headers?: Readonly<Record<string, string>>;
  /** Text and bytes go as they are, anything else as JSON. */
  readonly body?: unknown;
  readonly type?: string;
}

/**
 * An API server over a memory store, reached through a real socket on 127.0.0.1. Does not imitate: TLS, and a store
 * that answers late or not at all.
 */
export class TestApi implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly log: MemoryLog = new MemoryLog();
  readonly store: MemoryStore;
  readonly api: ApiServer;
  readonly #server: ReturnType<typeof createServer>;

  private constructor() {
    this.store = new MemoryStore({ clock: this.clock });
    this.api = new ApiServer({
      store: this.store,
      clock: this.clock,
      log: this.log,
      token: TOKEN,
      tokenKey: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
      version: "0.0.0",
    });
    this.#server = createServer(this.api.handle);
  }

  static async open(): Promise<TestApi> {
    const api = new TestApi();
    await ensureDefaults(api.store);
    await new Promise<void>((resolve) => api.#server.listen(0, "127.0.0.1", resolve));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Sends a request with the right token; an object as body goes as JSON. */
  async call(method: string, path: string, call: Call = {}): Promise<TestAnswer> {
    const response = await this.fetch(method, path, call);
    const text = await response.text();
    const isJson = (response.headers.get("content-type") ?? "").startsWith("application/json");
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson && text !== "" ? (JSON.parse(text) as unknown) : undefined,
    };
  }

  fetch(method: string, path: string, call: Call = {}, signal?: AbortSignal): Promise<Response> {
    const body = call.body instanceof Uint8Array ? Buffer.from(call.body) : textOf(call.body);
    return fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body === undefined ? {} : { "content-type": call.type ?? "application/json" }),
        ...call.headers,
      },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** Opens a watch; `next()` gives its events one by one, undefined at the end. */
  async watch(path: string, headers: Readonly<Record<string, string>> = {}): Promise<TestWatch> {
    const stop = new AbortController();
    const response = await this.fetch("GET", path, { headers }, stop.signal);
    return new TestWatch(response, stop);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function textOf(body: unknown): string | undefined {
  return body === undefined || typeof body === "string" ? body : JSON.stringify(body);
}

export class TestWatch implements AsyncDisposable {
  readonly response: Response;
  readonly #stop: AbortController;
  readonly #lines: AsyncIterator<string>;

  constructor(response: Response, stop: AbortController) {
    this.response = response;
    this.#stop = stop;
    this.#lines = linesOf(response);
  }

  async next(): Promise<unknown> {
    const result = await this.#lines.next();
    return result.done === true ? undefined : (JSON.parse(result.value) as unknown);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    return Promise.resolve();
  }
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body ?? []) {
    rest += decoder.decode(chunk as Uint8Array, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
