import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { temporaryFolder } from "../pki/testing.ts";
import { trustAuthority, trustCommand, untrustAuthority } from "./trust-store.ts";

test("trustAuthority() puts the authority where programs look, and untrustAuthority() takes it away again", async (t) => {
  const folder = await temporaryFolder(t);
  const store = { folder, refresh: "true" };
  assert.equal(readFileSync(await trustAuthority("pem", store), "utf8"), "pem");
  await untrustAuthority(store);
  await untrustAuthority(store);
  assert.deepEqual(readdirSync(folder), []);
});

test("trustAuthority() rejects when programs could not be told", async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(trustAuthority("pem", { folder, refresh: "false" }));
});

test("trustCommand() gives the whole command line", () => {
  assert.match(trustCommand("trust", "/state/ca.crt"), /^sudo cp "\/state\/ca.crt" .* && sudo update-ca-certificates$/);
});
