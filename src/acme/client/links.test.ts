import assert from "node:assert/strict";
import { test } from "node:test";
import { linksOf } from "./links.ts";

const BASE = "https://ca.example/cert/1";

test("linksOf() finds every link of a relation, in order and absolute", () => {
  const header =
    '<https://ca.example/dir>;rel="index", </cert/1/a>; rel=alternate , <b>;title="x, y"; REL="up alternate"';
  assert.deepEqual(linksOf(header, "alternate", BASE), ["https://ca.example/cert/1/a", "https://ca.example/cert/b"]);
  assert.deepEqual(linksOf(header, "index", BASE), ["https://ca.example/dir"]);
});

test("linksOf() finds nothing when there is nothing", () => {
  assert.deepEqual(linksOf(undefined, "alternate", BASE), []);
  assert.deepEqual(linksOf("nonsense; rel=alternate", "alternate", BASE), []);
  assert.deepEqual(linksOf("<http://[>;rel=alternate", "alternate", BASE), []);
});
