import { apiVersionOf, listKindOf } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { OutputForm } from "./accept.ts";
import { fromStored } from "./convert/convert.ts";
import type { ObjectTexts } from "./object-texts.ts";
import type { ServedResource } from "./served-resource.ts";
import { badRequest } from "./status.ts";
import { partialMetadata, tableOf } from "./table/table.ts";

/** In what shape stored objects go out. */
export interface Presentation {
  readonly resource: ServedResource;
  readonly form: OutputForm;
  /** What a Table's rows carry of their objects. */
  readonly includeObject: "None" | "Metadata" | "Object";
  readonly nowMs: number;
  /** The JSON of objects that was written before. */
  readonly texts: ObjectTexts;
}

/** The `metadata` of a list. */
export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** Returns what a Table's rows carry as the query asks. Throws BadRequest for a word that is none of the three. */
export function parseIncludeObject(query: URLSearchParams): Presentation["includeObject"] {
  const asked = query.get("includeObject") ?? "";
  if (asked === "") return "Metadata";
  if (asked === "None" || asked === "Metadata" || asked === "Object") return asked;
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(asked)}`);
}

/** Returns a stored object in the version under which it is served. */
export function served(object: KubeObject, resource: ServedResource): KubeObject {
  return fromStored(resource.kind, object, resource.apiVersion);
}

/** Returns one object as the client wants it. */
export function presentObject(object: KubeObject, presentation: Presentation): unknown {
  const shown = served(object, presentation.resource);
  switch (presentation.form.as) {
    case "Object":
      return shown;
    case "PartialObjectMetadata":
      return partialMetadata(shown, presentation.form.metaVersion);
    case "Table":
      return table([object], { resourceVersion: object.metadata.resourceVersion }, presentation);
    default:
      return presentation.form.as satisfies never;
  }
}

/** Returns a list as the client wants it. */
export function presentList(items: readonly KubeObject[], metadata: ListMeta, presentation: Presentation): unknown {
  const { resource, form } = presentation;
  const isStoredVersion = resource.apiVersion === apiVersionOf(resource.kind);
  const shown = isStoredVersion ? items : items.map((item) => served(item, resource));
  switch (form.as) {
    case "Object":
      return { kind: listKindOf(resource.kind), apiVersion: resource.apiVersion, metadata, items: shown };
    case "PartialObjectMetadata":
      return {
        kind: "PartialObjectMetadataList",
        apiVersion: form.metaVersion,
        metadata,
        items: shown.map((item) => partialMetadata(item, form.metaVersion)),
      };
    case "Table":
      return table(items, { ...metadata }, presentation);
    default:
      return form.as satisfies never;
  }
}

function table(
  objects: readonly KubeObject[],
  metadata: Readonly<Record<string, unknown>>,
  presentation: Presentation,
): unknown {
  return tableOf(objects, {
    kind: presentation.resource.kind,
    metaVersion: presentation.form.metaVersion,
    metadata,
    includeObject: presentation.includeObject,
    show: (object) => served(object, presentation.resource),
    nowMs: presentation.nowMs,
  });
}
