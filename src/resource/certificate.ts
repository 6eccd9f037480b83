import { arrayAt, booleanAt, numberAt, recordAt, stringAt, stringMapAt, stringsAt } from "../ground/json.ts";
import { conditionsOf, type Condition } from "./condition.ts";
import { readNameConstraints, type ConstraintWish } from "./constraint-wish.ts";
import { commonNameIn, parseDistinguishedName, type NameAttribute } from "./distinguished-name.ts";
import { parseGoDuration } from "./go-duration.ts";
import { isIpAddress } from "./ip-address.ts";
import { readKeystores, type KeystoreWishes } from "./keystore-wish.ts";
import type { KubeObject } from "./object.ts";
import { readPrivateKey, readSignatureAlgorithm, type PrivateKeyWish } from "./private-key-wish.ts";
import { readRenewal, type RenewalWish } from "./renewal-wish.ts";

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
  readonly otherNames: readonly { readonly oid: string; readonly utf8Value: string }[];
  /** The whole subject, part by part, the most general first; undefined: `commonName` and `subject` make it. */
  readonly literalSubject: readonly (readonly NameAttribute[])[] | undefined;
  readonly subject: Readonly<Record<string, readonly string[]>>;
  /** Undefined: the issuer decides (90 days where it asks us). */
  readonly durationMs: number | undefined;
  readonly renewBeforeMs: number | undefined;
  readonly renewBeforePercentage: number | undefined;
  readonly renewal: RenewalWish;
  /** As written: see {@link usagesOrDefault}. */
  readonly usages: readonly string[];
  /** Whether the request itself names the usages. @default true */
  readonly encodeUsagesInRequest: boolean;
  readonly isCa: boolean;
  readonly nameConstraints: ConstraintWish | undefined;
  readonly privateKey: PrivateKeyWish;
  /** How the request is signed, in cert-manager's word; undefined: as is usual for the key. */
  readonly signatureAlgorithm: string | undefined;
  readonly keystores: KeystoreWishes;
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
}

/** What cert-manager asks an issuer for when the spec names no duration. */
export const DEFAULT_DURATION_MS: number = 90 * 24 * 3_600_000;
const DURATION_MS_MIN = 3_600_000;
const RENEW_BEFORE_MS_MIN = 5 * 60_000;
const COMMON_NAME_LENGTH_MAX = 64;
/** What a key may be used for when nobody says. */
const DEFAULT_USAGES: readonly string[] = ["digital signature", "key encipherment"];

/** Returns what a key may be used for: the usages as written, or digital signatures and key encipherment where none are. */
export function usagesOrDefault(written: readonly string[]): readonly string[] {
  return written.length === 0 ? DEFAULT_USAGES : written;
}

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
  };
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

/** Returns the moment of the RFC 3339 text at `key`, or undefined. */
export function momentAt(value: unknown, key: string): number | undefined {
  const ms = Date.parse(stringAt(value, key) ?? "");
  return Number.isNaN(ms) ? undefined : ms;
}

function readSpec(spec: unknown, problems: string[]): CertificateSpec {
  const template = recordAt(spec, "secretTemplate");
  const privateKey = readPrivateKey(recordAt(spec, "privateKey"), problems);
  const isCa = booleanAt(spec, "isCA") ?? false;
  const result: CertificateSpec = {
    secretName: stringAt(spec, "secretName") ?? "",
    issuerRef: readIssuerReference(spec),
    commonName: stringAt(spec, "commonName") ?? "",
    dnsNames: stringsAt(spec, "dnsNames"),
    ipAddresses: stringsAt(spec, "ipAddresses"),
    uris: stringsAt(spec, "uris"),
    emailAddresses: stringsAt(spec, "emailAddresses"),
    otherNames: readOtherNames(spec, problems),
    literalSubject: readLiteralSubject(spec, problems),
    subject: readSubject(recordAt(spec, "subject")),
    durationMs: durationAt(spec, "duration", problems),
    renewBeforeMs: durationAt(spec, "renewBefore", problems),
    renewBeforePercentage: numberAt(spec, "renewBeforePercentage"),
    renewal: readRenewal(spec, problems),
    usages: stringsAt(spec, "usages"),
    encodeUsagesInRequest: booleanAt(spec, "encodeUsagesInRequest") ?? true,
    isCa,
    nameConstraints: readNameConstraints(spec, isCa, problems),
    privateKey,
    signatureAlgorithm: readSignatureAlgorithm(spec, privateKey.algorithm, problems),
    keystores: readKeystores(spec, problems),
    secretAnnotations: stringMapAt(template, "annotations"),
    secretLabels: stringMapAt(template, "labels"),
    additionalOutputFormats: arrayAt(spec, "additionalOutputFormats").flatMap(
      (format) => stringAt(format, "type") ?? [],
    ),
    revisionHistoryLimit: Math.max(1, numberAt(spec, "revisionHistoryLimit") ?? 1),
  };
  problems.push(...nameProblems(result, commonNameIn(stringAt(spec, "literalSubject") ?? "")));
  problems.push(...timeProblems(result));
  return result;
}

function nameProblems(spec: CertificateSpec, literalCommonName: string): readonly string[] {
  const problems: string[] = [];
  const { dnsNames, ipAddresses, uris, emailAddresses, otherNames } = spec;
  const names = [...dnsNames, ...ipAddresses, ...uris, ...emailAddresses, ...otherNames];
  const commonName = spec.literalSubject === undefined ? spec.commonName : literalCommonName;
  if (spec.secretName === "") problems.push("spec.secretName is required");
  if (spec.issuerRef.name === "") problems.push("spec.issuerRef.name is required");
  if (commonName === "" && names.length === 0) {
    problems.push(
      "spec needs at least one of commonName, a CN in literalSubject, dnsNames, ipAddresses, uris, emailAddresses, otherNames",
    );
  }
  if (spec.literalSubject !== undefined && (spec.commonName !== "" || Object.keys(spec.subject).length > 0)) {
    problems.push("spec.literalSubject excludes spec.commonName and spec.subject");
  }
  problems.push(...dnsNames.flatMap((name, index) => dnsNameProblem(name, index) ?? []));
  problems.push(
    ...ipAddresses.filter((ip) => !isIpAddress(ip)).map((ip) => `spec.ipAddresses "${ip}" is not an IP address`),
    ...asciiProblems("spec.uris", uris, "percent-encode it"),
    ...asciiProblems("spec.emailAddresses", emailAddresses, "write an international domain in its xn-- form"),
  );
  if (Buffer.byteLength(commonName) > COMMON_NAME_LENGTH_MAX) {
    problems.push(`the common name is longer than ${String(COMMON_NAME_LENGTH_MAX)} bytes; use dnsNames instead`);
  }
  return problems;
}

function timeProblems({ durationMs, renewBeforeMs, renewBeforePercentage }: CertificateSpec): readonly string[] {
  const problems: string[] = [];
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
  return problems;
}

/** A DNS name as certificates have it (RFC 5280 section 4.2.1.6), underscores allowed as CAs do for names that exist. */
const DNS_NAME = /^(?:\*\.)?[a-z0-9_](?:[-a-z0-9_]*[a-z0-9_])?(?:\.[a-z0-9_](?:[-a-z0-9_]*[a-z0-9_])?)*$/i;

/** RFC 1035 section 2.3.4. */
const DNS_NAME_LENGTH_MAX = 253;

/** The names that a certificate's IA5String cannot hold as they are written, each with what to do about it. */
function asciiProblems(path: string, names: readonly string[], hint: string): string[] {
  return names.flatMap((name, index) =>
    /^[\x21-\x7e]+$/.test(name)
      ? []
      : `${path}[${String(index)}] "${name}" has a space, a control character or one outside ASCII; ${hint}`,
  );
}

function dnsNameProblem(name: string, index: number): string | undefined {
  if (name.length <= DNS_NAME_LENGTH_MAX && DNS_NAME.test(name)) return undefined;
  return `spec.dnsNames[${String(index)}] "${name}" is not a DNS name; write an international one in its xn-- form`;
}

function readOtherNames(spec: unknown, problems: string[]): CertificateSpec["otherNames"] {
  return arrayAt(spec, "otherNames").flatMap((name, index) => {
    const [oid, utf8Value] = [stringAt(name, "oid") ?? "", stringAt(name, "utf8Value") ?? ""];
    const path = `spec.otherNames[${String(index)}]`;
    if (!OBJECT_IDENTIFIER.test(oid)) problems.push(`${path}.oid "${oid}" is not a dotted object identifier`);
    else if (utf8Value === "") problems.push(`${path}.utf8Value is empty`);
    else return { oid, utf8Value };
    return [];
  });
}

/** Arcs that fit into 53 bits, which is far more than anybody was given. */
const OBJECT_IDENTIFIER = /^(?:[01]\.[1-3]?\d|2\.\d{1,15})(?:\.\d{1,15})*$/;

function readLiteralSubject(spec: unknown, problems: string[]): CertificateSpec["literalSubject"] {
  const text = stringAt(spec, "literalSubject") ?? "";
  if (text === "") return undefined;
  const parsed = parseDistinguishedName(text);
  if (parsed.kind === "name") return parsed.relativeNames;
  problems.push(`spec.literalSubject is not a distinguished name such as "CN=shop.example,O=Shop": ${parsed.why}`);
  return [];
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
