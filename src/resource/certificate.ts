import { arrayAt, booleanAt, isRecord, numberAt, recordAt, stringAt, stringMapAt } from "../ground/json.ts";
import { conditionsOf, type Condition } from "./condition.ts";
import { parseGoDuration } from "./go-duration.ts";
import type { KubeObject } from "./object.ts";

/** The words `Ready` and `Issuing` of a Certificate may carry as their reason. API: people script against them. */
export const CERTIFICATE_REASONS = [
  "DoesNotExist",
  "MissingData",
  "InvalidKeyPair",
  "InvalidCertificate",
  "SecretMismatch",
  "IncorrectIssuer",
  "IncorrectCertificate",
  "RequestChanged",
  "Renewing",
  "Expired",
  "ManuallyTriggered",
  "InvalidConfig",
  "Failed",
  "Denied",
  "Ready",
] as const;
/** One of {@link CERTIFICATE_REASONS}. */
export type CertificateReason = (typeof CERTIFICATE_REASONS)[number];

/** The annotations that tie Secrets, requests and Certificates together, as cert-manager writes them. */
export const CERTIFICATE_ANNOTATIONS = {
  certificateName: "cert-manager.io/certificate-name",
  certificateRevision: "cert-manager.io/certificate-revision",
  privateKeySecretName: "cert-manager.io/private-key-secret-name",
  commonName: "cert-manager.io/common-name",
  altNames: "cert-manager.io/alt-names",
  ipSans: "cert-manager.io/ip-sans",
  uriSans: "cert-manager.io/uri-sans",
  emailSans: "cert-manager.io/email-sans",
  issuerName: "cert-manager.io/issuer-name",
  issuerKind: "cert-manager.io/issuer-kind",
  issuerGroup: "cert-manager.io/issuer-group",
} as const;

/** The group of issuers that cert-manager, and therefore Lintel, answers itself. */
export const ISSUER_GROUP = "cert-manager.io";

/** Who is to sign. */
export interface IssuerReference {
  readonly name: string;
  /** `Issuer` (the default) or `ClusterIssuer` in our group. */
  readonly kind: string;
  /** @default "cert-manager.io" */
  readonly group: string;
}

/** What the private key of a Certificate shall be. */
export interface PrivateKeyWish {
  readonly algorithm: "RSA" | "ECDSA" | "Ed25519";
  /** Bits; RSA 2048 and ECDSA 256 unless asked otherwise; 0 for Ed25519. */
  readonly size: number;
  readonly encoding: "PKCS1" | "PKCS8";
  /** `Always` makes a new key with each issuance. @default "Always" */
  readonly rotationPolicy: "Always" | "Never";
}

/** The fields of an X.509 subject besides the common name, under the names the API gives them. */
const SUBJECT_FIELDS = [
  "organizations",
  "countries",
  "organizationalUnits",
  "localities",
  "provinces",
  "streetAddresses",
  "postalCodes",
] as const;

/** What a user asks for, with cert-manager's defaults applied. */
export interface CertificateSpec {
  readonly secretName: string;
  readonly issuerRef: IssuerReference;
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly subject: Readonly<Record<string, readonly string[]>>;
  /** Undefined: the issuer decides (90 days where it asks us). */
  readonly durationMs: number | undefined;
  readonly renewBeforeMs: number | undefined;
  readonly renewBeforePercentage: number | undefined;
  readonly usages: readonly string[];
  readonly isCa: boolean;
  readonly privateKey: PrivateKeyWish;
  readonly secretAnnotations: Readonly<Record<string, string>>;
  readonly secretLabels: Readonly<Record<string, string>>;
  readonly additionalOutputFormats: readonly string[];
  /** How many CertificateRequests stay. @default 1 */
  readonly revisionHistoryLimit: number;
}

/** What controllers have found out and written down. */
export interface CertificateStatus {
  readonly conditions: readonly Condition[];
  readonly notBeforeMs: number | undefined;
  readonly notAfterMs: number | undefined;
  readonly renewalTimeMs: number | undefined;
  /** When the CA would like the stored certificate to be renewed (RFC 9773); undefined when it did not say. */
  readonly renewalWindow: RenewalWindow | undefined;
  /** When the CA is to be asked for that again. */
  readonly renewalCheckMs: number | undefined;
  /** 0 before the first. */
  readonly revision: number;
  readonly nextPrivateKeySecretName: string | undefined;
  readonly lastFailureTimeMs: number | undefined;
  readonly failedIssuanceAttempts: number;
}

/** A Certificate object with types. */
export interface Certificate {
  readonly object: KubeObject;
  readonly namespace: string;
  readonly name: string;
  readonly spec: CertificateSpec;
  readonly status: CertificateStatus;
  /** Why the spec can't be honoured, one sentence each; empty when it can. */
  readonly problems: readonly string[];
  /** What the spec asks for and does not get, one sentence each; the certificate is issued all the same. */
  readonly shortfalls: readonly string[];
}

/** What cert-manager asks an issuer for when the spec names no duration. */
export const DEFAULT_DURATION_MS: number = 90 * 24 * 3_600_000;
const DURATION_MS_MIN = 3_600_000;
const RENEW_BEFORE_MS_MIN = 5 * 60_000;
const COMMON_NAME_LENGTH_MAX = 64;
const DEFAULT_USAGES = ["digital signature", "key encipherment"] as const;
const KEY_SIZES = { RSA: [2048, 3072, 4096, 8192], ECDSA: [256, 384, 521], Ed25519: [0] } as const;

/** Returns the typed view of a Certificate object. Total: what is malformed gets its default and a sentence in `problems`. */
export function readCertificate(object: KubeObject): Certificate {
  const problems: string[] = [];
  const spec = readSpec(object["spec"], problems);
  return {
    object,
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
    spec,
    status: readStatus(object["status"]),
    problems,
    shortfalls: shortfallsOf(object["spec"]),
  };
}

function shortfallsOf(spec: unknown): readonly string[] {
  const keystores = Object.keys(recordAt(spec, "keystores")).map(
    (name) => `spec.keystores.${name} is not supported by Lintel yet: the Secret gets tls.crt and tls.key only`,
  );
  const { policy } = recordAt(spec, "renewal");
  return policy === "Disabled"
    ? [...keystores, "spec.renewal.policy Disabled is not supported by Lintel yet: the certificate is renewed"]
    : keystores;
}

/** Returns the reference of a spec that has an `issuerRef`, with the defaults of kind and group. */
export function readIssuerReference(spec: unknown): IssuerReference {
  const reference = recordAt(spec, "issuerRef");
  return {
    name: stringAt(reference, "name") ?? "",
    kind: nonEmpty(stringAt(reference, "kind")) ?? "Issuer",
    group: nonEmpty(stringAt(reference, "group")) ?? ISSUER_GROUP,
  };
}

/** Returns the strings of the list at `key`; other entries are left out. */
export function stringsAt(value: unknown, key: string): readonly string[] {
  return arrayAt(value, key).filter((item) => typeof item === "string");
}

/** Returns the moment of the RFC 3339 text at `key`, or undefined. */
export function momentAt(value: unknown, key: string): number | undefined {
  const ms = Date.parse(stringAt(value, key) ?? "");
  return Number.isNaN(ms) ? undefined : ms;
}

function readSpec(spec: unknown, problems: string[]): CertificateSpec {
  const template = recordAt(spec, "secretTemplate");
  const result: CertificateSpec = {
    secretName: stringAt(spec, "secretName") ?? "",
    issuerRef: readIssuerReference(spec),
    commonName: stringAt(spec, "commonName") ?? "",
    dnsNames: stringsAt(spec, "dnsNames"),
    ipAddresses: stringsAt(spec, "ipAddresses"),
    uris: stringsAt(spec, "uris"),
    emailAddresses: stringsAt(spec, "emailAddresses"),
    subject: readSubject(recordAt(spec, "subject")),
    durationMs: durationAt(spec, "duration", problems),
    renewBeforeMs: durationAt(spec, "renewBefore", problems),
    renewBeforePercentage: numberAt(spec, "renewBeforePercentage"),
    usages: arrayAt(spec, "usages").length > 0 ? stringsAt(spec, "usages") : DEFAULT_USAGES,
    isCa: booleanAt(spec, "isCA") ?? false,
    privateKey: readPrivateKey(recordAt(spec, "privateKey"), problems),
    secretAnnotations: stringMapAt(template, "annotations"),
    secretLabels: stringMapAt(template, "labels"),
    additionalOutputFormats: arrayAt(spec, "additionalOutputFormats").flatMap(
      (format) => stringAt(format, "type") ?? [],
    ),
    revisionHistoryLimit: Math.max(1, numberAt(spec, "revisionHistoryLimit") ?? 1),
  };
  problems.push(...problemsOf(result, spec));
  return result;
}

function problemsOf(spec: CertificateSpec, raw: unknown): readonly string[] {
  const problems: string[] = [];
  const { durationMs, renewBeforeMs, renewBeforePercentage } = spec;
  const names = [...spec.dnsNames, ...spec.ipAddresses, ...spec.uris, ...spec.emailAddresses];
  if (spec.secretName === "") problems.push("spec.secretName is required");
  if (spec.issuerRef.name === "") problems.push("spec.issuerRef.name is required");
  if (spec.commonName === "" && names.length === 0) {
    problems.push("spec needs at least one of commonName, dnsNames, ipAddresses, uris, emailAddresses");
  }
  problems.push(...spec.dnsNames.flatMap((name, index) => dnsNameProblem(name, index) ?? []));
  if (Buffer.byteLength(spec.commonName) > COMMON_NAME_LENGTH_MAX) {
    problems.push(`spec.commonName is longer than ${String(COMMON_NAME_LENGTH_MAX)} bytes; use dnsNames instead`);
  }
  if (durationMs !== undefined && durationMs < DURATION_MS_MIN) problems.push("spec.duration is shorter than 1h");
  if (renewBeforeMs !== undefined && renewBeforeMs < RENEW_BEFORE_MS_MIN) {
    problems.push("spec.renewBefore is shorter than 5m");
  }
  if (renewBeforeMs !== undefined && renewBeforeMs >= (durationMs ?? DEFAULT_DURATION_MS)) {
    problems.push("spec.renewBefore is not shorter than spec.duration");
  }
  if (renewBeforeMs !== undefined && renewBeforePercentage !== undefined) {
    problems.push("spec.renewBefore and spec.renewBeforePercentage exclude each other");
  }
  if (renewBeforePercentage !== undefined && (renewBeforePercentage < 1 || renewBeforePercentage > 99)) {
    problems.push("spec.renewBeforePercentage is not between 1 and 99");
  }
  for (const field of ["literalSubject", "otherNames", "nameConstraints"]) {
    const value = isRecord(raw) ? raw[field] : undefined;
    if (value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0)) {
      problems.push(`spec.${field} is not supported by Lintel yet; remove it`);
    }
  }
  return problems;
}

/** A DNS name as certificates have it (RFC 5280 section 4.2.1.6), underscores allowed as CAs do for names that exist. */
const DNS_NAME = /^(?:\*\.)?[a-z0-9_](?:[-a-z0-9_]*[a-z0-9_])?(?:\.[a-z0-9_](?:[-a-z0-9_]*[a-z0-9_])?)*$/i;

/** RFC 1035 section 2.3.4. */
const DNS_NAME_LENGTH_MAX = 253;

function dnsNameProblem(name: string, index: number): string | undefined {
  if (name.length <= DNS_NAME_LENGTH_MAX && DNS_NAME.test(name)) return undefined;
  return `spec.dnsNames[${String(index)}] "${name}" is not a DNS name; write an international one in its xn-- form`;
}

function readSubject(subject: unknown): Readonly<Record<string, readonly string[]>> {
  const result: Record<string, readonly string[]> = {};
  for (const field of SUBJECT_FIELDS) {
    const values = stringsAt(subject, field);
    if (values.length > 0) result[field] = values;
  }
  const serial = stringAt(subject, "serialNumber");
  if (serial !== undefined && serial !== "") result["serialNumber"] = [serial];
  return result;
}

function readPrivateKey(wish: unknown, problems: string[]): PrivateKeyWish {
  const asked = nonEmpty(stringAt(wish, "algorithm")) ?? "RSA";
  const algorithm = asked === "ECDSA" || asked === "Ed25519" ? asked : "RSA";
  if (asked !== algorithm) problems.push(`spec.privateKey.algorithm "${asked}" is none of RSA, ECDSA, Ed25519`);
  const sizes: readonly number[] = KEY_SIZES[algorithm];
  const fallback = sizes[0] ?? 0;
  const written = numberAt(wish, "size") ?? 0;
  const askedSize = algorithm === "Ed25519" || written === 0 ? fallback : written;
  if (!sizes.includes(askedSize)) {
    problems.push(`spec.privateKey.size ${String(askedSize)} is none of ${sizes.join(", ")} for ${algorithm}`);
  }
  return {
    algorithm,
    size: sizes.includes(askedSize) ? askedSize : fallback,
    encoding: stringAt(wish, "encoding") === "PKCS8" ? "PKCS8" : "PKCS1",
    rotationPolicy: stringAt(wish, "rotationPolicy") === "Never" ? "Never" : "Always",
  };
}

function readStatus(status: unknown): CertificateStatus {
  return {
    conditions: conditionsOf(status),
    notBeforeMs: momentAt(status, "notBefore"),
    notAfterMs: momentAt(status, "notAfter"),
    renewalTimeMs: momentAt(status, "renewalTime"),
    renewalWindow: readWindow(recordAt(recordAt(recordAt(status, "acme"), "ari"), "suggestedWindow")),
    renewalCheckMs: momentAt(recordAt(recordAt(status, "acme"), "ari"), "nextCheck"),
    revision: numberAt(status, "revision") ?? 0,
    nextPrivateKeySecretName: nonEmpty(stringAt(status, "nextPrivateKeySecretName")),
    lastFailureTimeMs: momentAt(status, "lastFailureTime"),
    failedIssuanceAttempts: numberAt(status, "failedIssuanceAttempts") ?? 0,
  };
}

function durationAt(spec: unknown, key: string, problems: string[]): number | undefined {
  const text = stringAt(spec, key);
  if (text === undefined || text === "") return undefined;
  const ms = parseGoDuration(text);
  if (ms === undefined) problems.push(`spec.${key} "${text}" is not a duration such as "2160h"`);
  return ms;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

/** The time in which a CA would like a certificate to be renewed (RFC 9773 section 4.2). */
export interface RenewalWindow {
  readonly startMs: number;
  readonly endMs: number;
}

function readWindow(window: unknown): RenewalWindow | undefined {
  const [startMs, endMs] = [momentAt(window, "start"), momentAt(window, "end")];
  return startMs === undefined || endMs === undefined || endMs < startMs ? undefined : { startMs, endMs };
}
