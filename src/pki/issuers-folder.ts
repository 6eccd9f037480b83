import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { LintelError } from "../ground/errors.ts";
import { arrayAt, numberAt, stringAt } from "../ground/json.ts";
import { createOnce, type Pair, pairText, readPair, readText, replaceFile } from "./pair-file.ts";
import type { RevokedCertificate } from "./x509/revocation-list.ts";

const REVOKED_FILE = "revoked.json";
/** Revoked intermediates that are remembered, the newest; each is forgotten when it would have expired. */
const REVOKED_MAX = 1000;

/** An intermediate that was revoked. */
export interface RevokedIssuer extends RevokedCertificate {
  /** Its subject key identifier. */
  readonly keyIdHex: string;
  readonly notAfterMs: number;
}

/** Keeps `pair` beside its successor, so that lists of what it signed can still be signed: `retired-KEYID.pem` (0600). */
export async function retirePair(directory: string, pair: Pair): Promise<void> {
  await createOnce(join(directory, `retired-${pair.facts.subjectKeyIdHex ?? ""}.pem`), pairText(pair));
}

/** Returns the retired pairs that have not expired at `nowMs`, and removes the files of those that have. */
export async function readRetired(directory: string, nowMs: number): Promise<readonly Pair[]> {
  const pairs: Pair[] = [];
  for (const name of (await readdir(directory)).filter((entry) => /^retired-[0-9a-f]+\.pem$/.test(entry))) {
    const pair = await readPair(join(directory, name));
    if (pair === undefined || pair === "damaged") continue;
    if (pair.facts.notAfterMs > nowMs) pairs.push(pair);
    else await rm(join(directory, name), { force: true });
  }
  return pairs.sort((left, right) => right.facts.notBeforeMs - left.facts.notBeforeMs);
}

/** Returns the intermediates that were revoked. Throws StateUnreadable when the file is damaged: nothing may pass for good that is not. */
export async function readRevokedIssuers(directory: string): Promise<readonly RevokedIssuer[]> {
  const file = join(directory, REVOKED_FILE);
  const text = await readText(file);
  if (text === undefined) return [];
  return arrayAt(parseList(file, text), "intermediates").flatMap((value) => {
    const serialHex = stringAt(value, "serialHex");
    const keyIdHex = stringAt(value, "keyIdHex");
    if (serialHex === undefined || keyIdHex === undefined) return [];
    const revokedMs = numberAt(value, "revokedMs") ?? 0;
    return [
      {
        serialHex,
        keyIdHex,
        revokedMs,
        reason: numberAt(value, "reason") ?? 0,
        notAfterMs: numberAt(value, "notAfterMs") ?? 0,
      },
    ];
  });
}

/** Adds an intermediate to the revoked ones, and forgets those that have expired at its `revokedMs`. */
export async function addRevokedIssuer(directory: string, issuer: RevokedIssuer): Promise<void> {
  const others = (await readRevokedIssuers(directory)).filter(
    ({ keyIdHex, notAfterMs }) => keyIdHex !== issuer.keyIdHex && notAfterMs > issuer.revokedMs,
  );
  const intermediates = [issuer, ...others].slice(0, REVOKED_MAX);
  await replaceFile(join(directory, REVOKED_FILE), `${JSON.stringify({ intermediates })}\n`, 0o600);
}

function parseList(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LintelError(`Cannot read revoked intermediates "${file}": it is damaged`, {
      code: "StateUnreadable",
      fault: "user",
      hint: `Move "${file}" away; the intermediates it named then count as good again until they expire`,
      cause,
    });
  }
}
