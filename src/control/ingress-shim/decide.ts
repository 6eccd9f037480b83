import { arrayAt, isRecord, jsonEqual, stringAt, stringsAt } from "../../ground/json.ts";
import type { IssuerReference } from "../../resource/certificate.ts";
import { apiVersionOf, CERTIFICATE } from "../../resource/kind.ts";
import { controllerReference, type KubeObject } from "../../resource/object.ts";
import { chooseIssuer, copiedAnnotations, readSpecAnnotations } from "./annotations.ts";

/** More `tls` entries than this on one Ingress are refused. */
const TLS_ENTRIES_MAX = 256;

/** What the decision about one Ingress rests on. */
export interface ShimFacts {
  readonly ingress: KubeObject;
  /** All Certificates of the namespace that the Ingress owns or that have the name of one of its Secrets. */
  readonly certificates: readonly KubeObject[];
  readonly defaultIssuer: IssuerReference | undefined;
}

/** One change to the Certificates of an Ingress. */
export type ShimAction =
  | { readonly kind: "create"; readonly certificate: KubeObject }
  /** `before` is what is stored; `certificate` what shall be. */
  | { readonly kind: "update"; readonly certificate: KubeObject; readonly before: KubeObject }
  | { readonly kind: "delete"; readonly certificate: KubeObject };

/** What follows from the annotations and `tls` entries of one Ingress. */
export interface ShimDecision {
  readonly actions: readonly ShimAction[];
  /** A sentence each, for Events with reason `BadConfig`. */
  readonly problems: readonly string[];
}

/**
 * Returns which Certificates must come, change or go so that each `tls` entry of an annotated Ingress has one, named as
 * its Secret and owned by the Ingress. An entry that can't be honoured is a problem and leaves the others alone; a
 * Certificate of that name that is somebody else's is left alone too. Without an issuer annotation nothing happens.
 */
export function decide(facts: ShimFacts): ShimDecision {
  const { ingress, defaultIssuer } = facts;
  const annotations = ingress.metadata.annotations ?? {};
  const choice = chooseIssuer(annotations, defaultIssuer);
  if (choice.kind === "none") return { actions: [], problems: [] };
  if (choice.kind === "bad")
    return {
      actions: [],
      problems: [`Could not determine issuer for ingress due to bad annotations: ${choice.message}`],
    };
  const fields = readSpecAnnotations(annotations);
  if (fields.kind === "bad") return { actions: [], problems: [fields.message] };
  const { entries, problems } = readTlsEntries(ingress);
  const actions: ShimAction[] = [];
  for (const entry of entries) {
    const wanted = certificateFor(ingress, entry, choice.issuerRef, fields.fields);
    const action = actionFor(ingress, wanted, facts.certificates);
    if (action !== undefined) actions.push(action);
  }
  return { actions: [...actions, ...removals(facts)], problems };
}

/**
 * Returns whether `owner` is the controller of `object`. One of the same kind and name will do: out of a backup come new
 * uids, and an earlier Ingress of that name would have taken its Certificates with it.
 */
function isOwnedBy(object: KubeObject, owner: KubeObject): boolean {
  return (object.metadata.ownerReferences ?? []).some(
    ({ controller, uid, kind, name }) =>
      controller === true && (uid === owner.metadata.uid || (kind === owner.kind && name === owner.metadata.name)),
  );
}

interface TlsEntry {
  readonly secretName: string;
  readonly hosts: readonly string[];
}

function readTlsEntries(ingress: KubeObject): { entries: readonly TlsEntry[]; problems: readonly string[] } {
  const entries = new Map<string, TlsEntry>();
  const problems: string[] = [];
  const written = arrayAt(ingress["spec"], "tls");
  if (written.length > TLS_ENTRIES_MAX) {
    problems.push(`spec.tls has ${String(written.length)} entries; only the first ${String(TLS_ENTRIES_MAX)} are used`);
  }
  const twice = repeatedSecretNames(written);
  for (const [index, entry] of written.slice(0, TLS_ENTRIES_MAX).entries()) {
    const where = `spec.tls[${String(index)}]`;
    const secretName = stringAt(entry, "secretName") ?? "";
    const hosts = stringsAt(entry, "hosts").filter((host) => host !== "");
    if (hosts.length === 0)
      problems.push(`Skipped a TLS block: ${where}.hosts: Required value; name the hosts the certificate is for`);
    else if (secretName === "")
      problems.push(`Skipped a TLS block: ${where}.secretName: Required value; name the Secret to keep it in`);
    else if (twice.has(secretName)) {
      const others = written.flatMap((one, at) =>
        at !== index && stringAt(one, "secretName") === secretName ? [`spec.tls[${String(at)}].secretName`] : [],
      );
      problems.push(
        `${where}.secretName: Invalid value: "${secretName}": this secret name must only appear in a single TLS entry ` +
          `but is also used in ${others.join(" and ")}; give each entry its own`,
      );
    } else entries.set(secretName, { secretName, hosts });
  }
  return { entries: [...entries.values()], problems };
}

function repeatedSecretNames(written: readonly unknown[]): ReadonlySet<string> {
  const names = written.flatMap((entry) => stringAt(entry, "secretName") ?? []).filter((name) => name !== "");
  return new Set(names.filter((name, index) => names.indexOf(name) !== index));
}

function certificateFor(
  ingress: KubeObject,
  entry: TlsEntry,
  issuerRef: IssuerReference,
  fields: Readonly<Record<string, unknown>>,
): KubeObject {
  const { namespace = "", labels } = ingress.metadata;
  const annotations = copiedAnnotations(ingress.metadata.annotations ?? {});
  const addresses = entry.hosts.filter(isAddress);
  const names = entry.hosts.filter((host) => !isAddress(host));
  const dnsNames = [...new Set([...names, ...stringsAt(fields, "dnsNames")])];
  const ipAddresses = [...new Set([...addresses, ...stringsAt(fields, "ipAddresses")])];
  return {
    apiVersion: apiVersionOf(CERTIFICATE),
    kind: CERTIFICATE.kind,
    metadata: {
      name: entry.secretName,
      namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ownerReferences: [controllerReference(ingress)],
    },
    spec: {
      usages: ["digital signature", "key encipherment"],
      ...fields,
      ...(dnsNames.length === 0 ? {} : { dnsNames }),
      ...(ipAddresses.length === 0 ? {} : { ipAddresses }),
      secretName: entry.secretName,
      issuerRef,
    },
  };
}

function actionFor(ingress: KubeObject, wanted: KubeObject, existing: readonly KubeObject[]): ShimAction | undefined {
  const before = existing.find((certificate) => certificate.metadata.name === wanted.metadata.name);
  if (before === undefined) return { kind: "create", certificate: wanted };
  if (!isOwnedBy(before, ingress) || before.metadata.deletionTimestamp !== undefined) return undefined;
  const { labels = {}, ownerReferences = [] } = wanted.metadata;
  const isSame =
    jsonEqual(before["spec"], wanted["spec"]) &&
    jsonEqual(before.metadata.labels ?? {}, labels) &&
    (before.metadata.ownerReferences ?? []).some(({ uid }) => uid === ingress.metadata.uid);
  if (isSame) return undefined;
  const others = (before.metadata.ownerReferences ?? []).filter(({ controller }) => controller !== true);
  const metadata = { ...before.metadata, labels, ownerReferences: [...others, ...ownerReferences] };
  const certificate = { ...before, metadata, spec: wanted["spec"] };
  return { kind: "update", certificate, before };
}

/** A Certificate of ours goes when no `tls` entry names its Secret any more, also not one that we had to skip. */
function removals(facts: ShimFacts): readonly ShimAction[] {
  const used = new Set(arrayAt(facts.ingress["spec"], "tls").map((entry) => stringAt(entry, "secretName") ?? ""));
  return facts.certificates
    .filter((certificate) => isOwnedBy(certificate, facts.ingress))
    .filter((certificate) => !used.has(certificate.metadata.name))
    .filter((certificate) => isRecord(certificate["spec"]) && certificate.metadata.deletionTimestamp === undefined)
    .map((certificate) => ({ kind: "delete", certificate }));
}

/** Whether a host is an IP address: then it goes to `ipAddresses`. */
function isAddress(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || host.includes(":");
}
