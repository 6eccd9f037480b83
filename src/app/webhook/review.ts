import { admit } from "../../api/validate/admit.ts";
import { ApiStatusError } from "../../api/status.ts";
import { arrayAt, isRecord, recordAt, stringAt, stringMapAt } from "../../ground/json.ts";
import { parseIngressClass } from "../../resource/ingress-class.ts";
import { CERTIFICATE, CERTIFICATE_REQUEST, INGRESS, INGRESS_CLASS, KINDS, type Kind } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { ingressRoutes } from "../../translate/ingress/ingress-routes.ts";
import { servesClass, type ClassOptions } from "../../translate/ingress/served-class.ts";

/** Which of its two webhooks the API server asks. */
export type ReviewPhase = "mutate" | "validate";

/** What a review is judged beside: the objects as they were last seen, and which Ingresses are ours. */
export interface ReviewFacts {
  readonly objects: (kind: Kind) => readonly KubeObject[];
  readonly classes: ClassOptions;
}

/** `response` of an `admission.k8s.io/v1` AdmissionReview. */
export interface ReviewResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  readonly warnings?: readonly string[];
  readonly patchType?: "JSONPatch";
  /** Base64 of the patch. */
  readonly patch?: string;
}

/** Warnings of one answer; kubectl prints each on a line, and a real API server cuts what is more than 4096 bytes. */
const WARNINGS_MAX = 10;

/**
 * Returns what the admission webhook answers to a review: a new CertificateRequest gets the user who asked, and what the
 * embedded API would refuse is refused here too, as is an Ingress of ours with a part that would not be served. Never
 * throws; what it does not know is allowed.
 */
export function answerReview(review: unknown, facts: ReviewFacts, phase: ReviewPhase): ReviewResponse {
  const request = recordAt(review, "request");
  const uid = stringAt(request, "uid") ?? "";
  const kind = kindOf(recordAt(request, "resource"));
  const object = asObject(request["object"]);
  if (kind === undefined || object === undefined) return { uid, allowed: true };
  const existing = asObject(request["oldObject"]);
  // What is being deleted must be able to end, however invalid it is: only its finalizers still change.
  if (object.metadata.deletionTimestamp !== undefined) return { uid, allowed: true };
  if (phase === "mutate") {
    const patch = kind === CERTIFICATE_REQUEST && existing === undefined ? requesterPatch(object, request) : [];
    if (patch.length === 0) return { uid, allowed: true };
    const text = Buffer.from(JSON.stringify(patch)).toString("base64");
    return { uid, allowed: true, patchType: "JSONPatch", patch: text };
  }
  const { refusals, warnings } = judge(kind, object, existing, request, facts);
  const told = warnings.length === 0 ? {} : { warnings: warnings.slice(0, WARNINGS_MAX) };
  if (refusals.length === 0) return { uid, allowed: true, ...told };
  return { uid, allowed: false, status: { code: 422, reason: "Invalid", message: refusals.join("; ") }, ...told };
}

interface Verdict {
  readonly refusals: readonly string[];
  readonly warnings: readonly string[];
}

function judge(
  kind: Kind,
  object: KubeObject,
  existing: KubeObject | undefined,
  request: Readonly<Record<string, unknown>>,
  facts: ReviewFacts,
): Verdict {
  const isStatus = stringAt(request, "subResource") === "status";
  const rules = embeddedRules(kind, object, existing, isStatus);
  if (rules.refusals.length > 0 || isStatus) return rules;
  const more = kind === INGRESS ? ingressVerdict(object, existing, facts) : { refusals: [], warnings: [] };
  const shared = kind === CERTIFICATE ? secretShared(object, facts) : [];
  return { refusals: more.refusals, warnings: [...rules.warnings, ...more.warnings, ...shared] };
}

/** An update of something that was stored before there was this webhook is only refused for what it makes worse. */
function embeddedRules(kind: Kind, object: KubeObject, existing: KubeObject | undefined, isStatus: boolean): Verdict {
  try {
    const subresource = isStatus ? ("status" as const) : undefined;
    const { warnings } = admit(object, { kind, existing, validation: "Ignore", subresource });
    return { refusals: [], warnings };
  } catch (error) {
    if (!(error instanceof ApiStatusError)) throw error;
    // Who sees this knows whose word it is: the API server says which webhook refused.
    const message = error.message.replace(/^admission webhook "[^"]*" denied the request: /, "");
    if (existing === undefined || isFine(kind, existing)) return { refusals: [message], warnings: [] };
    return { refusals: [], warnings: [`${message} (as before this change)`] };
  }
}

function isFine(kind: Kind, object: KubeObject): boolean {
  try {
    admit(object, { kind, validation: "Ignore" });
    return true;
  } catch {
    return false;
  }
}

function ingressVerdict(object: KubeObject, existing: KubeObject | undefined, facts: ReviewFacts): Verdict {
  const classes = new Map(facts.objects(INGRESS_CLASS).map((one) => [one.metadata.name, parseIngressClass(one)]));
  const { ingress, findings } = ingressRoutes(object);
  const { served, finding } = servesClass(ingress, classes, facts.classes);
  if (!served) return { refusals: [], warnings: finding === undefined ? [] : [finding.message] };
  const before = existing === undefined ? [] : ingressRoutes(existing).findings.map(({ message }) => message);
  const isNew = findings.filter(({ severity, message }) => severity === "error" && !before.includes(message));
  const rest = findings.filter((one) => one.severity !== "info" && !isNew.includes(one));
  return { refusals: isNew.map(sentence), warnings: rest.map(sentence) };
}

function sentence({ message, hint }: { readonly message: string; readonly hint?: string }): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}

/** Two Certificates with one Secret overwrite each other for ever. */
function secretShared(object: KubeObject, facts: ReviewFacts): readonly string[] {
  const { name, namespace } = object.metadata;
  const secretName = stringAt(object["spec"], "secretName");
  const other = facts
    .objects(CERTIFICATE)
    .find(
      (one) =>
        one.metadata.namespace === namespace &&
        one.metadata.name !== name &&
        stringAt(one["spec"], "secretName") === secretName,
    );
  if (secretName === undefined || other === undefined) return [];
  return [`spec.secretName: Certificate "${other.metadata.name}" writes the Secret "${secretName}" as well`];
}

/** JSON Patch operations that write who asked into the request, whatever it claims; none when it says so already. */
function requesterPatch(
  object: KubeObject,
  request: Readonly<Record<string, unknown>>,
): readonly Readonly<Record<string, unknown>>[] {
  const user = recordAt(request, "userInfo");
  const wanted: Readonly<Record<string, unknown>> = {
    username: stringAt(user, "username") ?? "",
    uid: stringAt(user, "uid") ?? "",
    groups: arrayAt(user, "groups"),
    extra: recordAt(user, "extra"),
  };
  const spec = recordAt(object, "spec");
  if (object["spec"] === undefined) return [];
  return Object.entries(wanted).flatMap(([field, value]) => {
    if (JSON.stringify(spec[field]) === JSON.stringify(value)) return [];
    if (isEmpty(value)) return spec[field] === undefined ? [] : [{ op: "remove", path: `/spec/${field}` }];
    return [{ op: "add", path: `/spec/${field}`, value }];
  });
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === "" || (isRecord(value) && Object.keys(value).length === 0);
}

function kindOf(resource: Readonly<Record<string, unknown>>): Kind | undefined {
  const group = stringAt(resource, "group") ?? "";
  return KINDS.find((kind) => kind.group === group && kind.plural === stringAt(resource, "resource"));
}

function asObject(value: unknown): KubeObject | undefined {
  if (!isRecord(value)) return undefined;
  const metadata = recordAt(value, "metadata");
  return {
    ...value,
    apiVersion: stringAt(value, "apiVersion") ?? "",
    kind: stringAt(value, "kind") ?? "",
    metadata: {
      ...metadata,
      name: stringAt(metadata, "name") ?? "",
      annotations: stringMapAt(metadata, "annotations"),
    },
  };
}
