import { CommanderError } from "commander";
import { isLintelError, type ErrorCode } from "../ground/errors.ts";

/** What the exit code says, after sysexits.h where it has a word for it. `docs/cli.md` lists exactly these. */
export const EXIT = {
  ok: 0,
  /** Something failed; the line on standard error says what. */
  failure: 1,
  /** The command line cannot be understood. */
  usage: 2,
  /** EX_NOINPUT: a file or folder that was named does not exist. */
  noInput: 66,
  /** EX_UNAVAILABLE: no instance runs, it does not answer, or an address cannot be listened on. */
  unavailable: 69,
  /** EX_CANTCREAT: the state folder cannot be made or used. */
  cannotCreate: 73,
  /** EX_TEMPFAIL: another instance holds the state folder. */
  held: 75,
} as const;

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  NotFound: EXIT.noInput,
  Unreachable: EXIT.unavailable,
  CannotBind: EXIT.unavailable,
  StateUnreadable: EXIT.cannotCreate,
  StateHeld: EXIT.held,
  BadConfig: EXIT.usage,
};

/** Returns the exit code for anything thrown. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  return isLintelError(error) ? (BY_CODE[error.code] ?? EXIT.failure) : EXIT.failure;
}
