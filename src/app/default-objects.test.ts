import assert from "node:assert/strict";
import { test } from "node:test";
import { isEmbeddedDirectory } from "./default-objects.ts";

test("isEmbeddedDirectory() knows the embedded CA at any port, and no other host", () => {
  assert.ok(isEmbeddedDirectory("https://localhost:8555/acme/local/directory"));
  assert.ok(isEmbeddedDirectory("https://127.0.0.1/acme/local/directory"));
  assert.ok(isEmbeddedDirectory("https://[::1]:9/acme/local/directory"));
  assert.ok(!isEmbeddedDirectory("https://ca.example/acme/local/directory"));
  assert.ok(!isEmbeddedDirectory("https://localhost:14000/dir"));
  assert.ok(!isEmbeddedDirectory("not a url"));
});
