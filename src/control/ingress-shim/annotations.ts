import { isRecord, numberAt, recordAt, stringAt } from "../../ground/json.ts";
import { KNOWN_USAGES } from "../../pki/x509/usages.ts";
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
  if (defaultIssuer !== undefined) {
    return chosen(defaultIssuer.name, kind ?? defaultIssuer.kind, group ?? defaultIssuer.group);
  }
  return bad(`annotation "${TLS_ACME}" needs a default issuer and none is configured; use "${PREFIX}cluster-issuer"`);
}

/** Annotations of the Ingress that its Certificate gets too. */
const COPIED = ["issue-temporary-certificate"] as const;

/** Returns the annotations that the Certificates of an Ingress with `annotations` have. */
export function copiedAnnotations(annotations: Annotations): Annotations {
  return Object.fromEntries(
    COPIED.flatMap((name) => {
      const text = valueOf(annotations, name);
      return text === undefined ? [] : [[`${PREFIX}${name}`, text]];
    }),
  );
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
    if (value === undefined) {
      return bad(`invalid ingress annotation "${PREFIX}${name}": "${text}" is not ${WANTED[path] ?? "understood"}`);
    }
    put(fields, path, value);
  }
  const { algorithm = "RSA", size } = readKeyFields(fields["privateKey"]);
  if (size === undefined || fitsAlgorithm(algorithm, size)) return { kind: "spec", fields };
  const where = `${PREFIX}private-key-size`;
  return bad(
    `invalid ingress annotation "${where}": invalid private key size for ${algorithm} algorithm "${String(size)}"`,
  );
}

function readKeyFields(value: unknown): { readonly algorithm?: string; readonly size?: number } {
  const algorithm = stringAt(value, "algorithm");
  const size = numberAt(value, "size");
  return { ...(algorithm === undefined ? {} : { algorithm }), ...(size === undefined ? {} : { size }) };
}

function fitsAlgorithm(algorithm: string, size: number): boolean {
  if (algorithm === "ECDSA") return size === 256 || size === 384 || size === 521;
  return algorithm !== "RSA" || (size >= 2048 && size <= 8192);
}

/** What a value that can't be read should have been, by the field it is for. */
const WANTED: Readonly<Record<string, string>> = {
  duration: "a duration such as 2160h",
  renewBefore: "a duration such as 360h",
  renewBeforePercentage: "a whole number from 1 to 99",
  revisionHistoryLimit: "a positive whole number",
  usages: `a list of usages such as "server auth"`,
  "privateKey.algorithm": "RSA, ECDSA or Ed25519",
  "privateKey.encoding": "PKCS1 or PKCS8",
  "privateKey.size": "a whole number",
  "privateKey.rotationPolicy": "Always or Never",
  secretTemplate: `JSON with "annotations" and "labels", none of cert-manager.io/`,
};

type Parse = (text: string) => unknown;

const asText: Parse = (text) => text;
const asDuration: Parse = (text) => (parseGoDuration(text) === undefined ? undefined : text);
const asInteger: Parse = (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);
const asList: Parse = (text) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
const asPositive: Parse = (text) => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined);
const asPercentage: Parse = (text) => (/^[1-9]\d?$/.test(text) ? Number(text) : undefined);
const asUsages: Parse = (text) => {
  const words = text.split(",").map((word) => word.trim());
  return words.every((word) => KNOWN_USAGES.includes(word)) ? words : undefined;
};

/** Values with commas stand in quotes, as in a line of a CSV file (RFC 4180). */
const asRecord: Parse = (text) => {
  const fields: string[] = [];
  const pattern = /\s*(?:"((?:[^"]|"")*)"|([^",]*))\s*(,|$)/y;
  for (let at = 0; at <= text.length; at = pattern.lastIndex) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) return undefined;
    const field = found[1]?.replaceAll('""', '"') ?? found[2]?.trim() ?? "";
    if (field !== "") fields.push(field);
    if (found[3] === "") break;
  }
  return fields;
};

const asSecretTemplate: Parse = (text) => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || Object.keys(value).some((key) => key !== "annotations" && key !== "labels")) return undefined;
  const isOurs = Object.keys(recordAt(value, "annotations")).some((key) => key.startsWith(PREFIX));
  const isText = Object.values(value).every(
    (part) => isRecord(part) && Object.values(part).every((entry) => typeof entry === "string"),
  );
  return isOurs || !isText ? undefined : value;
};

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
  ["renew-before-percentage", "renewBeforePercentage", asPercentage],
  ["usages", "usages", asUsages],
  ["revision-history-limit", "revisionHistoryLimit", asPositive],
  ["secret-template", "secretTemplate", asSecretTemplate],
  ["private-key-algorithm", "privateKey.algorithm", oneOf("RSA", "ECDSA", "Ed25519")],
  ["private-key-encoding", "privateKey.encoding", oneOf("PKCS1", "PKCS8")],
  ["private-key-size", "privateKey.size", asInteger],
  ["private-key-rotation-policy", "privateKey.rotationPolicy", oneOf("Always", "Never")],
  ["subject-organizations", "subject.organizations", asRecord],
  ["subject-organizationalunits", "subject.organizationalUnits", asRecord],
  ["subject-countries", "subject.countries", asRecord],
  ["subject-provinces", "subject.provinces", asRecord],
  ["subject-localities", "subject.localities", asRecord],
  ["subject-streetaddresses", "subject.streetAddresses", asRecord],
  ["subject-postalcodes", "subject.postalCodes", asRecord],
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
  return bad(`both "${PREFIX}${one}" and "${PREFIX}${other}" may not be set; remove one`);
}

function bad(message: string): { readonly kind: "bad"; readonly message: string } {
  return { kind: "bad", message };
}
