import { arrayAt, booleanAt, isRecord, recordAt, stringAt, stringsAt } from "../../ground/json.ts";
import type { Kind } from "../kind.ts";
import type { KubeObject } from "../object.ts";
import { topLevel } from "../schema/metadata.ts";
import type { Schema } from "../schema/schema.ts";
import type { ScalePaths } from "./custom-kind.ts";
import { parseSchema } from "./parse-schema.ts";
import type { PrinterColumn } from "./printer-columns.ts";
import { byVersionPriority } from "./version-priority.ts";

/** One served version of a kind that a CustomResourceDefinition defines. */
export interface DefinedVersion {
  readonly kind: Kind;
  /** The sentence of a Warning header; undefined unless the version is deprecated. */
  readonly deprecation: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** Returns the served versions of the kind that a stored CustomResourceDefinition defines, the preferred one first. */
export function parseDefinition(definition: KubeObject): readonly DefinedVersion[] {
  const spec = recordAt(definition, "spec");
  const versions = arrayAt(spec, "versions").filter(isRecord);
  const stored = versions.find((version) => version["storage"] === true);
  const served = versions.filter((version) => version["served"] === true);
  if (stored === undefined) return [];
  const storedApiVersion = `${stringAt(spec, "group") ?? ""}/${stringAt(stored, "name") ?? ""}`;
  return served
    .map((version) => ({
      kind: kindOf(definition, spec, version, storedApiVersion),
      deprecation: deprecationOf(spec, version, served),
    }))
    .sort((left, right) => byVersionPriority(left.kind.version, right.kind.version));
}

function kindOf(definition: KubeObject, spec: Fields, version: Fields, storedApiVersion: string): Kind {
  const names = recordAt(spec, "names");
  const group = stringAt(spec, "group") ?? "";
  const kind = stringAt(names, "kind") ?? "";
  const name = stringAt(version, "name") ?? "";
  const subresources = recordAt(version, "subresources");
  return {
    group,
    version: name,
    kind,
    plural: stringAt(names, "plural") ?? "",
    singular: stringAt(names, "singular") ?? kind.toLowerCase(),
    shortNames: stringsAt(names, "shortNames"),
    categories: stringsAt(names, "categories"),
    namespaced: spec["scope"] === "Namespaced",
    hasStatus: subresources["status"] !== undefined && subresources["status"] !== null,
    hasGeneration: true,
    custom: {
      schema: rootSchema(`${group.split(".").toReversed().join(".")}.${name}.${kind}`, version),
      storedApiVersion,
      listKind: stringAt(names, "listKind") ?? `${kind}List`,
      columns: columnsOf(version),
      scale: isRecord(subresources["scale"]) ? scaleOf(subresources["scale"]) : undefined,
      selectableFields: arrayAt(version, "selectableFields").flatMap(
        (field) => stringAt(field, "jsonPath")?.replace(/^\./, "") ?? [],
      ),
      isTerminating: definition.metadata.deletionTimestamp !== undefined,
    },
  };
}

/** Type and metadata are those of any object, whatever the definition says of them. */
function rootSchema(name: string, version: Fields): Schema {
  const written = parseSchema(recordAt(version, "schema")["openAPIV3Schema"]);
  const { properties = {}, description = "", type: _, ...rest } = written;
  const { apiVersion: __, kind: ___, metadata: ____, ...own } = properties;
  return topLevel(name, description, own, rest);
}

const AGE: PrinterColumn = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "How long ago the object was created.",
};

const COLUMN_TYPES = ["string", "integer", "number", "boolean", "date"] as const;

function columnsOf(version: Fields): readonly PrinterColumn[] {
  const written = arrayAt(version, "additionalPrinterColumns").filter(isRecord);
  if (written.length === 0) return [AGE];
  return written.map((column) => ({
    name: stringAt(column, "name") ?? "",
    type: COLUMN_TYPES.find((type) => type === column["type"]) ?? "string",
    jsonPath: stringAt(column, "jsonPath") ?? "",
    // A description that is missing is replaced by a server by what it says of such columns.
    description:
      stringAt(column, "description") ??
      `Custom resource definition column (in JSONPath format): ${stringAt(column, "jsonPath") ?? ""}`,
    format: stringAt(column, "format") ?? "",
    priority: typeof column["priority"] === "number" ? column["priority"] : 0,
  }));
}

function scaleOf(scale: Fields): ScalePaths {
  const selector = stringAt(scale, "labelSelectorPath") ?? "";
  return {
    specReplicas: fieldsOf(stringAt(scale, "specReplicasPath") ?? ""),
    statusReplicas: fieldsOf(stringAt(scale, "statusReplicasPath") ?? ""),
    labelSelector: selector === "" ? undefined : fieldsOf(selector),
  };
}

function fieldsOf(path: string): readonly string[] {
  return path.split(".").filter((name) => name !== "");
}

function deprecationOf(spec: Fields, version: Fields, served: readonly Fields[]): string | undefined {
  if (booleanAt(version, "deprecated") !== true) return undefined;
  const said = stringAt(version, "deprecationWarning");
  if (said !== undefined) return said;
  const group = stringAt(spec, "group") ?? "";
  const kind = stringAt(recordAt(spec, "names"), "kind") ?? "";
  const name = stringAt(version, "name") ?? "";
  const better = served
    .filter((other) => booleanAt(other, "deprecated") !== true)
    .map((other) => stringAt(other, "name") ?? "")
    .sort(byVersionPriority)
    .find((other) => byVersionPriority(other, name) < 0);
  const sentence = `${group}/${name} ${kind} is deprecated`;
  return better === undefined ? sentence : `${sentence}; use ${group}/${better} ${kind}`;
}
