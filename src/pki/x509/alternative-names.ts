import { childrenOf, type DerValue, encodeDer, oid, readDer, readOid, readText, sequence, TAG } from "./der.ts";
import { formatIp, parseIp } from "./ip-address.ts";
import { isLintelError, LintelError } from "../../ground/errors.ts";

/** A name of a kind that only its object identifier tells, such as a user principal name. */
export interface OtherName {
  /** Dotted. */
  readonly oid: string;
  readonly utf8Value: string;
}

/** The subject alternative names of the kinds Lintel issues; in certificates of others, other kinds are passed over. */
export interface AlternativeNames {
  /** @default none */
  readonly otherNames?: readonly OtherName[] | undefined;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
  readonly emailAddresses: readonly string[];
}

/** Context tags of GeneralName (RFC 5280 section 4.2.1.6). */
const OTHER = 0xa0;
const EMAIL = 0x81;
const DNS = 0x82;
const URI = 0x86;
const IP = 0x87;

/** Returns the DER of GeneralNames, or undefined when there is no name. Throws BadConfig for a name that cannot be written. */
export function encodeAlternativeNames(names: AlternativeNames): Uint8Array | undefined {
  const parts = [
    ...(names.otherNames ?? []).map(encodeOtherName),
    ...names.dnsNames.map((name) => encodeDer(DNS, ascii(name, "DNS name"))),
    ...names.emailAddresses.map((address) => encodeDer(EMAIL, ascii(address, "e-mail address"))),
    ...names.ipAddresses.map((address) => encodeDer(IP, ipBytes(address))),
    ...names.uris.map((uri) => encodeDer(URI, ascii(uri, "URI"))),
  ];
  return parts.length === 0 ? undefined : sequence(...parts);
}

/** Returns the names of a GeneralNames value in order. Throws BadPem when it is malformed. */
export function decodeAlternativeNames(value: DerValue): AlternativeNames {
  const names = childrenOf(value);
  const texts = (tag: number): string[] =>
    names.filter((name) => name.tag === tag).map((name) => Buffer.from(name.content).toString("latin1"));
  return {
    otherNames: names.filter((name) => name.tag === OTHER).flatMap((name) => decodeOtherName(name) ?? []),
    dnsNames: texts(DNS),
    emailAddresses: texts(EMAIL),
    uris: texts(URI),
    ipAddresses: names.filter((name) => name.tag === IP).flatMap((name) => formatIp(name.content) ?? []),
  };
}

function encodeOtherName(name: OtherName): Uint8Array {
  return encodeDer(OTHER, oid(name.oid), encodeDer(0xa0, encodeDer(TAG.utf8String, Buffer.from(name.utf8Value))));
}

/** Names whose value is no UTF8String, or nothing that can be read, are passed over: nobody here can say what they mean. */
function decodeOtherName(name: DerValue): OtherName | undefined {
  try {
    const [type, wrapped] = childrenOf(name);
    if (type === undefined || wrapped?.tag !== 0xa0) return undefined;
    const value = readDer(wrapped.content);
    return value.tag === TAG.utf8String ? { oid: readOid(type), utf8Value: readText(value) } : undefined;
  } catch (error) {
    if (isLintelError(error, "BadPem")) return undefined;
    throw error;
  }
}

function ascii(text: string, kind: string): Uint8Array {
  if (!/^[\x21-\x7e]+$/.test(text)) {
    throw new LintelError(`Cannot put ${kind} "${text}" into a certificate: it has characters outside ASCII`, {
      code: "BadConfig",
      fault: "user",
      hint: "Write an international domain name in its xn-- form",
    });
  }
  return Buffer.from(text, "latin1");
}

function ipBytes(text: string): Uint8Array {
  const bytes = parseIp(text);
  if (bytes === undefined) {
    throw new LintelError(`Cannot put IP address "${text}" into a certificate: it is not an IPv4 or IPv6 address`, {
      code: "BadConfig",
      fault: "user",
    });
  }
  return bytes;
}
