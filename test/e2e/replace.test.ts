// Planned replacements under load: of the program, of the workers, and of what is served.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { askForReplacement } from "../../src/app/replace-socket.ts";
import { stateFolderAt } from "../../src/app/state-folder.ts";
import { eventually } from "./eventually.ts";
import { Instance, lintel, stateFolder } from "./instance.ts";
import { Load } from "./load.ts";

const HOST = "hello.localhost";
const PROGRAM_REPLACEMENTS = 5;
const WORKER_REPLACEMENTS = 20;
const CONTROL_DEATHS = 3;

test(`up --replace loses no request over ${PROGRAM_REPLACEMENTS} replacements, on kept and new connections and over HTTP/2`, async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example", "--grace", "5"] }).ready();
  const before = await instance.processes();
  const load = new Load(instance, HOST);
  for (let count = 0; count < PROGRAM_REPLACEMENTS; count++) {
    const { code, stdout, stderr } = await lintel("up", "--replace", "--state", instance.state, "--workers", "7");
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /--replace keeps what Lintel was started with: --workers of this command line changes nothing/,
    );
    assert.match(stdout, /Replaced every process/);
    await load.served(20);
  }
  const { served, failed, sessions } = await load.stop();
  assert.deepEqual(failed, []);
  assert.ok(sessions > PROGRAM_REPLACEMENTS, "the HTTP/2 clients were sent away by GOAWAY and came back");
  const after = new Set((await instance.processes()).filter(({ state }) => state === "ready").map(({ pid }) => pid));
  assert.ok(before.every(({ pid }) => !after.has(pid)));
  t.diagnostic(`${served} requests, none failed`);
});

test("up --replace says why and the running version goes on when the new one cannot start", async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
  const before = await instance.processes();
  const broken = join(stateFolder(t), "main.ts");
  writeFileSync(broken, "process.exit(7);\n");
  const place = { folder: stateFolderAt(instance.state), workingDirectory: process.cwd() };
  const program = { runtime: process.execPath, flags: [], main: broken };
  await assert.rejects(
    askForReplacement(place, { program, version: "9.9.9" }),
    /Cannot replace the running version, which goes on: The new "worker-1" died before it was ready: exit code 7/,
  );
  const load = new Load(instance, HOST);
  await load.served(20);
  assert.deepEqual((await load.stop()).failed, []);
  const after = (await instance.processes()).filter(({ state }) => state === "ready");
  assert.deepEqual(
    after.map(({ pid }) => pid).toSorted((a, b) => a - b),
    before.map(({ pid }) => pid).toSorted((a, b) => a - b),
  );
});

test(`SIGHUP loses no request over ${WORKER_REPLACEMENTS} replacements of the workers`, async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example", "--grace", "2"] }).ready();
  const load = new Load(instance, HOST);
  for (let count = 1; count <= WORKER_REPLACEMENTS; count++) {
    instance.child.kill("SIGHUP");
    await eventually(
      `replacement ${count}`,
      () => instance.output.split("Replaced the workers").length > count || undefined,
    );
  }
  const { served, failed, sessions } = await load.stop();
  assert.deepEqual(failed, []);
  assert.ok(sessions > WORKER_REPLACEMENTS, "the HTTP/2 clients were sent away by GOAWAY and came back");
  t.diagnostic(`${served} requests, none failed, ${sessions} sessions of HTTP/2`);
});

test("up --replace moves the workers back when control cannot start from the new program", async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example", "--grace", "2"] }).ready();
  const main = join(stateFolder(t), "main.ts");
  const real = join(import.meta.dirname, "../../src/main.ts");
  writeFileSync(
    main,
    `if (process.argv.includes("control")) process.exit(7);\nawait import(${JSON.stringify(real)});\n`,
  );
  const load = new Load(instance, HOST);
  const place = { folder: stateFolderAt(instance.state), workingDirectory: process.cwd() };
  await assert.rejects(
    askForReplacement(place, { program: { runtime: process.execPath, flags: [], main }, version: "9.9.9" }),
    /Cannot replace the running version, which goes on: The new "control" died before it was ready: exit code 7/,
  );
  const { served, failed } = await load.stop();
  assert.deepEqual(failed, []);
  const now = await eventually("control is back", async () => {
    const ready = (await instance.processes()).filter(({ state }) => state === "ready");
    return ready.some(({ name }) => name === "control") ? ready : undefined;
  });
  for (const { pid } of now) assert.ok(!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(main));
  t.diagnostic(`${served} requests, none failed`);
});

test("up serves, and says so, where the path of the state folder is too long to be replaced", async (t) => {
  const state = join(stateFolder(t), "a-long-name-".repeat(9));
  const instance = await Instance.start(t, { state, arguments: ["--example"] }).ready();
  assert.match(instance.output, /Goes on without --replace/);
  const load = new Load(instance, HOST);
  await load.served(4);
  assert.deepEqual((await load.stop()).failed, []);
});

test("control that hangs and then dies, again and again, costs no request", async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
  const load = new Load(instance, HOST);
  for (let count = 0; count < CONTROL_DEATHS; count++) {
    const control = await eventually("control", async () =>
      (await instance.processes()).find(({ name, state }) => name === "control" && state === "ready"),
    );
    process.kill(control.pid, "SIGSTOP");
    await load.served(200);
    process.kill(control.pid, "SIGKILL");
    await load.served(20);
  }
  const { served, failed } = await load.stop();
  assert.deepEqual(failed, []);
  t.diagnostic(`${served} requests, none failed`);
});
