import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { createServer, connect } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { arrayAt, numberAt } from "../../src/ground/json.ts";
import { systemClock } from "../../src/ground/system-clock.ts";
import { MemoryLog } from "../../src/ground/testing.ts";
import { isLintelError } from "../../src/ground/errors.ts";
import { Supervisor } from "../../src/supervisor/supervisor.ts";
import { parseSupervisorMessage, type ProcessFacts } from "../../src/supervisor/messages.ts";
import { eventually, isAlive } from "./eventually.ts";

const FIXTURE = join(import.meta.dirname, "fixtures/child.ts");
const PROGRAM = { runtime: process.execPath, flags: ["--disable-warning=ExperimentalWarning"], main: FIXTURE };

interface Report {
  readonly port: number;
  readonly processes: readonly ProcessFacts[];
}

test("Supervisor has a killed process back at once, and its sibling serves meanwhile", async (t) => {
  const { report, ask } = await startFixture(t);
  const victim = report.processes[0]?.pid ?? 0;
  const killedAtMs = systemClock.monotonicMs();
  process.kill(victim, "SIGKILL");
  for (let count = 0; count < 20; count++) assert.notEqual(await get(report.port, "/"), String(victim));
  const after = await eventually("two ready processes", async () => {
    const { processes } = await ask("processes");
    return processes.filter((facts) => facts.state === "ready" && facts.pid !== victim).length === 2
      ? processes
      : undefined;
  });
  t.diagnostic(`back after ${(systemClock.monotonicMs() - killedAtMs).toFixed(0)} ms`);
  assert.equal(after.find((facts) => facts.slot === "server-1")?.restarts, 1);
});

test("Supervisor loses no queued connection when every process that could accept it is killed", async (t) => {
  const { report } = await startFixture(t);
  for (const facts of report.processes) process.kill(facts.pid, "SIGSTOP");
  const answers = Array.from({ length: 20 }, () => get(report.port, "/"));
  await Promise.all(Array.from({ length: 3 }, () => connected(report.port)));
  for (const facts of report.processes) process.kill(facts.pid, "SIGKILL");
  const pids = await Promise.all(answers);
  assert.ok(pids.every((pid) => report.processes.every((facts) => String(facts.pid) !== pid)));
});

test("Supervisor replaces every process without a failed request when asked", async (t) => {
  const { report, ask } = await startFixture(t);
  const progress = { done: false };
  const replacement = ask("replace").finally(() => (progress.done = true));
  let served = 0;
  while (!progress.done) {
    await Promise.all([get(report.port, "/slow"), get(report.port, "/"), get(report.port, "/")]);
    served += 3;
  }
  const before = new Set(report.processes.map((facts) => facts.pid));
  const after = (await replacement).processes.filter((facts) => facts.state === "ready");
  assert.ok(served > 0);
  assert.equal(after.length, 2);
  assert.ok(after.every((facts) => !before.has(facts.pid) && facts.restarts === 0));
});

test("a child leaves and lets go of the port when its supervisor is killed", async (t) => {
  const { report, child } = await startFixture(t);
  child.kill("SIGKILL");
  await eventually("children gone", () => report.processes.every((facts) => !isAlive(facts.pid)) || undefined);
  const server = createServer().listen(report.port, "127.0.0.1");
  await once(server, "listening");
  server.close();
});

test("Supervisor stops every process after it finished its request", async (t) => {
  const { report, child } = await startFixture(t);
  let slow: Promise<string> | undefined;
  await new Promise<void>((resolve) => {
    slow = get(report.port, "/slow", resolve);
  });
  child.send("stop");
  assert.notEqual(await slow, "");
  const [code] = (await once(child, "exit")) as [number];
  assert.equal(code, 0);
  assert.ok(report.processes.every((facts) => !isAlive(facts.pid)));
});

test("Supervisor waits longer and longer when a process keeps dying", async () => {
  const log = new MemoryLog();
  const supervisor = startRole("crasher", log);
  await eventually(
    "a third start",
    () => log.lines.filter((line) => line.message === "Process died").length >= 3 || undefined,
  );
  const waiting = await eventually("the wait shows", () =>
    supervisor.processes().find((facts) => facts.state === "waiting"),
  );
  assert.equal(waiting.pid, 0);
  supervisor.kill();
  assert.deepEqual(supervisor.processes(), []);
  const waits = log.lines
    .filter((line) => line.message === "Process is started again later")
    .map((line) => line.fields["delayMs"]);
  assert.deepEqual(waits.slice(0, 2), [250, 500]);
});

test("Supervisor kills and restarts a process that does not answer", async () => {
  const log = new MemoryLog();
  const supervisor = startRole("hanger", log, { pingEveryMs: 50 });
  await eventually("a restart", () => supervisor.processes().some((facts) => facts.restarts > 0) || undefined);
  assert.ok(log.lines.some((line) => line.message === "Process does not answer"));
  supervisor.kill();
});

test("Supervisor.ready() rejects with the child's own words when it says it cannot start", async () => {
  const supervisor = startRole("refuser", new MemoryLog());
  await assert.rejects(
    supervisor.ready({ signal: AbortSignal.timeout(10_000) }),
    (error) =>
      isLintelError(error, "BadConfig") &&
      error.message === "Cannot start: this role never does" &&
      error.hint === "Choose another",
  );
  await supervisor.stop({ graceMs: 1_000 });
});

test("parseSupervisorMessage() ignores what it does not know", () => {
  assert.equal(parseSupervisorMessage({ type: "dance" }), undefined);
  assert.equal(parseSupervisorMessage(null), undefined);
});

function startRole(role: string, log: MemoryLog, options: { readonly pingEveryMs?: number } = {}): Supervisor {
  return Supervisor.start({
    ...options,
    slots: [{ name: role, role, sockets: {}, settings: {} }],
    program: PROGRAM,
    logFd: 2,
    workingDirectory: "/",
    clock: systemClock,
    log,
  });
}

async function startFixture(t: TestContext): Promise<{
  readonly child: ChildProcess;
  readonly report: Report;
  readonly ask: (question: string) => Promise<Report>;
}> {
  const child = spawn(process.execPath, [...PROGRAM.flags, FIXTURE, "--role", "supervisor"], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  t.after(() => child.kill("SIGKILL"));
  const ask = async (question: string): Promise<Report> => {
    const answer = once(child, "message");
    child.send(question);
    return reportOf((await answer)[0]);
  };
  return { child, report: reportOf((await once(child, "message"))[0]), ask };
}

function reportOf(value: unknown): Report {
  const parsed = parseSupervisorMessage({ type: "processes", processes: arrayAt(value, "processes") });
  assert.ok(parsed?.type === "processes");
  return { port: numberAt(value, "port") ?? 0, processes: parsed.processes };
}

function get(port: number, path: string, onHead?: () => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      onHead?.();
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => resolve(body));
      response.on("error", reject);
    });
    call.on("error", reject);
    call.end();
  });
}

/** A full connection to the port, as proof that the kernel queue works. */
async function connected(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
}
