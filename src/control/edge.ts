import type { Snapshot } from "../routing/snapshot.ts";

/** The data plane as the controllers see it: something that is told what to serve and says when it does. */
export interface Edge {
  /**
   * Makes `content` what every worker must serve, as the next generation, and returns that generation. A content equal
   * to the last one keeps the generation. Never blocks: workers follow on their own, in order.
   */
  publish(content: Omit<Snapshot, "generation">): number;

  /**
   * Resolves once every live worker has acknowledged `generation` or a later one; a worker that dies meanwhile no longer
   * counts, one that is starting counts. Rejects with the signal's reason when it aborts first.
   */
  served(generation: number, options: { readonly signal: AbortSignal }): Promise<void>;
}
