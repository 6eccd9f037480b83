import { closeSync, fstatSync, openSync, renameSync, statSync, write } from "node:fs";
import type { Clock, Timer } from "../ground/clock.ts";
import { LintelError } from "../ground/errors.ts";
import type { AccessLine } from "../proxy/access-line.ts";

/** Characters that wait to be written; lines beyond are dropped and counted. */
const PENDING_CHARACTERS_MAX: number = 1024 * 1024;
/** What waits is written when there is this much of it. */
const BATCH_CHARACTERS: number = 64 * 1024;
/** A line waits at most this long for others. */
const BATCH_MS = 200;
/** When the file is larger than this it becomes `FILE.1`; so the log takes about twice this. */
const FILE_BYTES_MAX: number = 64 * 1024 * 1024;

/** Where lines go: a file, or a descriptor that someone else opened and keeps. */
export type AccessLogTarget = { readonly path: string } | { readonly fd: number };

/** What an {@link AccessLog} is made with. */
export interface AccessLogOptions {
  readonly target: AccessLogTarget;
  /** One of so many requests answered below 400 gets a line; all others do. */
  readonly sample: number;
  readonly clock: Clock;
  /** Whether this process renames the file when it is too large; one of those that write to it has to. */
  readonly rotates: boolean;
  /** @default 64 MiB */
  readonly fileBytesMax?: number;
  /** @default 1 MiB */
  readonly pendingCharactersMax?: number;
}

/**
 * Writes a JSON line for each request, in batches and without ever waiting: what a slow disk or reader cannot take is
 * dropped and counted. Several processes may append to one file; each notices within a batch that it was renamed, by
 * one of them or by a program such as logrotate, and goes on with a new one of mode 0640.
 */
export class AccessLog {
  /** Lines lost because too many waited, or because they could not be written. */
  dropped = 0;
  written = 0;
  readonly #options: AccessLogOptions;
  #fd: number;
  #pending = "";
  #pendingLines = 0;
  #skipped = 0;
  #timer: Timer | undefined;
  #writing = false;
  #onIdle: (() => void) | undefined;

  private constructor(options: AccessLogOptions) {
    this.#options = options;
    this.#fd = "fd" in options.target ? options.target.fd : openFile(options.target.path);
  }

  /** Throws BadConfig when the file cannot be opened. */
  static open(options: AccessLogOptions): AccessLog {
    return new AccessLog(options);
  }

  /** Takes a request that is over. */
  add(line: AccessLine): void {
    if (line.status > 0 && line.status < 400 && this.#isSkipped()) return;
    const { clock, pendingCharactersMax = PENDING_CHARACTERS_MAX } = this.#options;
    const text = accessLineText(line, clock.nowMs());
    if (this.#pending.length + text.length > pendingCharactersMax) {
      this.dropped++;
      return;
    }
    this.#pending += text;
    this.#pendingLines++;
    if (this.#pending.length >= BATCH_CHARACTERS) this.#flush();
    else this.#timer ??= clock.timer(BATCH_MS, () => this.#flush());
  }

  /** Resolves when everything taken so far was written or given up. */
  async flushed(): Promise<void> {
    this.#flush();
    if (this.#writing) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  #isSkipped(): boolean {
    if (this.#options.sample <= 1) return false;
    this.#skipped = (this.#skipped + 1) % this.#options.sample;
    return this.#skipped !== 0;
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#writing || this.#pending === "") return;
    this.#reopenWhenMoved();
    const bytes = Buffer.from(this.#pending);
    const lines = this.#pendingLines;
    this.#pending = "";
    this.#pendingLines = 0;
    this.#writing = true;
    this.#write(bytes, lines);
  }

  #write(bytes: Buffer, lines: number): void {
    write(this.#fd, bytes, (error, count) => {
      if (error === null && count < bytes.length) return this.#write(bytes.subarray(count), lines);
      if (error === null) this.written += lines;
      else this.dropped += lines;
      this.#writing = false;
      if (this.#pending !== "") return this.#flush();
      this.#onIdle?.();
      this.#onIdle = undefined;
    });
  }

  #reopenWhenMoved(): void {
    const { target, rotates, fileBytesMax = FILE_BYTES_MAX } = this.#options;
    if ("fd" in target) return;
    try {
      const ours = fstatSync(this.#fd);
      const named = statSync(target.path, { throwIfNoEntry: false });
      const isOurs = named?.ino === ours.ino && named.dev === ours.dev;
      if (isOurs && (!rotates || ours.size <= fileBytesMax)) return;
      if (isOurs) renameSync(target.path, `${target.path}.1`);
      const next = openSync(target.path, "a", 0o640);
      closeSync(this.#fd);
      this.#fd = next;
    } catch {
      // The old file takes the lines until the folder can be written to again.
    }
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, "a", 0o640);
  } catch (error) {
    throw new LintelError(`Cannot write the access log to "${path}"`, {
      code: "BadConfig",
      fault: "user",
      hint: "Name a file in a folder that exists and may be written to, or - for the standard output",
      cause: error,
    });
  }
}

/** Returns the line as JSON with its line break; what is not known is left out. */
function accessLineText(line: AccessLine, nowMs: number): string {
  const { source } = line;
  return `${JSON.stringify({
    time: new Date(nowMs).toISOString(),
    requestId: known(line.requestId),
    client: line.client,
    method: known(line.method),
    host: line.host,
    path: known(line.path),
    protocol: line.protocol,
    tls: line.tlsVersion ?? "none",
    status: line.status,
    bytesIn: line.requestBytes,
    bytesOut: line.responseBytes,
    durationMs: rounded(line.durationMs),
    connectMs: rounded(line.connectMs),
    firstByteMs: rounded(line.upstreamMs),
    route: known(line.route),
    ingress: source?.kind === "Ingress" ? `${source.namespace}/${source.name}` : undefined,
    backend: known(line.backend),
    endpoint: known(line.endpoint),
    attempts: line.attempts,
    reason: line.reason,
  })}\n`;
}

function known(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1_000) / 1_000;
}
