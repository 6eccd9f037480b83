import { createHmac, timingSafeEqual } from "node:crypto";
import { LintelError } from "../../ground/errors.ts";
import { decodeDnsMessage, DNS_CLASS, DNS_TYPE, encodeDnsName, rcodeOf, words } from "./dns-message.ts";

/** A secret shared with a DNS server (RFC 8945). */
export interface TsigKey {
  readonly name: string;
  readonly algorithm: TsigAlgorithm;
  readonly secret: Uint8Array;
}

/** The algorithms by the words of cert-manager's `tsigAlgorithm`. */
export type TsigAlgorithm = keyof typeof ALGORITHMS;

const ALGORITHMS = {
  HMACMD5: { name: "hmac-md5.sig-alg.reg.int", hash: "md5" },
  HMACSHA1: { name: "hmac-sha1", hash: "sha1" },
  HMACSHA256: { name: "hmac-sha256", hash: "sha256" },
  HMACSHA512: { name: "hmac-sha512", hash: "sha512" },
} as const;

/** Clocks may differ by this (RFC 8945 section 10). */
const FUDGE_SECONDS = 300;

/** Returns the algorithm of a word in any case, or undefined. */
export function parseTsigAlgorithm(word: string): TsigAlgorithm | undefined {
  switch (word.toUpperCase()) {
    case "HMACMD5":
      return "HMACMD5";
    case "HMACSHA1":
      return "HMACSHA1";
    case "HMACSHA256":
      return "HMACSHA256";
    case "HMACSHA512":
      return "HMACSHA512";
    default:
      return undefined;
  }
}

/** Returns the message with a TSIG record at its end, and the digest that the answer's own covers. */
export function signDnsMessage(message: Buffer, key: TsigKey, nowMs: number): { signed: Buffer; mac: Buffer } {
  const mac = digest(key, [message, variables(key, Math.floor(nowMs / 1000), FUDGE_SECONDS, 0, Buffer.alloc(0))]);
  const data = Buffer.concat([
    encodeDnsName(ALGORITHMS[key.algorithm].name),
    time48(Math.floor(nowMs / 1000)),
    words(FUDGE_SECONDS, mac.length),
    mac,
    // Original id, no error, no other data.
    message.subarray(0, 2),
    words(0, 0),
  ]);
  const record = Buffer.concat([encodeDnsName(key.name), words(DNS_TYPE.tsig, DNS_CLASS.any, 0, 0, data.length), data]);
  const signed = Buffer.concat([message, record]);
  signed.writeUInt16BE(signed.readUInt16BE(10) + 1, 10);
  return { signed, mac };
}

/**
 * Checks the TSIG record of an answer to a message that was signed with `mac` (RFC 8945 section 5.3). An answer without
 * one is taken only when it says that it could not check ours. Throws Unreachable.
 */
export function verifyDnsAnswer(answer: Buffer, key: TsigKey, mac: Buffer, nowMs: number): void {
  const message = decodeDnsMessage(answer);
  const record = message.additionals.at(-1);
  if (record?.type !== DNS_TYPE.tsig) {
    if (rcodeOf(message) !== 0) return;
    throw unverified("it is not signed");
  }
  const data = Buffer.from(record.data);
  const nameBytes = encodeDnsName(ALGORITHMS[key.algorithm].name).length;
  const macLength = data.length < nameBytes + 10 ? 0 : data.readUInt16BE(nameBytes + 8);
  // A server that could not check the request answers unsigned: the error in the header says why.
  if (macLength === 0 && rcodeOf(message) !== 0) return;
  if (data.length < nameBytes + 16 + macLength || macLength === 0) throw unverified("its signature is malformed");
  const seconds = data.readUIntBE(nameBytes, 6);
  const fudge = data.readUInt16BE(nameBytes + 6);
  const theirs = data.subarray(nameBytes + 10, nameBytes + 10 + macLength);
  const error = data.readUInt16BE(nameBytes + 12 + macLength);
  const other = data.subarray(nameBytes + 16 + macLength);
  const bare = Buffer.from(answer.subarray(0, answer.length - recordLength(key, data)));
  bare.writeUInt16BE(message.additionals.length - 1, 10);
  data.copy(bare, 0, nameBytes + 10 + macLength, nameBytes + 12 + macLength);
  const ours = digest(key, [words(mac.length), mac, bare, variables(key, seconds, fudge, error, other)]);
  if (ours.length !== theirs.length || !timingSafeEqual(ours, theirs)) throw unverified("its signature is wrong");
  if (Math.abs(nowMs / 1000 - seconds) > fudge) throw unverified("its clock differs by more than five minutes");
}

function recordLength(key: TsigKey, data: Buffer): number {
  return encodeDnsName(key.name).length + 10 + data.length;
}

function digest(key: TsigKey, parts: readonly Buffer[]): Buffer {
  const hmac = createHmac(ALGORITHMS[key.algorithm].hash, key.secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** RFC 8945 section 4.3.3. */
function variables(key: TsigKey, seconds: number, fudge: number, error: number, other: Buffer): Buffer {
  return Buffer.concat([
    encodeDnsName(key.name),
    words(DNS_CLASS.any, 0, 0),
    encodeDnsName(ALGORITHMS[key.algorithm].name),
    time48(seconds),
    words(fudge, error, other.length),
    other,
  ]);
}

function time48(seconds: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(seconds, 0, 6);
  return bytes;
}

function unverified(why: string): LintelError {
  return new LintelError(`Cannot trust the answer of the DNS server: ${why}`, {
    code: "Unreachable",
    fault: "upstream",
    hint: "Check tsigKeyName, tsigAlgorithm and the Secret of the key, and both clocks",
  });
}
