import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRandom } from "../ground/testing.ts";
import {
  affinityCookie,
  type AffinityState,
  type EndpointTokens,
  isAffinityValue,
  pickByAffinity,
} from "./affinity.ts";
import type { Backend, CookieAffinity } from "./snapshot.ts";
import { testBackend } from "./testing.ts";

const AFFINITY: CookieAffinity = {
  name: "INGRESSCOOKIE",
  path: "/",
  unlessMisread: false,
  changeOnFailure: false,
  mode: "balanced",
};
const PERSISTENT: CookieAffinity = { ...AFFINITY, mode: "persistent" };

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `10.0.0.${index}:80`);

/** Names endpoints by the last number of their address. */
function tokensOf(backend: Backend): EndpointTokens {
  return {
    of: ({ address }) => (address.split(".")[3] ?? "").padStart(16, "0"),
    endpoint: (token) => backend.endpoints.find(({ address }) => address === `10.0.0.${Number(token)}`),
  };
}

function pick(
  affinity: CookieAffinity,
  backend: Backend,
  value: string | undefined,
  options: { readonly failing?: readonly string[]; readonly seed?: number } = {},
): { readonly address: string; readonly value: string | undefined } {
  const failing = ({ address }: { address: string }): boolean => options.failing?.includes(address) === true;
  const state: AffinityState = { cursor: 0, load: () => 0, avoid: failing, failing };
  const tokens = tokensOf(backend);
  const chosen = pickByAffinity(affinity, { backend, state, tokens, value, random: seededRandom(options.seed ?? 1) });
  return { address: chosen?.endpoint.address ?? "", value: chosen?.value };
}

describe("pickByAffinity()", () => {
  for (const affinity of [AFFINITY, PERSISTENT]) {
    const { mode } = affinity;

    test(`pickByAffinity() keeps a client with its endpoint when ${mode}`, () => {
      const backend = testBackend("round-robin", names(5));
      for (let seed = 0; seed < 20; seed++) {
        const { address, value } = pick(affinity, backend, undefined, { seed });
        assert.ok(value !== undefined && isAffinityValue(value));
        assert.deepEqual(pick(affinity, backend, value, { seed: seed + 100 }), { address, value: undefined });
      }
    });

    test(`pickByAffinity() goes elsewhere while the endpoint is failing and back again when ${mode}`, () => {
      const backend = testBackend("round-robin", names(5));
      const { address, value } = pick(affinity, backend, undefined);
      const away = pick(affinity, backend, value, { failing: [address] });
      assert.notEqual(away.address, address);
      assert.equal(away.value, undefined);
      assert.deepEqual(pick(affinity, backend, value, { failing: [address], seed: 9 }), away);
      assert.equal(pick(affinity, backend, value).address, address);
      // With nothing better there is no reason to leave.
      assert.equal(
        pick(affinity, backend, value, { failing: names(5).map((name) => name.slice(0, -3)) }).value,
        undefined,
      );
    });

    test(`pickByAffinity() stays with who took over when ${mode} and changeOnFailure`, () => {
      const backend = testBackend("round-robin", names(5));
      const { address, value } = pick(affinity, backend, undefined);
      const changing = { ...affinity, changeOnFailure: true };
      const away = pick(changing, backend, value, { failing: [address] });
      assert.notEqual(away.address, address);
      assert.ok(away.value !== undefined && away.value !== value);
      assert.equal(pick(changing, backend, away.value).address, away.address);
    });

    test(`pickByAffinity() sends new clients to no endpoint that is failing when ${mode}`, () => {
      const backend = testBackend("round-robin", names(2));
      for (let seed = 0; seed < 20; seed++) {
        assert.equal(pick(affinity, backend, undefined, { failing: ["10.0.0.0"], seed }).address, "10.0.0.1");
      }
    });
  }

  test("pickByAffinity() gives a client of an endpoint that is gone another and a new cookie when persistent", () => {
    const { value } = pick(PERSISTENT, testBackend("round-robin", ["10.0.0.7:80"]), undefined);
    const chosen = pick(PERSISTENT, testBackend("round-robin", names(2)), value);
    assert.ok(chosen.value !== undefined && chosen.value !== value);
  });

  test("pickByAffinity() moves the share of a new endpoint and no other client when balanced, and none when persistent", () => {
    const before = testBackend("round-robin", names(4));
    const after = testBackend("round-robin", names(5));
    let moved = 0;
    for (let seed = 0; seed < 400; seed++) {
      const { address, value } = pick(AFFINITY, before, undefined, { seed });
      const then = pick(AFFINITY, after, value);
      if (then.address === address) continue;
      assert.equal(then.address, "10.0.0.4");
      moved++;
      const stays = pick(PERSISTENT, before, undefined, { seed });
      assert.equal(pick(PERSISTENT, after, stays.value).address, stays.address);
    }
    assert.ok(moved > 40 && moved < 130, `moved ${moved}`);
  });

  test("pickByAffinity() spreads new clients over all endpoints when balanced", () => {
    const backend = testBackend("round-robin", names(3));
    const seen = new Set(Array.from({ length: 60 }, (_, seed) => pick(AFFINITY, backend, undefined, { seed }).address));
    assert.equal(seen.size, 3);
  });
});

test("isAffinityValue() takes nothing but sixteen digits of hexadecimal", () => {
  assert.ok(isAffinityValue("0123456789abcdef"));
  for (const bad of ["", "0123456789abcde", "0123456789ABCDEF", "0123456789abcdef0", "10.0.0.1:80", "xyz|md5"]) {
    assert.ok(!isAffinityValue(bad), bad);
  }
});

describe("affinityCookie()", () => {
  const facts = { nowMs: Date.UTC(2026, 0, 1), secure: true, userAgent: "" };

  test("affinityCookie() is a session cookie, out of reach of scripts, and secure where the client is", () => {
    assert.equal(affinityCookie(AFFINITY, "00", facts), "INGRESSCOOKIE=00; Path=/; Secure; HttpOnly");
    assert.equal(affinityCookie(AFFINITY, "00", { ...facts, secure: false }), "INGRESSCOOKIE=00; Path=/; HttpOnly");
    const never = { ...AFFINITY, secure: false };
    assert.equal(affinityCookie(never, "00", facts), "INGRESSCOOKIE=00; Path=/; HttpOnly");
  });

  test("affinityCookie() has all that is asked for", () => {
    const all: CookieAffinity = {
      ...AFFINITY,
      name: "s",
      path: "/a",
      domain: "shop.example",
      expiresS: 60,
      maxAgeS: 30,
      sameSite: "Lax",
    };
    const text =
      "s=00; Expires=Thu, 01 Jan 2026 00:01:00 GMT; Max-Age=30; Domain=shop.example; Path=/a; Secure; HttpOnly; SameSite=Lax";
    assert.equal(affinityCookie(all, "00", facts), text);
  });

  test("affinityCookie() leaves SameSite=None out for browsers that misread it, when asked to", () => {
    const old = [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 12_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Mobile/15E148 Safari/604.1",
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Safari/605.1.15",
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/60.0.3112.90 Safari/537.36",
      "Mozilla/5.0 (Linux; U; Android 9) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/57 UCBrowser/12.13.0.1207 Mobile Safari/537.36",
    ];
    const current = [
      "",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
      "Mozilla/5.0 (Linux; U; Android 9) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/57 UCBrowser/12.13.2.1207 Mobile Safari/537.36",
    ];
    const asked: CookieAffinity = { ...AFFINITY, sameSite: "None", unlessMisread: true };
    const says = (userAgent: string): boolean =>
      affinityCookie(asked, "00", { ...facts, userAgent }).endsWith("SameSite=None");
    assert.deepEqual(old.map(says), [false, false, false, false]);
    assert.deepEqual(current.map(says), [true, true, true, true, true]);
    const always = { ...asked, unlessMisread: false };
    assert.match(affinityCookie(always, "00", { ...facts, userAgent: old[0] ?? "" }), /SameSite=None$/);
  });
});
