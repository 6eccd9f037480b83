import type { Clock } from "../ground/clock.ts";
import { EmbeddedStore } from "./embedded-store.ts";
import { FORGETFUL_JOURNAL } from "./journal.ts";

/** An {@link EmbeddedStore} that keeps nothing between runs: for tests and for `lintel proxy`. */
export class MemoryStore extends EmbeddedStore {
  constructor(options: { readonly clock: Clock }) {
    super({ clock: options.clock, journal: FORGETFUL_JOURNAL });
  }
}
