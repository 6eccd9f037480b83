import type { Clock } from "../ground/clock.ts";
import { LintelError } from "../ground/errors.ts";
import { generateKey } from "../pki/key.ts";
import { createOnce, pairText, readPair, type Pair } from "../pki/pair-file.ts";
import { selfSign, signRequest } from "../pki/sign.ts";
import { parseCertificate } from "../pki/x509/certificate.ts";
import { createRequest, parseRequest } from "../pki/x509/request.ts";

const DAY_MS = 86_400_000;
const LIFETIME_MS: number = 3_650 * DAY_MS;
/** Clocks of clients may be behind. */
const BACKDATE_MS = 300_000;

/**
 * The authority of client certificates of one instance's API: its own, so that no certificate of a host is ever taken for a
 * person, and none of a person for a host. Made on the first start, and kept.
 */
export class ClientAuthority {
  readonly authorityPem: string;
  readonly #pair: Pair;
  readonly #clock: Clock;

  private constructor(pair: Pair, clock: Clock) {
    this.authorityPem = pair.certificate;
    this.#pair = pair;
    this.#clock = clock;
  }

  /** Opens the authority kept in `file`, or makes it. Throws StateUnreadable for a damaged file. */
  static async open(options: { readonly file: string; readonly clock: Clock }): Promise<ClientAuthority> {
    const { file, clock } = options;
    if ((await readPair(file)) === undefined) await createOnce(file, pairText(await newPair(clock.nowMs())));
    const pair = await readPair(file);
    if (pair === undefined || pair === "damaged") {
      throw new LintelError(`Cannot use "${file}": it is not a certificate with its own key`, {
        code: "StateUnreadable",
        fault: "user",
        hint: "Restore it from a backup, or remove it: client certificates that were issued then end",
      });
    }
    return new ClientAuthority(pair, clock);
  }

  /** Returns the groups (O) that a request names. Throws BadPem for one that is none. */
  groupsOf(requestPem: string): readonly string[] {
    return parseRequest(requestPem).subject["organizations"] ?? [];
  }

  /** Returns a certificate in PEM for the key and subject of a request. Throws BadPem for one that is none. */
  async sign(requestPem: string, seconds: number): Promise<string> {
    const { chain } = await signRequest({
      csr: requestPem,
      authority: { chain: this.#pair.certificate, key: this.#pair.key },
      notBeforeMs: this.#clock.nowMs() - BACKDATE_MS,
      durationMs: BACKDATE_MS + seconds * 1000,
      isCa: false,
      usages: ["digital signature", "client auth"],
    });
    return chain;
  }
}

async function newPair(nowMs: number): Promise<Pair> {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const csr = await createRequest(key, { commonName: "Lintel API clients", isCa: true });
  const terms = { notBeforeMs: nowMs - BACKDATE_MS, durationMs: LIFETIME_MS, isCa: true, pathLength: 0 };
  const { chain } = await selfSign({ csr, key, ...terms, usages: ["cert sign"] });
  return { certificate: chain, key, facts: parseCertificate(chain) };
}
