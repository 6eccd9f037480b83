import { arrayAt, isRecord, recordAt, stringAt } from "../../ground/json.ts";
import { isKnownFormat } from "../validate/string-format.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Returns what whoever applies a CustomResourceDefinition should know: formats that nobody checks. */
export function warnAboutDefinition(definition: Fields): readonly string[] {
  const formats = new Set<string>();
  for (const version of arrayAt(recordAt(definition, "spec"), "versions")) {
    collectFormats(recordAt(version, "schema")["openAPIV3Schema"], formats);
  }
  return [...formats]
    .filter((format) => !isKnownFormat(format))
    .sort()
    .map((format) => `unrecognized format ${JSON.stringify(format)}`);
}

function collectFormats(schema: unknown, formats: Set<string>): void {
  if (!isRecord(schema)) return;
  const format = stringAt(schema, "format") ?? "";
  if (format !== "") formats.add(format);
  for (const inner of Object.values(recordAt(schema, "properties"))) collectFormats(inner, formats);
  for (const key of ["items", "additionalProperties", "not"]) collectFormats(schema[key], formats);
  for (const key of ["allOf", "anyOf", "oneOf"]) {
    for (const inner of arrayAt(schema, key)) collectFormats(inner, formats);
  }
}
