import { LintelError } from "../../ground/errors.ts";
import { type AlternativeNames, decodeAlternativeNames } from "./alternative-names.ts";
import {
  bitString,
  bitStringBytes,
  childrenOf,
  type DerValue,
  encodeDer,
  expectTag,
  malformed,
  oid,
  readDer,
  readOid,
  sequence,
  TAG,
} from "./der.ts";
import { decodeNameConstraints, type NameConstraints } from "./name-constraints.ts";
import { type AuthorityAccess, encodeInformationAccess, uriName } from "./authority-access.ts";
import { sha256 } from "./sha256.ts";
import { KNOWN_USAGES, usageSets, usageWords } from "./usages.ts";

/** Object identifiers of the extensions Lintel reads and writes (RFC 5280 section 4.2.1). */
const EXTENSION = {
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  alternativeNames: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  revocationLists: "2.5.29.31",
  authorityKeyId: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  informationAccess: "1.3.6.1.5.5.7.1.1",
} as const;

/** The extensions of a certificate, or those that a request asks for, as far as Lintel knows them. */
export interface ExtensionFacts {
  readonly names: AlternativeNames;
  /** GeneralNames as they were written, to copy kinds that `names` does not list; undefined without any. */
  readonly namesDer: Uint8Array | undefined;
  readonly isCa: boolean;
  /** Whether it says at all if it is for a CA. */
  readonly statesCa: boolean;
  readonly nameConstraints: NameConstraints | undefined;
  /** The same as it was written, to copy what `nameConstraints` does not list; undefined without any. */
  readonly nameConstraintsDer: Uint8Array | undefined;
  readonly subjectKeyIdHex: string | undefined;
  readonly authorityKeyIdHex: string | undefined;
  /** cert-manager's words. */
  readonly usages: readonly string[];
}

/** What the extensions of a new certificate or request say. */
export interface ExtensionRequest {
  /** DER GeneralNames; undefined: no alternative names. */
  readonly namesDer: Uint8Array | undefined;
  /** An empty subject makes the alternative names critical (RFC 5280 section 4.2.1.6). */
  readonly subjectEmpty: boolean;
  readonly isCa: boolean;
  /** How many further authorities may follow below; only of a CA. @default no limit */
  readonly pathLength?: number | undefined;
  /** DER of NameConstraints; only of a CA. @default none */
  readonly nameConstraints?: { readonly der: Uint8Array; readonly critical: boolean } | undefined;
  readonly usages: readonly string[];
  readonly authorityAccess?: AuthorityAccess | undefined;
  /** 20 bytes each. */
  readonly subjectKeyId?: Uint8Array | undefined;
  readonly authorityKeyId?: Uint8Array | undefined;
  /** URLs of the list on which it would stand once it is revoked. @default none */
  readonly revocationListUrls?: readonly string[] | undefined;
}

const NO_NAMES: AlternativeNames = { dnsNames: [], ipAddresses: [], uris: [], emailAddresses: [] };

/** Returns the key identifier of a DER SubjectPublicKeyInfo: the first 160 bits of the SHA-256 of its key (RFC 7093 section 2, method 1). */
export function keyIdentifier(spki: Uint8Array): Uint8Array {
  const key = childrenOf(readDer(spki))[1];
  return sha256(bitStringBytes(expectTag(key, TAG.bitString, "the key"))).subarray(0, 20);
}

/** Returns a DER SEQUENCE of the extensions that `request` describes, which says itself that a CA may sign. Throws BadConfig for a usage nobody knows. */
export function encodeExtensions(request: ExtensionRequest): Uint8Array {
  const { bits, oids, unknown } = usageSets(request.usages);
  if (unknown.length > 0) throw unknownUsages(unknown);
  const parts: Uint8Array[] = [];
  const add = (identifier: string, critical: boolean, value: Uint8Array | undefined): void => {
    if (value === undefined) return;
    const flag = critical ? [encodeDer(TAG.boolean, Uint8Array.of(0xff))] : [];
    parts.push(sequence(oid(identifier), ...flag, encodeDer(TAG.octetString, value)));
  };
  add(EXTENSION.keyUsage, true, bits.length === 0 ? undefined : keyUsageBits(bits));
  add(EXTENSION.extendedKeyUsage, false, oids.length === 0 ? undefined : sequence(...oids.map(oid)));
  add(EXTENSION.basicConstraints, true, basicConstraints(request));
  const { nameConstraints } = request;
  add(EXTENSION.nameConstraints, nameConstraints?.critical === true, nameConstraints?.der);
  add(EXTENSION.subjectKeyId, false, request.subjectKeyId && encodeDer(TAG.octetString, request.subjectKeyId));
  add(EXTENSION.authorityKeyId, false, request.authorityKeyId && sequence(encodeDer(0x80, request.authorityKeyId)));
  add(EXTENSION.revocationLists, false, distributionPoints(request.revocationListUrls ?? []));
  add(EXTENSION.informationAccess, false, encodeInformationAccess(request.authorityAccess ?? {}));
  add(EXTENSION.alternativeNames, request.subjectEmpty, request.namesDer);
  return sequence(...parts);
}

/** Returns what a SEQUENCE of extensions says, or that of none at all. Throws BadPem when it is malformed or says a thing twice (RFC 5280 section 4.2). */
export function decodeExtensions(extensions: DerValue | undefined): ExtensionFacts {
  const found = new Map<string, Uint8Array>();
  const critical = new Set<string>();
  for (const extension of extensions === undefined ? [] : childrenOf(extensions)) {
    const parts = childrenOf(extension);
    const identifier = readOid(expectTag(parts[0], TAG.oid, "the name of an extension"));
    if (found.has(identifier)) throw malformed(`extension ${identifier} is there twice`);
    if (parts.length === 3 && isTrue(parts[1])) critical.add(identifier);
    found.set(identifier, expectTag(parts.at(-1), TAG.octetString, "the value of an extension").content);
  }
  const value = (identifier: string): DerValue | undefined => {
    const bytes = found.get(identifier);
    return bytes === undefined ? undefined : readDer(bytes);
  };
  const names = value(EXTENSION.alternativeNames);
  const constraints = value(EXTENSION.basicConstraints);
  return {
    names: names === undefined ? NO_NAMES : decodeAlternativeNames(names),
    namesDer: names?.raw,
    isCa: constraints !== undefined && isTrue(childrenOf(constraints)[0]),
    statesCa: constraints !== undefined,
    nameConstraints: decodeNameConstraints(value(EXTENSION.nameConstraints), critical.has(EXTENSION.nameConstraints)),
    nameConstraintsDer: found.get(EXTENSION.nameConstraints),
    subjectKeyIdHex: hex(value(EXTENSION.subjectKeyId)),
    authorityKeyIdHex: hex(authorityKeyIdOf(value(EXTENSION.authorityKeyId))),
    usages: usageWords({
      bits: bitsOf(value(EXTENSION.keyUsage)),
      oids: identifiersOf(value(EXTENSION.extendedKeyUsage)),
    }),
  };
}

function unknownUsages(words: readonly string[]): LintelError {
  return new LintelError(`Cannot put key usage "${words.join('", "')}" into a certificate: no such usage is known`, {
    code: "BadConfig",
    fault: "user",
    hint: `Use words such as "${KNOWN_USAGES.slice(0, 3).join('", "')}", "server auth" or "client auth"`,
  });
}

function basicConstraints(request: ExtensionRequest): Uint8Array {
  if (!request.isCa) return sequence();
  const length = request.pathLength === undefined ? [] : [encodeDer(TAG.integer, Uint8Array.of(request.pathLength))];
  return sequence(encodeDer(TAG.boolean, Uint8Array.of(0xff)), ...length);
}

/** RFC 5280 section 4.2.1.13: one point for each URL, since lists of different reach may be meant. */
function distributionPoints(urls: readonly string[]): Uint8Array | undefined {
  const points = urls.map((url) => sequence(encodeDer(0xa0, encodeDer(0xa0, uriName(url)))));
  return points.length === 0 ? undefined : sequence(...points);
}

function keyUsageBits(bits: readonly number[]): Uint8Array {
  const highest = Math.max(...bits);
  const bytes = new Uint8Array((highest >> 3) + 1);
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return bitString(bytes, 7 - (highest & 7));
}

function bitsOf(value: DerValue | undefined): number[] {
  const bytes = value?.tag === TAG.bitString ? value.content.subarray(1) : new Uint8Array();
  return [0, 1, 2, 3, 4, 5, 6, 7, 8].filter((bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}

function identifiersOf(value: DerValue | undefined): string[] {
  return value === undefined ? [] : childrenOf(value).map(readOid);
}

function authorityKeyIdOf(value: DerValue | undefined): DerValue | undefined {
  return value === undefined ? undefined : childrenOf(value).find((part) => part.tag === 0x80);
}

function isTrue(value: DerValue | undefined): boolean {
  return value?.tag === TAG.boolean && value.content[0] !== 0;
}

function hex(value: DerValue | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value.content).toString("hex");
}
