import { execFile } from "node:child_process";
import type { Clock } from "../../ground/clock.ts";
import { LintelError } from "../../ground/errors.ts";
import type { ChallengeRecord, DnsSolver } from "./dns-solver.ts";
import type { ProviderApi } from "./provider-api.ts";

/** A program may take this long. */
const PROGRAM_MS_MAX = 120_000;
const OUTPUT_BYTES_MAX = 64 * 1024;
const SHOWN_CHARACTERS_MAX = 300;

/**
 * Has another service change DNS: POST with `{ action: "present" | "cleanup", fqdn, value, domain }` as JSON; any status
 * 2xx means done.
 */
export class HttpHookSolver implements DnsSolver {
  readonly provider = "the HTTP hook";
  readonly #options: {
    readonly api: ProviderApi;
    readonly url: string;
    readonly token: string | undefined;
    readonly domain: string;
  };

  constructor(options: {
    readonly api: ProviderApi;
    readonly url: string;
    /** Sent as a bearer token. */
    readonly token: string | undefined;
    readonly domain: string;
  }) {
    this.#options = options;
  }

  present(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    return this.#post("present", record, signal);
  }

  cleanup(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    return this.#post("cleanup", record, signal);
  }

  async #post(action: string, record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    const { api, url, token, domain } = this.#options;
    await api.demand(`${action} the record "${record.name}"`, {
      method: "POST",
      url,
      headers: {
        "Content-Type": "application/json",
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ action, fqdn: `${record.name}.`, value: record.value, domain }),
      signal,
    });
  }
}

/** Has a program change DNS: it is run without a shell, with `present` or `cleanup`, the record's name and its value as further arguments. */
export class ExecSolver implements DnsSolver {
  readonly provider = "the program";
  readonly #command: readonly string[];
  readonly #clock: Clock;

  constructor(options: { readonly command: readonly string[]; readonly clock: Clock }) {
    this.#command = options.command;
    this.#clock = options.clock;
  }

  present(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    return this.#run("present", record, signal);
  }

  cleanup(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    return this.#run("cleanup", record, signal);
  }

  async #run(action: string, record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    const [program = "", ...rest] = this.#command;
    const late = new AbortController();
    const timer = this.#clock.timer(PROGRAM_MS_MAX, () => late.abort());
    try {
      await new Promise<void>((resolve, reject) => {
        const options = {
          signal: AbortSignal.any([signal, late.signal]),
          maxBuffer: OUTPUT_BYTES_MAX,
          // Nothing of this process's surroundings: they may hold what the program must not know.
          env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
          cwd: "/",
        };
        execFile(program, [...rest, action, `${record.name}.`, record.value], options, (error, _out, errors) => {
          if (error === null) return resolve();
          const said = errors
            .replaceAll(/[\p{Cc}\s]+/gu, " ")
            .slice(0, SHOWN_CHARACTERS_MAX)
            .trim();
          const why = late.signal.aborted ? "it ran for more than two minutes" : said === "" ? error.message : said;
          reject(
            new LintelError(`Cannot ${action} the record "${record.name}" with "${program}": ${why}`, {
              code: "BadConfig",
              fault: "user",
            }),
          );
        });
      });
    } finally {
      timer.cancel();
    }
  }
}
