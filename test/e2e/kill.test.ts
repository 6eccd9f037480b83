/** Kills each process of the real program under load, and counts what that costs. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { systemClock } from "../../src/ground/system-clock.ts";
import { skipWithout } from "../../src/ground/testing.ts";
import { eventually, isAlive } from "./eventually.ts";
import { httpsGet } from "./https-get.ts";
import { Instance, type Process } from "./instance.ts";

const HOST = "hello.localhost";
const CLIENTS = 4;
/** `LINTEL_DOWN_SECONDS=60` takes longer and shows the same. */
const DOWN_SECONDS = Number(process.env["LINTEL_DOWN_SECONDS"] ?? "3");
const needsKubectl = { skip: skipWithout("kubectl") };

test("a killed worker costs at most the requests it had in its hands, and is started again at once", async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
  const victim = await processNamed(instance, "worker-1");
  const load = startLoad(t, instance);
  await load.served(20);
  const killedAtMs = systemClock.monotonicMs();
  process.kill(victim.pid, "SIGKILL");
  await eventually("worker-1 is back", async () => {
    const now = await processNamed(instance, "worker-1");
    return (now.pid !== victim.pid && now.state === "ready") || undefined;
  });
  assert.match(instance.output, /Process "worker-1" died \(SIGKILL\): starting it again now/);
  t.diagnostic(`back after ${(systemClock.monotonicMs() - killedAtMs).toFixed(0)} ms, as status says`);
  await load.served(20);
  const { failed } = await load.stop();
  assert.ok(failed.length <= CLIENTS, failed.join("\n"));
});

test("killed control costs no request and comes back by itself", needsKubectl, async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
  const victim = await processNamed(instance, "control");
  const { serial } = await httpsGet(instance, HOST);
  const load = startLoad(t, instance);
  await load.served(20);
  process.kill(victim.pid, "SIGKILL");
  await load.served(20);
  await eventually("kubectl works again", () => instance.kubectl("get", "certificates", "-A"));
  await eventually(
    "control is back",
    async () => (await processNamed(instance, "control")).pid !== victim.pid || undefined,
  );
  await load.served(20);
  assert.deepEqual(await load.stop().then(({ failed }) => failed), []);
  assert.equal((await httpsGet(instance, HOST)).serial, serial);
});

test(`control that is down for ${DOWN_SECONDS} seconds costs no request`, async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
  const victim = await processNamed(instance, "control");
  const load = startLoad(t, instance);
  // Nobody starts it again while the supervisor stands still.
  instance.child.kill("SIGSTOP");
  process.kill(victim.pid, "SIGKILL");
  await new Promise((resolve) => setTimeout(resolve, DOWN_SECONDS * 1_000));
  await load.served(200);
  instance.child.kill("SIGCONT");
  await eventually(
    "control is back",
    async () => (await processNamed(instance, "control")).pid !== victim.pid || undefined,
  );
  await load.served(20);
  assert.deepEqual((await load.stop()).failed, []);
});

test("a certificate becomes Ready though control is killed in the middle of its order", needsKubectl, async (t) => {
  const instance = Instance.start(t, { arguments: ["--example"] });
  await instance.printed("Ordered a certificate");
  const control = /"slot":"control","pid":(\d+)/.exec(instance.log())?.[1];
  process.kill(Number(control), "SIGKILL");
  await instance.ready();
  await instance.kubectl("wait", "--for=condition=Ready", "certificate/hello-tls", "-n", "hello", "--timeout=20s");
  assert.equal((await httpsGet(instance, HOST)).status, 200);
});

test("a worker that starts while control is down serves what was served last", async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
  const kept = join(instance.state, "run", "snapshot.json");
  await eventually("it is kept", () => readFileSync(kept, "utf8").includes("hello/hello-tls") || undefined);
  const processes = await instance.processes();
  const control = processes.find((entry) => entry.name === "control")?.pid ?? 0;
  const workers = processes.filter((entry) => entry.name.startsWith("worker"));
  process.kill(control, "SIGSTOP");
  for (const worker of workers) process.kill(worker.pid, "SIGKILL");
  const answer = await eventually("an answer from a new worker", () => httpsGet(instance, HOST));
  assert.equal(answer.status, 200);
  process.kill(control, "SIGCONT");
});

test("no process outlives a killed supervisor", async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
  const processes = await instance.processes();
  await instance.stop("SIGKILL");
  await eventually("all gone", () => processes.every((entry) => !isAlive(entry.pid)) || undefined);
});

test("SIGHUP replaces every worker without a failed request", async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
  const before = (await instance.processes()).filter((entry) => entry.name.startsWith("worker"));
  const load = startLoad(t, instance);
  await load.served(20);
  instance.child.kill("SIGHUP");
  await instance.printed("Replaced the workers");
  await load.served(20);
  assert.deepEqual((await load.stop()).failed, []);
  assert.ok(before.every((entry) => !isAlive(entry.pid)));
});

test("Ctrl-C at a terminal, which signals every process, is a planned stop for all of them", async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
  const exited = once(instance.child, "exit");
  process.kill(-(instance.child.pid ?? 0), "SIGINT");
  assert.deepEqual(await exited, [0, null]);
  assert.doesNotMatch(instance.log(), /Process died/);
  assert.equal(instance.log().match(/Process ended/g)?.length, 4);
});

test("a second Ctrl-C ends everything at once when a process does not finish", async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
  const worker = await processNamed(instance, "worker-1");
  process.kill(worker.pid, "SIGSTOP");
  instance.child.kill("SIGINT");
  await instance.printed("again to stop at once");
  assert.equal(await instance.stop("SIGINT"), 130);
  await eventually("the worker is gone", () => !isAlive(worker.pid) || undefined);
});

async function processNamed(instance: Instance, name: string): Promise<Process> {
  const found = (await instance.processes()).find((entry) => entry.name === name);
  assert.ok(found);
  return found;
}

interface Load {
  /** Resolves when so many more requests have been answered. */
  served(count: number): Promise<void>;
  stop(): Promise<{ readonly failed: readonly string[] }>;
}

/** A few clients that ask one after the other, each on a new connection. */
function startLoad(t: TestContext, instance: Instance): Load {
  const failed: string[] = [];
  const state = { served: 0, running: true };
  // A test that fails leaves no clients behind: they would keep its process for ever.
  t.after(() => (state.running = false));
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (state.running) {
      try {
        const { status, body } = await httpsGet(instance, HOST);
        if (status === 200) state.served++;
        else failed.push(`${status} ${body}`);
      } catch (error) {
        failed.push(String(error));
      }
    }
  });
  return {
    served: async (count) => {
      const goal = state.served + count;
      await eventually(`${count} more answers`, () => state.served >= goal || undefined);
    },
    stop: async () => {
      state.running = false;
      await Promise.all(clients);
      return { failed };
    },
  };
}
