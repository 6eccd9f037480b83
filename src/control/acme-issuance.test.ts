import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AcmeError } from "../acme/client/acme-error.ts";
import { LintelError } from "../ground/errors.ts";
import { stringAt } from "../ground/json.ts";
import { encodeKey, generateKey } from "../pki/key.ts";
import { parseCertificate } from "../pki/x509/certificate.ts";
import { base64At, toBase64 } from "../resource/certificate-request.ts";
import { CERTIFICATE, CERTIFICATE_REQUEST, CHALLENGE, EVENT, ISSUER, ORDER, SECRET } from "../resource/kind.ts";
import type { AcmeCaller } from "./acme-accounts.ts";
import { MortalStore, make, problemOf, TestPlane } from "./testing.ts";

const ACME = {
  server: "https://ca.example/directory",
  email: "owner@shop.example",
  privateKeySecretRef: { name: "account" },
  solvers: [{ http01: { ingress: { ingressClassName: "nginx" } } }],
};

function certificate(dnsNames: readonly string[] = ["shop.example"]): ReturnType<typeof make> {
  const privateKey = { algorithm: "ECDSA" };
  return make(CERTIFICATE, "web", { spec: { secretName: "web-tls", dnsNames, issuerRef: { name: "le" }, privateKey } });
}

let accountKey: string | undefined;

async function withIssuer(acme: Readonly<Record<string, unknown>> = ACME): Promise<TestPlane> {
  const test = await TestPlane.open();
  // Made once: an RSA key for each test would take longer than the test.
  accountKey ??= encodeKey(await generateKey({ algorithm: "ECDSA", size: 256 }), "PKCS8");
  const data = { "tls.key": toBase64(accountKey) };
  await test.store.create(SECRET, make(SECRET, "account", { type: "Opaque", data }));
  await test.store.create(ISSUER, make(ISSUER, "le", { spec: { acme } }));
  return test;
}

async function readyMessage(test: TestPlane): Promise<string> {
  return (await test.condition(CERTIFICATE, "web", "Ready"))?.message ?? "";
}

describe("ACME issuance", () => {
  it("tells the CA to validate only after every worker serves the token", async () => {
    await using test = await withIssuer();
    test.edge.held = true;
    await test.store.create(CERTIFICATE, certificate());
    await test.until(() => test.edge.snapshot.challenges.size === 1, "the token in the snapshot");
    await test.pass(5000);
    assert.equal(test.ca.count("accept"), 0);
    test.edge.release();
    await test.untilReady("web");
    assert.equal(test.ca.count("accept"), 1);
  });

  it("tells the CA to validate by TLS-ALPN-01 only after every worker has the certificate", async () => {
    await using test = await withIssuer({ ...ACME, solvers: [{ tlsALPN01: {} }] });
    test.ca.challengeType = "tls-alpn-01";
    test.edge.held = true;
    await test.store.create(CERTIFICATE, certificate());
    await test.until(() => test.edge.snapshot.challenges.size === 1, "the challenge in the snapshot");
    const [challenge] = test.edge.snapshot.challenges.values();
    assert.equal(challenge?.tlsAlpn?.serverName, "shop.example");
    await test.pass(5000);
    assert.equal(test.ca.count("accept"), 0);
    test.edge.release();
    await test.untilReady("web");
    assert.equal(test.ca.count("accept"), 1);
  });

  it("renews inside the window that the CA suggests, tells what it replaces, and does without when that is refused", async () => {
    await using test = await withIssuer();
    const day = 24 * 3_600_000;
    const startMs = test.clock.nowMs() + 10 * day;
    test.ca.renewalInfo = { startMs, endMs: startMs + day, retryAfterMs: 6 * 3_600_000, explanationUrl: "https://why" };
    await test.store.create(CERTIFICATE, certificate());
    await test.untilReady("web");
    await test.quiet();
    const renewsAt = async (): Promise<number> => {
      const status = (await test.get(CERTIFICATE, "web"))?.["status"];
      return Date.parse(stringAt(status, "renewalTime") ?? "");
    };
    assert.ok((await renewsAt()) >= startMs - 1000 && (await renewsAt()) <= startMs + day);
    test.ca.refuse = (call) => {
      if (call.endsWith(" replaces")) throw new AcmeError("order", problemOf("alreadyReplaced", "replaced", 409));
      if (call.startsWith("finalize")) test.ca.renewalInfo = { startMs: startMs + 60 * day, endMs: startMs + 61 * day };
    };
    await test.pass(9 * day);
    assert.equal(test.ca.issued, 1);
    assert.ok(test.ca.count("renewalInfo") >= 30, "asked every six hours");
    await test.pass(3 * day);
    assert.equal(test.ca.issued, 2);
    assert.equal(test.ca.count("newOrder shop.example replaces"), 1);
    assert.ok((await renewsAt()) >= startMs + 60 * day - 1000, "the new certificate has a window of its own");
  });

  it("reports a challenge that cannot be presented and goes on once it can", async () => {
    await using test = await withIssuer();
    test.edge.held = true;
    await test.store.create(CERTIFICATE, certificate());
    await test.until(async () => (await readyMessage(test)).includes("not every worker"), "the reason");
    assert.equal(test.ca.count("accept"), 0);
    test.edge.release();
    await test.untilReady("web");
  });

  it("orders once whatever step the process dies after", async () => {
    let completed = false;
    for (let writes = 1; !completed && writes < 80; writes++) {
      await using test = await withIssuer();
      test.ca.listsOrders = true;
      const mortal = new MortalStore(test.store);
      await test.restart({ store: mortal, openAcmeCaller: () => test.ca.caller(() => mortal.alive) });
      mortal.writesLeft = writes;
      await test.store.create(CERTIFICATE, certificate(["a.example", "b.example"]));
      for (let step = 0; step < 30 && mortal.alive; step++) {
        await test.quiet();
        await test.clock.advance(100);
      }
      completed = mortal.alive;
      await test.restart();
      await test.untilReady("web");
      assert.equal(test.ca.count("newOrder"), 1, `after ${String(writes)} writes`);
      assert.equal(test.ca.issued, 1, `after ${String(writes)} writes`);
      await test.quiet();
      const { items } = await test.store.list(SECRET);
      assert.deepEqual(items.map((secret) => secret.metadata.name).sort(), ["account", "web-tls"]);
      assert.equal((await test.store.list(CHALLENGE)).items.length, 0, `after ${String(writes)} writes`);
    }
    assert.ok(completed, "the last round ran to its end without dying");
  });

  it("writes nothing and asks no CA while the fence is up, and orders once when the answer could not be written down", async () => {
    await using test = await withIssuer();
    let leads = true;
    const fence = (): void => {
      if (!leads) throw new LintelError("This replica leads no more", { code: "Aborted" });
    };
    await test.restart({ fence });
    await test.quiet();
    test.ca.refuse = (call) => {
      // The lease is lost while the CA is at work; its answer comes to somebody who may write no more.
      if (call.startsWith("newOrder")) leads = false;
    };
    await test.store.create(CERTIFICATE, certificate());
    await test.until(() => test.ca.count("newOrder") === 1, "the order");
    await test.quiet();
    const [before] = (await test.store.list(ORDER)).items;
    assert.equal(stringAt(before?.["status"], "state"), "pending", "marked before the CA was asked");
    assert.equal(stringAt(before?.["status"], "url"), undefined);
    await test.plane.follow();
    test.ca.refuse = () => undefined;
    leads = true;
    test.plane.lead();
    await test.untilReady("web");
    assert.equal(test.ca.count("newOrder"), 1, "what the CA said is remembered until it can be written down");
  });

  for (const moment of ["before", "after"] as const) {
    it(`orders once when the process dies ${moment} any call to the CA`, async () => {
      let completed = false;
      for (let calls = 1; !completed && calls < 40; calls++) {
        await using test = await withIssuer();
        test.ca.listsOrders = true;
        const mortal = new MortalStore(test.store);
        await test.restart({
          store: mortal,
          openAcmeCaller: () => mortalCaller(test.ca.caller(), mortal, moment, calls),
        });
        await test.store.create(CERTIFICATE, certificate(["a.example", "b.example"]));
        for (let step = 0; step < 30 && mortal.alive; step++) {
          await test.quiet();
          await test.clock.advance(100);
        }
        completed = mortal.alive;
        await test.clock.advance(1000);
        await test.restart();
        await test.untilReady("web");
        await test.quiet();
        const where = `${moment} call ${String(calls)}`;
        assert.equal(test.ca.count("newOrder"), 1, where);
        assert.equal(test.ca.issued, 1, where);
        assert.equal((await test.store.list(CHALLENGE)).items.length, 0, where);
      }
      assert.ok(completed, "the last round ran to its end without dying");
    });
  }

  it("fails an attempt all the same where annotations may not be written", async () => {
    await using test = await withIssuer();
    const forbidding = new MortalStore(test.store);
    const { update } = forbidding;
    forbidding.update = (kind, object, ...rest) => {
      if (kind !== ORDER && kind !== CERTIFICATE_REQUEST) return update(kind, object, ...rest);
      return Promise.reject(new LintelError("Cannot update: not allowed", { code: "Forbidden" }));
    };
    await test.restart({ store: forbidding });
    test.ca.validate = () => problemOf("connection", "refused");
    await test.store.create(CERTIFICATE, certificate());
    await test.until(async () => (await test.condition(CERTIFICATE, "web", "Issuing"))?.status === "False", "failure");
    assert.match(await readyMessage(test), /refused \(connection\).*Next attempt by itself at 2026-01-01T01:00/);
  });

  it("says on the Certificate what the CA found and what to do", async () => {
    await using test = await withIssuer();
    test.ca.validate = (name) => problemOf("connection", `Fetching http://${name}/: Connection refused`);
    await test.store.create(CERTIFICATE, certificate());
    await test.until(async () => (await test.condition(CERTIFICATE, "web", "Issuing"))?.status === "False", "failure");
    await test.quiet();
    const message = await readyMessage(test);
    assert.match(
      message,
      /The CA could not verify "shop\.example": Fetching http:\/\/shop\.example\/: Connection refused/,
    );
    assert.match(message, /Make port 80 of shop\.example reachable/);
    assert.match(message, /Next attempt by itself at 2026-01-01T00:15:\d\dZ/);
    const status = (await test.get(CERTIFICATE, "web"))?.["status"] as Record<string, unknown>;
    assert.equal(status["failedIssuanceAttempts"], 1);
    const [order] = (await test.store.list(ORDER)).items;
    assert.equal(stringAt(order?.["status"], "state"), "invalid");
  });

  it("waits a quarter of an hour and then half of one after failures, and not at all when the spec changed", async () => {
    await using test = await withIssuer();
    test.ca.validate = () => problemOf("connection", "refused");
    await test.store.create(CERTIFICATE, certificate());
    await test.until(() => test.ca.count("accept") === 1, "the first attempt");
    await test.quiet();
    await test.pass(14 * 60_000);
    assert.equal(test.ca.count("newOrder"), 1);
    await test.clock.advance(60_000);
    await test.until(() => test.ca.count("accept") === 2, "the second attempt");
    await test.quiet();
    await test.pass(29 * 60_000);
    assert.equal(test.ca.count("newOrder"), 2);
    test.ca.validate = () => undefined;
    const before = await test.get(CERTIFICATE, "web");
    await test.store.update(CERTIFICATE, { ...before!, spec: certificate(["other.example"])["spec"] });
    await test.untilReady("web");
    const status = (await test.get(CERTIFICATE, "web"))?.["status"] as Record<string, unknown>;
    assert.equal(status["failedIssuanceAttempts"], undefined);
    assert.equal(status["lastFailureTime"], undefined);
  });

  it("waits as long as the CA asks when a limit is reached", async () => {
    await using test = await withIssuer();
    let limited = true;
    test.ca.refuse = (call) => {
      if (!limited || !call.startsWith("newOrder")) return;
      throw new AcmeError("order", { ...problemOf("rateLimited", "too many orders", 429), retryAfterMs: 600_000 });
    };
    await test.store.create(CERTIFICATE, certificate());
    await test.until(async () => (await readyMessage(test)).includes("too many orders"), "the CA's reason");
    limited = false;
    await test.pass(590_000);
    assert.equal(test.ca.count("newOrder"), 1);
    await test.clock.advance(10_000);
    await test.untilReady("web");
  });

  it("fails an order that the CA refuses for good", async () => {
    await using test = await withIssuer();
    test.ca.refuse = (call) => {
      if (call.startsWith("newOrder")) throw new AcmeError("order", problemOf("rejectedIdentifier", "not public", 400));
    };
    await test.store.create(CERTIFICATE, certificate());
    await test.until(async () => (await test.condition(CERTIFICATE, "web", "Issuing"))?.status === "False", "failure");
    await test.quiet();
    assert.match(
      await readyMessage(test),
      /not public \(rejectedIdentifier\)\. This CA does not certify shop\.example/,
    );
  });

  it("asks the CA nothing for a wildcard that HTTP-01 can't prove", async () => {
    await using test = await withIssuer();
    await test.store.create(CERTIFICATE, certificate(["*.shop.example"]));
    await test.until(async () => (await test.condition(CERTIFICATE, "web", "Issuing"))?.status === "False", "failure");
    await test.quiet();
    assert.match(await readyMessage(test), /"\*\.shop\.example": wildcards are proven by DNS only/);
    assert.equal(test.ca.count("newOrder"), 0);
  });

  it("waits for an issuer that does not exist, and says so", async () => {
    await using test = await TestPlane.open();
    await test.store.create(CERTIFICATE, certificate());
    await test.quiet();
    assert.match(await readyMessage(test), /Issuer "le", which does not exist/);
    await test.store.create(ISSUER, make(ISSUER, "le", { spec: { acme: ACME } }));
    await test.untilReady("web");
  });

  it("says why an issuer is not ready, and recovers", async () => {
    await using test = await TestPlane.open();
    let refusing = true;
    test.ca.refuse = (call) => {
      if (refusing && call.startsWith("register"))
        throw new AcmeError("register", problemOf("serverInternal", "maintenance", 503));
    };
    await test.store.create(ISSUER, make(ISSUER, "le", { spec: { acme: ACME } }));
    await test.store.create(CERTIFICATE, certificate());
    await test.until(async () => (await readyMessage(test)).includes("maintenance"), "the reason");
    const ready = await test.condition(ISSUER, "le", "Ready");
    assert.equal(ready?.reason, "ErrRegisterACMEAccount");
    assert.equal(test.ca.count("register"), 1);
    refusing = false;
    await test.untilReady("web");
    const issuer = (await test.get(ISSUER, "le"))?.["status"] as { acme: Record<string, string> };
    assert.equal(issuer.acme["uri"], "https://ca.example/account/1");
    assert.equal(issuer.acme["lastRegisteredEmail"], "owner@shop.example");
  });

  it("registers anew when the CA forgot the account", async () => {
    await using test = await withIssuer();
    let known = false;
    test.ca.refuse = (call) => {
      if (call.startsWith("register") && test.ca.count("register") === 2) known = true;
      if (!known && call.startsWith("newOrder"))
        throw new AcmeError("order", problemOf("accountDoesNotExist", "who?", 400));
    };
    await test.store.create(CERTIFICATE, certificate());
    await test.untilReady("web");
    assert.equal(test.ca.count("register"), 2);
    assert.equal(test.ca.count("newOrder"), 2);
  });

  it("asks the server anew when the issuer's caBundle changes", async () => {
    await using test = await TestPlane.open();
    const bundles: (string | undefined)[] = [];
    await test.restart({
      openAcmeCaller: (options) => {
        bundles.push(options.caBundle);
        return test.ca.caller();
      },
    });
    const made = await test.store.create(ISSUER, make(ISSUER, "le", { spec: { acme: ACME } }));
    await test.until(async () => (await test.condition(ISSUER, "le", "Ready"))?.status === "True", "issuer");
    const acme = { ...ACME, caBundle: Buffer.from("new bundle").toString("base64") };
    await test.store.update(ISSUER, { ...made, metadata: { name: "le", namespace: "shop" }, spec: { acme } });
    await test.quiet();
    assert.deepEqual(bundles, [undefined, "new bundle"]);
    assert.equal(test.ca.count("register"), 1);
  });

  it("keeps the account key and registers once over restarts", async () => {
    await using test = await withIssuer();
    await test.until(async () => (await test.condition(ISSUER, "le", "Ready"))?.status === "True", "issuer");
    await test.restart();
    await test.store.create(CERTIFICATE, certificate());
    await test.untilReady("web");
    assert.equal(test.ca.count("register"), 1);
  });

  it("renews by itself for two years", async () => {
    await using test = await withIssuer();
    await test.store.create(CERTIFICATE, certificate());
    await test.untilReady("web");
    const endMs = test.clock.nowMs() + 2 * 365 * 86_400_000;
    let serial = "";
    let renewals = 0;
    while (test.clock.nowMs() < endMs) {
      await test.pass(Math.min(86_400_000, endMs - test.clock.nowMs()), 86_400_000);
      await test.untilReady("web");
      const facts = parseCertificate(base64At((await test.get(SECRET, "web-tls"))?.["data"], "tls.crt") ?? "");
      assert.ok(facts.notAfterMs > test.clock.nowMs(), "never expired");
      if (facts.serialHex !== serial) renewals += 1;
      serial = facts.serialHex;
    }
    // Ninety days, renewed after sixty: the first one and twelve more.
    assert.equal(renewals, 13);
    const { items } = await test.store.list(CERTIFICATE_REQUEST);
    assert.deepEqual(
      items.map((request) => request.metadata.name),
      ["web-13"],
    );
  });

  it("turns Ready off at expiry when the renewals fail", async () => {
    await using test = await withIssuer();
    await test.store.create(CERTIFICATE, certificate());
    await test.untilReady("web");
    test.ca.validate = () => problemOf("dns", "no such host");
    await test.pass(89 * 86_400_000);
    assert.equal((await test.condition(CERTIFICATE, "web", "Ready"))?.status, "True");
    await test.pass(2 * 86_400_000);
    const ready = await test.condition(CERTIFICATE, "web", "Ready");
    assert.equal(ready?.status, "False");
    assert.equal(ready?.reason, "Expired");
    assert.match(ready?.message ?? "", /no such host/);
  });

  it("records who really signed while offline, and issues anew when online again", async () => {
    await using test = await withIssuer();
    const offline = { acmeDirectory: () => ({ url: "https://127.0.0.1/directory", offline: true }) };
    await test.restart(offline);
    await test.store.create(CERTIFICATE, certificate());
    await test.untilReady("web");
    const annotations = (await test.get(SECRET, "web-tls"))?.metadata.annotations;
    assert.equal(annotations?.["cert-manager.io/issuer-name"], "lintel-local");
    assert.match((await test.condition(ISSUER, "le", "Ready"))?.message ?? "", /because of --offline/);
    await test.restart();
    await test.until(
      async () => (await test.get(SECRET, "web-tls"))?.metadata.annotations?.["cert-manager.io/issuer-name"] === "le",
      "the certificate of the real CA",
    );
    await test.untilReady("web");
    assert.equal(test.ca.count("newOrder"), 2);
  });

  it("writes the Events that people know", async () => {
    await using test = await withIssuer();
    await test.store.create(CERTIFICATE, certificate());
    await test.untilReady("web");
    await test.quiet();
    const { items } = await test.store.list(EVENT);
    const seen = new Set(
      items.map((event) => `${(event["involvedObject"] as { kind: string }).kind} ${String(event["reason"])}`),
    );
    for (const expected of [
      "Certificate Issuing",
      "Certificate Generated",
      "Certificate Requested",
      "CertificateRequest cert-manager.io",
      "CertificateRequest OrderCreated",
      "CertificateRequest CertificateIssued",
      "Order Created",
      "Order Complete",
      "Challenge Started",
      "Challenge Presented",
      "Challenge DomainVerified",
    ]) {
      assert.ok(seen.has(expected), expected);
    }
    assert.deepEqual(
      test.progress.map((event) => event.step),
      ["certificate-ordered", "challenge-presented", "challenge-answered", "certificate-ready"],
    );
  });
});

/** A caller whose process dies before or after its `calls`th call: what it asked arrived, or did not. */
function mortalCaller(caller: AcmeCaller, mortal: MortalStore, moment: "before" | "after", calls: number): AcmeCaller {
  let left = calls;
  const die = (): never => {
    mortal.alive = false;
    throw new LintelError("Cannot reach the CA: the process is gone", { code: "Unreachable" });
  };
  const once = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    if (!mortal.alive) return die();
    left -= 1;
    if (moment === "before" && left === 0) return die();
    const result = await call();
    return moment === "after" && left === 0 ? die() : result;
  };
  return {
    ...caller,
    directory: () => once(() => caller.directory()),
    register: (options) => once(() => caller.register(options)),
    newOrder: (options) => once(() => caller.newOrder(options)),
    findOrder: (identifiers) => once(() => caller.findOrder(identifiers)),
    order: (url) => once(() => caller.order(url)),
    authorization: (url) => once(() => caller.authorization(url)),
    accept: (url) => once(() => caller.accept(url)),
    finalize: (url, csr) => once(() => caller.finalize(url, csr)),
    certificate: (url, options) => once(() => caller.certificate(url, options)),
    renewalInfo: (pem) => once(() => caller.renewalInfo(pem)),
  };
}
