import type { Issuer } from "../../resource/issuer.ts";

/** Tells the issuers controller which issuers failed somebody who relied on them, so that it looks at them again. */
export class IssuerDoubts {
  readonly #listeners = new Set<(issuer: Issuer) => void>();

  /** Notes that `issuer` could not be asked though its condition says that it can. */
  report(issuer: Issuer): void {
    for (const listener of this.#listeners) listener(issuer);
  }

  /** Calls `listener` with each issuer that is reported from now on. */
  subscribe(listener: (issuer: Issuer) => void): void {
    this.#listeners.add(listener);
  }
}
