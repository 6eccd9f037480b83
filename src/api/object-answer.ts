import { listKindOf } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { PROTOBUF } from "./accept.ts";
import { encoded } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { presentList, presentObject } from "./present.ts";
import type { ListMeta, Presentation } from "./present.ts";
import { encodeProtobufList, protobufEnvelope } from "./protobuf/envelope.ts";
import type { ServedResource } from "./served-resource.ts";
import { cellsOf, headerOfTable } from "./table/table.ts";

/** Characters of a list that are written at a time: other requests are served between two writes. */
const PART_CHARACTERS = 128 * 1024;

/** Returns the answer that holds one object as the client wants it. */
export function objectAnswer(
  httpStatus: number,
  object: KubeObject,
  presentation: Presentation,
  headers: Answer["headers"] = {},
): Answer {
  const { form, texts, resource } = presentation;
  if (form.encoding === "protobuf") {
    return { httpStatus, contentType: PROTOBUF, body: protobufAnswer(object, presentation), headers };
  }
  if (form.encoding === "json" && form.as === "Object") {
    return { httpStatus, contentType: "application/json", body: `${texts.object(object, resource)}\n`, headers };
  }
  return encoded(httpStatus, presentObject(object, presentation), form.encoding, headers);
}

/** Returns one object as the protobuf body of an answer. */
export function protobufAnswer(object: KubeObject, { texts, resource }: Presentation): Uint8Array {
  return protobufEnvelope(protobufKind(resource), texts.protobuf(object, resource));
}

function protobufKind(resource: ServedResource): { readonly apiVersion: string; readonly kind: string } {
  return { apiVersion: resource.apiVersion, kind: resource.kind.kind };
}

/** Returns the answer that holds a list as the client wants it; JSON is made while it is sent. */
export function listAnswer(items: readonly KubeObject[], metadata: ListMeta, presentation: Presentation): Answer {
  if (presentation.form.encoding === "protobuf") {
    const { texts, resource } = presentation;
    const messages = items.map((item) => texts.protobuf(item, resource));
    const body = encodeProtobufList(messages, { ...metadata }, protobufKind(resource));
    return { httpStatus: 200, contentType: PROTOBUF, body };
  }
  if (presentation.form.encoding !== "json") {
    return encoded(200, presentList(items, metadata, presentation), presentation.form.encoding);
  }
  return { httpStatus: 200, contentType: "application/json", body: listParts(items, metadata, presentation) };
}

/** The list as JSON, in parts of some {@link PART_CHARACTERS}. */
function* listParts(
  items: readonly KubeObject[],
  metadata: ListMeta,
  presentation: Presentation,
): Generator<string, void> {
  const { head, tail } = frameOf(metadata, presentation);
  let part = head;
  let separator = "";
  for (const item of items) {
    part += separator + itemText(item, presentation);
    separator = ",";
    if (part.length < PART_CHARACTERS) continue;
    yield part;
    part = "";
  }
  yield `${part}${tail}\n`;
}

/** What stands before the items of a list, and after them. */
function frameOf(metadata: ListMeta, presentation: Presentation): { readonly head: string; readonly tail: string } {
  const { form, resource } = presentation;
  switch (form.as) {
    case "Object":
      return frame({ kind: listKindOf(resource.kind), apiVersion: resource.apiVersion, metadata }, "items");
    case "PartialObjectMetadata":
      return frame({ kind: "PartialObjectMetadataList", apiVersion: form.metaVersion, metadata }, "items");
    case "Table":
      return frame(headerOfTable(resource.kind, form.metaVersion, { ...metadata }), "rows");
    default:
      return form.as satisfies never;
  }
}

function frame(fields: object, list: string): { readonly head: string; readonly tail: string } {
  return { head: `${JSON.stringify(fields).slice(0, -1)},"${list}":[`, tail: "]}" };
}

function itemText(item: KubeObject, presentation: Presentation): string {
  const { form, texts, resource } = presentation;
  switch (form.as) {
    case "Object":
      return texts.object(item, resource);
    case "PartialObjectMetadata":
      return texts.metadata(item, form.metaVersion);
    case "Table":
      return rowText(item, presentation);
    default:
      return form.as satisfies never;
  }
}

/** One row of a Table as JSON. */
function rowText(item: KubeObject, presentation: Presentation): string {
  const cells = cellsOf(item, presentation.resource.kind, presentation.nowMs);
  const text = `{"cells":${JSON.stringify(cells)}`;
  switch (presentation.includeObject) {
    case "None":
      return `${text}}`;
    case "Metadata":
      return `${text},"object":${presentation.texts.metadata(item, presentation.form.metaVersion)}}`;
    case "Object":
      return `${text},"object":${presentation.texts.object(item, presentation.resource)}}`;
    default:
      return presentation.includeObject satisfies never;
  }
}

/** One object of a watch as JSON: as it is, its metadata, or a Table of one row, with the headers of the columns or not. */
export function watchedText(object: KubeObject, presentation: Presentation, withHeaders: boolean): string {
  const { form, texts } = presentation;
  if (form.as !== "Table") return itemText(object, presentation);
  const name = `${form.metaVersion} ${presentation.includeObject} ${presentation.resource.apiVersion} ${String(withHeaders)}`;
  return texts.row(object, name, presentation.nowMs, () => {
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    const header = headerOfTable(presentation.resource.kind, form.metaVersion, metadata, withHeaders);
    const { head, tail } = frame(header, "rows");
    return `${head}${rowText(object, presentation)}${tail}`;
  });
}
