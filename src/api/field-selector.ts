import { isRecord, recordAt } from "../ground/json.ts";
import { resourceName } from "../resource/kind.ts";
import type { Kind } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { ObjectFilter } from "./label-selector.ts";
import { badRequest } from "./status.ts";

type FieldReader = (object: KubeObject) => string;

function path(...keys: readonly string[]): FieldReader {
  const parents = keys.slice(0, -1);
  const last = keys.at(-1) ?? "";
  return (object) => {
    let current: unknown = object;
    for (const key of parents) current = recordAt(current, key);
    const found = isRecord(current) ? current[last] : undefined;
    return typeof found === "string" || typeof found === "number" || typeof found === "boolean" ? String(found) : "";
  };
}

const EVENT_FIELDS: Readonly<Record<string, FieldReader>> = {
  "involvedObject.kind": path("involvedObject", "kind"),
  "involvedObject.namespace": path("involvedObject", "namespace"),
  "involvedObject.name": path("involvedObject", "name"),
  "involvedObject.uid": path("involvedObject", "uid"),
  "involvedObject.apiVersion": path("involvedObject", "apiVersion"),
  "involvedObject.resourceVersion": path("involvedObject", "resourceVersion"),
  "involvedObject.fieldPath": path("involvedObject", "fieldPath"),
  reason: path("reason"),
  reportingComponent: (object) =>
    path("reportingComponent")(object) !== ""
      ? path("reportingComponent")(object)
      : path("source", "component")(object),
  source: (object) =>
    path("source", "component")(object) !== ""
      ? path("source", "component")(object)
      : path("reportingComponent")(object),
  type: path("type"),
};

/** The fields a selector may name besides `metadata.name` and `metadata.namespace`, by resource. */
const SELECTABLE_FIELDS: ReadonlyMap<string, Readonly<Record<string, FieldReader>>> = new Map([
  ["events", EVENT_FIELDS],
  ["secrets", { type: path("type") }],
  ["namespaces", { "status.phase": path("status", "phase"), name: path("metadata", "name") }],
  ["services", { "spec.clusterIP": path("spec", "clusterIP"), "spec.type": path("spec", "type") }],
  [
    "pods",
    {
      "spec.nodeName": path("spec", "nodeName"),
      "spec.restartPolicy": path("spec", "restartPolicy"),
      "spec.serviceAccountName": path("spec", "serviceAccountName"),
      "status.phase": path("status", "phase"),
      "status.podIP": path("status", "podIP"),
    },
  ],
]);

/** What a field selector lets pass. */
export interface FieldSelector {
  readonly matches: ObjectFilter;
  /** Set when the selector asks for exactly one name. */
  readonly name: string | undefined;
}

/**
 * Returns the selector for text such as `metadata.name=web,type!=Normal`, or undefined when it is empty. Throws
 * BadRequest for a field that `kind` does not let select by.
 */
export function parseFieldSelector(text: string, kind: Kind): FieldSelector | undefined {
  if (text.trim() === "") return undefined;
  const own = selectableFields(kind);
  const filters: ObjectFilter[] = [];
  let name: string | undefined;
  for (const term of splitUnescaped(text)) {
    const match = /^\s*([A-Za-z0-9_.-]+)\s*(==|=|!=)(.*)$/s.exec(term);
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const field = match[1] ?? "";
    const wanted = (match[3] ?? "").trim().replaceAll(/\\([\\,=])/g, "$1");
    const read = readerOf(field, own);
    if (read === undefined) throw badRequest(`field label not supported: ${field}`);
    if (field === "metadata.name" && match[2] !== "!=") name = wanted;
    filters.push(match[2] === "!=" ? (object) => read(object) !== wanted : (object) => read(object) === wanted);
  }
  return { matches: (object) => filters.every((filter) => filter(object)), name };
}

function selectableFields(kind: Kind): Readonly<Record<string, FieldReader>> {
  if (kind.custom === undefined) return SELECTABLE_FIELDS.get(resourceName(kind)) ?? {};
  return Object.fromEntries(kind.custom.selectableFields.map((field) => [field, path(...field.split("."))]));
}

function readerOf(field: string, own: Readonly<Record<string, FieldReader>>): FieldReader | undefined {
  if (field === "metadata.name") return (object) => object.metadata.name;
  if (field === "metadata.namespace") return (object) => object.metadata.namespace ?? "";
  return Object.hasOwn(own, field) ? own[field] : undefined;
}

function splitUnescaped(text: string): readonly string[] {
  return (text.match(/(?:\\.|[^,\\])+/gs) ?? []).filter((term) => term.trim() !== "");
}
