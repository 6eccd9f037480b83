/** Parsers kept for use again; more are left to the collector. */
const KEPT_MAX = 64;

/**
 * Parsers of one kind. A head that arrives in one piece needs `shared` only for the moment; a connection whose head is
 * still incomplete keeps the parser it began with and another becomes the shared one.
 */
export class ParserPool<Parser> {
  readonly #make: () => Parser;
  readonly #free: Parser[] = [];
  shared: Parser;

  constructor(make: () => Parser) {
    this.#make = make;
    this.shared = make();
  }

  /** Leaves the shared parser to the caller, until `give`. */
  keepShared(): Parser {
    const kept = this.shared;
    this.shared = this.#free.pop() ?? this.#make();
    return kept;
  }

  give(parser: Parser): void {
    if (this.#free.length < KEPT_MAX) this.#free.push(parser);
  }
}
