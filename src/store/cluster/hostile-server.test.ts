import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { isLintelError, LintelError, messageOf } from "../../ground/errors.ts";
import { ManualClock } from "../../ground/testing.ts";
import { CONFIG_MAP } from "../../resource/kind.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { ClusterStore } from "./cluster-store.ts";

type Act = (response: ServerResponse, request: IncomingMessage) => void;

/** How long the real sockets may take before a test gives up. */
const PATIENCE_MS = 30_000;

/**
 * Answers one request after another as a script says, the last entry for ever. Does not imitate: TLS, and anything that a
 * real API server does right.
 */
class HostileServer {
  readonly clock: ManualClock = new ManualClock();
  readonly store: ClusterStore;
  readonly paths: string[] = [];
  readonly tokens: string[] = [];
  renewals = 0;

  private constructor(url: string) {
    const access: ClusterAccess = {
      server: url,
      namespace: "default",
      source: "the test",
      credentials: async (renew = false) => {
        if (renew) this.renewals += 1;
        return { token: `token-${String(this.renewals)}` };
      },
    };
    this.store = new ClusterStore({ access, clock: this.clock, random: () => 0.5, userAgent: "lintel/test" });
  }

  static async start(t: TestContext, script: readonly Act[]): Promise<HostileServer> {
    const server = createServer((request, response) => {
      const act = script[Math.min(hostile.paths.length, script.length - 1)];
      hostile.paths.push(request.url ?? "");
      hostile.tokens.push(request.headers.authorization ?? "");
      request.resume();
      act?.(response, request);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const hostile = new HostileServer(`http://127.0.0.1:${String(port)}`);
    t.after(async () => {
      await hostile.store.close();
      server.closeAllConnections();
      server.close();
    });
    return hostile;
  }

  /** Moves time, a little at a time, until `work` is over. */
  async passTime<T>(work: Promise<T>, stepMs = 20): Promise<T> {
    const over = new AbortController();
    const finished = work.finally(() => over.abort());
    finished.catch(() => undefined);
    for (let waitedMs = 0; !over.signal.aborted && waitedMs < PATIENCE_MS; waitedMs += 2) {
      await this.clock.advance(stepMs);
      await pause(2);
    }
    assert.ok(over.signal.aborted, "it did not end");
    return await finished;
  }

  /** How a list fails. */
  async listError(stepMs?: number): Promise<LintelError> {
    try {
      await this.passTime(this.store.list(CONFIG_MAP), stepMs);
    } catch (error) {
      if (error instanceof LintelError) return error;
      throw error;
    }
    throw new Error("The list succeeded");
  }
}

const json =
  (value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Act =>
  (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(value));
  };

const page = (text: string, status: number, type = "text/html"): Act =>
  function answer(response) {
    response.writeHead(status, { "content-type": type });
    response.end(text);
  };

const configMap = (name: string, version: string): unknown => ({
  metadata: { name, namespace: "default", resourceVersion: version, uid: `uid-${name}` },
});

const list = (version: string, ...names: readonly string[]): unknown => ({
  kind: "ConfigMapList",
  apiVersion: "v1",
  metadata: { resourceVersion: version },
  items: names.map((name) => configMap(name, version)),
});

const status = (code: number, reason: string, message: string): unknown => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  code,
  reason,
  message,
});

const event = (type: string, name: string, version: string): string =>
  `${JSON.stringify({ type, object: configMap(name, version) })}\n`;

/** A watch that says `lines` and then is torn, ended or left open. */
const watch =
  (lines: readonly string[], then: "tear" | "end" | "hang" = "hang"): Act =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    response.write(lines.join(""), () => {
      if (then === "tear") response.destroy();
      if (then === "end") response.end();
    });
  };

const drip: Act = (response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.write("{");
};

/** Longer than any line may be. */
const longLine: Act = (response) => {
  response.writeHead(200, { "content-type": "application/json" });
  for (let chunks = 0; chunks < 33; chunks++) response.write(Buffer.alloc(1_048_576, 0x20));
};

const silence: Act = () => undefined;

describe("ClusterStore requests to a server that misbehaves", () => {
  const failures: readonly (readonly [string, Act, string, RegExp])[] = [
    [
      "is overloaded",
      json(status(500, "InternalError", "etcdserver: request timed out"), 500),
      "Unreachable",
      /^The API server cannot answer now: etcdserver: request timed out$/,
    ],
    [
      "is a proxy without a server behind",
      page("<h1>Bad gateway</h1>", 502),
      "Unreachable",
      /^The API server cannot answer now: it answered 502$/,
    ],
    [
      "is some website",
      page("<h1>Welcome</h1>", 200),
      "Unreachable",
      /: it answered with text\/html, which is not JSON: /,
    ],
    [
      "cuts its answer off",
      page('{"kind":"ConfigMapList","ite', 200, "application/json"),
      "Unreachable",
      /: the answer is not JSON: /,
    ],
    [
      "answers with a number",
      json(7),
      "Unreachable",
      /^The API server answered GET \/api\/v1\/configmaps with something that is no list$/,
    ],
    [
      "answers with another kind",
      json({ kind: "Pod", metadata: {} }),
      "Unreachable",
      /with something that is no list$/,
    ],
    [
      "sends us elsewhere",
      page("", 302),
      "Refused",
      /^The API server refused GET \/api\/v1\/configmaps: it answered 302$/,
    ],
    [
      "forbids it",
      json(status(403, "Forbidden", 'configmaps is forbidden: User "x" cannot list resource "configmaps"'), 403),
      "Forbidden",
      /cannot list resource "configmaps"/,
    ],
    [
      "tears the connection",
      (response) => response.destroy(),
      "Unreachable",
      /^Cannot reach the API server at http:.*: (socket hang up|read ECONNRESET)$/,
    ],
    [
      "tears the connection in the middle of its answer",
      (response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
        response.write('{"kind":', () => response.destroy());
      },
      "Unreachable",
      /: aborted$/,
    ],
  ];
  for (const [what, act, code, sentence] of failures) {
    it(`fails with ${code} when the server ${what}`, async (t) => {
      const server = await HostileServer.start(t, [act]);
      const error = await server.listError();
      assert.equal(error.code, code);
      assert.match(error.message, sentence);
    });
  }

  it("gives up when no answer comes, and when an answer does not end", async (t) => {
    const server = await HostileServer.start(t, [silence, drip]);
    assert.match((await server.listError(200)).message, /: no answer in time$/);
    assert.match((await server.listError(200)).message, /: the answer did not end in time$/);
  });

  it("tries again when the server asks it to, some times", async (t) => {
    const busy = json(status(429, "TooManyRequests", "too many requests"), 429, { "retry-after": "1" });
    const server = await HostileServer.start(t, [busy, busy, json(list("5", "a"))]);
    const { items } = await server.passTime(server.store.list(CONFIG_MAP), 100);
    assert.deepEqual([items.length, server.paths.length], [1, 3]);
    const stubborn = await HostileServer.start(t, [busy]);
    const error = await stubborn.listError(100);
    assert.deepEqual([error.code, stubborn.paths.length], ["Unreachable", 4]);
    assert.match(error.message, /^The API server cannot answer now: too many requests$/);
  });

  it("renews its credentials once when they are refused", async (t) => {
    const refused = json(status(401, "Unauthorized", "Unauthorized"), 401);
    const server = await HostileServer.start(t, [refused, json(list("5"))]);
    await server.passTime(server.store.list(CONFIG_MAP));
    assert.deepEqual(server.tokens, ["Bearer token-0", "Bearer token-1"]);
    const closed = await HostileServer.start(t, [refused]);
    const error = await closed.listError();
    assert.deepEqual([error.code, closed.tokens.length], ["Forbidden", 2]);
    assert.match(error.message, /^The API server does not know who the test is: Unauthorized$/);
  });

  it("begins a list again when a page of it expired, and stands where its first page stood", async (t) => {
    const first = json({ ...Object(list("7", "a")), metadata: { resourceVersion: "7", continue: "next" } });
    const expired = json(status(410, "Expired", "The provided continue parameter is too old"), 410);
    const server = await HostileServer.start(t, [first, expired, first, json(list("9", "b"))]);
    const whole = await server.passTime(server.store.list(CONFIG_MAP));
    assert.deepEqual(
      whole.items.map(({ metadata }) => metadata.name),
      ["a", "b"],
    );
    assert.equal(whole.resourceVersion, "7");
    const always = await HostileServer.start(t, [first, expired, first, expired, first, expired]);
    assert.equal((await always.listError()).code, "Gone");
  });
});

/** The first `count` events from version 5, or how the watch failed. */
async function follow(server: HostileServer, count: number, stepMs?: number): Promise<readonly string[] | LintelError> {
  const stop = new AbortController();
  const seen: string[] = [];
  const read = async (): Promise<void> => {
    for await (const { type, object } of server.store.watch(CONFIG_MAP, {
      resourceVersion: "5",
      signal: stop.signal,
    })) {
      seen.push(`${type} ${object.metadata.name}`);
      if (seen.length === count) return;
    }
  };
  try {
    await server.passTime(read(), stepMs);
    return seen;
  } catch (error) {
    if (error instanceof LintelError) return error;
    throw error;
  } finally {
    stop.abort();
  }
}

it("goes on from the last version, bookmarks included, when the server ends a watch in peace", async (t) => {
  const bookmark = `${JSON.stringify({ type: "BOOKMARK", object: { metadata: { resourceVersion: "8" } } })}\n`;
  const server = await HostileServer.start(t, [
    watch([event("ADDED", "a", "6"), bookmark], "end"),
    watch([event("DELETED", "a", "9")]),
  ]);
  assert.deepEqual(await follow(server, 2), ["ADDED a", "DELETED a"]);
  assert.deepEqual(
    server.paths.map((path) => new URL(path, "http://x").searchParams.get("resourceVersion")),
    ["5", "8"],
  );
});

describe("ClusterStore watches of a server that misbehaves", () => {
  const failures: readonly (readonly [string, Act, string, RegExp])[] = [
    ["tears the connection in the middle of a line", watch(['{"type":"ADD'], "tear"), "Unreachable", /: aborted$/],
    ["ends it in the middle of a line", watch(['{"type":"ADD'], "end"), "Unreachable", /: the answer was cut off$/],
    [
      "sends a line that is not JSON",
      watch(["<html>\n"]),
      "Unreachable",
      /^Cannot reach the API server at .* is not valid JSON$/,
    ],
    ["sends an event without an object", watch(['{"type":"ADDED"}\n']), "Unreachable", /something that is no object$/],
    [
      "forgot the version, and says so in the stream",
      watch([
        `${JSON.stringify({ type: "ERROR", object: status(410, "Expired", "too old resource version: 5 (9)") })}\n`,
      ]),
      "Gone",
      /too old resource version/,
    ],
    [
      "forgot the version, and says so at once",
      json(status(410, "Expired", "too old resource version"), 410),
      "Gone",
      /too old resource version/,
    ],
    [
      "has not reached the version",
      json(
        {
          ...Object(status(504, "Timeout", "Too large resource version")),
          details: { causes: [{ reason: "ResourceVersionTooLarge" }] },
        },
        504,
      ),
      "Gone",
      /Too large resource version/,
    ],
    ["answers with a page", page("<h1>Welcome</h1>\n", 200), "Unreachable", /is not valid JSON$/],
  ];
  for (const [what, act, code, sentence] of failures) {
    it(`fails with ${code} when the server ${what}`, async (t) => {
      const server = await HostileServer.start(t, [act]);
      const error = await follow(server, 1);
      assert.ok(isLintelError(error));
      assert.equal(error.code, code);
      assert.match(messageOf(error), sentence);
    });
  }

  it("fails when nothing is heard, not even a bookmark, for two and a half minutes", async (t) => {
    const server = await HostileServer.start(t, [watch([event("ADDED", "a", "6")])]);
    const error = await follow(server, 2, 1_000);
    assert.ok(isLintelError(error, "Unreachable"));
    assert.match(error.message, /: nothing was heard for 150 s$/);
  });

  it("fails when a line does not end", async (t) => {
    const server = await HostileServer.start(t, [longLine]);
    const error = await follow(server, 1);
    assert.ok(isLintelError(error, "Unreachable"));
    assert.match(error.message, /: a line of the answer is too long$/);
  });
});
