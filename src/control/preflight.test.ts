// What is looked at before a CA is asked, in the controllers: an attempt is held back, never spent in vain, never blocked for ever.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it, type TestContext } from "node:test";
import { AcmeError } from "../acme/client/acme-error.ts";
import type { DnsMessage, DnsRecord } from "../acme/dns/dns-message.ts";
import type { Resolver } from "../acme/dns/resolver.ts";
import { HTTP01_PATH } from "../acme/key-authorization.ts";
import { portOf } from "../acme/testing.ts";
import { LintelError } from "../ground/errors.ts";
import { systemClock } from "../ground/system-clock.ts";
import { ManualClock } from "../ground/testing.ts";
import { encodeKey, generateKey } from "../pki/key.ts";
import { parseIp } from "../pki/x509/ip-address.ts";
import { toBase64 } from "../resource/certificate-request.ts";
import { CERTIFICATE, EVENT, ISSUER, SECRET } from "../resource/kind.ts";
import { NetworkPreflight, type Preflight, type PreflightOptions } from "./preflight/preflight.ts";
import { FakeEdge, make, problemOf, TestPlane } from "./testing.ts";

const SERVER = "https://ca.example/directory";

/** DNS without a network. Does not imitate: time to live, truncation, zones. */
class FakeDns implements Pick<Resolver, "ask" | "records" | "canonicalName"> {
  /** Addresses by name; a name without an entry does not exist. */
  readonly addresses = new Map<string, readonly string[]>([["ca.example", ["8.8.8.8"]]]);
  /** `tag value` by name. */
  readonly caa = new Map<string, readonly string[]>();
  readonly cnames = new Map<string, string>();
  /** Names that get no answer. */
  readonly silent = new Set<string>();

  async ask(name: string, type: number): Promise<DnsMessage> {
    if (this.silent.has(name)) throw new LintelError(`no answer for ${name}`, { code: "Unreachable" });
    const found = this.addresses.get(name);
    const wanted = (found ?? []).map((text) => parseIp(text) ?? Buffer.alloc(0));
    const answers = wanted
      .filter((data) => data.length === (type === 1 ? 4 : 16))
      .map((data): DnsRecord => ({ name, type, dnsClass: 1, ttl: 60, data }));
    const missing = found === undefined && !this.cnames.has(name);
    const rest = { questions: [], authorities: [], additionals: [] };
    return { id: 1, flags: 0x8000 + (missing ? 3 : 0), answers, ...rest };
  }

  async records(name: string): Promise<readonly DnsRecord[]> {
    return (this.caa.get(name) ?? []).map((line) => {
      const [tag = "", ...value] = line.split(" ");
      const data = Buffer.concat([Buffer.of(0, tag.length), Buffer.from(`${tag}${value.join(" ")}`)]);
      return { name, type: 257, dnsClass: 1, ttl: 60, data };
    });
  }

  async canonicalName(name: string): Promise<string> {
    let current = name;
    for (let hop = 0; hop < 8; hop++) {
      const next = this.cnames.get(current);
      if (next === undefined) return current;
      current = next;
    }
    throw new LintelError(`Cannot follow the CNAMEs of "${name}"`, { code: "BadConfig" });
  }
}

async function planeWith(preflight: Preflight, server = SERVER): Promise<TestPlane> {
  const test = await TestPlane.open({ preflight });
  const key = encodeKey(await generateKey({ algorithm: "ECDSA", size: 256 }), "PKCS8");
  await test.store.create(SECRET, make(SECRET, "account", { type: "Opaque", data: { "tls.key": toBase64(key) } }));
  const solvers = [{ http01: { ingress: {} } }];
  const acme = { server, privateKeySecretRef: { name: "account" }, solvers };
  await test.store.create(ISSUER, make(ISSUER, "le", { spec: { acme } }));
  return test;
}

/** DNS alone is looked at: nothing is asked on port 80. */
function dnsOnly(clock: ManualClock, dns: FakeDns, when: PreflightOptions["when"] = "auto"): Preflight {
  const real = new NetworkPreflight({ clock, resolver: dns, when });
  return {
    beforeOrder: (...args) => real.beforeOrder(...args),
    beforeValidation: () => Promise.resolve(undefined),
  };
}

function certificate(name = "web", dnsName = "shop.example"): ReturnType<typeof make> {
  const spec = {
    secretName: `${name}-tls`,
    dnsNames: [dnsName],
    issuerRef: { name: "le" },
    privateKey: { algorithm: "ECDSA" },
  };
  return make(CERTIFICATE, name, { spec });
}

async function message(test: TestPlane, name = "web"): Promise<string> {
  return (await test.condition(CERTIFICATE, name, "Ready"))?.message ?? "";
}

describe("preflight", () => {
  it("holds an order back while the name does not exist, says so, and orders soon after it does", async () => {
    const dns = new FakeDns();
    await using test = await planeWith(dnsOnly(new ManualClock(), dns));
    await test.store.create(CERTIFICATE, certificate());
    await test.until(async () => (await message(test)).includes("does not exist in DNS"), "the finding");
    assert.match(
      await message(test),
      /^Not asking the CA yet.*"shop\.example" does not exist in DNS; create an A or AAAA record/,
    );
    assert.match(await message(test), /asked all the same at 2026-01-01T00:10:0\dZ/);
    await test.pass(5 * 60_000, 20_000);
    assert.equal(test.ca.count("newOrder"), 0);
    dns.addresses.set("shop.example", ["8.8.4.4"]);
    await test.pass(21_000, 1000);
    await test.untilReady("web");
    assert.equal(test.ca.count("newOrder"), 1);
    const events = (await test.store.list(EVENT)).items.filter((event) => event["reason"] === "PreflightFailed");
    assert.equal(events.length, 1);
  });

  it("asks the CA all the same after ten minutes: what is seen from here need not be what the CA sees", async () => {
    await using test = await planeWith(dnsOnly(new ManualClock(), new FakeDns()));
    await test.store.create(CERTIFICATE, certificate());
    await test.pass(9 * 60_000, 20_000);
    assert.equal(test.ca.count("newOrder"), 0);
    await test.pass(2 * 60_000, 20_000);
    await test.untilReady("web");
  });

  for (const [what, prepare, sentence] of [
    [
      "a circle of CNAMEs",
      (dns: FakeDns) => dns.cnames.set("shop.example", "b.example").set("b.example", "shop.example"),
      /CNAME records of "shop\.example" lead in a circle/,
    ],
    [
      "a name without addresses",
      (dns: FakeDns) => dns.addresses.set("shop.example", []),
      /"shop\.example" has no address in DNS/,
    ],
    [
      "a private address",
      (dns: FakeDns) => dns.addresses.set("shop.example", ["10.1.2.3", "fd00::1"]),
      /leads to 10\.1\.2\.3, fd00::1 in DNS, where no public CA can reach it/,
    ],
    [
      "CAA of another CA",
      (dns: FakeDns) => {
        dns.addresses.set("shop.example", ["8.8.4.4"]);
        dns.caa.set("example", ["issue other.example"]);
      },
      /The CAA record of "example" allows "other\.example" only; add issue "ca\.example"/,
    ],
    [
      "CAA of another account",
      (dns: FakeDns) => {
        dns.addresses.set("shop.example", ["8.8.4.4"]);
        dns.caa.set("shop.example", ["issue ca.example; accounturi=https://ca.example/account/7"]);
      },
      /allows the account "https:\/\/ca\.example\/account\/7" only; add accounturi=https:\/\/ca\.example\/account\/1/,
    ],
    [
      "CAA of another method",
      (dns: FakeDns) => {
        dns.addresses.set("shop.example", ["8.8.4.4"]);
        dns.caa.set("shop.example", ["issue ca.example; validationmethods=dns-01"]);
      },
      /allows validation by dns-01 only/,
    ],
  ] as const) {
    it(`finds ${what}`, async () => {
      const dns = new FakeDns();
      prepare(dns);
      await using test = await planeWith(dnsOnly(new ManualClock(), dns));
      test.ca.caaIdentities = ["ca.example"];
      await test.store.create(CERTIFICATE, certificate());
      await test.until(async () => sentence.test(await message(test)), "the finding");
      assert.equal(test.ca.count("newOrder"), 0);
    });
  }

  it("finds nothing where DNS gives no answer, where the CA is private too, and on this machine", async () => {
    const dns = new FakeDns();
    dns.silent.add("shop.example");
    dns.addresses.set("ca.internal", ["10.0.0.1"]);
    dns.addresses.set("app.internal", ["10.0.0.2"]);
    const preflight = new NetworkPreflight({ clock: new ManualClock(), resolver: dns, when: "auto" });
    const { signal } = new AbortController();
    const look = (directoryUrl: string, name: string): Promise<unknown> =>
      preflight.beforeOrder(
        { directoryUrl, caaIdentities: [], accountUrl: undefined },
        [{ name, wildcard: false, method: "http-01" }],
        signal,
      );
    assert.equal(await look(SERVER, "shop.example"), undefined);
    assert.equal(await look("https://ca.internal/dir", "app.internal"), undefined);
    assert.equal(await look("https://127.0.0.1:14000/dir", "nowhere.example"), undefined);
    assert.notEqual(await look(SERVER, "nowhere.example"), undefined);
  });

  it("looks for the token through the name and says what answered instead", async (t) => {
    const edge = new FakeEdge();
    const port = await answering(t, (path) => (path === `${HTTP01_PATH}right` ? "key" : undefined));
    assert.equal(edge.waiting, 0);
    const dns = new FakeDns();
    dns.addresses.set("shop.example", ["127.0.0.1"]);
    const preflight = new NetworkPreflight({ clock: systemClock, resolver: dns, when: "always", httpPort: port });
    const { signal } = new AbortController();
    const look = (name: string, token: string): ReturnType<Preflight["beforeValidation"]> =>
      preflight.beforeValidation({ directoryUrl: SERVER }, { name, token, key: "key" }, signal);
    assert.equal(await look("shop.example", "right"), undefined);
    const wrong = await look("shop.example", "wrong");
    assert.match(
      wrong?.sentence ?? "",
      /"shop\.example" does not lead to this edge.*127\.0\.0\.1 answers with status 404 and "another server"/,
    );
    assert.match((await look("gone.example", "right"))?.sentence ?? "", /has no address here/);
  });

  it("holds a validation back for a moment only", async () => {
    const sentence = `"shop.example" does not lead to this edge`;
    let looks = 0;
    await using test = await planeWith({
      beforeOrder: () => Promise.resolve(undefined),
      beforeValidation: () => {
        looks += 1;
        return Promise.resolve({ sentence, patienceMs: 20_000 });
      },
    });
    await test.store.create(CERTIFICATE, certificate());
    await test.until(async () => (await message(test)).includes(sentence), "the finding");
    assert.equal(test.ca.count("accept"), 0);
    await test.pass(25_000, 1000);
    await test.untilReady("web");
    assert.equal(test.ca.count("accept"), 1);
    assert.ok(looks >= 4 && looks < 30, String(looks));
  });

  it("spends no more than five validations an hour on a name, whatever users edit and however many want it", async () => {
    await using test = await planeWith(dnsOnly(new ManualClock(), new FakeDns(), "off"));
    test.ca.validate = () => problemOf("connection", "refused");
    const accepted: number[] = [];
    test.ca.refuse = (call) => {
      if (call.startsWith("accept")) accepted.push(test.clock.nowMs());
    };
    for (let edit = 0; edit < 36; edit++) {
      for (const name of ["one", "two"]) {
        const before = await test.get(CERTIFICATE, name);
        const wanted = certificate(name);
        // Each edit is a new request, at once.
        const spec = {
          ...(wanted["spec"] as object),
          usages: ["server auth", edit % 2 === 0 ? "client auth" : "signing"],
        };
        if (before === undefined) await test.store.create(CERTIFICATE, { ...wanted, spec });
        else await test.store.update(CERTIFICATE, { ...before, spec });
      }
      await test.pass(5 * 60_000, 30_000);
    }
    for (const atMs of accepted)
      assert.ok(accepted.filter((other) => other >= atMs && other < atMs + 3_600_000).length <= 5, "five in an hour");
    assert.ok(accepted.length >= 10, `it goes on trying: ${String(accepted.length)}`);
    assert.match(await message(test, "one"), /failed validations of "shop\.example"|Next attempt/);
  });

  it("waits at Let's Encrypt's limit for one set of names instead of being refused", async () => {
    const server = "https://acme-v02.api.letsencrypt.org/directory";
    await using test = await planeWith(dnsOnly(new ManualClock(), new FakeDns(), "off"), server);
    for (let count = 0; count < 6; count++) await test.store.create(CERTIFICATE, certificate(`c${String(count)}`));
    await test.until(() => test.ca.issued === 5, "five certificates");
    await test.quiet();
    assert.equal(test.ca.count("newOrder"), 5);
    const states = await Promise.all([0, 1, 2, 3, 4, 5].map((count) => message(test, `c${String(count)}`)));
    const waiting = states.filter((text) => text.includes("5 certificates for exactly these names"));
    assert.equal(waiting.length, 1);
    assert.match(waiting[0] ?? "", /the CA is asked again at 2026-01-02T09:3/);
    await test.pass(35 * 3_600_000, 600_000);
    assert.equal(test.ca.issued, 6);
  });

  it("asks again when the CA's own limit allows it, though it failed many times", async () => {
    await using test = await planeWith(dnsOnly(new ManualClock(), new FakeDns(), "off"));
    let limited = true;
    test.ca.refuse = (call) => {
      if (!limited || !call.startsWith("newOrder")) return;
      const detail = "too many certificates already issued: retry after 2026-01-01 03:00:00 UTC";
      throw new AcmeError("order", problemOf("rateLimited", detail, 429));
    };
    await test.store.create(CERTIFICATE, certificate());
    await test.until(
      async () => (await message(test)).includes("Next attempt by itself at 2026-01-01T03:00"),
      "the time",
    );
    limited = false;
    await test.pass(179 * 60_000, 600_000);
    assert.equal(test.ca.count("newOrder"), 1);
    await test.pass(120_000, 30_000);
    await test.untilReady("web");
  });
});

async function answering(t: TestContext, answer: (path: string) => string | undefined): Promise<number> {
  const server = createServer((request, response) => {
    const body = answer(request.url ?? "");
    response.writeHead(body === undefined ? 404 : 200).end(body ?? "another server\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return portOf(server);
}
