import type { PreflightWhen } from "../control/preflight/preflight.ts";
import { LintelError, messageOf } from "../ground/errors.ts";
import type { Host } from "../ground/host.ts";
import { openLog, type Logger } from "../ground/log.ts";
import { ChildLink } from "../supervisor/child-link.ts";
import type { ProcessFacts } from "../supervisor/messages.ts";
import type { InstanceSummary } from "./instance-summary.ts";
import type { Notice, Tone } from "./notice.ts";

/** A control process, of one machine or of a cluster. */
export interface ControlRole {
  /** Begins once the supervisor knows that it is ready; may go on for as long as the process lives. */
  begin(): Promise<void>;
  setProcesses(processes: readonly ProcessFacts[]): void;
  close(): Promise<void>;
}

/** Runs what `open` makes until the supervisor ends the process; tells the supervisor why when it cannot start. */
export async function runControlRole(
  host: Host,
  open: (context: { readonly link: ChildLink; readonly log: Logger }) => Promise<ControlRole>,
): Promise<void> {
  const link = await ChildLink.open(host);
  const log = openLog({ level: "info", fd: 2 }).child({ process: link.start.slot });
  try {
    const control = await open({ link, log });
    link.handle({
      stop: () => control.close(),
      orphaned: () => control.close(),
      processes: (processes) => control.setProcesses(processes),
    });
    link.ready();
    await control.begin();
  } catch (error) {
    log.error("Cannot run control", { reason: messageOf(error) });
    await link.fatal({
      code: error instanceof LintelError ? error.code : "Internal",
      message: messageOf(error),
      ...(error instanceof LintelError && error.hint !== undefined ? { hint: error.hint } : {}),
    });
  }
}

/** Returns the workers that count: one that is starting does, so that nothing is served everywhere before it serves it too. */
export function liveWorkers(processes: readonly ProcessFacts[]): readonly number[] {
  return processes
    .filter(({ role, state }) => role === "worker" && (state === "starting" || state === "ready"))
    .map(({ pid }) => pid);
}

/** Tells whoever started us a line. */
export function tell(link: ChildLink, tone: Tone, text: string): void {
  link.notice({ kind: "line", tone, text } satisfies Notice);
}

/** Tells whoever started us what is served. */
export function tellSummary(link: ChildLink, summary: InstanceSummary): void {
  link.notice({ kind: "summary", summary } satisfies Notice);
}

/** Reads `--preflight`; the command line has refused everything else. */
export function preflightWhen(text: string): PreflightWhen {
  return text === "always" || text === "off" ? text : "auto";
}
