import { get } from "node:http";
import { LintelError } from "../ground/errors.ts";
import { currentHolder } from "../supervisor/state-lock.ts";
import { adminUrl, readInstance, type InstanceFacts } from "./instance-file.ts";
import { parseSummary, type InstanceSummary } from "./instance-summary.ts";
import { readFileIfAny, stateFolderAt } from "./state-folder.ts";

/** How long a running instance has to answer. */
const ANSWER_MS_MAX = 5_000;

const ANSWER_BYTES_MAX: number = 64 * 1024 * 1024;

/** An instance that runs on a state folder, and what it says of itself. */
export interface RunningInstance {
  readonly directory: string;
  readonly facts: InstanceFacts;
  readonly summary: InstanceSummary;
}

/**
 * Returns what the instance on the first of `directories` that has one says. Throws Unreachable when none runs, or when
 * it does not answer: its control may be starting again.
 */
export async function askRunningInstance(directories: readonly string[]): Promise<RunningInstance> {
  const directory = directories.find((candidate) => currentHolder(candidate) !== undefined);
  const folder = directory === undefined ? undefined : stateFolderAt(directory);
  const facts = folder === undefined ? undefined : readInstance(folder);
  if (directory === undefined || folder === undefined || facts === undefined) {
    throw new LintelError(`Cannot find a running Lintel: nothing holds "${directories[0] ?? ""}"`, {
      code: "Unreachable",
      fault: "user",
      hint: 'Start one with "lintel up", or name its folder with --state',
    });
  }
  try {
    const token = readFileIfAny(folder.token)?.trim() ?? "";
    const summary = parseSummary(JSON.parse(await fetchText(`${adminUrl(facts)}/status`, token)));
    return { directory, facts, summary };
  } catch (error) {
    throw new LintelError(`Cannot ask process ${facts.pid} for its status`, {
      code: "Unreachable",
      hint: `Its control process may be starting again: look at ${folder.log}`,
      cause: error,
    });
  }
}

function fetchText(url: string, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const call = get(url, { headers: { authorization: `Bearer ${token}` }, agent: false, signal }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_BYTES_MAX) response.destroy(new Error("The answer is too long"));
      });
      response.on("error", reject);
      response.on("end", () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`The answer is ${response.statusCode ?? 0}`)),
      );
    });
    call.on("error", reject);
  });
}
