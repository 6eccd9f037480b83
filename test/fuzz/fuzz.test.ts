import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { arrayAt, numberAt } from "../../src/ground/json.ts";
import { Differential } from "./differential.ts";
import { fuzz } from "./fuzz.ts";
import { hasNginx } from "./nginx.ts";

/** Short enough for every run; `run.ts` takes as long as one likes. */
const SECONDS = 8;

const CORPUS = join(import.meta.dirname, "corpus");
const needsNginx = hasNginx ? {} : { skip: "install the Debian package nginx-light" };

let differential: Differential;

before(async () => {
  differential = await Differential.open({ nginx: hasNginx });
});

after(async () => {
  await differential[Symbol.asyncDispose]();
});

for (const name of readdirSync(CORPUS).toSorted()) {
  test(`the edge frames ${name.replace(/\.json$/, "")} as its endpoint does`, async () => {
    const kept: unknown = JSON.parse(readFileSync(join(CORPUS, name), "utf8"));
    const { bugs, forwarded } = await differential.judge(arrayAt(kept, "pieces").map(String));
    assert.deepEqual(bugs, []);
    assert.equal(forwarded, numberAt(kept, "forwarded"));
  });
}

test("no made-up conversation is framed differently by the edge, its endpoint, and nginx", needsNginx, async () => {
  const untilMs = performance.now() + SECONDS * 1000;
  const report = await fuzz(differential, { seed: 1, untilMs, conversationsMax: Infinity });
  assert.deepEqual([...report.bugs], []);
  assert.ok(report.forwarded > 200, `only ${report.forwarded} requests were forwarded`);
});
