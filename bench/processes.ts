import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";

/** Kernel clock ticks a second: the unit of utime and stime in /proc (USER_HZ, 100 on every Linux). */
const TICKS_PER_SECOND = 100;

/** Long enough to write a profile on a busy machine. */
const STOP_MS_MAX = 20_000;

/** A started program and everything it started. */
export interface Running {
  readonly child: ChildProcess;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
}

const started = new Set<Running>();

/** Starts a program on one core; its output goes to `log`. */
export function start(core: number, command: readonly string[], log: number, env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn("taskset", ["-c", String(core), ...command], {
    stdio: ["ignore", log, log],
    env: { ...process.env, ...env },
  });
  const running: Running = {
    child,
    stop: async () => {
      started.delete(running);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
      await gone;
      clearTimeout(timer);
    },
  };
  started.add(running);
  return running;
}

/** Ends everything that was started and not ended yet. */
export async function stopAll(): Promise<void> {
  for (const running of started) await running.stop();
}

/** Runs a program on one core to its end and returns what it printed. Throws when it fails. */
export async function runOn(core: number, command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const child = spawn("taskset", ["-c", String(core), ...command], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${String(code)}:\n${output.slice(-2000)}`);
  return output;
}

/** CPU seconds: in programs, and in the kernel for them. */
export interface CpuTime {
  readonly user: number;
  readonly system: number;
}

/** What a process and all its living descendants have used. */
export function cpuTime(root: number): CpuTime {
  let [user, system] = [0, 0];
  for (const pid of processTree(root)) {
    const fields = statFields(pid);
    user += Number(fields[11] ?? 0);
    system += Number(fields[12] ?? 0);
  }
  return { user: user / TICKS_PER_SECOND, system: system / TICKS_PER_SECOND };
}

/** Proportional set size in bytes of a process and all its living descendants. */
export function pssBytes(root: number): number {
  let kib = 0;
  for (const pid of processTree(root)) {
    const text = readOrEmpty(`/proc/${pid}/smaps_rollup`);
    kib += Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
  }
  return kib * 1024;
}

function processTree(root: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    parents.set(Number(name), Number(statFields(Number(name))[1] ?? 0));
  }
  const tree = [root];
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  return tree;
}

/** The fields of /proc/PID/stat after the command's name, which may hold spaces. */
function statFields(pid: number): readonly string[] {
  const text = readOrEmpty(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // The process ended between the listing and the reading.
  }
}
