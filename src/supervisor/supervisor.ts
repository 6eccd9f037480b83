import type { Clock } from "../ground/clock.ts";
import { LintelError, messageOf, type ErrorCode, ERROR_CODES } from "../ground/errors.ts";
import type { Logger } from "../ground/log.ts";
import type { ChildMessage, ProcessFacts } from "./messages.ts";
import { Slot, type OtherMessage, type SlotPlan, type Recipe } from "./slot.ts";
import { spawnChild, type Spawn } from "./spawn-child.ts";
import type { Program } from "../ground/host.ts";

/** What a {@link Supervisor} runs, and with what. */
export interface SupervisorOptions {
  readonly slots: readonly SlotPlan[];
  readonly program: Program;
  /** Where the children's standard output and error go. */
  readonly logFd: number;
  /** The children's working directory, so that they can name its sockets by short relative paths. */
  readonly workingDirectory: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** What a child wants known outside; `slot` is its slot's name. */
  readonly onNotice?: (slot: string, notice: unknown) => void;
  /** A process died unasked, of what, and how soon it is started again. */
  readonly onDied?: (slot: string, how: string, restartInMs: number) => void;
  /** How often processes are asked whether they are there; after six times without an answer one is killed. @default 5000 */
  readonly pingEveryMs?: number;
  /** @default {@link spawnChild} */
  readonly spawn?: Spawn;
}

/**
 * Keeps a fixed set of processes running. It has no domain code: what the roles do, and what their settings and notices
 * mean, is for others. It holds the bound ports for its children by existing.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #slots: readonly Slot[];
  readonly #everReady = new Set<Slot>();
  /** Aborted with the reason why the first start failed for good. */
  readonly #startFailed = new AbortController();
  #stopping = false;

  private constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#slots = options.slots.map(
      (plan) =>
        new Slot({
          plan,
          program: options.program,
          logFd: options.logFd,
          workingDirectory: options.workingDirectory,
          spawn: options.spawn ?? spawnChild,
          clock: options.clock,
          log: options.log,
          pingEveryMs: options.pingEveryMs ?? PING_EVERY_MS,
          changed: () => this.#changed(),
          died: (slot, how, restartInMs) => options.onDied?.(slot.plan.name, how, restartInMs),
          message: (slot, message) => this.#receive(slot, message),
        }),
    );
  }

  /** Starts every slot at once; does not wait for them. */
  static start(options: SupervisorOptions): Supervisor {
    const supervisor = new Supervisor(options);
    for (const slot of supervisor.#slots) slot.start();
    return supervisor;
  }

  /**
   * Resolves when every process is ready. Rejects when one says that it cannot start (with what it said), or with the
   * signal's reason; after the first success of a slot its failures are only logged and retried.
   */
  async ready(options: { readonly signal: AbortSignal }): Promise<void> {
    const signal = AbortSignal.any([options.signal, this.#startFailed.signal]);
    await Promise.all(this.#slots.map((slot) => slot.ready(signal)));
  }

  processes(): readonly ProcessFacts[] {
    return this.#slots.flatMap((slot) => slot.processes());
  }

  /** Replaces the process of every slot of `role`, one after the other, each without a gap. Rejects at the first that fails. */
  async replace(role: string, options: { readonly graceMs: number; readonly signal: AbortSignal }): Promise<void> {
    for (const slot of this.#slots) if (slot.plan.role === role) await slot.replace(options);
  }

  /**
   * Moves to another program: every slot is replaced without a gap, but those of the roles `once`, which cannot be there
   * twice, are ended and started again, last. Rejects at the first that fails, once every slot is back at what it ran;
   * with {@link MixedPrograms} when the way back failed as well.
   */
  async move(options: {
    readonly recipe: (plan: SlotPlan) => Recipe;
    readonly once: readonly string[];
    readonly graceMs: number;
    readonly timeoutMs: number;
  }): Promise<void> {
    const { once } = options;
    const last = this.#slots.filter((slot) => once.includes(slot.plan.role));
    const moved: { readonly slot: Slot; readonly before: Recipe }[] = [];
    try {
      for (const slot of [...this.#slots.filter((one) => !last.includes(one)), ...last]) {
        const before = slot.recipe;
        await moveSlot(slot, options.recipe(slot.plan), options);
        moved.push({ slot, before });
      }
    } catch (error) {
      const stuck: string[] = [];
      for (const { slot, before } of moved.toReversed()) {
        await moveSlot(slot, before, options).catch((cause: unknown) => stuck.push(messageOf(cause)));
      }
      throw stuck.length === 0 ? error : new MixedPrograms(messageOf(error), stuck, error);
    }
  }

  /** Stops all processes in a planned way; resolves when none is left. Those that take longer than `graceMs` are killed. */
  async stop(options: { readonly graceMs: number }): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#slots.map((slot) => slot.stop(options.graceMs)));
  }

  /** Kills all processes at once. */
  kill(): void {
    this.#stopping = true;
    for (const slot of this.#slots) slot.kill();
  }

  #changed(): void {
    if (this.#stopping) return;
    const processes = this.processes();
    for (const slot of this.#slots) {
      if (slot.processes().some((facts) => facts.state === "ready")) this.#everReady.add(slot);
      slot.tell(processes);
    }
  }

  #receive(slot: Slot, message: OtherMessage): void {
    switch (message.type) {
      case "notice":
        this.#options.onNotice?.(slot.plan.name, message.notice);
        return;
      case "fatal":
        this.#options.log.error("Process cannot start", { slot: slot.plan.name, reason: message.message });
        if (!this.#everReady.has(slot)) this.#startFailed.abort(failure(message));
        return;
      default:
        return message satisfies never;
    }
  }
}

/** A move that failed, and could not be undone everywhere: some processes run the one program, some the other. */
export class MixedPrograms extends Error {
  constructor(reason: string, stuck: readonly string[], cause: unknown) {
    super(`${reason}. The way back failed too: ${stuck.join(". ")}`, { cause });
    this.name = "MixedPrograms";
  }
}

const PING_EVERY_MS = 5_000;

async function moveSlot(
  slot: Slot,
  recipe: Recipe,
  how: { readonly once: readonly string[]; readonly graceMs: number; readonly timeoutMs: number },
): Promise<void> {
  const options = { graceMs: how.graceMs, signal: AbortSignal.timeout(how.timeoutMs), recipe };
  await (how.once.includes(slot.plan.role) ? slot.exchange(options) : slot.replace(options));
}

function failure(message: Extract<ChildMessage, { type: "fatal" }>): LintelError {
  const code: ErrorCode = ERROR_CODES.find((known) => known === message.code) ?? "Internal";
  return new LintelError(message.message, {
    code,
    fault: code === "Internal" ? "internal" : "user",
    ...(message.hint === undefined ? {} : { hint: message.hint }),
  });
}
