import { randomUUID, type KeyObject } from "node:crypto";
import { link, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { LintelError } from "../ground/errors.ts";
import { encodeKey, parseKey, spkiFingerprint } from "./key.ts";
import { type CertificateFacts, parseCertificate } from "./x509/certificate.ts";

/** The certificate of an authority with its key. */
export interface Pair {
  /** PEM. */
  readonly certificate: string;
  readonly key: KeyObject;
  readonly facts: CertificateFacts;
}

/** Returns what a file of `pair` holds: the certificate, then the key as PKCS#8. */
export function pairText(pair: Pair): string {
  return pair.certificate + encodeKey(pair.key, "PKCS8");
}

/** Returns the pair in `file`, undefined when there is no file, "damaged" when it is not a certificate with its own key. */
export async function readPair(file: string): Promise<Pair | "damaged" | undefined> {
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

/** Returns the text of `file`, or undefined when there is none. Throws StateUnreadable. */
export async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new LintelError(`Cannot read "${file}"`, { code: "StateUnreadable", cause });
  }
}

/** Writes `file` (0600) unless it is there already, whole or not at all: `link` fails where `rename` would replace. */
export async function createOnce(file: string, text: string): Promise<void> {
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

/** Replaces `file` in one step. */
export async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  await rename(await writeBeside(file, text, mode), file);
}

/** Removes what the two writers above left half written before `beforeMs`, when their process was killed. */
export async function removeRemains(directory: string, beforeMs: number): Promise<void> {
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

async function writeBeside(file: string, text: string, mode: number): Promise<string> {
  const temporary = `${file}.${randomUUID()}.new`;
  await using handle = await open(temporary, "wx", mode);
  await handle.writeFile(text);
  // A rename may reach the disk before the bytes do: a power cut must not leave an empty key behind a good name.
  await handle.sync();
  return temporary;
}
