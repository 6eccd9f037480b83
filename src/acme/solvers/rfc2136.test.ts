import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "../../ground/system-clock.ts";
import { Resolver } from "../dns/resolver.ts";
import type { TsigAlgorithm } from "../dns/tsig.ts";
import { Rfc2136Solver } from "./rfc2136.ts";
import { hasKnot, KNOT_SECRET, startKnot } from "./testing.ts";

const { signal } = new AbortController();
const NAME = "_acme-challenge.www.shop.example";

function solver(port: number, algorithm: TsigAlgorithm, secret = KNOT_SECRET): Rfc2136Solver {
  const keyName = `${algorithm.toLowerCase().replace("hmac", "hmac-")}-key`;
  const key = { name: keyName, algorithm, secret: Buffer.from(secret, "base64") };
  return new Rfc2136Solver({ clock: systemClock, server: { host: "127.0.0.1", port }, protocol: "UDP", key });
}

describe("Rfc2136Solver against Knot DNS", { skip: hasKnot() ? false : "install the Debian package knot" }, () => {
  it("adds and removes one value beside others, signed with every algorithm", async (t) => {
    const port = await startKnot(t);
    const resolver = new Resolver({
      clock: systemClock,
      nameservers: [`127.0.0.1:${port}`],
      authoritativePort: port,
    });
    const lacking = (value: string): Promise<readonly string[]> => resolver.lacking(NAME, value, { nameservers: [] });
    await solver(port, "HMACSHA256").present({ name: NAME, value: "other" }, signal);
    for (const algorithm of ["HMACMD5", "HMACSHA1", "HMACSHA256", "HMACSHA512"] as const) {
      const record = { name: NAME, value: `value-${algorithm}` };
      await solver(port, algorithm).present(record, signal);
      await solver(port, algorithm).present(record, signal);
      assert.deepEqual(await lacking(record.value), []);
      await solver(port, algorithm).cleanup(record, signal);
      await solver(port, algorithm).cleanup(record, signal);
      assert.deepEqual(await lacking(record.value), ["127.0.0.1"]);
    }
    assert.deepEqual(await lacking("other"), []);
  });

  it("says what is wrong when the key is", async (t) => {
    const port = await startKnot(t);
    const wrong = solver(port, "HMACSHA256", Buffer.from("another secret").toString("base64"));
    await assert.rejects(wrong.present({ name: NAME, value: "x" }, signal), /NOTAUTH|not know the key|Cannot trust/);
  });

  it("says that the server has no such zone", async (t) => {
    const port = await startKnot(t);
    const record = { name: "_acme-challenge.other.test", value: "x" };
    await assert.rejects(solver(port, "HMACSHA256").present(record, signal), /it has no zone of it/);
  });
});

describe("Resolver against Knot DNS", { skip: hasKnot() ? false : "install the Debian package knot" }, () => {
  it("follows CNAMEs and finds the zone of a name that does not exist", async (t) => {
    const port = await startKnot(t);
    const resolver = new Resolver({ clock: systemClock, nameservers: [`127.0.0.1:${port}`] });
    assert.equal(await resolver.canonicalName("alias.shop.example"), NAME);
    assert.equal(await resolver.zoneOf("a.b.shop.example"), "shop.example");
  });
});
