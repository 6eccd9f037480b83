import { Dice } from "./dice.ts";
import type { Differential } from "./differential.ts";
import { makeConversation } from "./make-requests.ts";

/** How long and from where. */
export interface FuzzOptions {
  /** Of the first conversation; each next one has the next. */
  readonly seed: number;
  /** On the scale of `performance.now()`. */
  readonly untilMs: number;
  readonly conversationsMax: number;
}

/** What was found, each with the seeds of the conversations that showed it. */
export interface FuzzReport {
  readonly conversations: number;
  readonly forwarded: number;
  readonly bugs: ReadonlyMap<string, readonly number[]>;
  readonly stricter: ReadonlyMap<string, readonly number[]>;
  readonly laxer: ReadonlyMap<string, readonly number[]>;
}

/** Has one made-up conversation after the other until the time or the number is up. */
export async function fuzz(differential: Differential, options: FuzzOptions): Promise<FuzzReport> {
  const bugs = new Map<string, number[]>();
  const stricter = new Map<string, number[]>();
  const laxer = new Map<string, number[]>();
  let conversations = 0;
  let forwarded = 0;
  while (conversations < options.conversationsMax && performance.now() < options.untilMs) {
    const seed = options.seed + conversations++;
    const outcome = await differential.judge(makeConversation(new Dice(seed)));
    forwarded += outcome.forwarded;
    for (const bug of outcome.bugs) note(bugs, bug, seed);
    if (outcome.stricter !== undefined) note(stricter, outcome.stricter, seed);
    if (outcome.laxer !== undefined) note(laxer, outcome.laxer, seed);
  }
  return { conversations, forwarded, bugs, stricter, laxer };
}

function note(found: Map<string, number[]>, text: string, seed: number): void {
  const seeds = found.get(text);
  if (seeds === undefined) found.set(text, [seed]);
  else seeds.push(seed);
}
