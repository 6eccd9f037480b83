import assert from "node:assert/strict";
import { test } from "node:test";
import { Nonces, NONCES_MAX } from "./nonces.ts";

test("Nonces are good once", () => {
  const nonces = new Nonces();
  const nonce = nonces.issue();
  assert.match(nonce, /^[A-Za-z0-9_-]{22}$/);
  assert.deepEqual([nonces.use(nonce), nonces.use(nonce), nonces.use("other")], [true, false, false]);
});

test("Nonces forget the oldest when too many wait", () => {
  const nonces = new Nonces();
  const first = nonces.issue();
  const second = nonces.issue();
  for (let count = 2; count <= NONCES_MAX; count++) nonces.issue();
  assert.deepEqual([nonces.use(first), nonces.use(second)], [false, true]);
});
