/**
 * The fuzzer by hand: `bin/node test/fuzz/run.ts --seconds 60 --seed 1`. Prints what it found, each with the seed that
 * brings it back (`--seed N --only`), and exits with 1 when any of it is a bug.
 */
import { parseArgs } from "node:util";
import { Dice } from "./dice.ts";
import { Differential } from "./differential.ts";
import { fuzz } from "./fuzz.ts";
import { makeConversation } from "./make-requests.ts";
import { hasNginx } from "./nginx.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    only: { type: "boolean", default: false },
  },
});

if (values.only) console.log(JSON.stringify(makeConversation(new Dice(Number(values.seed)))));
await using differential = await Differential.open({ nginx: hasNginx });
const report = await fuzz(differential, {
  seed: Number(values.seed),
  untilMs: performance.now() + Number(values.seconds) * 1000,
  conversationsMax: values.only ? 1 : Infinity,
});
const show = (title: string, found: ReadonlyMap<string, readonly number[]>): void => {
  for (const [text, seeds] of [...found].toSorted((one, other) => other[1].length - one[1].length)) {
    console.log(`${title} ${seeds.length} × ${text} (seeds ${seeds.slice(0, 5).join(", ")})`);
  }
};
console.log(`${report.conversations} conversations, ${report.forwarded} requests forwarded`);
show("stricter than nginx:", report.stricter);
show("laxer than nginx:", report.laxer);
show("BUG:", report.bugs);
process.exitCode = report.bugs.size > 0 ? 1 : 0;
