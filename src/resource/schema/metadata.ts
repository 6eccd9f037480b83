import type { Extras, Schema } from "./schema.ts";
import {
  TEXT,
  atomicList,
  flag,
  int64,
  keyedList,
  listOf,
  mergedBy,
  moment,
  struct,
  text,
  textMap,
  use,
} from "./schema.ts";

const META = "io.k8s.apimachinery.pkg.apis.meta.v1";

const FIELDS_V1: Schema = {
  name: `${META}.FieldsV1`,
  type: "object",
  description:
    "A set of fields as a tree: f:name is a field, k:{…} a list item by key, v:… by value, a dot the parent.",
  "x-kubernetes-preserve-unknown-fields": true,
  goType: "v1.FieldsV1",
};

const MANAGED_FIELDS_ENTRY: Schema = struct(`${META}.ManagedFieldsEntry`, "The fields that one manager set last.", {
  apiVersion: text("Version of the object that the fields are written in."),
  fieldsType: text("Format of the field set; always FieldsV1."),
  fieldsV1: use(FIELDS_V1, "The set of fields."),
  manager: text("Name of the workflow or program that set the fields."),
  operation: text("How they were set: Apply or Update.", { goType: "v1.ManagedFieldsOperationType" }),
  subresource: text("Subresource they were set through; empty for the object itself."),
  time: moment("When the manager's fields last changed."),
});

const OWNER_REFERENCE: Schema = struct(
  `${META}.OwnerReference`,
  "Names an object that this one belongs to and is deleted with.",
  {
    apiVersion: text("API version of the owner.", { default: "" }),
    blockOwnerDeletion: flag("Whether a foreground deletion of the owner waits for this object.", { keepsEmpty: true }),
    controller: flag("Whether the owner is the controller that manages this object.", { keepsEmpty: true }),
    kind: text("Kind of the owner.", { default: "" }),
    name: text("Name of the owner.", { default: "" }),
    uid: text("Unique id of the owner.", { default: "", goType: "types.UID" }),
  },
  { required: ["apiVersion", "kind", "name", "uid"], "x-kubernetes-map-type": "atomic" },
);

/** The metadata of every object: one definition, shared by built-in and custom kinds. */
export const OBJECT_META: Schema = struct(
  `${META}.ObjectMeta`,
  "What every stored object carries: names, labels and history.",
  {
    annotations: textMap("Free-form notes for tools; not used for selecting."),
    creationTimestamp: moment("When the object was created; set by the server."),
    deletionGracePeriodSeconds: int64("Seconds the object has to shut down once it is being deleted.", {
      keepsEmpty: true,
    }),
    deletionTimestamp: moment("When deletion was asked for; the object is gone once its finalizers are."),
    finalizers: listOf(TEXT, "Names that must be removed before the object is deleted.", {
      "x-kubernetes-list-type": "set",
      "x-kubernetes-patch-strategy": "merge",
    }),
    generateName: text("Prefix for a name the server makes unique when no name is given."),
    generation: int64("Counts changes of the wanted state."),
    labels: textMap("Names and values by which objects are selected."),
    managedFields: atomicList(MANAGED_FIELDS_ENTRY, "Who set which fields; kept by the server."),
    name: text("Name, unique among objects of the kind in the namespace."),
    namespace: text("Namespace the object lives in."),
    ownerReferences: keyedList(OWNER_REFERENCE, ["uid"], "Objects this one is deleted with.", mergedBy("uid")),
    resourceVersion: text("Version of the stored object; a write with an old one is refused."),
    selfLink: text("No longer set."),
    uid: text("Unique id of this object in time and space.", { goType: "types.UID" }),
  },
);

/** The apiVersion and kind that open every object. */
const TYPE_META: Readonly<Record<string, Schema>> = {
  apiVersion: text("Group and version of the kind."),
  kind: text("Kind of the object."),
};

/** Makes the schema of a whole object of a kind: type, metadata and `properties`. */
export function topLevel(
  name: string,
  description: string,
  properties: Readonly<Record<string, Schema>>,
  extras: Extras = {},
): Schema {
  return struct(
    name,
    description,
    {
      ...TYPE_META,
      metadata: use(OBJECT_META, "Names, labels, annotations and history.", { default: {} }),
      ...properties,
    },
    extras,
  );
}

/** A condition as newer kinds have it. */
export const CONDITION: Schema = struct(
  `${META}.Condition`,
  "One aspect of an object's state.",
  {
    lastTransitionTime: moment("When the status last changed."),
    message: text("Explanation for people.", { default: "" }),
    observedGeneration: int64("Generation of the object that the condition speaks of."),
    reason: text("Explanation for programs, in CamelCase.", { default: "" }),
    status: text("True, False or Unknown.", { default: "", goType: "v1.ConditionStatus" }),
    type: text("What the condition is about.", { default: "" }),
  },
  { required: ["type", "status", "lastTransitionTime", "reason", "message"] },
);
