import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../ground/testing.ts";
import { pickEndpoint } from "./balance.ts";
import { hashKey, isHashTemplate, type HashFacts } from "./hash-key.ts";
import { testBackend } from "./testing.ts";

const HEADERS = new Map([
  ["x-user", "ann"],
  ["cookie", "a=1; Session=s-7; session=other"],
]);
const FACTS: HashFacts = {
  requestUri: "/a?b=c&User=x%20y&user=z&empty=",
  path: "/a",
  host: "shop.example",
  method: "GET",
  scheme: "https",
  clientAddress: "192.0.2.7",
  query: "b=c&User=x%20y&user=z&empty=",
  header: (name) => HEADERS.get(name),
};

test("hashKey() fills in the variables of nginx", () => {
  assert.equal(hashKey("$request_uri", FACTS), FACTS.requestUri);
  assert.equal(hashKey("${host}$uri", FACTS), "shop.example/a");
  assert.equal(hashKey("$binary_remote_addr-$http_x_user", FACTS), "192.0.2.7-ann");
  assert.equal(hashKey("$cookie_Session", FACTS), "s-7");
  assert.equal(hashKey("$args", FACTS), FACTS.query);
});

test("hashKey() takes the first argument of a name, in any case, as it came", () => {
  assert.equal(hashKey("$arg_b", FACTS), "c");
  assert.equal(hashKey("$arg_USER", FACTS), "x%20y");
  assert.equal(hashKey("tenant-${arg_b}/$host", FACTS), "tenant-c/shop.example");
  for (const absent of ["$arg_empty", "$arg_us", "$arg_c"]) assert.equal(hashKey(absent, FACTS), undefined);
});

test("hashKey() returns undefined when nothing it asks for is there", () => {
  assert.equal(hashKey("$cookie_none", FACTS), undefined);
  assert.equal(hashKey("x-$http_absent", FACTS), undefined);
});

test("isHashTemplate() refuses constants and variables that are not known", () => {
  for (const good of [
    "$request_uri",
    "${remote_addr}",
    "$host$uri",
    "$http_x_tenant",
    "$arg_id",
    "$host$request_uri",
    "${arg_x}-v1",
    "$cookie_sid",
  ]) {
    assert.ok(isHashTemplate(good), good);
  }
  for (const bad of ["", "constant", "$upstream_addr", "$host$", "$http_", "$arg_", "$host".repeat(100)]) {
    assert.ok(!isHashTemplate(bad), bad);
  }
});

test("pickEndpoint() spreads keys evenly by hash and moves only those of an endpoint that left", () => {
  const names = Array.from({ length: 10 }, (_, index) => `10.0.0.${index}:80`);
  const all = testBackend("hash", names);
  const fewer = testBackend("hash", names.slice(0, 9));
  const state = { cursor: 0, load: () => 0, avoid: () => false };
  const counts = new Map<string, number>();
  for (let key = 0; key < 10_000; key++) {
    const before = pickEndpoint(all, state, seededRandom(1), `/item/${key}`)?.address ?? "";
    const after = pickEndpoint(fewer, state, seededRandom(1), `/item/${key}`)?.address;
    counts.set(before, (counts.get(before) ?? 0) + 1);
    if (before !== "10.0.0.9") assert.equal(after, before);
  }
  for (const [address, count] of counts) assert.ok(count > 800 && count < 1200, `${address} got ${count}`);
});
