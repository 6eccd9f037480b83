import { isRecord } from "../../ground/json.ts";
import { createContext, Script } from "node:vm";

/** So long may the rules of one object take; control does nothing else meanwhile. */
export const RULES_MS_MAX = 1_000;

const SCRIPT = new Script("run()");

/**
 * Runs `work`, which must not wait for anything, and returns what it returns, or undefined when it took longer than `msMax`:
 * then it was stopped wherever it was. What it throws is thrown.
 */
export function withinTime<T>(work: () => T, msMax: number = RULES_MS_MAX): T | undefined {
  let result: T | undefined;
  const run = (): void => {
    result = work();
  };
  try {
    SCRIPT.runInContext(createContext({ run }), { timeout: msMax });
  } catch (error) {
    // It comes from another context, so it is no Error of this one.
    if (isRecord(error) && error["code"] === "ERR_SCRIPT_EXECUTION_TIMEOUT") return undefined;
    throw error;
  }
  return result;
}
