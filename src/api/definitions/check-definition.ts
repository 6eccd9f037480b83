import { arrayAt, booleanAt, isRecord, jsonEqual, recordAt, stringAt, stringsAt } from "../../ground/json.ts";
import { parseJsonPath } from "../table/json-path.ts";
import type { FieldError } from "../validate/field-error.ts";
import { forbiddenField, invalidValue, notSupported, required, tooMany } from "../validate/field-error.ts";
import { serviceName as label1035, subdomain } from "../validate/name-rules.ts";
import { checkRules } from "./check-rules.ts";
import { checkSchemaRules } from "./check-schema-rules.ts";
import { checkStructuralSchema } from "./check-structural-schema.ts";
import { APPROVAL_ANNOTATION, isProtectedGroup, isTrueOf } from "./definition-status.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Versions of one definition; each costs a schema. */
const VERSIONS_MAX = 32;
/** JSON of one schema, in characters: some three times the largest that is known. */
const SCHEMA_CHARACTERS_MAX = 2 * 1024 * 1024;
const SELECTABLE_FIELDS_MAX = 8;
const DEPRECATION_WARNING_CHARACTERS_MAX = 256;

/** Checks a CustomResourceDefinition, in the words of a real server. */
export function checkDefinition(object: Fields): readonly FieldError[] {
  const spec = recordAt(object, "spec");
  const names = recordAt(spec, "names");
  return [
    ...checkName(object, spec, names),
    ...checkGroup(spec),
    ...oneOf("spec.scope", spec["scope"], ["Cluster", "Namespaced"]),
    ...checkVersions(spec),
    ...checkNames(names),
    ...checkConversion(spec),
    ...checkApproval(object, spec),
  ];
}

/** Checks what may not change: a resource keeps its name, and a kind that was served its kind and scope. */
export function checkDefinitionUpdate(object: Fields, existing: Fields): readonly FieldError[] {
  const [spec, before] = [recordAt(object, "spec"), recordAt(existing, "spec")];
  const [names, namesBefore] = [recordAt(spec, "names"), recordAt(before, "names")];
  const wasServed = isTrueOf(existing, "Established");
  return [
    ...(wasServed ? immutable("spec.scope", spec["scope"], before["scope"]) : []),
    ...(wasServed ? immutable("spec.names.kind", names["kind"], namesBefore["kind"]) : []),
    ...immutable("spec.group", spec["group"], before["group"]),
    ...immutable("spec.names.plural", names["plural"], namesBefore["plural"]),
    ...checkStoredVersions(spec, recordAt(existing, "status")),
  ];
}

function immutable(field: string, value: unknown, old: unknown): readonly FieldError[] {
  return jsonEqual(value, old) ? [] : [invalidValue(field, value, "field is immutable")];
}

function checkName(object: Fields, spec: Fields, names: Fields): readonly FieldError[] {
  const name = stringAt(recordAt(object, "metadata"), "name") ?? "";
  const wanted = `${stringAt(names, "plural") ?? ""}.${stringAt(spec, "group") ?? ""}`;
  if (name === "" || name === wanted) return [];
  return [invalidValue("metadata.name", name, 'must be spec.names.plural+"."+spec.group')];
}

function checkGroup(spec: Fields): readonly FieldError[] {
  const group = stringAt(spec, "group") ?? "";
  if (group === "") return [required("spec.group")];
  const reasons = subdomain(group);
  if (reasons.length > 0) return [invalidValue("spec.group", group, reasons.join(","))];
  return group.includes(".") ? [] : [invalidValue("spec.group", group, "should be a domain with at least one dot")];
}

function oneOf(field: string, value: unknown, words: readonly string[]): readonly FieldError[] {
  if (value === undefined || value === "") return [required(field)];
  return words.some((word) => word === value) ? [] : [notSupported(field, value, words)];
}

function checkNames(names: Fields): readonly FieldError[] {
  const single = ["plural", "singular", "kind", "listKind"] as const;
  const missing = single.filter((field) => (stringAt(names, field) ?? "") === "");
  const listKind = stringAt(names, "listKind") ?? "";
  return [
    ...missing.map((field) => required(`spec.names.${field}`)),
    ...single.flatMap((field) => {
      const name = stringAt(names, field) ?? "";
      const isKind = field === "kind" || field === "listKind";
      const reasons = name === "" ? [] : label1035(isKind ? name.toLowerCase() : name);
      const prefix = isKind ? "may have mixed case, but should otherwise match: " : "";
      return reasons.length === 0 ? [] : [invalidValue(`spec.names.${field}`, name, prefix + reasons.join(","))];
    }),
    ...["shortNames", "categories"].flatMap((field) =>
      stringsAt(names, field).flatMap((name, index) => {
        const reasons = label1035(name);
        const path = `spec.names.${field}[${String(index)}]`;
        return reasons.length === 0 ? [] : [invalidValue(path, name, reasons.join(","))];
      }),
    ),
    ...(listKind !== "" && listKind === names["kind"]
      ? [invalidValue("spec.names.listKind", listKind, "kind and listKind may not be the same")]
      : []),
  ];
}

function checkVersions(spec: Fields): readonly FieldError[] {
  const versions = arrayAt(spec, "versions").filter(isRecord);
  const names = versions.map((version) => stringAt(version, "name") ?? "");
  const stored = versions.filter((version) => version["storage"] === true);
  if (versions.length > VERSIONS_MAX) return [tooMany("spec.versions", versions.length, VERSIONS_MAX)];
  return [
    ...versions.flatMap((version, index) => checkVersion(version, index, versions)),
    ...(new Set(names).size < names.length
      ? [invalidValue("spec.versions", versions, "must contain unique version names")]
      : []),
    ...(stored.length === 1
      ? []
      : [invalidValue("spec.versions", versions, "must have exactly one version marked as storage version")]),
  ];
}

function checkVersion(version: Fields, index: number, versions: readonly Fields[]): readonly FieldError[] {
  const path = `spec.versions[${String(index)}]`;
  const name = stringAt(version, "name") ?? "";
  const reasons = label1035(name);
  const schema = recordAt(version, "schema")["openAPIV3Schema"];
  return [
    ...(isRecord(schema) ? [] : [required(`${path}.schema.openAPIV3Schema`)]),
    ...(reasons.length === 0 ? [] : [invalidValue(`${path}.name`, name, reasons.join(","))]),
    ...checkDeprecation(version, path),
    ...checkParts(version, path, (field) =>
      isShared(field, versions) ? sharedPath(field, index) : `${path}.${field}`,
    ),
  ];
}

/** Parts that may be the same in all versions. */
type Part = "schema" | "subresources" | "additionalPrinterColumns" | "selectableFields";

/** A server keeps what is the same in all versions in one place, and speaks of that. */
function isShared(part: Part, versions: readonly Fields[]): boolean {
  const [first] = versions;
  return versions.every((version) => version[part] !== undefined && jsonEqual(version[part], first?.[part]));
}

/** Undefined: it was looked at with the first version. */
function sharedPath(part: Part, index: number): string | undefined {
  if (index > 0) return undefined;
  return part === "schema" ? "spec.validation" : `spec.${part}`;
}

function checkParts(
  version: Fields,
  versionPath: string,
  pathOf: (part: Part) => string | undefined,
): readonly FieldError[] {
  const schema = recordAt(version, "schema")["openAPIV3Schema"];
  const [inSchema, inSubresources] = [pathOf("schema"), pathOf("subresources")];
  const [inColumns, inFields] = [pathOf("additionalPrinterColumns"), pathOf("selectableFields")];
  return [
    ...(isRecord(schema) && inSchema !== undefined ? checkSchema(schema, version, `${inSchema}.openAPIV3Schema`) : []),
    ...(inSubresources === undefined ? [] : checkSubresources(recordAt(version, "subresources"), inSubresources)),
    ...(inColumns === undefined
      ? []
      : arrayAt(version, "additionalPrinterColumns").flatMap((column, index) =>
          checkColumn(column, `${inColumns}[${String(index)}]`),
        )),
    ...checkSelectableFields(version, schema, inFields ?? `${versionPath}.selectableFields`),
  ];
}

function checkDeprecation(version: Fields, path: string): readonly FieldError[] {
  const warning = stringAt(version, "deprecationWarning");
  if (warning === undefined) return [];
  const refuse = (why: string): readonly FieldError[] => [invalidValue(`${path}.deprecationWarning`, warning, why)];
  if (booleanAt(version, "deprecated") !== true) return refuse("can only be set for deprecated versions");
  if (warning === "") return refuse("must not be an empty string");
  if (warning.length > DEPRECATION_WARNING_CHARACTERS_MAX) return refuse("must be <= 256 characters long");
  const at = warning.search(/[^\P{C}]|[\p{Zl}\p{Zp}]/u);
  if (at < 0) return [];
  return refuse(`must only contain printable UTF-8 characters; non-printable character found at index ${String(at)}`);
}

function checkSchema(schema: Fields, version: Fields, path: string): readonly FieldError[] {
  if (JSON.stringify(schema).length > SCHEMA_CHARACTERS_MAX) {
    return [forbiddenField(path, `must have at most ${String(SCHEMA_CHARACTERS_MAX)} characters of JSON`)];
  }
  const rules = checkSchemaRules(schema, path, recordAt(version, "subresources")["status"] !== undefined);
  if (rules.length > 0) return rules;
  const structure = checkStructuralSchema(schema, path);
  return structure.length > 0 ? structure : checkRules(schema, path);
}

function checkSubresources(subresources: Fields, path: string): readonly FieldError[] {
  if (!isRecord(subresources["scale"])) return [];
  const scale = subresources["scale"];
  const check = (field: string, under: string, isRequired: boolean): readonly FieldError[] => {
    const value = stringAt(scale, field) ?? "";
    if (value === "") return isRequired ? [required(`${path}.scale.${field}`)] : [];
    if (!isSimplePath(value)) return [invalidValue(`${path}.scale.${field}`, value, "is an invalid path")];
    if (value.startsWith(under)) return [];
    return [invalidValue(`${path}.scale.${field}`, value, `should be a json path under ${under.slice(0, -1)}`)];
  };
  return [
    ...check("specReplicasPath", ".spec.", true),
    ...check("statusReplicasPath", ".status.", true),
    ...(/^\.(?:spec|status)\./.test(stringAt(scale, "labelSelectorPath") ?? "")
      ? []
      : check("labelSelectorPath", ".status.", false)),
  ];
}

function isSimplePath(path: string): boolean {
  return /^(?:\.[A-Za-z0-9_-]+)+$/.test(path);
}

const COLUMN_TYPES: readonly string[] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: readonly string[] = [
  "byte",
  "date",
  "date-time",
  "double",
  "float",
  "int32",
  "int64",
  "password",
];

function checkColumn(column: unknown, path: string): readonly FieldError[] {
  const type = stringAt(column, "type") ?? "";
  const format = stringAt(column, "format") ?? "";
  const jsonPath = stringAt(column, "jsonPath") ?? "";
  const wrongType = `must be one of ${COLUMN_TYPES.join(",")}`;
  return [
    ...((stringAt(column, "name") ?? "") === "" ? [required(`${path}.name`)] : []),
    ...(type === "" ? [required(`${path}.type`, wrongType)] : []),
    ...(type !== "" && !COLUMN_TYPES.includes(type) ? [invalidValue(`${path}.type`, type, wrongType)] : []),
    ...(format !== "" && !COLUMN_FORMATS.includes(format)
      ? [invalidValue(`${path}.format`, format, `must be one of ${COLUMN_FORMATS.join(",")}`)]
      : []),
    ...(jsonPath === "" ? [required(`${path}.JSONPath`)] : []),
    ...(jsonPath !== "" && parseJsonPath(jsonPath) === undefined
      ? [invalidValue(`${path}.JSONPath`, jsonPath, "must be a simple json path starting with .")]
      : []),
  ];
}

function checkSelectableFields(version: Fields, schema: unknown, path: string): readonly FieldError[] {
  const seen = new Set<string>();
  const errors = arrayAt(version, "selectableFields").flatMap((field, index): readonly FieldError[] => {
    const at = `${path}[${String(index)}].jsonPath`;
    const jsonPath = stringAt(field, "jsonPath") ?? "";
    if (jsonPath === "") return [required(at)];
    if (jsonPath.startsWith(".metadata")) {
      return [invalidValue(at, jsonPath, "must not point to fields in metadata")];
    }
    const found = jsonPath
      .split(".")
      .slice(1)
      .reduce<Fields>((inner, name) => recordAt(recordAt(inner, "properties"), name), isRecord(schema) ? schema : {});
    if (!isSimplePath(jsonPath) || Object.keys(found).length === 0) {
      return [invalidValue(at, jsonPath, "is an invalid path: does not refer to a valid field")];
    }
    if (!["string", "boolean", "integer"].includes(stringAt(found, "type") ?? "")) {
      const why =
        "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
      return [invalidValue(at, jsonPath, why)];
    }
    const isTwice = seen.has(jsonPath);
    seen.add(jsonPath);
    return isTwice
      ? [{ reason: "FieldValueDuplicate", message: `Duplicate value: ${JSON.stringify(jsonPath)}`, field: at }]
      : [];
  });
  return seen.size > SELECTABLE_FIELDS_MAX ? [...errors, tooMany(path, seen.size, SELECTABLE_FIELDS_MAX)] : errors;
}

function checkConversion(spec: Fields): readonly FieldError[] {
  const conversion = recordAt(spec, "conversion");
  const strategy = conversion["strategy"];
  const errors = oneOf("spec.conversion.strategy", strategy, ["None", "Webhook"]);
  if (strategy === "Webhook") {
    const webhook = recordAt(conversion, "webhook");
    return [
      ...errors,
      ...(isRecord(webhook["clientConfig"])
        ? []
        : [required("spec.conversion.webhookClientConfig", "required when strategy is set to Webhook")]),
      ...(stringsAt(webhook, "conversionReviewVersions").length === 0
        ? [required("spec.conversion.conversionReviewVersions")]
        : []),
    ];
  }
  return isRecord(conversion["webhook"])
    ? [
        ...errors,
        forbiddenField("spec.conversion.webhookClientConfig", "should not be set when strategy is not set to Webhook"),
      ]
    : errors;
}

function checkApproval(object: Fields, spec: Fields): readonly FieldError[] {
  const group = stringAt(spec, "group") ?? "";
  if (!isProtectedGroup(group)) return [];
  const field = `metadata.annotations[${APPROVAL_ANNOTATION}]`;
  const said = stringAt(recordAt(recordAt(object, "metadata"), "annotations"), APPROVAL_ANNOTATION) ?? "";
  const see = "see https://github.com/kubernetes/enhancements/pull/1111";
  if (said === "") {
    return [
      required(field, `protected groups must have approval annotation ${JSON.stringify(APPROVAL_ANNOTATION)}, ${see}`),
    ];
  }
  if (said.startsWith("unapproved") || /^https?:\/\/[^/\s]+/.test(said)) return [];
  const why = `protected groups must have approval annotation ${JSON.stringify(APPROVAL_ANNOTATION)} with either a URL or a reason starting with "unapproved", ${see}`;
  return [invalidValue(field, said, why)];
}

function checkStoredVersions(spec: Fields, status: Fields): readonly FieldError[] {
  const names = new Set(arrayAt(spec, "versions").map((version) => stringAt(version, "name") ?? ""));
  return stringsAt(status, "storedVersions").flatMap((version, index) =>
    names.has(version)
      ? []
      : [
          invalidValue(
            `status.storedVersions[${String(index)}]`,
            version,
            `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`,
          ),
        ],
  );
}
