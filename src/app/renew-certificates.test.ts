import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AcmeError } from "../acme/client/acme-error.ts";
import { make, problemOf, TestPlane } from "../control/testing.ts";
import { isLintelError } from "../ground/errors.ts";
import { CERTIFICATE, ISSUER } from "../resource/kind.ts";
import { renewCertificates, type RenewalOutcome, type RenewOptions } from "./renew-certificates.ts";

const ACME = { server: "https://ca.example/directory", privateKeySecretRef: { name: "account" } };

async function planeWith(...names: readonly string[]): Promise<TestPlane> {
  const test = await TestPlane.open();
  const solvers = [{ http01: { ingress: {} } }];
  await test.store.create(ISSUER, make(ISSUER, "le", { spec: { acme: { ...ACME, solvers } } }));
  for (const name of names) {
    const spec = {
      secretName: `${name}-tls`,
      dnsNames: [`${name}.example`],
      issuerRef: { name: "le" },
      privateKey: { algorithm: "ECDSA" },
    };
    await test.store.create(CERTIFICATE, make(CERTIFICATE, name, { spec }, { labels: { team: name } }));
    await test.untilReady(name);
  }
  await test.quiet();
  return test;
}

/** Runs a renewal while simulated time goes on. */
async function renewing(
  test: TestPlane,
  wish: Partial<Parameters<typeof renewCertificates>[0]>,
  change: Partial<RenewOptions> = {},
): Promise<{ readonly outcomes: readonly RenewalOutcome[]; readonly told: readonly string[] }> {
  const told: string[] = [];
  const { store, clock } = test;
  const onProgress: RenewOptions["onProgress"] = (certificate, message) => told.push(`${certificate}: ${message}`);
  let isOver = false;
  const asked = renewCertificates(
    { namespace: "shop", names: [], selector: undefined, ...wish },
    { store, clock, timeoutMs: 30_000, onProgress, ...change },
  ).finally(() => (isOver = true));
  const [outcomes] = await Promise.all([asked, test.until(() => isOver, "the renewal")]);
  return { outcomes, told };
}

describe("renewCertificates()", () => {
  it("waits for the new certificate and tells how it went", async () => {
    await using test = await planeWith("web");
    const { outcomes, told } = await renewing(test, { names: ["web"] });
    assert.deepEqual(
      outcomes.map(({ name, outcome, revision }) => [name, outcome, revision]),
      [["web", "renewed", 2]],
    );
    assert.equal(test.ca.issued, 2);
    assert.ok(told.length >= 1, "progress was told");
  });

  it("tells why it failed, and keeps the certificate that is there", async () => {
    await using test = await planeWith("web");
    test.ca.refuse = (call) => {
      if (call.startsWith("newOrder")) throw new AcmeError("order", problemOf("rejectedIdentifier", "policy", 400));
    };
    const { outcomes } = await renewing(test, { names: ["web"] });
    assert.equal(outcomes[0]?.outcome, "failed");
    assert.match(outcomes[0]?.message ?? "", /policy \(rejectedIdentifier\)/);
    assert.equal((await test.condition(CERTIFICATE, "web", "Ready"))?.status, "True");
  });

  it("gives up waiting in time, with what is waited for", async () => {
    await using test = await planeWith("web");
    test.edge.held = true;
    const { outcomes, told } = await renewing(test, { names: ["web"] }, { timeoutMs: 20_000 });
    assert.equal(outcomes[0]?.outcome, "timeout");
    assert.match(outcomes[0]?.message ?? "", /No new certificate after 20 seconds: /);
    assert.ok(
      told.some((line) => line.includes("not every worker")),
      told.join("\n"),
    );
    test.edge.release();
  });

  it("picks by label and namespace, and only asks when nobody waits", async () => {
    await using test = await planeWith("one", "two");
    const { outcomes } = await renewing(test, { selector: "team=two", namespace: undefined }, { timeoutMs: undefined });
    assert.deepEqual(
      outcomes.map(({ name, outcome }) => [name, outcome]),
      [["two", "requested"]],
    );
    await test.until(() => test.ca.issued === 3, "the renewal");
  });

  it("says which Certificate does not exist", async () => {
    await using test = await planeWith();
    await assert.rejects(
      renewing(test, { names: ["nope"] }),
      (error) => isLintelError(error, "NotFound") && error.message.includes('"shop/nope"'),
    );
    await assert.rejects(renewing(test, {}), (error) => isLintelError(error, "NotFound"));
  });
});
