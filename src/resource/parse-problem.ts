/** A part of an object that could not be used; the rest of the object was. */
export interface ParseProblem {
  /** Where, as kubectl writes field paths: `spec.rules[0].http.paths[1].path`. */
  readonly at: string;
  /** What is wrong with it: a sentence without a full stop. */
  readonly message: string;
}

/** Returns `text` in quotes for a message, cut to a length that keeps messages readable. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > QUOTED_LENGTH_MAX ? `${text.slice(0, QUOTED_LENGTH_MAX)}…` : text);
}

const QUOTED_LENGTH_MAX = 200;
