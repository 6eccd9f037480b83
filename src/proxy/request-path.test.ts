import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { normalisePath } from "./request-path.ts";

for (const [raw, forward, match] of [
  ["/a/./b", "/a/b", "/a/b"],
  ["/a/../b", "/b", "/b"],
  ["/a/..", "/", "/"],
  ["/a/.", "/a/", "/a/"],
  ["/%61%2e/%7e", "/a./~", "/a./~"],
  ["/a/%2e%2E/b", "/b", "/b"],
  ["/@scope%2fpkg", "/@scope%2Fpkg", "/@scope/pkg"],
  ["//admin///x", "//admin///x", "/admin/x"],
  ["/img/https://b/c", "/img/https://b/c", "/img/https:/b/c"],
  ["/%40admin", "/%40admin", "/@admin"],
  ["/caf\u00c3\u00a9", "/caf%C3%A9", "/caf\u00e9"],
  ["/%ff", "/%FF", "/\u00ff"],
  ["/a%252e%252e/b", "/a%252e%252e/b", "/a%2e%2e/b"],
  ["/a%3Fb", "/a%3Fb", "/a?b"],
  ["/...", "/...", "/..."],
] as const) {
  test(`normalisePath() gives "${forward}" to send and "${match}" to match when the path is "${raw}"`, () => {
    assert.deepEqual(normalisePath(raw), { kind: "path", forward, match });
  });
}

for (const raw of [
  "/../x",
  "/a/../../x",
  "/%2e%2e/x",
  "/a%00b",
  "/a%2",
  "/a%zz",
  "/a\\b",
  "/a%2F..%2Fb",
  "/..%2fb",
  "/a/..;/b",
  "/a/.;x/b",
]) {
  test(`normalisePath() refuses when the path is "${raw}"`, () => {
    assert.equal(normalisePath(raw).kind, "refused");
  });
}

test("normalisePath() gives paths that it leaves alone and that have no dot segments", () => {
  const piece = fc.constantFrom("/", ".", "..", "a", "%2e", "%2F", "%41", ";", "%25", "\u00e9");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const first = normalisePath(`/${pieces.join("")}`);
      if (first.kind === "refused") return;
      assert.deepEqual(normalisePath(first.forward), first);
      assert.doesNotMatch(first.match, /\/\.{1,2}(?:\/|$)|\/\//);
    }),
    { numRuns: 2000 },
  );
});
