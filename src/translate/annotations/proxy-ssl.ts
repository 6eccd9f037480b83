import { isAddressBlock } from "../../routing/phases/access.ts";
import type { Backend } from "../../routing/snapshot.ts";
import { quoted } from "../../resource/parse-problem.ts";
import { parseCount } from "./annotation-value.ts";
import type { Finding, Refusal } from "./ingress-policy.ts";
import { NGINX_PREFIX } from "./known-annotations.ts";

/** How TLS is to be spoken to the endpoints of an Ingress, as its annotations say. */
export interface UpstreamTlsSettings {
  /** `namespace/name`, or a name in the namespace of the Ingress. */
  readonly secret?: string | undefined;
  /** Whether endpoints must prove who they are. */
  readonly verify: boolean;
  /** Whom they must prove to be; undefined: the Service. */
  readonly name?: string | undefined;
  /** Whether that name is sent as SNI; undefined: only for external names. */
  readonly sendName?: boolean | undefined;
  /** Intermediate authorities between an endpoint's certificate and a trusted one. */
  readonly depthMax: number;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly maxVersion: "TLSv1.2" | "TLSv1.3";
  /** OpenSSL's list of ciphers for TLS 1.2. */
  readonly ciphers?: string | undefined;
}

/** What the annotations say, and what their owner should know. */
export interface ProxySsl {
  /** Undefined: nothing is said about it, or TLS is not ours to speak; endpoints may show any certificate. */
  readonly settings: UpstreamTlsSettings | undefined;
  /** The paths answer 503 with this. */
  readonly refusal: Refusal | undefined;
  readonly findings: readonly Finding[];
}

/** A value and what is wrong with it, as the end of a sentence. */
interface Fault {
  readonly name: string;
  readonly value: string;
  readonly fault: string;
}

/** nginx's: one intermediate. */
const DEPTH_DEFAULT = 1;
/** Longer chains are no help to anyone. */
const DEPTH_MAX = 10;
const CIPHERS_CHARS_MAX = 1024;

interface Draft {
  secret?: string;
  verify: boolean;
  name?: string;
  sendName?: boolean;
  depthMax: number;
  minVersion: "TLSv1.2" | "TLSv1.3";
  maxVersion: "TLSv1.2" | "TLSv1.3";
  ciphers?: string;
}

/** Reads one value into the draft; returns what is wrong with it otherwise. */
type Reader = (value: string, draft: Draft) => string | undefined;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["proxy-ssl-ciphers", readCiphers],
  ["proxy-ssl-name", readName],
  ["proxy-ssl-protocols", readProtocols],
  ["proxy-ssl-secret", readSecret],
  ["proxy-ssl-server-name", readServerName],
  ["proxy-ssl-verify", readVerify],
  ["proxy-ssl-verify-depth", readDepth],
]);

/** Those without which endpoints would be trusted that the user does not trust. */
const DECISIVE: ReadonlySet<string> = new Set(["proxy-ssl-ciphers", "proxy-ssl-name", "proxy-ssl-secret"]);

/** The annotations of ingress-nginx about TLS to endpoints, without their prefix. */
export const PROXY_SSL_NAMES: readonly string[] = [...READERS.keys()];

/** Returns what these annotations ask for of endpoints that speak `protocol`; nothing, where TLS passes through to them. */
export function readProxySsl(
  annotations: Readonly<Record<string, string>>,
  how: { readonly protocol: Backend["protocol"]; readonly passthrough: boolean },
): ProxySsl {
  const draft: Draft = { verify: false, depthMax: DEPTH_DEFAULT, minVersion: "TLSv1.2", maxVersion: "TLSv1.3" };
  const values = [...READERS].flatMap(([name, read]) => {
    const value = annotations[NGINX_PREFIX + name]?.trim();
    return value === undefined ? [] : [{ name, value, fault: read(value, draft) }];
  });
  if (values.length === 0 || how.passthrough) return { settings: undefined, refusal: undefined, findings: [] };
  const spoken = how.protocol === "https" || how.protocol === "h2";
  const faults = values.filter((value): value is Fault => value.fault !== undefined);
  const decisive = draft.verify ? decisiveFault(draft, faults, spoken) : undefined;
  const findings = faults.filter((fault) => fault !== decisive).map(invalid);
  if (decisive === undefined) {
    if (!spoken) findings.push(withoutTls());
    return { settings: spoken ? draft : undefined, refusal: undefined, findings };
  }
  const reason = sentenceOf(decisive);
  const message = `${reason}: the paths of this Ingress answer 503 rather than trust any endpoint`;
  findings.push({ severity: "error", code: "UpstreamTlsInvalid", message });
  return { settings: undefined, refusal: { code: "UpstreamTlsInvalid", reason }, findings };
}

/** Returns why endpoints would be trusted that must not be, if they would. */
function decisiveFault(draft: Draft, faults: readonly Fault[], spoken: boolean): Fault | undefined {
  const found = faults.find(({ name }) => DECISIVE.has(name));
  if (found !== undefined) return found;
  const verify = { name: "proxy-ssl-verify", value: "on" };
  if (draft.secret === undefined) {
    return { ...verify, fault: 'which needs "proxy-ssl-secret" with the authorities to trust' };
  }
  if (spoken) return undefined;
  const fault = 'which takes "backend-protocol" HTTPS or GRPCS, or else no TLS is spoken to the endpoints';
  return { ...verify, fault };
}

function sentenceOf({ name, value, fault }: Fault): string {
  return `Annotation "${NGINX_PREFIX}${name}" is ${quoted(value)}, ${fault}`;
}

function invalid(fault: Fault): Finding {
  return { severity: "warning", code: "AnnotationInvalid", message: sentenceOf(fault) };
}

function withoutTls(): Finding {
  const message = 'The endpoints are spoken to without TLS, where annotations "proxy-ssl-…" have no effect';
  const hint = `Set "${NGINX_PREFIX}backend-protocol" to "HTTPS"`;
  return { severity: "warning", code: "AnnotationInvalid", message, hint };
}

/** Anything but a clear "off" asks for it: to be wrong about that would be to trust everyone. */
function readVerify(value: string, draft: Draft): string | undefined {
  draft.verify = !/^(?:off|false|0|no|)$/i.test(value);
  return value === "on" || value === "off" ? undefined : `which is taken for "${draft.verify ? "on" : "off"}"`;
}

function readSecret(value: string, draft: Draft): string | undefined {
  if (!/^(?:[a-z0-9][a-z0-9-]{0,62}\/)?[a-z0-9][a-z0-9.-]{0,252}$/.test(value)) {
    return 'which is not a Secret as "namespace/name"';
  }
  draft.secret = value;
  return undefined;
}

/** Also of an IPv4 address. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;

function readName(value: string, draft: Draft): string | undefined {
  const name = value.toLowerCase();
  if (!HOST_NAME.test(name) && !(name.includes(":") && !name.includes("/") && isAddressBlock(name))) {
    return "which is neither a host name nor an address";
  }
  draft.name = name;
  return undefined;
}

function readServerName(value: string, draft: Draft): string | undefined {
  if (value !== "on" && value !== "off") return 'which is neither "on" nor "off"';
  draft.sendName = value === "on";
  return undefined;
}

function readDepth(value: string, draft: Draft): string | undefined {
  const depth = parseCount(value);
  if (depth === undefined || depth > DEPTH_MAX) return `which is not a whole number of at most ${DEPTH_MAX}`;
  draft.depthMax = depth;
  return undefined;
}

function readProtocols(value: string, draft: Draft): string | undefined {
  const words = value.split(/\s+/);
  const known = words.filter((word) => word === "TLSv1.2" || word === "TLSv1.3");
  if (known.length > 0) {
    draft.minVersion = known.includes("TLSv1.2") ? "TLSv1.2" : "TLSv1.3";
    draft.maxVersion = known.includes("TLSv1.3") ? "TLSv1.3" : "TLSv1.2";
  }
  return known.length === words.length ? undefined : "of which only TLSv1.2 and TLSv1.3 are spoken";
}

/** Whether OpenSSL knows the ciphers is found when a worker first uses them. */
function readCiphers(value: string, draft: Draft): string | undefined {
  if (!isCipherList(value)) return "which is not a list of ciphers as OpenSSL reads it";
  if (value.toUpperCase() !== "DEFAULT") draft.ciphers = value;
  return undefined;
}

/**
 * Returns whether a text looks like a list of ciphers as OpenSSL reads it (openssl-ciphers(1)): words it knows, or names
 * made like those of suites, and at least one that adds something. A misspelt suite may still pass.
 */
export function isCipherList(text: string): boolean {
  if (text.length > CIPHERS_CHARS_MAX || !/^[A-Za-z0-9!+@=:_-]+$/.test(text)) return false;
  const entries = text.split(":").filter((entry) => entry !== "");
  return entries.every(isCipherEntry) && entries.some((entry) => !/^[!@-]/.test(entry));
}

function isCipherEntry(entry: string): boolean {
  if (/^@(STRENGTH|SECLEVEL=[0-5])$/.test(entry)) return true;
  const words = entry.replace(/^[!+-]/, "").split("+");
  return words.every((word) => CIPHER_WORDS.has(word.toUpperCase()) || SUITE_NAME.test(word));
}

/** `ECDHE-RSA-AES128-GCM-SHA256`, `AES256-SHA`, `TLS_AES_128_GCM_SHA256`, `PSK-CHACHA20-POLY1305`. */
const SUITE_NAME =
  /^(TLS_[A-Z0-9_]+|((EC)?DHE?|ADH|AECDH|EDH|RSA|ECDSA|DSS|PSK|SRP|GOST\w*|AES\d*|ARIA\d*|CAMELLIA\d*|CHACHA20|DES|SEED|IDEA|RC4|NULL)-[A-Z0-9-]+)$/i;

const CIPHER_WORDS: ReadonlySet<string> = new Set(
  (
    "ALL COMPLEMENTOFALL DEFAULT COMPLEMENTOFDEFAULT HIGH MEDIUM LOW EXP EXPORT ENULL NULL ANULL KRSA ARSA RSA KDHE KEDH DHE EDH " +
    "DH ADH KEECDH KECDHE ECDHE EECDH ECDH AECDH ADSS DSS AECDSA ECDSA TLSV1.2 TLSV1.0 TLSV1 SSLV3 AES128 AES256 AES AESGCM " +
    "AESCCM AESCCM8 ARIA128 ARIA256 ARIA CAMELLIA128 CAMELLIA256 CAMELLIA CHACHA20 3DES DES RC4 RC2 IDEA SEED MD5 SHA1 SHA " +
    "SHA256 SHA384 GOST KGOST AGOST PSK KPSK KECDHEPSK KDHEPSK KRSAPSK APSK SRP KSRP ASRP CBC SUITEB128 SUITEB128ONLY SUITEB192"
  ).split(" "),
);
