import { arrayAt } from "../../ground/json.ts";
import type { CertificateFacts } from "../../pki/x509/certificate.ts";
import { CERTIFICATE_ANNOTATIONS, type Certificate, type IssuerReference } from "../../resource/certificate.ts";
import type { KubeObject } from "../../resource/object.ts";

/** Marks Secrets that certificate controllers follow, as cert-manager does. */
export const FOLLOWED_LABEL = "controller.cert-manager.io/fao";

/**
 * On a Secret: the names of the labels and annotations that came from `spec.secretTemplate`, so that they go when the
 * template no longer has them. What others put there stays.
 */
const TEMPLATE_ANNOTATION = "lintel.dev/secret-template";

/** The one annotation of cert-manager's that a template may set. */
const ALLOWED_ANNOTATION = "cert-manager.io/allow-direct-injection";

/** The annotations that repeat the subject of the certificate, by the name of its attribute. */
const SUBJECT_ANNOTATIONS: readonly (readonly [string, string])[] = [
  ["organizations", "cert-manager.io/subject-organizations"],
  ["organizationalUnits", "cert-manager.io/subject-organizationalunits"],
  ["countries", "cert-manager.io/subject-countries"],
  ["provinces", "cert-manager.io/subject-provinces"],
  ["localities", "cert-manager.io/subject-localities"],
  ["postalCodes", "cert-manager.io/subject-postalcodes"],
  ["streetAddresses", "cert-manager.io/subject-streetaddresses"],
  ["serialNumber", "cert-manager.io/subject-serialnumber"],
];

/** Returns `secret` with the labels and annotations of the certificate in it; the user's template never wins over ours. */
export function withManagedMetadata(
  secret: KubeObject,
  certificate: Certificate,
  leaf: CertificateFacts,
  signer: IssuerReference,
): KubeObject {
  const { secretLabels, secretAnnotations } = certificate.spec;
  const { metadata } = secret;
  const template = Object.fromEntries(Object.entries(secretAnnotations).filter(([name]) => isOpenToTemplates(name)));
  const before = templateNames(metadata.annotations?.[TEMPLATE_ANNOTATION]);
  return {
    ...secret,
    metadata: {
      ...metadata,
      labels: { ...without(metadata.labels, before.labels), ...secretLabels, [FOLLOWED_LABEL]: "true" },
      annotations: {
        ...without(metadata.annotations, [...before.annotations, ...REWRITTEN]),
        ...template,
        ...templateNote(Object.keys(secretLabels), Object.keys(template)),
        [CERTIFICATE_ANNOTATIONS.certificateName]: certificate.name,
        ...detailsOf(leaf),
        [CERTIFICATE_ANNOTATIONS.issuerName]: signer.name,
        [CERTIFICATE_ANNOTATIONS.issuerKind]: signer.kind,
        [CERTIFICATE_ANNOTATIONS.issuerGroup]: signer.group,
      },
    },
  };
}

/** The annotations that may have nothing to say about the next certificate. */
const REWRITTEN: readonly string[] = [
  TEMPLATE_ANNOTATION,
  CERTIFICATE_ANNOTATIONS.emailSans,
  ...SUBJECT_ANNOTATIONS.map(([, name]) => name),
];

function detailsOf(leaf: CertificateFacts): Readonly<Record<string, string>> {
  const subject = SUBJECT_ANNOTATIONS.map(([attribute, name]) => [name, leaf.subject[attribute] ?? []] as const);
  const optional = [[CERTIFICATE_ANNOTATIONS.emailSans, leaf.emailAddresses] as const, ...subject];
  return {
    [CERTIFICATE_ANNOTATIONS.commonName]: leaf.commonName,
    [CERTIFICATE_ANNOTATIONS.altNames]: csvLine(leaf.dnsNames),
    [CERTIFICATE_ANNOTATIONS.ipSans]: csvLine(leaf.ipAddresses),
    [CERTIFICATE_ANNOTATIONS.uriSans]: csvLine(leaf.uris),
    ...Object.fromEntries(
      optional.filter(([, values]) => values.length > 0).map(([name, values]) => [name, csvLine(values)]),
    ),
  };
}

/** Values with a comma, a quote, a line break or a leading space are quoted. */
function csvLine(values: readonly string[]): string {
  return values.map((value) => (/^\s|[,"\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)).join(",");
}

function isOpenToTemplates(name: string): boolean {
  return !name.startsWith("cert-manager.io/") || name === ALLOWED_ANNOTATION;
}

function templateNote(labels: readonly string[], annotations: readonly string[]): Readonly<Record<string, string>> {
  if (labels.length === 0 && annotations.length === 0) return {};
  return {
    [TEMPLATE_ANNOTATION]: JSON.stringify({ labels: [...labels].sort(), annotations: [...annotations].sort() }),
  };
}

function templateNames(note: string | undefined): { labels: readonly string[]; annotations: readonly string[] } {
  const names = (key: string): readonly string[] =>
    arrayAt(parsed(note), key).filter((name) => typeof name === "string");
  return { labels: names("labels"), annotations: names("annotations") };
}

/** Whoever wrote nonsense there loses nothing but the removal of old template entries. */
function parsed(note: string | undefined): unknown {
  try {
    return JSON.parse(note ?? "{}");
  } catch {
    return {};
  }
}

function without(
  map: Readonly<Record<string, string>> | undefined,
  names: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(map ?? {}).filter(([name]) => !names.includes(name)));
}
