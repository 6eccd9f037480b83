import type { Clock, Timer } from "../../ground/clock.ts";
import type { KubeObject } from "../../resource/object.ts";
import type { Diagnostic } from "../../translate/diagnostic.ts";
import type { EventRecorder } from "../event-recorder.ts";

/** A diagnostic must hold this long before it becomes an Event: what heals by itself in a moment is no news. */
const GRACE_MS = 1000;
/** Diagnostics remembered; of more, the last ones are not told as Events. */
const REMEMBERED_MAX = 10_000;

interface Seen {
  readonly diagnostic: Diagnostic;
  readonly sinceMs: number;
  told: boolean;
}

/** Turns diagnostics into Events on their objects: each once when it appears, and again only after it was gone. */
export class DiagnosticEvents {
  readonly #clock: Clock;
  readonly #events: EventRecorder;
  readonly #find: (kind: string, namespace: string, name: string) => KubeObject | undefined;
  #seen = new Map<string, Seen>();
  #timer: Timer | undefined;

  constructor(options: {
    readonly clock: Clock;
    readonly events: EventRecorder;
    readonly find: (kind: string, namespace: string, name: string) => KubeObject | undefined;
  }) {
    this.#clock = options.clock;
    this.#events = options.events;
    this.#find = options.find;
  }

  /** Takes the diagnostics of the newest translation, all of them. */
  update(diagnostics: readonly Diagnostic[]): void {
    const nowMs = this.#clock.nowMs();
    const next = new Map<string, Seen>();
    for (const diagnostic of diagnostics.slice(0, REMEMBERED_MAX)) {
      const { kind, namespace, name } = diagnostic.object;
      const key = [kind, namespace, name, diagnostic.code, diagnostic.message].join("\u0000");
      next.set(key, this.#seen.get(key) ?? { diagnostic, sinceMs: nowMs, told: false });
    }
    this.#seen = next;
    this.#tellLater();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #tellLater(): void {
    if (this.#timer !== undefined) return;
    const waiting = [...this.#seen.values()].filter((seen) => !seen.told);
    if (waiting.length === 0) return;
    const firstMs = waiting.reduce((earliest, seen) => Math.min(earliest, seen.sinceMs), Number.POSITIVE_INFINITY);
    this.#timer = this.#clock.timer(firstMs + GRACE_MS - this.#clock.nowMs(), () => {
      this.#timer = undefined;
      this.#tell();
      this.#tellLater();
    });
  }

  #tell(): void {
    const dueMs = this.#clock.nowMs() - GRACE_MS;
    for (const seen of this.#seen.values()) {
      if (seen.told || seen.sinceMs > dueMs) continue;
      seen.told = true;
      const { object, severity, code, message, hint } = seen.diagnostic;
      const target = this.#find(object.kind, object.namespace, object.name);
      if (target === undefined) continue;
      const sentence = hint === undefined ? message : `${message}. ${hint}`;
      if (severity === "info") this.#events.normal(target, code, sentence);
      else this.#events.warning(target, code, sentence);
    }
  }
}
