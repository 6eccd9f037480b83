import { ISSUER_GROUP, type IssuerReference } from "../../resource/certificate.ts";
import { parseGoDuration } from "../../resource/go-duration.ts";

const PREFIX = "cert-manager.io/";
/** The group before 2019; tutorials still show it. */
const OLD_PREFIX = "certmanager.k8s.io/";
/** Asks for "whatever issuer is the default here"; older than cert-manager itself. */
const TLS_ACME = "kubernetes.io/tls-acme";

/** The annotations of an object. */
export type Annotations = Readonly<Record<string, string>>;

/** Which issuer annotations name: none, one, or a sentence about why it can't be told. */
export type IssuerChoice =
  | { readonly kind: "none" }
  | { readonly kind: "issuer"; readonly issuerRef: IssuerReference }
  | { readonly kind: "bad"; readonly message: string };

/**
 * Returns which issuer the annotations of an Ingress name: `issuer` (with `issuer-kind` and `issuer-group`) or
 * `cluster-issuer`, in today's or the first spelling, or the default issuer for `kubernetes.io/tls-acme: "true"`.
 */
export function chooseIssuer(annotations: Annotations, defaultIssuer: IssuerReference | undefined): IssuerChoice {
  const issuer = valueOf(annotations, "issuer");
  const cluster = valueOf(annotations, "cluster-issuer");
  const kind = valueOf(annotations, "issuer-kind");
  const group = valueOf(annotations, "issuer-group");
  if (issuer !== undefined && cluster !== undefined) return clash("issuer", "cluster-issuer");
  if (cluster !== undefined && kind !== undefined) return clash("cluster-issuer", "issuer-kind");
  if (cluster !== undefined && group !== undefined) return clash("cluster-issuer", "issuer-group");
  if (cluster !== undefined) return chosen(cluster, "ClusterIssuer", ISSUER_GROUP);
  if (issuer !== undefined) return chosen(issuer, kind ?? "Issuer", group ?? ISSUER_GROUP);
  if (annotations[TLS_ACME] !== "true") return { kind: "none" };
  if (defaultIssuer !== undefined) return { kind: "issuer", issuerRef: defaultIssuer };
  return bad(`annotation "${TLS_ACME}" needs a default issuer and none is configured; use "${PREFIX}cluster-issuer"`);
}

/** What annotations add to the spec of a Certificate, or a sentence about the first one that can't be read. */
export type SpecFromAnnotations =
  | { readonly kind: "spec"; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: "bad"; readonly message: string };

/** Returns the Certificate fields that the annotations ask for. */
export function readSpecAnnotations(annotations: Annotations): SpecFromAnnotations {
  const fields: Record<string, unknown> = {};
  for (const [name, path, parse] of FIELDS) {
    const text = valueOf(annotations, name);
    if (text === undefined) continue;
    const value = parse(text);
    if (value === undefined) return bad(`annotation "${PREFIX}${name}" has a value that can't be read: "${text}"`);
    put(fields, path, value);
  }
  return { kind: "spec", fields };
}

type Parse = (text: string) => unknown;

const asText: Parse = (text) => text;
const asDuration: Parse = (text) => (parseGoDuration(text) === undefined ? undefined : text);
const asInteger: Parse = (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);
const asList: Parse = (text) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
const oneOf =
  (...words: readonly string[]): Parse =>
  (text) =>
    words.includes(text) ? text : undefined;

/** Annotation, where its value goes in the spec, how it is read. */
const FIELDS: readonly (readonly [string, string, Parse])[] = [
  ["common-name", "commonName", asText],
  ["alt-names", "dnsNames", asList],
  ["ip-sans", "ipAddresses", asList],
  ["uri-sans", "uris", asList],
  ["email-sans", "emailAddresses", asList],
  ["duration", "duration", asDuration],
  ["renew-before", "renewBefore", asDuration],
  ["renew-before-percentage", "renewBeforePercentage", asInteger],
  ["usages", "usages", asList],
  ["revision-history-limit", "revisionHistoryLimit", asInteger],
  ["private-key-algorithm", "privateKey.algorithm", oneOf("RSA", "ECDSA", "Ed25519")],
  ["private-key-encoding", "privateKey.encoding", oneOf("PKCS1", "PKCS8")],
  ["private-key-size", "privateKey.size", asInteger],
  ["private-key-rotation-policy", "privateKey.rotationPolicy", oneOf("Always", "Never")],
  ["subject-organizations", "subject.organizations", asList],
  ["subject-organizationalunits", "subject.organizationalUnits", asList],
  ["subject-countries", "subject.countries", asList],
  ["subject-provinces", "subject.provinces", asList],
  ["subject-localities", "subject.localities", asList],
  ["subject-streetaddresses", "subject.streetAddresses", asList],
  ["subject-postalcodes", "subject.postalCodes", asList],
  ["subject-serialnumber", "subject.serialNumber", asText],
];

function put(fields: Record<string, unknown>, path: string, value: unknown): void {
  const [first = "", second] = path.split(".");
  if (second === undefined) {
    fields[first] = value;
    return;
  }
  const before = fields[first];
  fields[first] = { ...(typeof before === "object" ? before : {}), [second]: value };
}

function valueOf(annotations: Annotations, name: string): string | undefined {
  const text = annotations[`${PREFIX}${name}`] ?? annotations[`${OLD_PREFIX}${name}`];
  return text === undefined || text.trim() === "" ? undefined : text.trim();
}

function chosen(name: string, kind: string, group: string): IssuerChoice {
  return { kind: "issuer", issuerRef: { name, kind, group } };
}

function clash(one: string, other: string): { readonly kind: "bad"; readonly message: string } {
  return bad(`annotations "${PREFIX}${one}" and "${PREFIX}${other}" exclude each other; remove one`);
}

function bad(message: string): { readonly kind: "bad"; readonly message: string } {
  return { kind: "bad", message };
}
