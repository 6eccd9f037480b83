import type { Clock } from "../../ground/clock.ts";
import { denialRemedy, denialSentence, type Denial } from "./denial.ts";

/** What was not refused again for so long is not wanted any more: work that fails is tried again more often. */
const REMEMBERED_MS = 600_000;
/** More than there are rules; the oldest are forgotten first. */
const DENIALS_MAX = 200;

/** Something that is not allowed, or is again. */
export interface AccessChange {
  /** `update secrets in namespace "shop"` */
  readonly act: string;
  /** What is missing, what does not work, and how to give it; undefined: it is allowed again. */
  readonly sentence: string | undefined;
}

/**
 * Remembers what an API server does not let us do, and tells of each thing once: when it is refused, and when it succeeds
 * again. Every part of the program asks the server by itself and tries again by itself; here is the one place that sees
 * all of it.
 */
export class Denials {
  readonly #clock: Clock;
  readonly #tell: (change: AccessChange) => void;
  readonly #known = new Map<string, { readonly sentence: string; atMs: number }>();

  constructor(options: { readonly clock: Clock; readonly tell?: ((change: AccessChange) => void) | undefined }) {
    this.#clock = options.clock;
    this.#tell = options.tell ?? (() => undefined);
  }

  refused(denial: Denial): void {
    const act = actOf(denial);
    const before = this.#known.get(act);
    const sentence = `${denialSentence(denial)}. ${denialRemedy(denial)}`;
    this.#known.delete(act);
    this.#known.set(act, { sentence, atMs: this.#clock.monotonicMs() });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= DENIALS_MAX) break;
      this.#known.delete(oldest);
    }
    if (before === undefined) this.#tell({ act, sentence });
  }

  allowed(done: Omit<Denial, "user">): void {
    if (this.#known.size === 0) return;
    const act = actOf(done);
    if (this.#known.delete(act)) this.#tell({ act, sentence: undefined });
  }

  /** What is not allowed now, one sentence each. */
  get sentences(): readonly string[] {
    const sinceMs = this.#clock.monotonicMs() - REMEMBERED_MS;
    return [...this.#known.values()].filter(({ atMs }) => atMs >= sinceMs).map(({ sentence }) => sentence);
  }
}

function actOf({ verb, resource, group, namespace }: Omit<Denial, "user">): string {
  const what = group === "" ? resource : `${resource} of ${group}`;
  return namespace === "" ? `${verb} ${what}` : `${verb} ${what} in namespace "${namespace}"`;
}
