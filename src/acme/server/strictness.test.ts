// What the server refuses, request by request (RFC 8555 sections 6.2 to 6.7).
import assert from "node:assert/strict";
import { createHmac, type KeyObject } from "node:crypto";
import { get } from "node:https";
import { test, type TestContext } from "node:test";
import { FlattenedSign } from "jose";
import { arrayAt, isRecord, stringAt } from "../../ground/json.ts";
import { systemClock } from "../../ground/system-clock.ts";
import { generateKey } from "../../pki/key.ts";
import { temporaryFolder } from "../../pki/testing.ts";
import { Transport, type TransportResponse } from "../client/transport.ts";
import { Ledger } from "./ledger.ts";
import { openTestServer, type TestServer } from "./testing.ts";

const BASE = "/acme/local";

interface Caller {
  readonly server: TestServer;
  readonly directory: string;
  readonly transport: Transport;
  readonly key: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
  readonly kid: string;
  readonly nonce: () => Promise<string>;
}

/** A request with one thing wrong. */
interface Wrong {
  readonly what: string;
  readonly expect: string;
  readonly status: number;
  readonly path?: string;
  readonly header?: (caller: Caller) => Readonly<Record<string, unknown>>;
  readonly edit?: (jws: Record<string, unknown>) => unknown;
  readonly payload?: unknown;
}

const WRONGS: readonly Wrong[] = [
  { what: "the nonce was never handed out", expect: "badNonce", status: 400, header: () => ({ nonce: "AAAA" }) },
  { what: "there is no nonce", expect: "badNonce", status: 400, header: () => ({ nonce: undefined }) },
  {
    what: "the url is another one",
    expect: "unauthorized",
    status: 403,
    header: () => ({ url: "https://elsewhere.example/new-order" }),
  },
  { what: "there is no url", expect: "unauthorized", status: 403, header: () => ({ url: undefined }) },
  { what: "there are both jwk and kid", expect: "malformed", status: 400, header: ({ jwk }) => ({ jwk }) },
  { what: "there is neither jwk nor kid", expect: "malformed", status: 400, header: () => ({ kid: undefined }) },
  {
    what: "an account is needed but a jwk signs",
    expect: "malformed",
    status: 400,
    header: ({ jwk }) => ({ kid: undefined, jwk }),
  },
  {
    what: "the account is unknown",
    expect: "accountDoesNotExist",
    status: 400,
    header: ({ server }) => ({ kid: `${server.baseUrl}${BASE}/account/nobody` }),
  },
  {
    what: "the signature is of something else",
    expect: "malformed",
    status: 400,
    edit: (jws) => ({ ...jws, payload: "e30" }),
  },
  {
    what: "there is an unprotected header",
    expect: "malformed",
    status: 400,
    edit: (jws) => ({ ...jws, header: { x: 1 } }),
  },
  {
    what: "it is the general form",
    expect: "malformed",
    status: 400,
    edit: (jws) => ({ payload: jws["payload"], signatures: [jws] }),
  },
  { what: "it is no JSON object", expect: "malformed", status: 400, edit: () => "text" },
  {
    what: "the protected header is not base64url",
    expect: "malformed",
    status: 400,
    edit: (jws) => ({ ...jws, protected: "!" }),
  },
  { what: "a POST-as-GET has a payload", expect: "malformed", status: 400, path: "/order/none", payload: {} },
  { what: "the order is not there", expect: "malformed", status: 404, path: "/order/none" },
  { what: "the path is not there", expect: "malformed", status: 404, path: "/teapot" },
  { what: "the account is another one", expect: "unauthorized", status: 403, path: "/account/other" },
  { what: "the order names nothing", expect: "malformed", status: 400, payload: {} },
  {
    what: "an identifier is of another type",
    expect: "unsupportedIdentifier",
    status: 400,
    payload: { identifiers: [{ type: "email", value: "a@b" }] },
  },
  {
    what: "notAfter is no time",
    expect: "malformed",
    status: 400,
    payload: { identifiers: [{ type: "dns", value: "a.internal" }], notAfter: "soon" },
  },
  { what: "the payload is no object", expect: "malformed", status: 400, payload: [1] },
  {
    what: "a contact is a telephone",
    expect: "unsupportedContact",
    status: 400,
    path: "/account/:own",
    payload: { contact: ["tel:1"] },
  },
  {
    what: "a contact has header fields",
    expect: "invalidContact",
    status: 400,
    path: "/account/:own",
    payload: { contact: ["mailto:a@b?cc=c@d"] },
  },
  {
    what: "the certificate is not base64url",
    expect: "malformed",
    status: 400,
    path: "/revoke-certificate",
    payload: { certificate: "!" },
  },
];

for (const wrong of WRONGS) {
  test(`AcmeServer answers ${wrong.expect} when ${wrong.what}`, async (t) => {
    const caller = await open(t);
    const path = (wrong.path ?? "/new-order").replace(":own", caller.kid.split("/").at(-1) ?? "");
    const url = `${caller.server.baseUrl}${BASE}${path}`;
    const header = { alg: "ES256", kid: caller.kid, nonce: await caller.nonce(), url, ...wrong.header?.(caller) };
    const payload = wrong.payload === undefined ? "" : JSON.stringify(wrong.payload);
    const jws = await new FlattenedSign(Buffer.from(payload)).setProtectedHeader(header).sign(caller.key);
    assertProblem(await send(caller, url, wrong.edit?.({ ...jws }) ?? jws), wrong.expect, wrong.status);
  });
}

test("AcmeServer takes a nonce only once", async (t) => {
  const caller = await open(t);
  const url = `${caller.server.baseUrl}${BASE}/account/${caller.kid.split("/").at(-1)}`;
  const header = { alg: "ES256", kid: caller.kid, nonce: await caller.nonce(), url };
  const jws = await new FlattenedSign(Buffer.from("{}")).setProtectedHeader(header).sign(caller.key);
  assert.equal((await send(caller, url, jws)).status, 200);
  assertProblem(await send(caller, url, jws), "badNonce", 400);
});

test("AcmeServer refuses algorithms that prove nothing, and lists those it takes", async (t) => {
  const caller = await open(t);
  const url = `${caller.server.baseUrl}${BASE}/new-order`;
  for (const alg of ["none", "HS256"]) {
    const head = Buffer.from(JSON.stringify({ alg, kid: caller.kid, nonce: await caller.nonce(), url })).toString(
      "base64url",
    );
    const signature = createHmac("sha256", "guess").update(`${head}.`).digest("base64url");
    const response = await send(caller, url, { protected: head, payload: "", signature });
    assertProblem(response, "badSignatureAlgorithm", 400);
    assert.ok(response.body.includes('"algorithms":["ES256"'));
  }
});

test("AcmeServer refuses weak and private keys for accounts", async (t) => {
  const caller = await open(t);
  const url = `${caller.server.baseUrl}${BASE}/new-account`;
  const weak = { kty: "RSA", n: Buffer.alloc(128, 255).toString("base64url"), e: "AQAB" };
  for (const jwk of [
    weak,
    caller.key.export({ format: "jwk" }),
    { kty: "oct", k: "AAAA" },
    { kty: "EC", crv: "P-256", x: "AAAA", y: "AAAA" },
  ]) {
    const head = Buffer.from(JSON.stringify({ alg: "ES256", jwk, nonce: await caller.nonce(), url })).toString(
      "base64url",
    );
    assertProblem(await send(caller, url, { protected: head, payload: "e30", signature: "AAAA" }), "badPublicKey", 400);
  }
});

test("AcmeServer insists on POST and its media type, and limits the size of requests", async (t) => {
  const { server, transport } = await open(t);
  assertProblem(await transport.send({ url: `${server.baseUrl}${BASE}/new-order`, method: "GET" }), "malformed", 405);
  assertProblem(await transport.send({ url: `${server.baseUrl}/other`, method: "GET" }), "malformed", 404);
  const large = { url: `${server.baseUrl}${BASE}/new-order`, method: "POST", body: "x".repeat(200_000) } as const;
  assertProblem(await transport.send(large), "malformed", 413);
});

test("AcmeServer gives a nonce and the directory's link with every answer", async (t) => {
  const { server, transport } = await open(t);
  const head = await transport.send({ url: `${server.baseUrl}${BASE}/new-nonce`, method: "HEAD" });
  const get = await transport.send({ url: `${server.baseUrl}${BASE}/new-nonce`, method: "GET" });
  const missing = await transport.send({ url: `${server.baseUrl}${BASE}/teapot`, method: "GET" });
  assert.deepEqual([head.status, get.status, missing.status], [200, 204, 404]);
  const nonces = [head, get, missing].map((response) => response.headers["replay-nonce"]);
  assert.equal(new Set(nonces).size, 3);
  for (const response of [head, get, missing]) {
    assert.equal(response.headers["link"], `<${server.directoryUrl}>;rel="index"`);
    assert.equal(response.headers["cache-control"], "no-store");
  }
});

test("AcmeServer lists orders a page at a time", async (t) => {
  const caller = await open(t);
  const accountId = caller.kid.split("/").at(-1) ?? "";
  const ledger = Ledger.open(caller.directory);
  t.after(() => ledger.close());
  const expiresMs = systemClock.nowMs() + 3_600_000;
  for (let count = 0; count < 101; count++) {
    const id = `order-${String(count).padStart(3, "0")}`;
    const challenge = { id, type: "http-01", token: id, state: "pending" } as const;
    const identifier = { type: "dns", value: "a.internal" } as const;
    const shared = { id, accountId, expiresMs };
    ledger.addOrder({ ...shared, identifiers: [identifier], authorizationIds: [id] }, [
      { ...shared, identifier, deactivated: false, challenges: [challenge] },
    ]);
  }
  const page = async (url: string): Promise<{ count: number; next: string | undefined }> => {
    const header = { alg: "ES256", kid: caller.kid, nonce: await caller.nonce(), url };
    const jws = await new FlattenedSign(Buffer.from("")).setProtectedHeader(header).sign(caller.key);
    const response = await send(caller, url, jws);
    const [, next] = /<([^>]+)>;rel="next"/.exec(String(response.headers["link"])) ?? [];
    return { count: arrayAt(JSON.parse(response.body), "orders").length, next };
  };
  const first = await page(`${caller.kid}/orders`);
  assert.equal(first.count, 100);
  assert.deepEqual(await page(first.next ?? ""), { count: 1, next: undefined });
});

test("AcmeServer names its URLs as the client reached it, for hosts that it knows and no others", async (t) => {
  const { server } = await open(t);
  const { port } = new URL(server.baseUrl);
  const newOrderAt = async (host: string): Promise<string | undefined> => {
    const at = {
      host: "127.0.0.1",
      port,
      path: `${BASE}/directory`,
      headers: { host },
      servername: "localhost",
      ca: server.caBundle,
    };
    const text = await new Promise<string>((resolve, reject) => {
      get({ ...at, agent: false }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
        response.on("end", () => resolve(body));
      }).on("error", reject);
    });
    return stringAt(JSON.parse(text), "newOrder");
  };
  assert.equal(await newOrderAt(`ca.internal:${port}`), `https://ca.internal:${port}${BASE}/new-order`);
  assert.equal(await newOrderAt("CA.internal:1"), `https://ca.internal:1${BASE}/new-order`);
  assert.equal(await newOrderAt("evil.example"), `${server.baseUrl}${BASE}/new-order`);
  assert.equal(await newOrderAt("ca.internal@evil.example"), `${server.baseUrl}${BASE}/new-order`);
});

async function open(t: TestContext): Promise<Caller> {
  const directory = await temporaryFolder(t);
  const server = await openTestServer(t, { directory, dial: () => Promise.reject(new Error("no network here")) });
  const transport = new Transport({ clock: systemClock, userAgent: "lintel-test", caBundle: server.caBundle });
  t.after(() => transport.close());
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const { kty = "", crv = "", x = "", y = "" } = key.export({ format: "jwk" });
  const jwk = { kty, crv, x, y };
  const nonce = async (): Promise<string> => {
    const response = await transport.send({ url: `${server.baseUrl}${BASE}/new-nonce`, method: "HEAD" });
    return String(response.headers["replay-nonce"]);
  };
  const url = `${server.baseUrl}${BASE}/new-account`;
  const header = { alg: "ES256", jwk: { ...jwk }, nonce: await nonce(), url };
  const jws = await new FlattenedSign(Buffer.from("{}")).setProtectedHeader(header).sign(key);
  const made = await transport.send({ url, method: "POST", body: JSON.stringify(jws) });
  assert.equal(made.status, 201);
  return { server, directory, transport, key, jwk, kid: made.headers.location ?? "", nonce };
}

function send(caller: Caller, url: string, body: unknown): Promise<TransportResponse> {
  return caller.transport.send({ url, method: "POST", body: JSON.stringify(body) });
}

function assertProblem(response: TransportResponse, type: string, status: number): void {
  const problem: unknown = JSON.parse(response.body);
  assert.equal(stringAt(problem, "type"), `urn:ietf:params:acme:error:${type}`, response.body);
  assert.equal(response.status, status, response.body);
  assert.equal(response.headers["content-type"], "application/problem+json");
  assert.ok(isRecord(problem) && problem["status"] === status);
  assert.match(stringAt(problem, "detail") ?? "", /^[A-Z"][^\n]{10,}[^.\n]$/, "a sentence without a full stop");
}
