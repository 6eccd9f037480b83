import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "../ground/testing.ts";
import type { KubeObject } from "../resource/object.ts";
import { ListPages } from "./list-pages.ts";

const ITEMS: readonly KubeObject[] = ["a", "b", "c", "d", "e"].map((name) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
}));

function names(items: readonly KubeObject[]): string {
  return items.map((item) => item.metadata.name).join("");
}

describe("ListPages", () => {
  it("cuts a list into pages of the limit", () => {
    const pages = new ListPages(new ManualClock());
    const first = pages.first("q", ITEMS, "7", 2);
    assert.deepEqual([names(first.items), first.remaining], ["ab", 3]);
    const second = pages.next("q", first.next ?? "", 2);
    assert.deepEqual([names(second.items), second.remaining, second.resourceVersion], ["cd", 1, "7"]);
    const third = pages.next("q", second.next ?? "", 2);
    assert.deepEqual([names(third.items), third.next], ["e", undefined]);
  });

  it("gives everything at once when the limit is not reached or absent", () => {
    const pages = new ListPages(new ManualClock());
    assert.equal(pages.first("q", ITEMS, "7", 5).next, undefined);
    assert.equal(names(pages.first("q", ITEMS, "7", 0).items), "abcde");
  });

  it("throws Expired when the list is older than five minutes, or another one is asked for", async () => {
    const clock = new ManualClock();
    const pages = new ListPages(clock);
    const token = pages.first("q", ITEMS, "7", 2).next ?? "";
    assert.throws(() => pages.next("other", token, 2), /too old/);
    await clock.advance(5 * 60_000 + 1);
    assert.throws(() => pages.next("q", token, 2), /too old/);
  });

  it("forgets the oldest list when there are too many", () => {
    const pages = new ListPages(new ManualClock());
    const token = pages.first("q0", ITEMS, "7", 2).next ?? "";
    for (let index = 1; index <= 64; index++) pages.first(`q${String(index)}`, ITEMS, "7", 2);
    assert.throws(() => pages.next("q0", token, 2), /too old/);
  });

  it("throws BadRequest when the token is none of its own", () => {
    const pages = new ListPages(new ManualClock());
    for (const token of ["x", "e30", Buffer.from('{"rv":1,"start":-1}').toString("base64url")]) {
      assert.throws(() => pages.next("q", token, 2), /continue key is not valid/);
    }
  });
});
