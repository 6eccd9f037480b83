// What the user reads when things go wrong, with the real ACME client against a CA that misbehaves over real HTTPS: each
// row ends in one sentence on the Certificate, in bounded work, and in a certificate once the CA behaves. The table in
// docs/certificates.md has the same rows.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { AcmeClient } from "../acme/client/acme-client.ts";
import { AcmeError } from "../acme/client/acme-error.ts";
import { CHAIN_TYPE } from "../acme/client/answer.ts";
import type { AcmeProblem } from "../acme/wire.ts";
import { portOf } from "../acme/testing.ts";
import { decodeBase64url } from "../ground/base64url.ts";
import { arrayAt, stringAt } from "../ground/json.ts";
import { systemClock } from "../ground/system-clock.ts";
import { encodeKey, generateKey, parseKey } from "../pki/key.ts";
import { LocalCa } from "../pki/local-ca.ts";
import { selfSign } from "../pki/sign.ts";
import { createRequest } from "../pki/x509/request.ts";
import { base64At, toBase64 } from "../resource/certificate-request.ts";
import { CERTIFICATE, ISSUER, SECRET } from "../resource/kind.ts";
import { make, problemOf, TestPlane, type FakeCa } from "./testing.ts";

const BASE = "https://ca.example";
type Act =
  "directory" | "nonce" | "account" | "newOrder" | "order" | "authorization" | "accept" | "finalize" | "certificate";
type Answer = (response: ServerResponse, usual: () => Promise<void>) => Promise<void> | void;

/** A CA over HTTPS: a FakeCa behind real requests, whose answers a test may replace. Does not imitate: signatures, nonces that are checked. */
class HostileCa {
  /** What replaces the usual answer of an act. */
  readonly tampered = new Map<Act, Answer>();
  requests = 0;
  nonces = true;
  readonly #ca: FakeCa;
  base = "";

  constructor(ca: FakeCa) {
    this.#ca = ca;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    let text = "";
    request.setEncoding("utf8");
    for await (const chunk of request) text += String(chunk);
    const path = new URL(request.url ?? "/", this.base).pathname;
    const act = actOf(path);
    if (this.nonces) response.setHeader("Replay-Nonce", `nonce${String(this.requests)}`);
    const usual = (): Promise<void> => this.#usual(act, path, text, response);
    const tampered = this.tampered.get(act);
    await (tampered === undefined ? usual() : tampered(response, usual));
  }

  async #usual(act: Act, path: string, text: string, response: ServerResponse): Promise<void> {
    const caller = this.#ca.caller();
    const url = `${BASE}${path}`;
    const payload: unknown = payloadOf(text);
    try {
      switch (act) {
        case "directory":
          this.#json(response, { ...(await caller.directory()), newNonce: `${BASE}/nonce` });
          return;
        case "nonce":
          response.writeHead(200).end();
          return;
        case "account":
          this.#json(response, { status: (await caller.register({ contact: [] })).status }, `${BASE}/account/1`, 201);
          return;
        case "newOrder": {
          const identifiers = arrayAt(payload, "identifiers").map((entry) => ({
            type: "dns" as const,
            value: stringAt(entry, "value") ?? "",
          }));
          const order = await caller.newOrder({ identifiers });
          this.#json(response, order, order.url, 201);
          return;
        }
        case "order":
          this.#json(response, await caller.order(url));
          return;
        case "authorization":
          this.#json(response, await caller.authorization(url));
          return;
        case "accept":
          await caller.accept(url);
          this.#json(response, { type: "http-01", url, status: "processing", token: "t" });
          return;
        case "finalize": {
          const der = decodeBase64url(stringAt(payload, "csr") ?? "") ?? new Uint8Array();
          const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
          this.#json(response, await caller.finalize(url, pem));
          return;
        }
        case "certificate":
          response.writeHead(200, { "Content-Type": CHAIN_TYPE }).end(await caller.certificate(url));
          return;
        default:
          act satisfies never;
      }
    } catch (error) {
      if (!(error instanceof AcmeError)) throw error;
      refuse(response, error.problem);
    }
  }

  #json(response: ServerResponse, value: unknown, location?: string, status = 200): void {
    response.writeHead(status, {
      "Content-Type": "application/json",
      ...(location === undefined ? {} : { Location: location.replaceAll(BASE, this.base) }),
    });
    response.end(JSON.stringify(value).replaceAll(BASE, this.base));
  }
}

function actOf(path: string): Act {
  if (path.endsWith("/finalize")) return "finalize";
  if (path.endsWith("/certificate")) return "certificate";
  if (path.startsWith("/order/")) return "order";
  if (path.startsWith("/authorization/")) return "authorization";
  if (path.startsWith("/challenge/")) return "accept";
  if (path === "/order") return "newOrder";
  if (path === "/nonce") return "nonce";
  return path === "/directory" ? "directory" : "account";
}

function payloadOf(text: string): unknown {
  if (text === "") return {};
  const bytes = decodeBase64url(stringAt(JSON.parse(text), "payload") ?? "") ?? new Uint8Array();
  return bytes.length === 0 ? {} : (JSON.parse(Buffer.from(bytes).toString("utf8")) as unknown);
}

function refuse(response: ServerResponse, problem: AcmeProblem, headers: Readonly<Record<string, string>> = {}): void {
  const status = problem.status === 0 ? 400 : problem.status;
  response.writeHead(status, { "Content-Type": "application/problem+json", ...headers });
  response.end(JSON.stringify({ ...problem, status }));
}

/** One thing that goes wrong. */
interface Row {
  /** As the table in docs/certificates.md calls it. */
  readonly cause: string;
  readonly play: (ca: HostileCa, fake: FakeCa, test: TestPlane) => void;
  /** What the Certificate says; the docs have the same words. */
  readonly says: RegExp;
  /** Requests within the hour after it was said. @default 90 */
  readonly requestsMax?: number;
}

function refusing(act: Act, problem: AcmeProblem, headers: Readonly<Record<string, string>> = {}): Row["play"] {
  return (ca) => ca.tampered.set(act, (response) => refuse(response, problem, headers));
}

function answering(act: Act, type: string, body: string, status = 200): Row["play"] {
  return (ca) =>
    ca.tampered.set(act, (response) => void response.writeHead(status, { "Content-Type": type }).end(body));
}

function unproven(type: string, detail: string): Row["play"] {
  return (_ca, fake) => {
    fake.validate = () => problemOf(type, detail);
  };
}

/** A chain for the real key, whatever the names and the time. */
function issuing(change: {
  readonly names?: readonly string[];
  readonly hours?: number;
  readonly otherKey?: boolean;
}): Row["play"] {
  return (ca, _fake, test) => {
    ca.tampered.set("certificate", async (response) => {
      const { items } = await test.store.list(SECRET);
      const next = items.find((secret) => secret.metadata.labels?.["cert-manager.io/next-private-key"] === "true");
      const pem = base64At(next?.["data"], "tls.key");
      const own = pem === undefined || change.otherKey === true ? undefined : parseKey(pem);
      const key = own ?? (await generateKey({ algorithm: "ECDSA", size: 256 }));
      const csr = await createRequest(key, { dnsNames: change.names ?? ["shop.example"] });
      const hours = change.hours ?? 2000;
      const notBeforeMs = test.clock.nowMs() - 3_600_000 * (hours < 0 ? 100 : 1);
      const durationMs = hours < 0 ? 3_600_000 : hours * 3_600_000;
      const { chain } = await selfSign({ csr, key, notBeforeMs, durationMs, isCa: false, usages: ["server auth"] });
      response.writeHead(200, { "Content-Type": CHAIN_TYPE }).end(chain);
    });
  };
}

const ROWS: readonly Row[] = [
  {
    cause: "Port 80 is closed",
    play: unproven("connection", "Fetching http://shop.example/: Connection refused"),
    says: /Connection refused \(connection\)\. Make port 80 of shop\.example reachable from the CA/,
  },
  {
    cause: "The name is not in DNS",
    play: unproven("dns", "DNS problem: NXDOMAIN looking up A for shop.example"),
    says: /NXDOMAIN.*\(dns\)\. Create an A or AAAA record for shop\.example that points to this edge/,
  },
  {
    cause: "Another server answers for the name",
    play: unproven("unauthorized", "203.0.113.9: Invalid response: 404"),
    says: /404 \(unauthorized\)\. Something else answered for shop\.example: point its DNS to this edge and leave port 80 to it/,
  },
  {
    cause: "CAA forbids the CA",
    play: unproven("caa", "CAA record for shop.example prevents issuance"),
    says: /\(caa\)\. Allow this CA in the CAA record of shop\.example, or remove the record/,
  },
  {
    cause: "A TLS error at the name",
    play: unproven("tls", "remote error: handshake failure"),
    says: /\(tls\)\. The CA met a TLS error at shop\.example: point its DNS to this edge/,
  },
  {
    cause: "A limit with Retry-After",
    play: refusing("newOrder", problemOf("rateLimited", "too many new orders", 429), { "Retry-After": "7200" }),
    says: /too many new orders \(rateLimited\)\. Wait until the limit allows more/,
    requestsMax: 4,
  },
  {
    cause: "A limit whose end is in the sentence",
    play: refusing(
      "newOrder",
      problemOf("rateLimited", "too many certificates already issued: retry after 2026-01-01 20:00:00 UTC", 429),
    ),
    says: /\(rateLimited\)\..* Next attempt by itself at 2026-01-01T20:00:00Z/,
    requestsMax: 4,
  },
  {
    cause: "The account is paused",
    play: refusing("newOrder", {
      ...problemOf("userActionRequired", "Your account is paused", 403),
      instance: "https://ca.example/unpause/7",
    }),
    says: /Your account is paused \(userActionRequired\)\. Open https:\/\/ca\.example\/unpause\/7 and do what it asks/,
    requestsMax: 4,
  },
  {
    cause: "The CA does not certify the name",
    play: refusing("newOrder", problemOf("rejectedIdentifier", "policy forbids issuing for name", 400)),
    says: /\(rejectedIdentifier\)\. This CA does not certify shop\.example: use a name of a public domain, or another issuer/,
    requestsMax: 4,
  },
  {
    cause: "The CA refuses key or names",
    play: refusing("finalize", problemOf("badCSR", "weak key", 400)),
    says: /weak key \(badCSR\)\. Change the key or the names of the Certificate/,
  },
  {
    cause: "The profile does not exist",
    play: refusing("newOrder", problemOf("invalidProfile", "profile not offered", 400)),
    says: /\(invalidProfile\)\. Correct spec\.acme\.profile of the issuer, or remove it/,
    requestsMax: 4,
  },
  {
    cause: "The CA wants an account binding",
    play: refusing("account", problemOf("externalAccountRequired", "no binding", 403)),
    says: /\(externalAccountRequired\)\. Set spec\.acme\.externalAccountBinding of the issuer/,
  },
  {
    cause: "The CA refuses the e-mail address",
    play: refusing("account", problemOf("invalidContact", "no such domain", 400)),
    says: /\(invalidContact\)\. Correct spec\.acme\.email of the issuer/,
  },
  {
    cause: "The order expired",
    play: refusing("order", problemOf("malformed", "order expired", 404)),
    says: /order expired \(malformed\)/,
  },
  {
    cause: "No challenge that can be answered",
    play: (ca) =>
      ca.tampered.set(
        "authorization",
        (response) =>
          void response.writeHead(200, { "Content-Type": "application/json" }).end(
            JSON.stringify({
              status: "pending",
              identifier: { type: "dns", value: "shop.example" },
              challenges: [{ type: "carrier-pigeon-01", url: `${ca.base}/challenge/9`, status: "pending", token: "t" }],
            }),
          ),
      ),
    says: /"shop\.example" can be proven by carrier-pigeon-01 only, and none of these can be answered here/,
  },
  {
    cause: "An authorization for another name",
    play: (ca) =>
      ca.tampered.set(
        "authorization",
        (response) =>
          void response.writeHead(200, { "Content-Type": "application/json" }).end(
            JSON.stringify({
              status: "pending",
              identifier: { type: "dns", value: "bank.example" },
              challenges: [{ type: "http-01", url: `${ca.base}/challenge/9`, status: "pending", token: "t" }],
            }),
          ),
      ),
    says: /the CA's answer cannot be used: it asks to prove "bank\.example", which was not ordered/,
  },
  {
    cause: "A certificate for another key",
    play: issuing({ otherKey: true }),
    says: /the CA's answer cannot be used: it is for another key/,
  },
  {
    cause: "A certificate for other names",
    play: issuing({ names: ["bank.example"] }),
    says: /the CA's answer cannot be used: it is not for "shop\.example"/,
  },
  {
    cause: "A certificate that has ended",
    play: issuing({ hours: -1 }),
    says: /the CA's answer cannot be used: it ended already, at 2025-12-/,
  },
  {
    cause: "A private key among the certificates",
    play: answering("certificate", CHAIN_TYPE, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
    says: /cannot be used: it holds more than certificates/,
  },
  {
    cause: "HTML instead of JSON",
    play: answering("newOrder", "text/html", "<h1>Welcome</h1>"),
    says: /cannot be used: it is "text\/html", not JSON/,
  },
  {
    cause: "Broken JSON",
    play: answering("authorization", "application/json", '{"status": "pend'),
    says: /cannot be used: it is broken JSON/,
  },
  {
    cause: "JSON of another kind",
    play: answering("newOrder", "application/json", "[]", 201),
    says: /cannot be used: it (is no order|has no Location)/,
  },
  {
    cause: "A directory without entries",
    play: answering("directory", "application/json", "{}"),
    says: /Cannot (register|read).*it has no "newNonce"/,
  },
  {
    cause: "An answer without end",
    play: (ca) =>
      ca.tampered.set(
        "newOrder",
        (response) =>
          void response.writeHead(201, { "Content-Type": "application/json" }).end(`"${"x".repeat(1_200_000)}"`),
      ),
    says: /its answer is longer than 1048576 bytes/,
  },
  {
    cause: "Error 500",
    play: answering("newOrder", "text/plain", "Internal error", 500),
    says: /HTTP status 500: Internal error\. It is tried again by itself/,
  },
  {
    cause: "Error 503 with Retry-After",
    play: (ca) =>
      ca.tampered.set(
        "newOrder",
        (response) =>
          void response.writeHead(503, { "Retry-After": "1800", "Content-Type": "text/plain" }).end("maintenance"),
      ),
    says: /HTTP status 503: maintenance/,
    requestsMax: 4,
  },
  {
    cause: "The connection breaks",
    play: (ca) => ca.tampered.set("newOrder", (response) => void response.destroy()),
    says: /Cannot reach ACME server "127\.0\.0\.1:\d+"/,
  },
  {
    cause: "No nonce",
    play: (ca) => {
      ca.nonces = false;
    },
    says: /Cannot get a nonce from the CA.*it has no Replay-Nonce|it has no Replay-Nonce/,
  },
  {
    cause: "Every nonce is refused",
    play: refusing("newOrder", problemOf("badNonce", "stale nonce", 400)),
    says: /stale nonce \(badNonce\)\. It is tried again by itself/,
    requestsMax: 400,
  },
  {
    cause: "Redirects in a circle",
    play: (ca) =>
      ca.tampered.set(
        "directory",
        (response) => void response.writeHead(302, { Location: `${ca.base}/directory` }).end(),
      ),
    says: /it redirects to ".*\/directory", and ACME URLs must not redirect/,
  },
];

describe("a CA that misbehaves", () => {
  let ca: LocalCa | undefined;
  let key = "";
  let directory = "";
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "lintel-hostile-"));
    ca = await LocalCa.open({ directory, clock: systemClock });
    key = encodeKey(await generateKey({ algorithm: "ECDSA", size: 256 }), "PKCS8");
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  for (const row of ROWS) {
    it(`is said on the Certificate: ${row.cause}`, async (t) => {
      const root = ca;
      assert.ok(root !== undefined);
      await using test = await TestPlane.open();
      const hostile = new HostileCa(test.ca);
      const issued = await root.issue({ names: ["127.0.0.1"], durationMs: 3_600_000 });
      const server = createServer({ cert: issued.chain, key: issued.key }, (request, response) => {
        hostile.answer(request, response).catch(() => response.destroy());
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      t.after(() => {
        server.closeAllConnections();
        server.close();
      });
      hostile.base = `https://127.0.0.1:${String(portOf(server))}`;
      await test.restart({
        acmeDirectory: () => ({ url: `${hostile.base}/directory`, caBundle: root.rootPem, offline: false }),
        openAcmeCaller: (options) => new AcmeClient(options),
      });
      row.play(hostile, test.ca, test);
      const data = { "tls.key": toBase64(key) };
      await test.store.create(SECRET, make(SECRET, "account", { type: "Opaque", data }));
      const solvers = [{ http01: { ingress: {} } }];
      const acme = { server: `${BASE}/directory`, privateKeySecretRef: { name: "account" }, solvers };
      await test.store.create(ISSUER, make(ISSUER, "le", { spec: { acme } }));
      const spec = {
        secretName: "web-tls",
        dnsNames: ["shop.example"],
        issuerRef: { name: "le" },
        privateKey: { algorithm: "ECDSA" },
      };
      await test.store.create(CERTIFICATE, make(CERTIFICATE, "web", { spec }));

      let message = "";
      await test
        .until(
          async () => {
            message = (await test.condition(CERTIFICATE, "web", "Ready"))?.message ?? "";
            return row.says.test(message);
          },
          `${String(row.says)}; the last message was ${JSON.stringify(message)}`,
        )
        .catch((error: unknown) => {
          throw new Error(`the Certificate says: ${message}`, { cause: error });
        });
      for (const part of documented().get(row.cause)?.split("…") ?? []) assert.ok(message.includes(part.trim()), part);
      assert.equal((await test.get(SECRET, "web-tls")) === undefined, true, "nothing was stored");

      const said = hostile.requests;
      await test.pass(3_600_000, 300_000);
      const more = hostile.requests - said;
      assert.ok(more <= (row.requestsMax ?? 90), `${String(more)} requests in the hour after`);

      hostile.tampered.clear();
      hostile.nonces = true;
      test.ca.validate = () => undefined;
      await test.pass(24 * 3_600_000, 600_000);
      await test.untilReady("web");
    });
  }

  it("has every row of this table in docs/certificates.md", () => {
    assert.deepEqual(
      [...documented().keys()],
      ROWS.map(({ cause }) => cause),
    );
    assert.ok(ROWS.length >= 20);
  });
});

/** The table of docs/certificates.md: what goes wrong, and what is read then, with … for what varies. */
function documented(): ReadonlyMap<string, string> {
  const docs = readFileSync("docs/certificates.md", "utf8");
  const [, text = ""] = docs.split("### What you read when things go wrong");
  const [section = ""] = text.split(/^#/m);
  const rows = [...section.matchAll(/^\| ([^|]+?) +\| ([^|]+?) +\|$/gm)].map(
    ([, cause = "", sentence = ""]) => [cause, sentence.replaceAll("`", "")] as const,
  );
  return new Map(rows.filter(([cause]) => cause !== "what goes wrong" && !/^-+$/.test(cause)));
}
