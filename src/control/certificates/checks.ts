import { canonicalIp } from "../../pki/x509/ip-address.ts";
import { canonicalRange } from "../../pki/x509/name-constraints.ts";
import type { RelativeNames } from "../../pki/x509/name.ts";
import type { RequestFacts } from "../../pki/x509/request.ts";
import {
  DEFAULT_DURATION_MS,
  usagesOrDefault,
  type CertificateReason,
  type CertificateSpec,
} from "../../resource/certificate.ts";
import { rfc3339 } from "../../resource/condition.ts";
import type { ConstraintWish } from "../../resource/constraint-wish.ts";
import { answeredBy, ANSWERED_BY_ANNOTATION, type Facts, type KnownRequest } from "./facts.ts";
import { recordedCertificate, recordedIssuer } from "./recorded.ts";
import { renewalPlan } from "./renewal.ts";

/** What is wrong with what is stored. `reason` becomes a condition's reason, so it is API. */
export interface Objection {
  readonly reason: CertificateReason;
  /** One sentence. */
  readonly message: string;
}

type Check = (facts: Facts) => Objection | undefined;

/** Returns the first thing that calls for a new certificate, or undefined when what is stored will do. */
export function objectionToKeeping(facts: Facts): Objection | undefined {
  return first([...COMMON_CHECKS, isNearExpiry], facts);
}

/** Returns the first thing that makes the stored certificate unfit for use, or undefined when it is ready. */
export function objectionToReady(facts: Facts): Objection | undefined {
  return first([...COMMON_CHECKS, hasExpired, keystoresAreMissing], facts);
}

function first(checks: readonly Check[], facts: Facts): Objection | undefined {
  for (const check of checks) {
    const objection = check(facts);
    if (objection !== undefined) return objection;
  }
  return undefined;
}

const secretDoesNotExist: Check = ({ secret }) =>
  secret === undefined ? object("DoesNotExist", "Issuing certificate as Secret does not exist") : undefined;

const dataIsMissing: Check = ({ secret }) => {
  if (secret?.hasKey !== true)
    return object("MissingData", "Issuing certificate as Secret does not contain a private key");
  return secret.hasCertificate
    ? undefined
    : object("MissingData", "Issuing certificate as Secret does not contain a certificate");
};

const publicKeysDiffer: Check = ({ secret }) => {
  if (secret?.key === undefined) {
    return object("InvalidKeyPair", "Issuing certificate as Secret contains a private key that cannot be read");
  }
  if (secret.certificate === undefined) {
    return object("InvalidCertificate", "Issuing certificate as Secret contains a certificate that cannot be read");
  }
  return secret.key.spkiSha256 === secret.certificate.spkiSha256
    ? undefined
    : object("InvalidKeyPair", "Issuing certificate as Secret contains a private key that is not the certificate's");
};

const issuerDiffers: Check = ({ secret, signer }) => {
  const { name, kind, group } = recordedIssuer(secret?.annotations ?? {});
  if (name === signer.name && kind === signer.kind && group === signer.group) return undefined;
  const wanted = `${signer.kind} "${signer.name}"`;
  const message =
    name === ""
      ? `Issuing certificate as Secret was not issued by ${wanted}`
      : `Issuing certificate as Secret was previously issued by ${kind} "${name}" instead of ${wanted}`;
  return object("IncorrectIssuer", message);
};

const certificateNameDiffers: Check = ({ secret, certificate }) => {
  const owner = recordedCertificate(secret?.annotations ?? {}) ?? "";
  return owner === "" || owner === certificate.name
    ? undefined
    : object("IncorrectCertificate", `Issuing certificate as Secret was issued for Certificate "${owner}"`);
};

const keyDiffersFromWish: Check = ({ secret, certificate }) => {
  const { algorithm, size } = certificate.spec.privateKey;
  return secret?.key?.matchesWish === false
    ? object(
        "SecretMismatch",
        `Issuing certificate as the existing private key is not ${algorithm}${size === 0 ? "" : ` ${String(size)}`}`,
      )
    : undefined;
};

const requestHasOtherKey: Check = ({ secret, currentRequest }) =>
  currentRequest?.csr === undefined || currentRequest.csr.spkiSha256 === secret?.key?.spkiSha256
    ? undefined
    : object("SecretMismatch", "Issuing certificate as the private key is not the one that was certified last");

const requestChanged: Check = (facts) => {
  const { currentRequest, secret, certificate } = facts;
  if (currentRequest?.csr === undefined) {
    const differing =
      secret?.certificate === undefined ? [] : certificateDifferences(secret.certificate, certificate.spec);
    return differing.length === 0
      ? undefined
      : object(
          "SecretMismatch",
          `Issuing certificate as the existing one does not have the spec's ${differing.join(", ")}`,
        );
  }
  const differing = requestDifferences(currentRequest, facts);
  return differing.length === 0
    ? undefined
    : object("RequestChanged", `Issuing certificate as fields of the spec changed: ${differing.join(", ")}`);
};

const isNearExpiry: Check = ({ secret, certificate, nowMs }) => {
  if (secret?.certificate === undefined) return undefined;
  const { spec, status } = certificate;
  const { atMs, missesWindows } = renewalPlan(secret.certificate, spec, { ari: status.renewalWindow, nowMs });
  if (atMs === undefined || nowMs < atMs) return undefined;
  return object(
    "Renewing",
    missesWindows
      ? `Renewing certificate outside of spec.renewal.windows, as none of them opens before it expires, at ${rfc3339(atMs)}`
      : `Renewing certificate as renewal was scheduled at ${rfc3339(atMs)}`,
  );
};

const hasExpired: Check = ({ secret, nowMs }) =>
  secret?.certificate !== undefined && nowMs >= secret.certificate.notAfterMs
    ? object("Expired", `Certificate expired on ${rfc3339(secret.certificate.notAfterMs)}`)
    : undefined;

/** No reason for a new certificate: what is missing is a password. */
const keystoresAreMissing: Check = ({ secret }) =>
  secret?.keystores.kind === "blocked" ? object("SecretMismatch", secret.keystores.message) : undefined;

/** In order; the first check that objects wins. The order is cert-manager's. */
const COMMON_CHECKS: readonly Check[] = [
  secretDoesNotExist,
  dataIsMissing,
  publicKeysDiffer,
  issuerDiffers,
  certificateNameDiffers,
  keyDiffersFromWish,
  requestHasOtherKey,
  requestChanged,
];

/** Returns the names of the spec's fields that `known` does not ask for as the spec does now. */
export function requestDifferences(known: KnownRequest, facts: Facts): readonly string[] {
  const { spec } = facts.certificate;
  const { request, csr } = known;
  if (csr === undefined) return ["spec.request"];
  const { issuerRef } = request.spec;
  const issuer = spec.issuerRef;
  const { signatureAlgorithm } = spec;
  const checks: readonly (readonly [string, boolean])[] = [
    ...subjectChecks(csr, spec),
    ...nameChecks(csr, spec),
    ["spec.nameConstraints", sameConstraints(csr.nameConstraints, spec.nameConstraints)],
    ["spec.encodeUsagesInRequest", csr.usages.length > 0 === spec.encodeUsagesInRequest],
    ["spec.signatureAlgorithm", signatureAlgorithm === undefined || csr.signatureAlgorithm === signatureAlgorithm],
    ["spec.isCA", request.spec.isCa === spec.isCa],
    ["spec.usages", sameSet(usagesOrDefault(request.spec.usages), usagesOrDefault(spec.usages))],
    ["spec.duration", (request.spec.durationMs ?? DEFAULT_DURATION_MS) === (spec.durationMs ?? DEFAULT_DURATION_MS)],
    [
      "spec.issuerRef",
      issuerRef.name === issuer.name && issuerRef.kind === issuer.kind && issuerRef.group === issuer.group,
    ],
    ["answering CA", request.object.metadata.annotations?.[ANSWERED_BY_ANNOTATION] === answeredBy(facts)],
  ];
  return checks.filter(([, same]) => !same).map(([field]) => field);
}

interface Names {
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly otherNames?: readonly { readonly oid: string; readonly utf8Value: string }[] | undefined;
}

/** A CA may move the common name among the DNS names, or leave it out, so both are looked at together. */
function certificateDifferences(facts: Names, spec: CertificateSpec): readonly string[] {
  const has = new Set([...facts.dnsNames, facts.commonName].map((name) => name.toLowerCase()));
  const commonName = spec.literalSubject === undefined ? spec.commonName : "";
  const wanted = [...spec.dnsNames, ...(commonName === "" ? [] : [commonName])];
  const dns: readonly [string, boolean] = ["spec.dnsNames", wanted.every((name) => has.has(name.toLowerCase()))];
  const rest = nameChecks(facts, spec).filter(([field]) => field !== "spec.dnsNames");
  return [dns, ...rest].filter(([, same]) => !same).map(([field]) => field);
}

function nameChecks(names: Names, spec: CertificateSpec): readonly (readonly [string, boolean])[] {
  return [
    ["spec.dnsNames", sameSet(names.dnsNames, spec.dnsNames)],
    ["spec.ipAddresses", sameSet(names.ipAddresses, spec.ipAddresses.map(plainIp))],
    ["spec.uris", sameSet(names.uris, spec.uris)],
    ["spec.emailAddresses", sameSet(names.emailAddresses, spec.emailAddresses)],
    ["spec.otherNames", sameSet((names.otherNames ?? []).map(otherNameText), spec.otherNames.map(otherNameText))],
  ];
}

function plainIp(address: string): string {
  return canonicalIp(address) ?? address;
}

function otherNameText(name: { readonly oid: string; readonly utf8Value: string }): string {
  return `${name.oid} ${name.utf8Value}`;
}

/** A literal subject says everything about the subject; without one there are two fields. */
function subjectChecks(csr: RequestFacts, spec: CertificateSpec): readonly (readonly [string, boolean])[] {
  const { literalSubject } = spec;
  return literalSubject === undefined
    ? [
        ["spec.commonName", csr.commonName === spec.commonName],
        ["spec.subject", sameSubject(csr, spec)],
      ]
    : [["spec.literalSubject", subjectText(csr.relativeNames) === subjectText(literalSubject)]];
}

/** The parts of a name in order; the attributes of one part have none. */
function subjectText(names: RelativeNames): string {
  return JSON.stringify(names.map((attributes) => attributes.map(({ type, value }) => `${type}=${value}`).sort()));
}

function sameConstraints(asked: ConstraintWish | undefined, wanted: ConstraintWish | undefined): boolean {
  if (asked === undefined || wanted === undefined) return asked === wanted;
  const others = constraintLists(wanted);
  return (
    asked.critical === wanted.critical && constraintLists(asked).every((list, at) => sameSet(list, others[at] ?? []))
  );
}

function sameSubject(csr: RequestFacts, spec: CertificateSpec): boolean {
  const asked = Object.entries(csr.subject).filter(([field, values]) => field !== "commonName" && values.length > 0);
  const wanted = new Map(Object.entries(spec.subject));
  return asked.length === wanted.size && asked.every(([field, values]) => sameSet(values, wanted.get(field) ?? []));
}

function constraintLists(wish: ConstraintWish): readonly (readonly string[])[] {
  return [wish.permitted, wish.excluded].flatMap((list) => [
    list.dnsDomains,
    list.ipRanges.map((range) => canonicalRange(range) ?? range),
    list.emailAddresses,
    list.uriDomains,
  ]);
}

/** Order and repetitions don't matter; letters' case doesn't in names, and nothing else differs by case alone. */
function sameSet(left: readonly string[], right: readonly string[]): boolean {
  const one = new Set(left.map((item) => item.toLowerCase()));
  const other = new Set(right.map((item) => item.toLowerCase()));
  return one.size === other.size && [...one].every((item) => other.has(item));
}

function object(reason: CertificateReason, message: string): Objection {
  return { reason, message };
}
