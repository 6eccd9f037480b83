import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, MemoryLog } from "../ground/testing.ts";
import type { Program } from "../ground/host.ts";
import type { Spawn } from "./spawn-child.ts";
import { MixedPrograms, Supervisor } from "./supervisor.ts";

/** Every process is ready at once, unless `fails` says of what it dies. Does not imitate: real processes, descriptors. */
function spawnThat(fails: (role: string, program: string) => string | undefined): {
  readonly spawn: Spawn;
  readonly started: string[];
} {
  const started: string[] = [];
  const spawn: Spawn = ({ role, program }, events) => {
    started.push(`${role} ${program.main}`);
    const pid = started.length;
    const child = {
      pid,
      send: (message: { readonly type: string }): void => {
        if (message.type === "stop") queueMicrotask(() => events.exited("exit code 0"));
        if (message.type !== "start") return;
        const how = fails(role, program.main);
        queueMicrotask(() => (how === undefined ? events.message({ type: "ready" }) : events.exited(how)));
      },
      kill: (): void => undefined,
    };
    return { child, sockets: {} };
  };
  return { spawn, started };
}

function start(spawn: Spawn): Supervisor {
  return Supervisor.start({
    slots: ["worker-1", "control"].map((name) => ({
      name,
      role: name.split("-")[0] ?? "",
      sockets: {},
      settings: undefined,
    })),
    program: programAt("old"),
    logFd: 2,
    workingDirectory: "/",
    clock: new ManualClock(),
    log: new MemoryLog(),
    spawn,
  });
}

function programAt(main: string): Program {
  return { runtime: "node", flags: [], main };
}

const TO_NEW = {
  recipe: () => ({ program: programAt("new"), settings: undefined }),
  once: ["control"],
  graceMs: 0,
  timeoutMs: 60_000,
};

test("Supervisor.move() rejects with the reason and is back at what ran when one cannot start", async () => {
  const { spawn, started } = spawnThat((role, program) =>
    role === "control" && program === "new" ? "bad" : undefined,
  );
  const supervisor = start(spawn);
  await supervisor.ready({ signal: AbortSignal.timeout(60_000) });
  await assert.rejects(
    supervisor.move(TO_NEW),
    (error: unknown) => !(error instanceof MixedPrograms) && /new "control" died .* bad/.test(String(error)),
  );
  assert.equal(started.at(-1), "worker old");
});

test("Supervisor.move() rejects with MixedPrograms, naming both failures, when the way back fails too", async () => {
  let isBroken = false;
  const { spawn } = spawnThat((role, program) => {
    if (role === "control" && program === "new") {
      isBroken = true;
      return "bad";
    }
    return role === "worker" && isBroken ? "gone" : undefined;
  });
  const supervisor = start(spawn);
  await supervisor.ready({ signal: AbortSignal.timeout(60_000) });
  await assert.rejects(
    supervisor.move(TO_NEW),
    (error: unknown) =>
      error instanceof MixedPrograms &&
      error.message ===
        'The new "control" died before it was ready: bad. The way back failed too: The new "worker-1" died before it was ready: gone',
  );
});
