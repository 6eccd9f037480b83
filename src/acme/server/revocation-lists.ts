import type { Clock } from "../../ground/clock.ts";
import type { LocalCa, SignedRevocationList } from "../../pki/local-ca.ts";
import type { Reply } from "./call.ts";
import type { Ledger } from "./ledger.ts";
import { ServerProblem } from "./server-problem.ts";

/** How old a list that is given out may be: a list is good for a day, so clients that keep it that long always have one. */
const LIST_AGE_MAX_MS = 3_600_000;
/** Lists that are kept; intermediates change every two days and live for seven, so there are about five. */
const LISTS_MAX = 64;

/** Returns where the list of the authority with this key identifier is, below the server's base path. */
export function revocationListPath(keyIdHex: string): string {
  return `crl/${keyIdHex}.crl`;
}

/** The revocation lists of the local CA, each signed when it is asked for and older than an hour, or something was revoked since. */
export class RevocationLists {
  readonly #ca: LocalCa;
  readonly #clock: Clock;
  readonly #ledger: Ledger;
  readonly #lists = new Map<
    string,
    { readonly list: SignedRevocationList; readonly fingerprint: string; readonly madeMs: number }
  >();

  constructor(options: { readonly ca: LocalCa; readonly clock: Clock; readonly ledger: Ledger }) {
    this.#ca = options.ca;
    this.#clock = options.clock;
    this.#ledger = options.ledger;
  }

  /** Returns the list of the authority with this key identifier (RFC 5280 section 5), for `GET`. Throws a 404 when it has none. */
  async read(keyIdHex: string): Promise<Reply> {
    const revoked = this.#ledger.revocationsOf(keyIdHex);
    const nowMs = this.#clock.nowMs();
    const isRoot = keyIdHex === this.#ca.rootKeyIdHex;
    const fingerprint = `${revoked.length} ${revoked.at(-1)?.serialHex ?? ""}`;
    const kept = this.#lists.get(keyIdHex);
    // What the root revokes is written by other processes too: its list is made anew every time.
    const fresh =
      kept !== undefined && !isRoot && kept.fingerprint === fingerprint && nowMs - kept.madeMs < LIST_AGE_MAX_MS;
    const list = fresh ? kept.list : await this.#ca.revocationList(keyIdHex, revoked);
    if (list === undefined) {
      throw new ServerProblem(404, "malformed", "This CA has no authority with that key identifier, or it has expired");
    }
    if (!fresh) this.#keep(keyIdHex, { list, fingerprint, madeMs: nowMs });
    return {
      status: 200,
      body: list.der,
      contentType: "application/pkix-crl",
      headers: { Expires: new Date(list.nextUpdateMs).toUTCString() },
    };
  }

  #keep(keyIdHex: string, entry: { list: SignedRevocationList; fingerprint: string; madeMs: number }): void {
    this.#lists.delete(keyIdHex);
    this.#lists.set(keyIdHex, entry);
    const [oldest] = this.#lists.keys();
    if (this.#lists.size > LISTS_MAX && oldest !== undefined) this.#lists.delete(oldest);
  }
}
