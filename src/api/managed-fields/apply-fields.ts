import type { Kind } from "../../resource/kind.ts";
import { apiVersionOf } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { schemaOf } from "../../resource/schema/schema-of.ts";
import { isRecord, recordAt, stringAt } from "../../ground/json.ts";
import { ApiStatusError } from "../status.ts";
import type { FieldSet } from "./field-set.ts";
import { NO_FIELDS, difference, intersection, isEmptySet, pathsOf, union } from "./field-set.ts";
import { clientAppliedFields } from "./last-applied.ts";
import type { Manager, ManagerIdentity } from "./managers.ts";
import { fieldsOf, isSameManager, parseManagers, withManager } from "./managers.ts";
import { emptyObject, trackedPart, withoutAssigned } from "./tracked-fields.ts";
import { appliedFields, compareValues, mergeApplied, withoutFields } from "./typed-value.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A configuration that is about to be applied to `live`. */
export interface Application {
  readonly kind: Kind;
  /** In the stored version, without defaults: exactly what the applier says. */
  readonly applied: Fields;
  /** The same with the empty values that are not stored: the applier owns them too. @default `applied` */
  readonly said?: Fields;
  readonly live: KubeObject | undefined;
  readonly manager: string;
  /** Whether to take fields from other managers in place of a conflict. */
  readonly force: boolean;
  readonly subresource?: "status" | undefined;
  readonly nowMs: number;
}

/** The object after applying, not yet judged and without its managedFields, which are `managers`. */
export interface AppliedObject {
  readonly object: Fields;
  readonly managers: readonly Manager[];
}

/** Who owns the fields of objects that nobody kept account of. */
const BEFORE_FIRST_APPLY = "before-first-apply";

/**
 * Server-side apply: merges the configuration into the live object, removes what the manager applied before and does not
 * apply now (unless someone else owns it), and works out who owns what. Throws ApiStatusError 409, naming every field and
 * its owner, when the configuration would change another manager's field and `force` is false.
 */
export function applyFields(options: Application): AppliedObject {
  const { kind, applied, live, nowMs } = options;
  const subresource = options.subresource ?? "";
  const schema = schemaOf(kind);
  const identity: ManagerIdentity = {
    name: options.manager,
    operation: "Apply",
    apiVersion: apiVersionOf(kind),
    subresource,
  };
  const base = trackedPart(live ?? emptyObject(kind, schema), kind, subresource);
  const config = trackedPart(applied, kind, subresource);
  const fields = configFields(trackedPart(options.said ?? applied, kind, subresource), kind);
  const managers = managersOf(live, isEmptySet(fields), options);
  const others = managers.filter((manager) => !isSameManager(manager, identity));
  const owned = others.reduce((all, manager) => union(all, manager.fields), fields);
  const merged = mergeApplied(base, config, schema);
  const next = withoutFields(merged, fieldsOf(managers, identity), owned, schema);
  const { changed, removed } = compareValues(base, next, schema);
  if (!options.force) refuseConflicts(others, changed, clientAppliedFields(live, options.manager, kind));
  const left = managers.map((manager) =>
    isSameManager(manager, identity)
      ? manager
      : { ...manager, fields: difference(manager.fields, union(changed, removed)) },
  );
  const isSame = live !== undefined && isEmptySet(changed) && isEmptySet(removed);
  return {
    object: completed(isRecord(next) ? next : {}, options),
    managers: withManager(left, identity, fields, isSame ? undefined : nowMs),
  };
}

/** The name of the object and the like are not owned, so a configuration of nothing else owns nothing. */
function configFields(config: Fields, kind: Kind): FieldSet {
  const { metadata, ...rest } = config;
  const isBare = isRecord(metadata) && Object.keys(metadata).length === 0;
  const own = isBare ? rest : config;
  return Object.keys(own).length === 0 ? NO_FIELDS : appliedFields(own, schemaOf(kind));
}

function managersOf(live: KubeObject | undefined, isBare: boolean, options: Application): readonly Manager[] {
  const managers = parseManagers(live?.metadata.managedFields);
  // Who applies nothing takes nothing from anybody, so nobody needs to be named.
  if (live === undefined || managers.length > 0 || isBare) return managers;
  const { kind, subresource = "" } = options;
  const schema = schemaOf(kind);
  const partOf = (object: Fields): Fields => withoutAssigned(trackedPart(object, kind, subresource), kind);
  const identity = { operation: "Update", apiVersion: apiVersionOf(kind), subresource, time: undefined } as const;
  const { changed } = compareValues(partOf(emptyObject(kind, schema)), partOf(live), schema);
  return [{ ...identity, name: BEFORE_FIRST_APPLY, fields: changed }];
}

interface FieldConflict {
  readonly manager: string;
  readonly path: string;
}

function refuseConflicts(others: readonly Manager[], changed: FieldSet, allowed: FieldSet): void {
  const disputed = others.map((manager) => intersection(manager.fields, changed));
  if (disputed.every((fields) => isEmptySet(difference(fields, allowed)))) return;
  const conflicts = others.flatMap((manager) =>
    pathsOf(intersection(manager.fields, changed)).map((path): FieldConflict => ({
      manager: shownManager(manager),
      path,
    })),
  );
  throw new ApiStatusError(409, "Conflict", conflictMessage(conflicts), {
    causes: conflicts.map(({ manager, path }) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${manager}`,
      field: path,
    })),
  });
}

function shownManager(manager: Manager): string {
  const name = JSON.stringify(manager.name);
  const subject = manager.subresource === "" ? name : `${name} with subresource ${JSON.stringify(manager.subresource)}`;
  return manager.operation === "Update" ? `${subject} using ${manager.apiVersion}` : subject;
}

function conflictMessage(conflicts: readonly FieldConflict[]): string {
  const [only] = conflicts;
  if (conflicts.length === 1 && only !== undefined) {
    return `Apply failed with 1 conflict: conflict with ${only.manager}: ${only.path}`;
  }
  const managers = [...new Set(conflicts.map((conflict) => conflict.manager))].sort();
  const lines = managers.flatMap((manager) => [
    `conflicts with ${manager}:`,
    ...conflicts.filter((conflict) => conflict.manager === manager).map((conflict) => `- ${conflict.path}`),
  ]);
  return `Apply failed with ${String(conflicts.length)} conflicts: ${lines.join("\n")}`;
}

/** Puts the fields that have no owners back around the merged ones. */
function completed(next: Fields, options: Application): Fields {
  const { live, applied, kind } = options;
  const base: Fields = live ?? { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: applied["metadata"] };
  if (options.subresource === "status") return { ...base, ...next };
  const kept = recordAt(base, "metadata");
  const { resourceVersion, ...identity } = Object.fromEntries(
    Object.entries(kept).filter(([name]) => !OWNED_METADATA.has(name) && name !== "managedFields"),
  );
  const wanted = stringAt(recordAt(applied, "metadata"), "resourceVersion") ?? resourceVersion;
  return {
    ...next,
    apiVersion: base["apiVersion"],
    kind: base["kind"],
    metadata: {
      ...identity,
      ...(wanted === undefined ? {} : { resourceVersion: wanted }),
      ...recordAt(next, "metadata"),
    },
    ...(kind.hasStatus && base["status"] !== undefined ? { status: base["status"] } : {}),
  };
}

const OWNED_METADATA: ReadonlySet<string> = new Set([
  "annotations",
  "finalizers",
  "generateName",
  "labels",
  "ownerReferences",
]);
