import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { SendQueue } from "./send-queue.ts";

it("SendQueue gives out what went in, whole and in order, however it is pushed and taken", () => {
  const step = fc.oneof(
    fc.record({ push: fc.nat({ max: 90_000 }) }),
    fc.record({ take: fc.integer({ min: 1, max: 40_000 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const queue = new SendQueue();
      let pushed = 0;
      let taken = 0;
      for (const each of steps) {
        if ("push" in each) {
          const bytes = Buffer.from(Array.from({ length: each.push }, (_, index) => (pushed + index) % 251));
          queue.push(bytes, 0, bytes.length);
          pushed += bytes.length;
          bytes.fill(255);
        } else if (queue.bytes > 0) {
          const length = Math.min(each.take, queue.firstBytes);
          assert.ok(length > 0);
          for (let at = 0; at < length; at++) assert.equal(queue.first[queue.start + at], (taken + at) % 251);
          queue.advance(length);
          taken += length;
        }
        assert.equal(queue.bytes, pushed - taken);
      }
      queue.clear();
      assert.equal(queue.firstBytes, 0);
    }),
    { numRuns: 30 },
  );
});
