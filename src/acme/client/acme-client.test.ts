// The client against a server that misbehaves in ways real ones don't on request.
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { test, type TestContext } from "node:test";
import type { Clock } from "../../ground/clock.ts";
import { isLintelError, LintelError, messageOf } from "../../ground/errors.ts";
import { systemClock } from "../../ground/system-clock.ts";
import { ManualClock, settle } from "../../ground/testing.ts";
import { generateKey } from "../../pki/key.ts";
import { LocalCa } from "../../pki/local-ca.ts";
import { temporaryFolder } from "../../pki/testing.ts";
import { portOf } from "../testing.ts";
import { AcmeClient, AcmeError } from "./acme-client.ts";

/** Answers by path; `directory` and `nonce` are well-behaved unless given. */
type Answers = Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>>;

test("AcmeClient says what came instead of a problem document", async (t) => {
  const client = await clientOf(t, {
    "/new-order": (_request, response) =>
      response.writeHead(502, { "Content-Type": "text/html" }).end("<h1>Bad gateway</h1>\n"),
  });
  await assert.rejects(order(client), (error) => {
    assert.ok(error instanceof AcmeError);
    assert.match(
      error.message,
      /^Cannot order a certificate for "shop\.example": HTTP status 502: <h1>Bad gateway<\/h1>$/,
    );
    assert.equal(error.problem.status, 502);
    return true;
  });
});

test("AcmeClient keeps Retry-After and the problems of single names", async (t) => {
  const client = await clientOf(t, {
    "/new-order": (_request, response) => {
      response.writeHead(429, { "Content-Type": "application/problem+json", "Retry-After": "7" });
      const identifier = { type: "dns", value: "shop.example" };
      const subproblems = [{ type: "urn:ietf:params:acme:error:rateLimited", detail: "5 already.", identifier }];
      response.end(
        JSON.stringify({
          type: "urn:ietf:params:acme:error:rateLimited",
          detail: "too many certificates",
          subproblems,
        }),
      );
    },
  });
  await assert.rejects(order(client), (error) => {
    assert.ok(error instanceof AcmeError);
    assert.equal(error.problem.retryAfterMs, 7000);
    assert.match(error.message, /: too many certificates \[shop\.example: 5 already\.\] \(rateLimited\)$/);
    assert.match(error.hint ?? "", /Wait/);
    return true;
  });
});

test("AcmeClient sends nothing once the fence is up, though the connection stands", async (t) => {
  let orders = 0;
  let leads = true;
  const answers: Answers = {
    "/new-nonce": (_request, response) => {
      // What a pause is: everything is ready, and only then it is known that another one leads.
      leads = false;
      response.writeHead(200, { "Replay-Nonce": "nonce" }).end();
    },
    "/new-order": (_request, response) => {
      orders += 1;
      response.writeHead(500).end();
    },
  };
  const client = await clientOf(t, answers, systemClock, true, () => {
    if (!leads) throw new LintelError("This replica leads no more", { code: "Aborted" });
  });
  await assert.rejects(order(client), (error) => isLintelError(error, "Aborted"));
  assert.equal(orders, 0);
});

test("AcmeClient gives up after ten refused nonces", async (t) => {
  let asked = 0;
  const client = await clientOf(t, {
    "/new-order": (_request, response) => {
      asked++;
      response.writeHead(400, { "Content-Type": "application/problem+json", "Replay-Nonce": `n${asked}` });
      response.end(JSON.stringify({ type: "urn:ietf:params:acme:error:badNonce", detail: "stale" }));
    },
  });
  await assert.rejects(order(client), /stale \(badNonce\)/);
  assert.equal(asked, 11);
});

test("AcmeClient refuses answers that are too long, of the wrong type, or incomplete", async (t) => {
  const json = { "Content-Type": "application/json", Location: "/order/1" };
  const cases: readonly [(response: ServerResponse) => void, RegExp][] = [
    [(response) => response.writeHead(201, json).end(`"${"x".repeat(1_100_000)}"`), /longer than 1048576 bytes/],
    [
      (response) => response.writeHead(201, { ...json, "Content-Type": "text/plain" }).end("{}"),
      /it is "text\/plain", not JSON/,
    ],
    [(response) => response.writeHead(201, json).end("{"), /it is broken JSON/],
    [(response) => response.writeHead(201, json).end("{}"), /it is no order/],
    [(response) => response.writeHead(201, { "Content-Type": "application/json" }).end("{}"), /it has no Location/],
    [(response) => response.destroy(), /Cannot reach ACME server/],
  ];
  for (const [answer, why] of cases) {
    const client = await clientOf(t, { "/new-order": (_request, response) => answer(response) });
    await assert.rejects(order(client), (error) => {
      assert.match(messageOf(error), why);
      return true;
    });
  }
});

test("AcmeClient refuses a chain that holds a private key or is called something else", async (t) => {
  const key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
  const chain = (type: string) => (_request: IncomingMessage, response: ServerResponse) =>
    response.writeHead(200, { "Content-Type": type }).end(key);
  const smuggling = await clientOf(t, { "/cert": chain("application/pem-certificate-chain") });
  await assert.rejects(smuggling.certificate(await urlOf(smuggling, "/cert")), /it holds more than certificates/);
  const mislabelled = await clientOf(t, { "/cert": chain("text/plain") });
  await assert.rejects(mislabelled.certificate(await urlOf(mislabelled, "/cert")), /not a certificate chain/);
});

test("AcmeClient gives up after thirty seconds without an answer", async (t) => {
  const clock = new ManualClock(systemClock.nowMs());
  const { promise: asked, resolve: arrived } = Promise.withResolvers<void>();
  const client = await clientOf(t, { "/directory": () => arrived() }, clock);
  const outcome = assert.rejects(
    client.directory(),
    (error) => isLintelError(error, "Unreachable") && /no answer within 30 seconds/.test(messageOf(error)),
  );
  await asked;
  await clock.advance(30_000);
  await settle();
  await outcome;
});

test("AcmeClient gives up after thirty seconds on an answer that drips", async (t) => {
  const clock = new ManualClock(systemClock.nowMs());
  const { promise: asked, resolve: arrived } = Promise.withResolvers<void>();
  const client = await clientOf(
    t,
    {
      "/directory": (_request, response) => {
        response.writeHead(200, { "Content-Type": "application/json" });
        // The beginning of an answer, and then nothing more.
        response.write('{"newNonce":', () => arrived());
      },
    },
    clock,
  );
  const outcome = assert.rejects(
    client.directory(),
    (error) => isLintelError(error, "Unreachable") && /no answer within 30 seconds/.test(messageOf(error)),
  );
  await asked;
  await clock.advance(30_000);
  await outcome;
});

test("AcmeClient does not follow redirects", async (t) => {
  let asked = 0;
  const client = await clientOf(t, {
    "/new-order": (_request, response) => {
      asked++;
      response.writeHead(307, { Location: "https://elsewhere.example/order" }).end();
    },
  });
  await assert.rejects(order(client), (error) => {
    assert.match(
      messageOf(error),
      /it redirects to "https:\/\/elsewhere\.example\/order", and ACME URLs must not redirect/,
    );
    return true;
  });
  assert.equal(asked, 1);
});

test("AcmeClient waits as long as a CA that gives no nonce asks", async (t) => {
  const client = await clientOf(t, {
    "/new-nonce": (_request, response) => response.writeHead(503, { "Retry-After": "120" }).end(),
  });
  await assert.rejects(order(client), (error) => error instanceof AcmeError && error.problem.retryAfterMs === 120_000);
});

test("AcmeClient says how to trust a CA whose certificate is not trusted", async (t) => {
  const client = await clientOf(t, {}, systemClock, false);
  await assert.rejects(
    client.directory(),
    (error) => isLintelError(error, "Unreachable") && /caBundle/.test(error.hint ?? ""),
  );
});

test("AcmeClient refuses a directory that is not https", async () => {
  const accountKey = await generateKey({ algorithm: "ECDSA", size: 256 });
  const client = new AcmeClient({
    directoryUrl: "http://ca.example/dir",
    accountKey,
    clock: systemClock,
    userAgent: "lintel-test",
  });
  await assert.rejects(
    client.directory(),
    (error) => isLintelError(error, "BadConfig") && /does not start with https/.test(error.message),
  );
});

test("AcmeClient tries once more when a kept connection was closed just as it is used again", async (t) => {
  const sockets: unknown[] = [];
  const client = await clientOf(t, {
    "/new-order": (request, response) => {
      sockets.push(request.socket);
      if (sockets.length === 2) {
        request.socket.destroy();
        return;
      }
      const headers = { "Content-Type": "application/json", Location: "/order/1", "Replay-Nonce": "nonce1" };
      response.writeHead(201, headers);
      response.end(JSON.stringify({ status: "pending", finalize: "https://ca.example/f", authorizations: [] }));
    },
  });
  await order(client);
  await order(client);
  const [first, second, third] = sockets;
  assert.equal(second, first, "the second attempt was made on the kept connection");
  assert.notEqual(third, first);
});

test("AcmeClient sends its User-Agent with every request", async (t) => {
  const agents: (string | undefined)[] = [];
  const client = await clientOf(t, {
    "/new-order": (request, response) => {
      agents.push(request.headers["user-agent"]);
      response.writeHead(404).end();
    },
  });
  await assert.rejects(order(client));
  assert.deepEqual(agents, ["lintel-test/1.0"]);
});

function order(client: AcmeClient): Promise<unknown> {
  return client.newOrder({ identifiers: [{ type: "dns", value: "shop.example" }] });
}

async function urlOf(client: AcmeClient, path: string): Promise<string> {
  return new URL(path, (await client.directory()).newOrder).href;
}

async function clientOf(
  t: TestContext,
  answers: Answers,
  clock: Clock = systemClock,
  trusted = true,
  fence?: () => void,
): Promise<AcmeClient> {
  const ca = await LocalCa.open({ directory: await temporaryFolder(t), clock: systemClock });
  const { chain, key } = await ca.issue({ names: ["127.0.0.1"], durationMs: 3_600_000 });
  let base = "";
  const usual: Answers = {
    "/directory": (_request, response) => {
      const names = ["newNonce", "newAccount", "newOrder", "revokeCert", "keyChange"];
      const paths = ["/new-nonce", "/new-account", "/new-order", "/revoke", "/key-change"];
      const body = Object.fromEntries(names.map((name, at) => [name, `${base}${paths[at]}`]));
      response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    },
    "/new-nonce": (_request, response) => response.writeHead(200, { "Replay-Nonce": "nonce" }).end(),
  };
  const server = createServer({ cert: chain, key }, (request, response) => {
    const answer = answers[request.url ?? ""] ?? usual[request.url ?? ""];
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `https://127.0.0.1:${portOf(server)}`;
  const client = new AcmeClient({
    directoryUrl: `${base}/directory`,
    accountKey: await generateKey({ algorithm: "ECDSA", size: 256 }),
    accountUrl: `${base}/account/1`,
    fence,
    caBundle: trusted ? ca.rootPem : undefined,
    clock,
    userAgent: "lintel-test/1.0",
  });
  t.after(async () => {
    client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return client;
}
