import { arrayAt, isRecord, jsonEqual, recordAt, stringAt, stringsAt } from "../../ground/json.ts";
import { rfc3339 } from "../../resource/condition.ts";
import type { KubeObject } from "../../resource/object.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What the status of a definition depends on beside the definition itself. */
export interface DefinitionFacts {
  /** Whether Lintel serves this resource itself: then nothing else of the definition counts. */
  readonly isBuiltIn: boolean;
  /** Names of the same group that are taken by others: plurals, singulars and short names; kinds and kinds of lists. */
  readonly takenNames: ReadonlySet<string>;
  readonly takenKinds: ReadonlySet<string>;
  readonly nowMs: number;
}

/**
 * Returns the status that a CustomResourceDefinition should have: which names are accepted, whether its kind is served, and
 * in which versions objects may be stored. Conditions that stay as they are keep their time.
 */
export function definitionStatus(definition: KubeObject, facts: DefinitionFacts): Fields {
  const before = recordAt(definition, "status");
  const names = recordAt(definition["spec"], "names");
  const judged = facts.isBuiltIn ? BUILT_IN : judgeNames(names, recordAt(before, "acceptedNames"), facts);
  const wasEstablished = statusOf(before, "Established") === "True";
  const conditions: readonly Condition[] = [
    judged.condition,
    ...(facts.isBuiltIn
      ? [{ type: "Established", status: "True", reason: "AlreadyServed", message: "Lintel serves this kind" } as const]
      : [wasEstablished || judged.condition.status === "True" ? ESTABLISHED : NOT_ACCEPTED]),
    ...approval(definition),
    ...(definition.metadata.deletionTimestamp === undefined ? [] : [TERMINATING]),
  ];
  return {
    acceptedNames: facts.isBuiltIn ? names : judged.accepted,
    conditions: conditions.map((condition) => timed(condition, before, facts.nowMs)),
    storedVersions: storedVersions(definition, before),
  };
}

/** Returns whether the condition `type` of a definition is True. */
export function isTrueOf(definition: Fields, type: "Established" | "NamesAccepted"): boolean {
  return statusOf(recordAt(definition, "status"), type) === "True";
}

interface Condition {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

const BUILT_IN: { readonly accepted: Fields; readonly condition: Condition } = {
  accepted: {},
  condition: { type: "NamesAccepted", status: "True", reason: "AlreadyServed", message: "Lintel serves this kind" },
};
const ESTABLISHED: Condition = {
  type: "Established",
  status: "True",
  reason: "InitialNamesAccepted",
  message: "the initial names have been accepted",
};
const NOT_ACCEPTED: Condition = {
  type: "Established",
  status: "False",
  reason: "NotAccepted",
  message: "not all names are accepted",
};
const TERMINATING: Condition = {
  type: "Terminating",
  status: "True",
  reason: "InstanceDeletionInProgress",
  message: "CustomResource deletion is in progress",
};

/** Each name that is free or was ours before is accepted; the last conflict gives the reason. */
function judgeNames(
  wanted: Fields,
  before: Fields,
  facts: DefinitionFacts,
): { readonly accepted: Fields; readonly condition: Condition } {
  const accepted: Record<string, unknown> = {};
  let conflict: { readonly reason: string; readonly message: string } | undefined;
  const judge = (field: "plural" | "singular" | "kind" | "listKind", taken: ReadonlySet<string>): void => {
    const name = stringAt(wanted, field) ?? "";
    const isFree = name === stringAt(before, field) || !taken.has(name);
    const reason = `${field.charAt(0).toUpperCase()}${field.slice(1)}Conflict`;
    if (!isFree) conflict = { reason, message: inUse(name) };
    accepted[field] = isFree ? name : (stringAt(before, field) ?? "");
  };
  judge("plural", facts.takenNames);
  judge("singular", facts.takenNames);
  const shortNames = stringsAt(wanted, "shortNames");
  const known = stringsAt(before, "shortNames");
  const clashing = shortNames.filter((name) => !known.includes(name) && facts.takenNames.has(name));
  if (clashing.length > 0) {
    const message = clashing.length === 1 ? inUse(clashing.join()) : `[${clashing.map(inUse).join(", ")}]`;
    conflict = { reason: "ShortNamesConflict", message };
  }
  const kept = clashing.length > 0 ? known : shortNames;
  if (kept.length > 0) accepted["shortNames"] = kept;
  judge("kind", facts.takenKinds);
  judge("listKind", facts.takenKinds);
  const categories = stringsAt(wanted, "categories");
  if (categories.length > 0) accepted["categories"] = categories;
  for (const field of ["singular", "listKind"]) if (accepted[field] === "") delete accepted[field];
  const condition: Condition =
    conflict === undefined
      ? { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" }
      : { type: "NamesAccepted", status: "False", ...conflict };
  return { accepted, condition };
}

function inUse(name: string): string {
  return `${JSON.stringify(name)} is already in use`;
}

/** Groups under `k8s.io` and `kubernetes.io` belong to the Kubernetes project, which says where it approved them. */
function approval(definition: KubeObject): readonly Condition[] {
  if (!isProtectedGroup(stringAt(definition["spec"], "group") ?? "")) return [];
  const said = definition.metadata.annotations?.[APPROVAL_ANNOTATION] ?? "";
  const type = "KubernetesAPIApprovalPolicyConformant";
  if (said.startsWith("unapproved")) {
    const message = `not approved: ${JSON.stringify(said)}`;
    return [{ type, status: "False", reason: "UnapprovedAnnotation", message }];
  }
  return [{ type, status: "True", reason: "ApprovedAnnotation", message: `approved in ${said}` }];
}

/** Where the API review of a kind in a group of the Kubernetes project can be read. */
export const APPROVAL_ANNOTATION = "api-approved.kubernetes.io";

/** Returns whether kinds of `group` need {@link APPROVAL_ANNOTATION}. */
export function isProtectedGroup(group: string): boolean {
  return /(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group);
}

function statusOf(status: Fields, type: string): string | undefined {
  return stringAt(
    arrayAt(status, "conditions").find((entry) => stringAt(entry, "type") === type),
    "status",
  );
}

function timed(condition: Condition, before: Fields, nowMs: number): Fields {
  const old = arrayAt(before, "conditions")
    .filter(isRecord)
    .find((entry) => entry["type"] === condition.type);
  const { lastTransitionTime: since, ...rest } = old ?? {};
  if (old !== undefined && jsonEqual(rest, condition)) return old;
  const isSameStatus = old?.["status"] === condition.status && typeof since === "string";
  return { lastTransitionTime: isSameStatus ? since : rfc3339(nowMs), ...condition };
}

/** A version in which objects were stored once stays until somebody removes it, as objects in it may be left. */
function storedVersions(definition: KubeObject, before: Fields): readonly string[] {
  const stored = arrayAt(definition["spec"], "versions")
    .filter((version) => isRecord(version) && version["storage"] === true)
    .flatMap((version) => stringAt(version, "name") ?? []);
  return [...new Set([...stringsAt(before, "storedVersions"), ...stored])];
}
