import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { arrayAt, numberAt } from "../../src/ground/json.ts";
import { Differential } from "./differential.ts";
import { Downgrade } from "./downgrade.ts";
import { bugsOf, type Findings, fuzz } from "./fuzz.ts";
import { HostileEndpoint } from "./hostile-endpoint.ts";
import { hasNginx } from "./nginx.ts";

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

async function holds(findings: (seed: number) => Promise<Findings>, seconds: number, casesMin: number): Promise<void> {
  const untilMs = performance.now() + seconds * 1000;
  const report = await fuzz(findings, { seed: 1, untilMs, casesMax: Infinity });
  assert.deepEqual(bugsOf(report), []);
  const forwarded = report.found.get("forwarded: some")?.length ?? 0;
  assert.ok(forwarded >= casesMin, `only ${forwarded} of ${report.cases} cases got through`);
}

test("no made-up conversation is framed differently by the edge, its endpoint, and nginx", needsNginx, async () => {
  await holds((seed) => differential.findings(seed), 6, 100);
});

test("no made-up response of a hostile endpoint is heard as more or other than one response", async () => {
  await using hostile = await HostileEndpoint.open();
  await holds((seed) => hostile.findings(seed), 3, 20);
});

test("no made-up HTTP/2 request becomes more or other than one request to an HTTP/1.1 endpoint", async () => {
  await using downgrade = await Downgrade.open();
  await holds((seed) => downgrade.findings(seed), 3, 100);
});
