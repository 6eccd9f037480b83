// `npm run ok`: everything that must hold before a commit, cheapest first; stops at the first that does not.
//   npm run ok -- --without-tests     for whoever runs all the tests anyway
import { spawnSync } from "node:child_process";

const STEPS: readonly (readonly [string, readonly string[]])[] = [
  ["format", ["npx", "prettier", "--check", "--log-level", "warn", "."]],
  ["types", ["npx", "tsc", "-p", "tsconfig.json"]],
  ["lint", ["npx", "oxlint", "--quiet"]],
  ["dead code", ["bin/node", "node_modules/knip/bin/knip.js"]],
  ["tests", ["bin/node", "tools/run-tests.ts", "--unit"]],
];

const withoutTests = process.argv.includes("--without-tests");
const start = performance.now();
for (const [name, [command = "", ...args]] of STEPS) {
  if (withoutTests && name === "tests") continue;
  const began = performance.now();
  const quiet = name !== "tests" || !process.stdout.isTTY;
  const result = spawnSync(command, args, { encoding: "utf8", stdio: quiet ? "pipe" : "inherit" });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (result.status !== 0) {
    process.stdout.write(`${result.stdout ?? ""}${result.stderr ?? ""}\n✗ ${name} (${seconds} s)\n`);
    process.exit(1);
  }
  const closing = name === "tests" && quiet ? `: ${(result.stdout ?? "").trim().split("\n").at(-1) ?? ""}` : "";
  process.stdout.write(`✓ ${name} (${seconds} s)${closing}\n`);
}
process.stdout.write(`ok in ${((performance.now() - start) / 1000).toFixed(0)} s\n`);
