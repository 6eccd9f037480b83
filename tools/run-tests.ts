// Runs the test suite and ends with one line that counts it.
//   npm test                      everything
//   npm test -- src/proxy         the tests below a folder, or one file
//   npm test -- --unit            what needs no running Lintel: src/ and tools/
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const args = process.argv.slice(2);
const unitOnly = args.includes("--unit");
const places = args.filter((arg) => !arg.startsWith("--"));

/** Started one after another: they measure times and kill processes, so they want the machine to themselves. */
const ALONE = "test/";

const files = selectFiles();
const alone = files.filter((file) => file.startsWith(ALONE));
const together = files.filter((file) => !file.startsWith(ALONE));
const total = { passed: 0, failed: 0, skipped: 0 };
runFiles(together, 2);
runFiles(alone, 1);
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

function runFiles(group: readonly string[], concurrency: number): void {
  if (group.length === 0) return;
  const folder = mkdtempSync(join(tmpdir(), "lintel-tests-"));
  const counts = join(folder, "counts");
  const reporters = [
    ["--test-reporter=spec", "--test-reporter-destination=stdout"],
    ["--test-reporter=./tools/count-reporter.ts", `--test-reporter-destination=${counts}`],
  ];
  const args = ["--test", `--test-concurrency=${concurrency}`, ...reporters.flat(), ...group];
  const { status } = spawnSync(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
  const [passed = 0, failed = 0, skipped = 0] = existsSync(counts)
    ? readFileSync(counts, "utf8").split(" ").map(Number)
    : [];
  rmSync(folder, { recursive: true });
  total.passed += passed;
  total.skipped += skipped;
  // A run that ended badly without a failed test (a crash of the runner itself) still counts as a failure.
  total.failed += status !== 0 && failed === 0 ? 1 : failed;
}
