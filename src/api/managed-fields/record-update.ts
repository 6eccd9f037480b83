import { jsonEqual } from "../../ground/json.ts";
import type { Kind } from "../../resource/kind.ts";
import { apiVersionOf } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { schemaOf } from "../../resource/schema/schema-of.ts";
import { difference, isEmptySet, union } from "./field-set.ts";
import type { Manager, ManagerIdentity } from "./managers.ts";
import { fieldsOf, isSameManager, parseManagers, toManagedFields, withManager } from "./managers.ts";
import { emptyObject, trackedPart, withoutAssigned } from "./tracked-fields.ts";
import { compareValues } from "./typed-value.ts";

/** A create, update or patch whose result, `updated`, is about to be stored in place of `live`. */
export interface UpdateToRecord {
  readonly kind: Kind;
  /** Absent for a new object. */
  readonly live: KubeObject | undefined;
  readonly updated: KubeObject;
  /** Who changes it: the request's fieldManager, or the start of its User-Agent. */
  readonly manager: string;
  readonly subresource?: "status" | undefined;
  readonly nowMs: number;
}

/**
 * Returns `updated` with managedFields that say what this update set: the manager owns, by operation Update, every field
 * that is new or changed; who owned it before does not any more, and nobody owns what is gone. managedFields that the
 * client wrote itself count in place of the live ones; an empty list of them forgets all owners.
 */
export function recordUpdate(options: UpdateToRecord): KubeObject {
  const { kind, live, updated, nowMs } = options;
  const subresource = options.subresource ?? "";
  const schema = schemaOf(kind);
  const identity: ManagerIdentity = {
    name: options.manager,
    operation: "Update",
    apiVersion: apiVersionOf(kind),
    subresource,
  };
  const partOf = (object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
    withoutAssigned(trackedPart(object, kind, subresource), kind);
  const { changed, removed } = compareValues(partOf(live ?? emptyObject(kind, schema)), partOf(updated), schema);
  const others = managersBefore(live, updated).map((manager): Manager => {
    const taken = isSameManager(manager, identity) ? removed : union(changed, removed);
    return { ...manager, fields: difference(manager.fields, taken) };
  });
  const fields = difference(union(fieldsOf(others, identity), changed), removed);
  const managers = isEmptySet(changed) ? others : withManager(others, identity, fields, nowMs);
  return withManagedFields(updated, managers);
}

/** Returns the object with these managers in its metadata. */
export function withManagedFields(object: KubeObject, managers: readonly Manager[]): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  const managedFields = toManagedFields(managers);
  return { ...object, metadata: managedFields.length === 0 ? metadata : { ...metadata, managedFields } };
}

function managersBefore(live: KubeObject | undefined, updated: KubeObject): readonly Manager[] {
  const written = updated.metadata.managedFields;
  const stored = live?.metadata.managedFields;
  if (written === undefined) return parseManagers(stored);
  const isReset = written.length === 0 || jsonEqual(written, [{}]);
  if (isReset && live !== undefined) return [];
  const managers = parseManagers(written);
  return managers.length > 0 ? managers : parseManagers(stored);
}
