import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LintelError } from "../ground/errors.ts";
import type { Host } from "../ground/host.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { buildProgram, runCommand } from "./run-command.ts";
import { shellWord, table } from "./terminal.ts";

test("runCommand() prints the version of the package", async () => {
  const { code, output } = await runWith("version");
  assert.equal(code, 0);
  assert.match(output, /^\d+\.\d+\.\d+\n$/);
});

test("runCommand() exits with 2 and names the option and the next command when an argument is wrong", async () => {
  const { code, errors } = await runWith("up", "--http", "99999");
  assert.equal(code, EXIT.usage);
  assert.match(errors, /^lintel: Option '--http <port>' argument '99999' is invalid/);
  assert.match(errors, /Run "lintel up --help"/);
});

test("runCommand() exits with 66 and names the file when a manifest does not exist", async () => {
  const { code, errors } = await runWith("up", "/nowhere/site.yaml");
  assert.equal(code, EXIT.noInput);
  assert.equal(errors.split("\n")[0], 'lintel: Cannot read "/nowhere/site.yaml": it does not exist');
});

test("every command explains itself with --help", async () => {
  for (const command of buildProgram(hostWith([]).host).commands) {
    const { code, output } = await runWith(command.name(), "--help");
    assert.equal(code, 0);
    assert.match(output, new RegExp(`^Usage: lintel ${command.name()}`));
  }
});

test("runCommand() names the command and its help when something below it is wrong", async () => {
  const { code, errors } = await runWith("ca", "eab", "nope");
  assert.equal(code, EXIT.usage);
  assert.match(errors, /^lintel: Unknown command 'nope'\nRun "lintel ca eab --help"/);
});

test("completion prints scripts that their shells accept and that know every option of up", async () => {
  for (const [shell, check] of [
    ["bash", ["bash", "-n"]],
    ["zsh", undefined],
    ["fish", undefined],
  ] as const) {
    const { output } = await runWith("completion", shell);
    assert.match(output, /offline/);
    assert.match(output, /access-log/);
    assert.match(output, /revoke-intermediate/, "what is below a command");
    if (check !== undefined) assert.equal(spawnSync(check[0], [check[1]], { input: output }).status, 0);
  }
});

test("exitCodeOf() keeps to the codes that docs/cli.md lists", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/cli.md"), "utf8");
  const listed = [...page.matchAll(/^\| (\d+) +\|/gm)].map((match) => Number(match[1]));
  assert.deepEqual([...Object.values(EXIT), 130], listed);
  assert.equal(exitCodeOf(new LintelError("held", { code: "StateHeld" })), 75);
  assert.equal(exitCodeOf(new Error("anything")), 1);
});

test("shellWord() quotes what a shell would split or expand", () => {
  assert.equal(shellWord("/tmp/a-b.crt"), "/tmp/a-b.crt");
  assert.equal(shellWord("/tmp/it's $HOME"), String.raw`'/tmp/it'\''s $HOME'`);
  assert.equal(spawnSync("sh", ["-c", `printf %s ${shellWord("it's $HOME")}`]).stdout.toString(), "it's $HOME");
});

test("table() aligns columns and colours nothing when the output is no terminal", () => {
  const { host } = hostWith([]);
  assert.equal(table(host.output, ["A", "B"], [["long", "x"]]), "A     B\nlong  x\n");
});

async function runWith(...args: readonly string[]): Promise<{ code: number; output: string; errors: string }> {
  const { host, written } = hostWith(args);
  const code = await runCommand(host);
  return { code, output: written.output, errors: written.errors };
}

/** A host that only prints. Does not imitate: signals, a parent, exiting. */
function hostWith(args: readonly string[]): {
  readonly host: Host;
  readonly written: { output: string; errors: string };
} {
  const written = { output: "", errors: "" };
  const host: Host = {
    pid: 1,
    arguments: args,
    environment: {},
    workingDirectory: "/",
    userId: 0,
    program: { runtime: "node", flags: [], main: join(import.meta.dirname, "../main.ts") },
    output: { isTerminal: false, write: (text) => void (written.output += text) },
    errors: { isTerminal: false, write: (text) => void (written.errors += text) },
    onSignal: () => undefined,
    parent: undefined,
    exit: (code) => {
      throw new Error(`exit ${code}`);
    },
    memoryBytes: () => 0,
    cpuMs: () => 0,
  };
  return { host, written };
}
