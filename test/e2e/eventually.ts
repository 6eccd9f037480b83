import { systemClock } from "../../src/ground/system-clock.ts";

/**
 * Returns the first value of `attempt` that is not undefined, asking again every 25 ms. Throws with what the last attempt
 * threw, or with `what`, once `deadlineMs` have passed.
 */
export async function eventually<Value>(
  what: string,
  attempt: () => Promise<Value | undefined> | Value | undefined,
  deadlineMs = 60_000,
): Promise<Value> {
  const untilMs = systemClock.monotonicMs() + deadlineMs;
  let last: unknown;
  while (systemClock.monotonicMs() < untilMs) {
    try {
      const value = await attempt();
      if (value !== undefined) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`Not within ${deadlineMs} ms: ${what}`, { cause: last });
}

/** Returns whether a process of this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
