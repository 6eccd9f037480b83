import { LintelError } from "../ground/errors.ts";
import type { Host, ParentChannel } from "../ground/host.ts";
import {
  PROTOCOL_VERSION,
  parseSupervisorMessage,
  type ChildMessage,
  type ProcessFacts,
  type SupervisorMessage,
} from "./messages.ts";

/** What a child is told first. */
export type StartMessage = Extract<SupervisorMessage, { type: "start" }>;

/** What a role does when the supervisor speaks to it. */
export interface ChildHandlers {
  /** Finish what is in flight within `graceMs`; the process exits with code 0 when the promise settles. */
  readonly stop: (graceMs: number) => Promise<void>;
  /** The supervisor is gone. The same, but nobody waits; the sockets must be let go of first. */
  readonly orphaned: () => Promise<void>;
  readonly processes?: (processes: readonly ProcessFacts[]) => void;
}

/**
 * The child's end of the channel to its supervisor. A child never outlives its supervisor by more than the time
 * `orphaned` takes, and ignores Ctrl-C, which a terminal sends to the whole process group.
 */
export class ChildLink {
  readonly start: StartMessage;
  readonly #host: Host;
  readonly #parent: ParentChannel;
  #handlers: ChildHandlers | undefined;
  #ending = false;
  #early: SupervisorMessage[] = [];

  private constructor(host: Host, parent: ParentChannel, start: StartMessage) {
    this.#host = host;
    this.#parent = parent;
    this.start = start;
  }

  /** Resolves when the supervisor has said what to be. Throws BadConfig when nobody started us or when it speaks another version. */
  static open(host: Host): Promise<ChildLink> {
    const parent = host.parent;
    if (parent === undefined) {
      return Promise.reject(
        new LintelError("Cannot run as a child: no supervisor started this process", {
          code: "BadConfig",
          fault: "user",
          hint: 'Run "lintel up"',
        }),
      );
    }
    return new Promise((resolve, reject) => {
      let link: ChildLink | undefined;
      host.onSignal("SIGINT", () => undefined);
      host.onSignal("SIGTERM", () => link?.receive({ type: "stop", graceMs: SIGTERM_GRACE_MS }));
      parent.onDisconnect(() => (link === undefined ? host.exit(0) : link.#disconnected()));
      parent.onMessage((value) => {
        const message = parseSupervisorMessage(value);
        if (message === undefined) return;
        if (link !== undefined) link.receive(message);
        else if (message.type === "start" && message.version === PROTOCOL_VERSION) {
          link = new ChildLink(host, parent, message);
          resolve(link);
        } else if (message.type === "start") {
          reject(
            new LintelError(`Cannot start: the supervisor speaks protocol version ${message.version}`, {
              code: "BadConfig",
              hint: "Restart Lintel, so that all its processes are of one version",
            }),
          );
        }
      });
    });
  }

  /** From now on messages reach the role, first the ones that came before. */
  handle(handlers: ChildHandlers): void {
    this.#handlers = handlers;
    const early = this.#early;
    this.#early = [];
    for (const message of early) this.receive(message);
  }

  ready(): void {
    this.#send({ type: "ready" });
  }

  notice(notice: unknown): void {
    this.#send({ type: "notice", notice });
  }

  /** Says that this process cannot start, and ends it. */
  async fatal(failure: {
    readonly code: string;
    readonly message: string;
    readonly hint?: string | undefined;
  }): Promise<never> {
    await this.#parent.send({ type: "fatal", ...failure } satisfies ChildMessage);
    return this.#host.exit(1);
  }

  /** For the channel's own callbacks and tests. */
  receive(message: SupervisorMessage): void {
    if (message.type === "ping") {
      this.#send({ type: "pong" });
      return;
    }
    if (this.#handlers === undefined) {
      if (this.#early.length < EARLY_MESSAGES_MAX) this.#early.push(message);
      return;
    }
    switch (message.type) {
      case "stop":
        this.#end(this.#handlers.stop(message.graceMs));
        return;
      case "processes":
        this.#handlers.processes?.(message.processes);
        return;
      case "start":
        return;
      default:
        return message satisfies never;
    }
  }

  #disconnected(): void {
    if (this.#handlers === undefined) this.#host.exit(0);
    this.#end(this.#handlers.orphaned());
  }

  #end(work: Promise<void>): void {
    if (this.#ending) return;
    this.#ending = true;
    const leave = (): never => this.#host.exit(0);
    work.then(leave, leave);
  }

  #send(message: ChildMessage): void {
    void this.#parent.send(message);
  }
}

/** Somebody signalled a child directly: it drains as in a planned stop. */
const SIGTERM_GRACE_MS = 10_000;

const EARLY_MESSAGES_MAX = 64;
