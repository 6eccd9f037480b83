import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../ground/clock.ts";
import { LintelError } from "../ground/errors.ts";
import { addRevokedIssuer, readRetired, readRevokedIssuers, retirePair } from "./issuers-folder.ts";
import { encodeKey, generateKey } from "./key.ts";
import { createOnce, type Pair, pairText, readPair, readText, removeRemains, replaceFile } from "./pair-file.ts";
import { selfSign, type SigningAuthority, signRequest } from "./sign.ts";
import { certificateBlocks, certificateParts, parseCertificate } from "./x509/certificate.ts";
import { parseIp } from "./x509/ip-address.ts";
import { createRequest } from "./x509/request.ts";
import { encodeRevocationList, type RevokedCertificate } from "./x509/revocation-list.ts";
import { signerFor } from "./x509/signature.ts";

const DAY_MS = 86_400_000;
const ROOT_DURATION_MS = 3652 * DAY_MS;
const INTERMEDIATE_DURATION_MS = 7 * DAY_MS;
/** An intermediate is replaced after two days, so that whatever it signs can live for five. */
const INTERMEDIATE_LEFT_MIN_MS = 5 * DAY_MS;

/** A file that was being written this long ago belongs to a process that was killed. */
const REMAINS_AGE_MS = 3_600_000;

/** How long a revocation list is good: clients keep it no longer, so a revocation is known everywhere within a day. */
export const REVOCATION_LIST_MS: number = DAY_MS;

/** How far before now a new certificate becomes valid: clients whose clocks run late must accept it too. */
export const BACKDATE_MS = 3_600_000;

/** A certificate with its key, both PEM. */
export interface IssuedCertificate {
  /** Leaf first, then the intermediate. */
  readonly chain: string;
  /** PKCS#8. */
  readonly key: string;
  readonly notAfterMs: number;
}

/** An authority of this CA, as people are shown it. */
export interface IssuerSummary {
  readonly commonName: string;
  readonly serialHex: string;
  /** Its subject key identifier: what its revocation list is named by. */
  readonly keyIdHex: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** `signing`: makes certificates now; `retired`: what it signed is still good; `revoked`: that is not either. */
  readonly state: "signing" | "retired" | "revoked";
}

/** A revocation list, and until when it need not be asked for again. */
export interface SignedRevocationList {
  readonly der: Uint8Array;
  readonly nextUpdateMs: number;
}

/** How a local CA is opened. */
export interface LocalCaOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** Of the root, when it is made. @default "Lintel Local CA" */
  readonly commonName?: string | undefined;
  /** Where the list of what an authority revoked is published, by its key identifier; goes into intermediates. @default nowhere */
  readonly revocationListUrl?: ((keyIdHex: string) => string) | undefined;
}

/**
 * The certificate authority of this machine: a root of ten years that users trust once, and an intermediate of seven
 * days that signs and replaces itself. `directory` holds each with its key in one file, `root.pem` and
 * `intermediate.pem` (0600), so that no crash can part a certificate from its key, and the root's certificate alone in
 * `root.crt` (0644) for trust stores. An intermediate that was replaced stays in `retired-KEYID.pem` until it expires, to
 * sign the list of what was revoked of its certificates. Several processes may open the same directory: they agree on
 * one root.
 */
export class LocalCa {
  /** The certificate that clients must trust. */
  readonly rootPem: string;
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #root: Pair;
  readonly #revocationListUrl: ((keyIdHex: string) => string) | undefined;
  #lastListNumber = 0;
  #intermediate: Promise<Pair> | undefined;

  private constructor(options: LocalCaOptions & { readonly root: Pair }) {
    this.#directory = options.directory;
    this.#clock = options.clock;
    this.#root = options.root;
    this.#revocationListUrl = options.revocationListUrl;
    this.rootPem = options.root.certificate;
  }

  /**
   * Opens the authority in `directory`, made (0700) with a new root when there is none. The root is never replaced: a
   * damaged or expired one is StateUnreadable, since a silent new one would be trusted by nobody.
   */
  static async open(options: LocalCaOptions): Promise<LocalCa> {
    const { directory, clock } = options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await removeRemains(directory, clock.nowMs() - REMAINS_AGE_MS);
    const file = join(directory, "root.pem");
    let root = await readPair(file);
    if (root === undefined) {
      await createOnce(file, pairText(await makeRoot(options.commonName ?? "Lintel Local CA", clock.nowMs())));
      root = await readPair(file);
    }
    if (root === undefined || root === "damaged") throw unusableRoot(file, "its certificate or key cannot be read");
    if (root.facts.notAfterMs <= clock.nowMs()) {
      throw unusableRoot(file, `it expired on ${new Date(root.facts.notAfterMs).toISOString()}`);
    }
    const published = join(directory, "root.crt");
    if ((await readText(published)) !== root.certificate) await replaceFile(published, root.certificate, 0o644);
    return new LocalCa({ ...options, root });
  }

  /** Returns the intermediate that signs now, with at least five days left, replaced before when it had less. */
  async authority(): Promise<SigningAuthority> {
    const waiting = this.#intermediate;
    let pair = await waiting;
    if (pair === undefined || !this.#isUsable(pair) || (await this.#isRevoked(pair))) {
      // Whoever finds the old one still in place starts the change; all others join it.
      if (this.#intermediate === waiting) this.#intermediate = this.#renewed();
      try {
        pair = await this.#intermediate;
      } catch (error) {
        this.#intermediate = undefined;
        throw error;
      }
    }
    if (pair === undefined) throw unusableRoot(this.#directory, "no intermediate could be made");
    return { chain: pair.certificate, key: pair.key, root: this.rootPem };
  }

  /**
   * Issues a server certificate with a new ECDSA P-256 key for `names`, DNS names and IP addresses mixed. It ends after
   * `durationMs` or with the intermediate, whichever is sooner: `notAfterMs` says.
   */
  async issue(options: { readonly names: readonly string[]; readonly durationMs: number }): Promise<IssuedCertificate> {
    const key = await generateKey({ algorithm: "ECDSA", size: 256 });
    const csr = await createRequest(key, {
      dnsNames: options.names.filter((name) => parseIp(name) === undefined),
      ipAddresses: options.names.filter((name) => parseIp(name) !== undefined),
    });
    const { chain } = await signRequest({
      csr,
      authority: await this.authority(),
      notBeforeMs: this.#clock.nowMs() - BACKDATE_MS,
      durationMs: options.durationMs + BACKDATE_MS,
      isCa: false,
      usages: ["digital signature", "server auth"],
    });
    return { chain, key: encodeKey(key, "PKCS8"), notAfterMs: parseCertificate(chain).notAfterMs };
  }

  /** Returns the root's key identifier, hexadecimal. */
  get rootKeyIdHex(): string {
    return keyIdOf(this.#root);
  }

  /** Returns the root and every intermediate that has not expired, the newest first. */
  async issuers(): Promise<{ readonly root: IssuerSummary; readonly intermediates: readonly IssuerSummary[] }> {
    const revoked = new Set((await readRevokedIssuers(this.#directory)).map(({ keyIdHex }) => keyIdHex));
    const current = await readPair(this.#currentFile());
    const signing = current === undefined || current === "damaged" ? [] : [current];
    const retired = await readRetired(this.#directory, this.#clock.nowMs());
    const states = [
      ...signing.map((pair) => summaryOf(pair, this.#isUsable(pair) ? "signing" : "retired")),
      ...retired.map((pair) => summaryOf(pair, "retired")),
    ];
    const unique = [...new Map(states.toReversed().map((state) => [state.keyIdHex, state])).values()].toReversed();
    return {
      root: summaryOf(this.#root, "signing"),
      intermediates: unique.map((state) => (revoked.has(state.keyIdHex) ? { ...state, state: "revoked" } : state)),
    };
  }

  /** Returns when the intermediate with this key identifier was revoked, or undefined when it was not. */
  async issuerRevokedMs(keyIdHex: string): Promise<number | undefined> {
    return (await readRevokedIssuers(this.#directory)).find((issuer) => issuer.keyIdHex === keyIdHex)?.revokedMs;
  }

  /**
   * Revokes the intermediate that signs now, for `reason` (RFC 5280 section 5.3.1): the root's list names it from here on, and the
   * next certificate is signed by another one, also in other processes. Returns it, or undefined when there is none.
   */
  async revokeIntermediate(reason: number): Promise<IssuerSummary | undefined> {
    const pair = await readPair(this.#currentFile());
    if (pair === undefined || pair === "damaged") return undefined;
    const { serialHex, notAfterMs } = pair.facts;
    const revoked = { serialHex, keyIdHex: keyIdOf(pair), revokedMs: this.#clock.nowMs(), reason, notAfterMs };
    if (await this.#isRevoked(pair)) return undefined;
    await addRevokedIssuer(this.#directory, revoked);
    return summaryOf(pair, "revoked");
  }

  /**
   * Returns the revocation list of the authority with this key identifier, good for a day: of an intermediate it holds
   * `revoked`, of the root its revoked intermediates. Undefined for authorities that are not of this CA or have expired.
   */
  async revocationList(
    keyIdHex: string,
    revoked: readonly RevokedCertificate[],
  ): Promise<SignedRevocationList | undefined> {
    const pair = await this.#pairWith(keyIdHex);
    const [der] = pair === undefined ? [] : certificateBlocks(pair.certificate);
    if (pair === undefined || der === undefined) return undefined;
    const nowMs = this.#clock.nowMs();
    // Times are unique enough to number lists, but two of the same millisecond need two numbers.
    this.#lastListNumber = Math.max(nowMs, this.#lastListNumber + 1);
    const list = await encodeRevocationList({
      issuerDer: certificateParts(der).subjectDer,
      authorityKeyId: Uint8Array.from(Buffer.from(keyIdHex, "hex")),
      signer: signerFor(pair.key),
      number: this.#lastListNumber,
      thisUpdateMs: nowMs,
      nextUpdateMs: nowMs + REVOCATION_LIST_MS,
      revoked: pair === this.#root ? await readRevokedIssuers(this.#directory) : revoked,
    });
    return { der: list, nextUpdateMs: nowMs + REVOCATION_LIST_MS };
  }

  async #pairWith(keyIdHex: string): Promise<Pair | undefined> {
    if (keyIdHex === this.rootKeyIdHex) return this.#root;
    const current = await readPair(this.#currentFile());
    const retired = await readRetired(this.#directory, this.#clock.nowMs());
    return [...(current === undefined || current === "damaged" ? [] : [current]), ...retired].find(
      (pair) => keyIdOf(pair) === keyIdHex,
    );
  }

  async #isRevoked(pair: Pair): Promise<boolean> {
    return (await this.issuerRevokedMs(keyIdOf(pair))) !== undefined;
  }

  #currentFile(): string {
    return join(this.#directory, "intermediate.pem");
  }

  async #renewed(): Promise<Pair> {
    const file = this.#currentFile();
    const kept = await readPair(file);
    if (kept !== undefined && kept !== "damaged") {
      if (this.#isUsable(kept) && !(await this.#isRevoked(kept))) return kept;
      await retirePair(this.#directory, kept);
    }
    // A damaged intermediate is no loss: nothing is pinned to it, a new one takes its place.
    const made = await makeIntermediate(this.#root, this.#clock.nowMs(), this.#revocationListUrl?.(this.rootKeyIdHex));
    await replaceFile(file, pairText(made), 0o600);
    return made;
  }

  #isUsable(pair: Pair): boolean {
    const nowMs = this.#clock.nowMs();
    const leftMs = Math.min(INTERMEDIATE_LEFT_MIN_MS, this.#root.facts.notAfterMs - nowMs - 1);
    return (
      pair.facts.authorityKeyIdHex === this.#root.facts.subjectKeyIdHex &&
      pair.facts.notBeforeMs <= nowMs &&
      pair.facts.notAfterMs - nowMs >= leftMs
    );
  }
}

async function makeRoot(commonName: string, nowMs: number): Promise<Pair> {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const csr = await createRequest(key, { commonName });
  const { chain } = await selfSign({
    csr,
    key,
    notBeforeMs: nowMs - BACKDATE_MS,
    durationMs: ROOT_DURATION_MS,
    isCa: true,
    usages: ["crl sign"],
    pathLength: 1,
  });
  return { certificate: chain, key, facts: parseCertificate(chain) };
}

async function makeIntermediate(root: Pair, nowMs: number, revocationListUrl: string | undefined): Promise<Pair> {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const csr = await createRequest(key, { commonName: `${root.facts.commonName} Intermediate` });
  const { chain } = await signRequest({
    csr,
    authority: { chain: root.certificate, key: root.key },
    notBeforeMs: nowMs - BACKDATE_MS,
    durationMs: INTERMEDIATE_DURATION_MS,
    isCa: true,
    usages: ["crl sign"],
    pathLength: 0,
    revocationListUrls: revocationListUrl === undefined ? [] : [revocationListUrl],
  });
  return { certificate: chain, key, facts: parseCertificate(chain) };
}

function keyIdOf(pair: Pair): string {
  return pair.facts.subjectKeyIdHex ?? "";
}

function summaryOf(pair: Pair, state: IssuerSummary["state"]): IssuerSummary {
  const { commonName, serialHex, notBeforeMs, notAfterMs } = pair.facts;
  return { commonName, serialHex, keyIdHex: keyIdOf(pair), notBeforeMs, notAfterMs, state };
}

function unusableRoot(file: string, why: string): LintelError {
  return new LintelError(`Cannot use local CA root "${file}": ${why}`, {
    code: "StateUnreadable",
    fault: "user",
    hint: `Move "${file}" away to have a new root made; clients must then trust the new one`,
  });
}
