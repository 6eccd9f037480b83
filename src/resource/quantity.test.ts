import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { canonicalQuantity } from "./quantity.ts";

describe("canonicalQuantity()", () => {
  const cases: readonly (readonly [text: string, canonical: string | undefined])[] = [
    ["0", "0"],
    ["0.5", "500m"],
    ["1", "1"],
    ["1000m", "1"],
    ["1500m", "1500m"],
    ["1000", "1k"],
    ["1024", "1024"],
    ["1024Mi", "1Gi"],
    ["1.5Gi", "1536Mi"],
    ["0.5Ki", "512"],
    ["100Mi", "100Mi"],
    ["1e3", "1e3"],
    ["12e6", "12e6"],
    ["-5", "-5"],
    ["+.5", "500m"],
    ["1.", "1"],
    ["0.0000000001", "1n"],
    ["", undefined],
    [".", undefined],
    ["1 Gi", undefined],
    ["1Kb", undefined],
    ["lots", undefined],
  ];
  for (const [text, canonical] of cases) {
    it(`makes ${String(canonical)} of ${JSON.stringify(text)}`, () => {
      assert.equal(canonicalQuantity(text), canonical);
    });
  }

  it("leaves what it made as it is", () => {
    const amount = fc.stringMatching(/^[1-9]\d{0,8}(\.\d{1,6})?(Ki|Mi|Gi|[numkMG]|e3)?$/);
    fc.assert(
      fc.property(amount, (text) => {
        const once = canonicalQuantity(text) ?? "";
        assert.equal(canonicalQuantity(once), once);
      }),
    );
  });
});
