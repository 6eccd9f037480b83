import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import type { Instance } from "./instance.ts";

/** What the workers of an instance hold, as the kernel sees it. */
export class WorkerMemory {
  readonly #pids: readonly number[];
  readonly #before: ReadonlyMap<number, number>;
  readonly #files: ReadonlySet<string>;

  private constructor(pids: readonly number[]) {
    this.#pids = pids;
    // From here on the high-water mark counts.
    this.#before = new Map(pids.map((pid) => [pid, kibOf(pid, "VmHWM")]));
    this.#files = new Set(pids.flatMap(openFiles));
  }

  /** Starts watching the workers. */
  static async watch(instance: Instance): Promise<WorkerMemory> {
    return new WorkerMemory(await workersOf(instance));
  }

  /** The same, with their high-water marks set back to what they hold now: nothing of before counts. */
  static async watchFromNow(instance: Instance): Promise<WorkerMemory> {
    const pids = await workersOf(instance);
    // 5: proc(5), clear_refs
    for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, "5");
    return new WorkerMemory(pids);
  }

  /** How much the highest resident size of any worker has grown since, in MiB. */
  grownMib(): number {
    return Math.max(...this.#pids.map((pid) => kibOf(pid, "VmHWM") - (this.#before.get(pid) ?? 0))) / 1024;
  }

  /** Regular files that workers have open now and had not before. */
  newFiles(): readonly string[] {
    return this.#pids.flatMap(openFiles).filter((file) => !this.#files.has(file));
  }
}

async function workersOf(instance: Instance): Promise<readonly number[]> {
  const processes = await instance.processes();
  return processes.filter(({ name }) => name.startsWith("worker-")).map(({ pid }) => pid);
}

function kibOf(pid: number, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1]);
}

function openFiles(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      return target.startsWith("/") && !target.startsWith("/dev/") ? [`${pid} ${target}`] : [];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}
