import { CONDITION, topLevel } from "./metadata.ts";
import { TEXT, atomicList, flag, int32, keyedList, listOf, mapOf, struct, text, use, type Schema } from "./schema.ts";

const V1 = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";

/** Zeros and false say something here, where other kinds leave them out. */
const KEPT = { keepsEmpty: true } as const;

const ANY: Schema = { description: "Any value of JSON." };
const amount = (description: string): Schema => ({ type: "number", description, ...KEPT });
const count = (description: string): Schema => ({ type: "integer", format: "int64", description, ...KEPT });

const RULE: Schema = struct(
  `${V1}.ValidationRule`,
  "A rule in the Common Expression Language that values must keep.",
  {
    rule: text("The expression; self is the value, oldSelf what it replaces.", KEPT),
    message: text("What to say of a value that breaks it."),
    messageExpression: text("An expression that makes the message."),
    reason: text("The reason of the refusal, for programs."),
    fieldPath: text("The field inside of the value that is to blame."),
    optionalOldSelf: flag("Whether a rule with oldSelf is asked of new values too.", KEPT),
  },
  { required: ["rule"] },
);

const PROPERTIES: Record<string, Schema> = {
  type: text("The type of the value."),
  format: text("What a text or number must look like."),
  title: text("A short name."),
  description: text("What the field means; kubectl explain prints it."),
  default: ANY,
  example: ANY,
  enum: atomicList(ANY, "The values there may be."),
  pattern: text("A regular expression that a text must match."),
  minimum: amount("The least number."),
  exclusiveMinimum: flag("Whether the least number itself is too small."),
  maximum: amount("The greatest number."),
  exclusiveMaximum: flag("Whether the greatest number itself is too great."),
  multipleOf: amount("A number must be a multiple of this."),
  minLength: count("The shortest text."),
  maxLength: count("The longest text."),
  minItems: count("The shortest list."),
  maxItems: count("The longest list."),
  uniqueItems: flag("Whether items must differ; may not be used."),
  minProperties: count("How many entries there must be."),
  maxProperties: count("How many entries there may be."),
  required: atomicList(TEXT, "The fields that must be there."),
  nullable: flag("Whether null is a value."),
  externalDocs: struct(`${V1}.ExternalDocumentation`, "Where to read more.", {
    description: text("What is found there."),
    url: text("Where it is."),
  }),
  id: text("May not be used."),
  $schema: text("May not be used."),
  $ref: text("May not be used.", KEPT),
  additionalItems: ANY,
  dependencies: ANY,
  // A schema, or whether there may be other fields at all.
  additionalProperties: ANY,
  "x-kubernetes-preserve-unknown-fields": flag("Whether unknown fields are kept.", KEPT),
  "x-kubernetes-embedded-resource": flag("Whether the value is a whole object."),
  "x-kubernetes-int-or-string": flag("Whether the value is a number or a text."),
  "x-kubernetes-list-type": text("How lists are merged: atomic, set or map.", KEPT),
  "x-kubernetes-list-map-keys": atomicList(TEXT, "The fields that tell items of a list apart."),
  "x-kubernetes-map-type": text("How objects are merged: atomic or granular.", KEPT),
  "x-kubernetes-validations": keyedList(RULE, ["rule"], "Rules that the value must keep."),
};

const JSON_SCHEMA: Schema = struct(`${V1}.JSONSchemaProps`, "A schema of OpenAPI v3.", PROPERTIES);

// A schema holds schemas.
PROPERTIES["items"] = use(JSON_SCHEMA, "The schema of the items.");
PROPERTIES["properties"] = mapOf(JSON_SCHEMA, "The schemas of the fields.");
PROPERTIES["not"] = use(JSON_SCHEMA, "What the value must not fit.");
for (const word of ["allOf", "anyOf", "oneOf"]) PROPERTIES[word] = atomicList(JSON_SCHEMA, "Alternatives.");
for (const word of ["definitions", "patternProperties"]) PROPERTIES[word] = mapOf(JSON_SCHEMA, "May not be used.");

const NAMES: Schema = struct(
  `${V1}.CustomResourceDefinitionNames`,
  "What the kind is called.",
  {
    plural: text("Its name in paths.", KEPT),
    singular: text("Its name on the command line."),
    kind: text("Its name in objects.", KEPT),
    listKind: text("The kind of lists of it."),
    shortNames: atomicList(TEXT, "Shorter names for the command line."),
    categories: atomicList(TEXT, "Groups of kinds that it belongs to, such as all."),
  },
  { required: ["plural", "kind"] },
);

const COLUMN: Schema = struct(
  `${V1}.CustomResourceColumnDefinition`,
  "A column that kubectl get prints.",
  {
    name: text("Its heading.", KEPT),
    type: text("string, integer, number, boolean or date.", KEPT),
    jsonPath: text("Where its value is in the object.", KEPT),
    description: text("What it shows."),
    format: text("The format of its value."),
    priority: int32("Above 0: printed with -o wide only."),
  },
  { required: ["name", "type", "jsonPath"] },
);

const SUBRESOURCES: Schema = struct(
  `${V1}.CustomResourceSubresources`,
  "Parts of an object with a path of their own.",
  {
    status: struct(
      `${V1}.CustomResourceSubresourceStatus`,
      "The status is written apart from the rest.",
      {},
      {
        "x-kubernetes-preserve-unknown-fields": true,
      },
    ),
    scale: struct(
      `${V1}.CustomResourceSubresourceScale`,
      "How many replicas are wanted and there.",
      {
        specReplicasPath: text("Where the wanted number is.", KEPT),
        statusReplicasPath: text("Where the present number is.", KEPT),
        labelSelectorPath: text("Where the selector of the replicas is."),
      },
      { required: ["specReplicasPath", "statusReplicasPath"] },
    ),
  },
);

const VERSION: Schema = struct(
  `${V1}.CustomResourceDefinitionVersion`,
  "One version of the kind.",
  {
    name: text("Its name, such as v1.", KEPT),
    served: flag("Whether it can be asked for.", KEPT),
    storage: flag("Whether objects are stored in it; one version is.", KEPT),
    deprecated: flag("Whether whoever asks for it is warned."),
    deprecationWarning: text("The warning.", KEPT),
    schema: struct(`${V1}.CustomResourceValidation`, "What its objects look like.", {
      openAPIV3Schema: use(JSON_SCHEMA, "The schema of the whole object."),
    }),
    subresources: use(SUBRESOURCES, "Its subresources."),
    additionalPrinterColumns: atomicList(COLUMN, "What kubectl get prints beside the name."),
    selectableFields: atomicList(
      struct(`${V1}.SelectableField`, "A field.", { jsonPath: text("Where it is.", KEPT) }, { required: ["jsonPath"] }),
      "Fields by which lists can be selected.",
    ),
  },
  { required: ["name", "served", "storage"] },
);

const CONVERSION: Schema = struct(
  `${V1}.CustomResourceConversion`,
  "How objects get from one version to another.",
  {
    strategy: text("None: only the version changes. Webhook: somebody is asked.", KEPT),
    webhook: struct(undefined, "Who is asked.", {}, { "x-kubernetes-preserve-unknown-fields": true }),
  },
  { required: ["strategy"] },
);

/** `apiextensions.k8s.io/v1` CustomResourceDefinition. */
export const CUSTOM_RESOURCE_DEFINITION_SCHEMA: Schema = topLevel(
  `${V1}.CustomResourceDefinition`,
  "A kind that somebody adds to the API.",
  {
    spec: struct(
      `${V1}.CustomResourceDefinitionSpec`,
      "What the kind is.",
      {
        group: text("The API group it is in.", KEPT),
        names: use(NAMES, "What it is called."),
        scope: text("Namespaced or Cluster.", KEPT),
        versions: listOf(VERSION, "Its versions.", { "x-kubernetes-list-type": "atomic", ...KEPT }),
        conversion: use(CONVERSION, "How objects get from one version to another."),
        preserveUnknownFields: flag("No longer of use: say so in the schema."),
      },
      { required: ["group", "names", "scope", "versions"] },
    ),
    status: struct(`${V1}.CustomResourceDefinitionStatus`, "What became of it.", {
      acceptedNames: use(NAMES, "The names it is served by."),
      conditions: keyedList(CONDITION, ["type"], "How it stands.", KEPT),
      storedVersions: atomicList(TEXT, "Versions in which objects may be stored.", KEPT),
    }),
  },
  { required: ["spec"] },
);
