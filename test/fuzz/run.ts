/**
 * The fuzzers by hand: `bin/node test/fuzz/run.ts --what requests --seconds 60 --seed 1`. Prints what was found, each with
 * seeds that bring it back, and exits with 1 when any of it is a bug. `--what` is `requests` (against nginx and a strict
 * reading), `responses` (a hostile endpoint) or `http2` (HTTP/2 to an HTTP/1.1 endpoint).
 */
import { parseArgs } from "node:util";
import { Differential } from "./differential.ts";
import { Downgrade } from "./downgrade.ts";
import { bugsOf, type Findings, fuzz } from "./fuzz.ts";
import { HostileEndpoint } from "./hostile-endpoint.ts";
import { hasNginx } from "./nginx.ts";

const { values } = parseArgs({
  options: {
    what: { type: "string", default: "requests" },
    seconds: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    cases: { type: "string", default: "Infinity" },
  },
});

await using target = await open();
const report = await fuzz((seed) => target.findings(seed), {
  seed: Number(values.seed),
  untilMs: performance.now() + Number(values.seconds) * 1000,
  casesMax: Number(values.cases),
});
console.log(`${report.cases} cases`);
for (const [text, seeds] of [...report.found].toSorted((one, other) => other[1].length - one[1].length)) {
  console.log(`${seeds.length} × ${text} (seeds ${seeds.slice(0, 5).join(", ")})`);
}
process.exitCode = bugsOf(report).length > 0 ? 1 : 0;

async function open(): Promise<AsyncDisposable & { findings(seed: number): Promise<Findings> }> {
  if (values.what === "responses") return await HostileEndpoint.open();
  if (values.what === "http2") return await Downgrade.open();
  return await Differential.open({ nginx: hasNginx });
}
