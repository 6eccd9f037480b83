import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "../resource/object.ts";
import { expiredPage, pageOf, parseContinueToken } from "./list-pages.ts";

const ITEMS: readonly KubeObject[] = ["x/a", "x/c", "y/a", "y/b", "y/e"].map((key) => {
  const [namespace = "", name = ""] = key.split("/");
  return { apiVersion: "v1", kind: "Service", metadata: { namespace, name } };
});

function names(items: readonly KubeObject[]): string {
  return items.map(({ metadata }) => `${metadata.namespace ?? ""}${metadata.name}`).join(" ");
}

describe("pageOf()", () => {
  it("cuts a list into pages of the limit", () => {
    const first = pageOf(ITEMS, "7", 2);
    assert.deepEqual([names(first.items), first.remaining], ["xa xc", 3]);
    const start = parseContinueToken(first.next ?? "");
    assert.equal(start.version, "7");
    const second = pageOf(ITEMS, "7", 2, start);
    assert.deepEqual([names(second.items), second.remaining], ["ya yb", 1]);
    const third = pageOf(ITEMS, "7", 2, parseContinueToken(second.next ?? ""));
    assert.deepEqual([names(third.items), third.next], ["ye", undefined]);
  });

  it("gives everything at once when the limit is not reached or absent", () => {
    assert.equal(pageOf(ITEMS, "7", 5).next, undefined);
    assert.equal(names(pageOf(ITEMS, "7", 0).items), "xa xc ya yb ye");
  });

  it("goes on behind an object that is no longer there", () => {
    const page = pageOf(ITEMS, "8", 0, { after: { namespace: "x", name: "b" } });
    assert.equal(names(page.items), "xc ya yb ye");
  });
});

describe("parseContinueToken()", () => {
  it("throws BadRequest when the token is none", () => {
    for (const token of ["x", "e30", Buffer.from('{"v":"meta.k8s.io/v1","rv":0,"start":"a"}').toString("base64url")]) {
      assert.throws(() => parseContinueToken(token), /continue key is not valid/);
    }
  });

  it("reads the token that an expired page hands out as one of no version", () => {
    const refusal = expiredPage({ version: "7", after: { namespace: "x", name: "c" } });
    assert.equal(refusal.httpStatus, 410);
    const start = parseContinueToken(refusal.status.metadata.continue ?? "");
    assert.deepEqual(start, { version: undefined, after: { namespace: "x", name: "c" } });
  });
});
