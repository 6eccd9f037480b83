import type { KeyObject } from "node:crypto";
import { randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../ground/clock.ts";
import { LintelError } from "../ground/errors.ts";
import { encodeKey, generateKey, parseKey, spkiFingerprint } from "./key.ts";
import { selfSign, type SigningAuthority, signRequest } from "./sign.ts";
import { type CertificateFacts, parseCertificate } from "./x509/certificate.ts";
import { parseIp } from "./x509/ip-address.ts";
import { createRequest } from "./x509/request.ts";

const DAY_MS = 86_400_000;
const ROOT_DURATION_MS = 3652 * DAY_MS;
const INTERMEDIATE_DURATION_MS = 7 * DAY_MS;
/** An intermediate is replaced after two days, so that whatever it signs can live for five. */
const INTERMEDIATE_LEFT_MIN_MS = 5 * DAY_MS;

/** A file that was being written this long ago belongs to a process that was killed. */
const REMAINS_AGE_MS = 3_600_000;

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

interface Pair {
  readonly certificate: string;
  readonly key: KeyObject;
  readonly facts: CertificateFacts;
}

/**
 * The certificate authority of this machine: a root of ten years that users trust once, and an intermediate of seven
 * days that signs and replaces itself. `directory` holds each with its key in one file, `root.pem` and
 * `intermediate.pem` (0600), so that no crash can part a certificate from its key, and the root's certificate alone in
 * `root.crt` (0644) for trust stores. Several processes may open the same directory: they agree on one root.
 */
export class LocalCa {
  /** The certificate that clients must trust. */
  readonly rootPem: string;
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #root: Pair;
  #intermediate: Promise<Pair> | undefined;

  private constructor(options: { readonly directory: string; readonly clock: Clock; readonly root: Pair }) {
    this.#directory = options.directory;
    this.#clock = options.clock;
    this.#root = options.root;
    this.rootPem = options.root.certificate;
  }

  /**
   * Opens the authority in `directory`, made (0700) with a new root when there is none. The root is never replaced: a
   * damaged or expired one is StateUnreadable, since a silent new one would be trusted by nobody.
   */
  static async open(options: {
    readonly directory: string;
    readonly clock: Clock;
    /** Of the root, when it is made. @default "Lintel Local CA" */
    readonly commonName?: string | undefined;
  }): Promise<LocalCa> {
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
    return new LocalCa({ directory, clock, root });
  }

  /** Returns the intermediate that signs now, with at least five days left, replaced before when it had less. */
  async authority(): Promise<SigningAuthority> {
    const waiting = this.#intermediate;
    let pair = await waiting;
    if (pair === undefined || !this.#isUsable(pair)) {
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

  async #renewed(): Promise<Pair> {
    const file = join(this.#directory, "intermediate.pem");
    const kept = await readPair(file);
    // A damaged intermediate is no loss: nothing is pinned to it, a new one takes its place.
    if (kept !== undefined && kept !== "damaged" && this.#isUsable(kept)) return kept;
    const made = await makeIntermediate(this.#root, this.#clock.nowMs());
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
    usages: [],
    pathLength: 1,
  });
  return { certificate: chain, key, facts: parseCertificate(chain) };
}

async function makeIntermediate(root: Pair, nowMs: number): Promise<Pair> {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const csr = await createRequest(key, { commonName: `${root.facts.commonName} Intermediate` });
  const { chain } = await signRequest({
    csr,
    authority: { chain: root.certificate, key: root.key },
    notBeforeMs: nowMs - BACKDATE_MS,
    durationMs: INTERMEDIATE_DURATION_MS,
    isCa: true,
    usages: [],
    pathLength: 0,
  });
  return { certificate: chain, key, facts: parseCertificate(chain) };
}

function pairText(pair: Pair): string {
  return pair.certificate + encodeKey(pair.key, "PKCS8");
}

async function readPair(file: string): Promise<Pair | "damaged" | undefined> {
  const text = await readText(file);
  if (text === undefined) return undefined;
  try {
    const key = parseKey(text);
    const facts = parseCertificate(text);
    const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/.exec(text)?.[0];
    const whole = certificate !== undefined && spkiFingerprint(key) === facts.spkiSha256;
    return whole ? { certificate, key, facts } : "damaged";
  } catch {
    return "damaged";
  }
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new LintelError(`Cannot read "${file}"`, { code: "StateUnreadable", cause });
  }
}

/** Writes `file` unless it is there already, whole or not at all: `link` fails where `rename` would replace. */
async function createOnce(file: string, text: string): Promise<void> {
  const temporary = await writeBeside(file, text, 0o600);
  try {
    await link(temporary, file);
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) {
      throw new LintelError(`Cannot write "${file}"`, { code: "StateUnreadable", cause });
    }
  } finally {
    await rm(temporary, { force: true });
  }
}

async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  await rename(await writeBeside(file, text, mode), file);
}

async function writeBeside(file: string, text: string, mode: number): Promise<string> {
  const temporary = `${file}.${randomUUID()}.new`;
  await using handle = await open(temporary, "wx", mode);
  await handle.writeFile(text);
  // A rename may reach the disk before the bytes do: a power cut must not leave an empty key behind a good name.
  await handle.sync();
  return temporary;
}

async function removeRemains(directory: string, beforeMs: number): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!/\.[0-9a-f-]{36}\.new$/.test(name)) continue;
    const file = join(directory, name);
    // Another process may have renamed it in the meantime.
    const modifiedMs = await stat(file).then(
      (found) => found.mtimeMs,
      () => Infinity,
    );
    if (modifiedMs < beforeMs) await rm(file, { force: true });
  }
}

function unusableRoot(file: string, why: string): LintelError {
  return new LintelError(`Cannot use local CA root "${file}": ${why}`, {
    code: "StateUnreadable",
    fault: "user",
    hint: `Move "${file}" away to have a new root made; clients must then trust the new one`,
  });
}
