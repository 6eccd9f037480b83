// Runs the test suite and ends with one line that counts it.
//   npm test                      everything
//   npm test -- src/proxy         the tests below a folder, or one file
//   npm test -- --unit            what needs no running Lintel: src/ and tools/
import { globSync, statSync } from "node:fs";
import { run } from "node:test";
import { spec } from "node:test/reporters";

const args = process.argv.slice(2);
const unitOnly = args.includes("--unit");
const places = args.filter((arg) => !arg.startsWith("--"));

/** Started one after another: they measure times and kill processes, so they want the machine to themselves. */
const ALONE = "test/";

const files = selectFiles();
const alone = files.filter((file) => file.startsWith(ALONE));
const together = files.filter((file) => !file.startsWith(ALONE));
const total = { passed: 0, failed: 0, skipped: 0 };
await runFiles(together, 2);
await runFiles(alone, 1);
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

function selectFiles(): readonly string[] {
  const roots = unitOnly ? ["src", "tools"] : ["src", "tools", "test"];
  const all = roots.flatMap((root) => globSync(`${root}/**/*.test.ts`)).sort();
  if (places.length === 0) return all;
  return places.flatMap((place) => {
    const wanted = place.replace(/\/$/, "");
    return statSync(wanted).isDirectory() ? globSync(`${wanted}/**/*.test.ts`).sort() : [wanted];
  });
}

async function runFiles(group: readonly string[], concurrency: number): Promise<void> {
  if (group.length === 0) return;
  const events = run({ files: [...group], concurrency });
  events.on("test:pass", (event) => {
    if (event.details.type === "suite") return;
    if (event.skip !== undefined && event.skip !== false) total.skipped += 1;
    else total.passed += 1;
  });
  events.on("test:fail", (event) => {
    if (event.details.type !== "suite") total.failed += 1;
  });
  const report = events.compose(new spec());
  report.pipe(process.stdout, { end: false });
  await new Promise((resolve) => report.on("end", resolve));
}
