import { isLintelError, messageOf } from "../../ground/errors.ts";
import { certificateBlocks, certificateParts, coversHost, type CertificateFacts } from "../../pki/x509/certificate.ts";
import { publicKeyFacts } from "../../pki/x509/public-key.ts";
import type { KubeObject } from "../../resource/object.ts";
import { secretText } from "../../resource/secret.ts";
import type { ServedCertificate } from "../../routing/snapshot.ts";
import type { DiagnosticCode } from "../diagnostic.ts";
import { privateKeyMatch } from "./private-key-match.ts";

/** Tells whether a key belongs to a certificate chain where that takes a computation; both PEM. */
export type KeyMatches = (chainPem: string, keyPem: string) => boolean;

/** What a Secret is good for, apart from time and host. */
export type SecretReading =
  | {
      readonly kind: "usable";
      readonly certificate: ServedCertificate;
      readonly facts: CertificateFacts;
      /** `RSA`, `ECDSA` …: one certificate of each is served for a host. */
      readonly keyType: string;
    }
  | ({ readonly kind: "unusable" } & TlsFault);

/** Why a certificate is not served for a host, and what to do. */
export interface TlsFault {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly hint: string;
}

/** What OpenSSL demands at the security level it has by default; shorter keys are within reach of factoring. */
const RSA_BITS_MIN = 2048;

const cache = new WeakMap<KubeObject, SecretReading>();

/** Returns what the Secret holds; the answer for the same object is the same. Never throws and never tells the key. */
export function readServedSecret(secret: KubeObject, keyMatches: KeyMatches | undefined): SecretReading {
  const known = cache.get(secret);
  if (known !== undefined) return known;
  const made = readSecret(secret, keyMatches);
  cache.set(secret, made);
  return made;
}

function readSecret(secret: KubeObject, keyMatches: KeyMatches | undefined): SecretReading {
  const id = `${secret.metadata.namespace ?? ""}/${secret.metadata.name}`;
  const chain = secretText(secret, "tls.crt") ?? "";
  const key = secretText(secret, "tls.key") ?? "";
  const missing = chain === "" ? "tls.crt" : key === "" ? "tls.key" : undefined;
  if (missing !== undefined) {
    return unusable("SecretIncomplete", `Secret "${id}" has no "${missing}"`, recreate(secret));
  }
  try {
    const [leaf = new Uint8Array(), ...above] = certificateBlocks(chain);
    const { facts, publicKey } = certificateParts(leaf);
    for (const each of above) certificateParts(each);
    const { type, bits } = publicKeyFacts(publicKey);
    if (type === "RSA" && bits < RSA_BITS_MIN) {
      const message = `Certificate in Secret "${id}" has an RSA key of ${bits} bits, which TLS does not take: it needs ${RSA_BITS_MIN}`;
      return unusable("KeyTooShort", message, "Have it issued for a new key");
    }
    const fault = keyFault(id, secret, { chain, key, publicKey }, keyMatches);
    if (fault !== undefined) return fault;
    const certificate = { id, chain, key, notAfterMs: facts.notAfterMs, standIn: false };
    return { kind: "usable", certificate, facts, keyType: type };
  } catch (error) {
    const why = isLintelError(error) ? `: ${messageOf(error)}` : "";
    return unusable(
      "CertificateUnreadable",
      `"tls.crt" of Secret "${id}" is not a certificate${why}`,
      recreate(secret),
    );
  }
}

function keyFault(
  id: string,
  secret: KubeObject,
  pair: { readonly chain: string; readonly key: string; readonly publicKey: Uint8Array },
  keyMatches: KeyMatches | undefined,
): SecretReading | undefined {
  try {
    const match = privateKeyMatch(pair.key, pair.publicKey);
    const matches = match === "unknown" ? (keyMatches?.(pair.chain, pair.key) ?? true) : match === "yes";
    if (matches) return undefined;
    const message = `"tls.key" of Secret "${id}" does not belong to its "tls.crt"`;
    return unusable("KeyMismatch", message, recreate(secret));
  } catch {
    // What exactly is wrong with a key stays unsaid: messages must never carry parts of one.
    const message = `"tls.key" of Secret "${id}" is not an unencrypted private key`;
    return unusable("KeyUnreadable", message, recreate(secret));
  }
}

/** Returns why a usable Secret cannot serve `host` now, or undefined when it can. `*` is any host: the names do not matter. */
export function servingFault(
  reading: SecretReading & { readonly kind: "usable" },
  host: string,
  nowMs: number,
): TlsFault | undefined {
  const { facts, certificate } = reading;
  const named = `Certificate in Secret "${certificate.id}"`;
  if (nowMs >= facts.notAfterMs) {
    const message = `${named} expired on ${day(facts.notAfterMs)}`;
    return { code: "CertificateExpired", message, hint: `Renew it, or delete the Secret so that it is issued anew` };
  }
  if (nowMs < facts.notBeforeMs) {
    const message = `${named} is not valid before ${day(facts.notBeforeMs)}`;
    return { code: "CertificateNotYetValid", message, hint: "Check the clock of this machine" };
  }
  if (host === "*" || coversHost(facts, host) || coveredByCommonName(facts, host)) return undefined;
  const names = [...facts.dnsNames, ...facts.ipAddresses];
  const list =
    names.length === 0
      ? `"${facts.commonName}"`
      : names
          .slice(0, 5)
          .map((name) => `"${name}"`)
          .join(", ");
  const more = names.length > 5 ? ` and ${names.length - 5} more` : "";
  const message = `${named} is for ${list}${more}, not for "${host}"`;
  return { code: "CertificateNotForHost", message, hint: `Have "${host}" added to the certificate` };
}

/** Returns whether the certificate has no alternative names, so that current clients will not accept it for any host. */
export function lacksNames(facts: CertificateFacts): boolean {
  return facts.dnsNames.length + facts.ipAddresses.length + facts.uris.length + facts.emailAddresses.length === 0;
}

/** A wildcard as common name: retired long ago, and still found in certificates made by hand. */
function coveredByCommonName(facts: CertificateFacts, host: string): boolean {
  return lacksNames(facts) && coversHost({ ...facts, dnsNames: [facts.commonName] }, host);
}

function unusable(code: DiagnosticCode, message: string, hint: string): SecretReading {
  return { kind: "unusable", code, message, hint };
}

function recreate(secret: KubeObject): string {
  const { name, namespace } = secret.metadata;
  return `Recreate it with "kubectl create secret tls ${name} -n ${namespace ?? "default"} --cert=… --key=…"`;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
