import type { Schema } from "./schema.ts";
import {
  atomicList,
  bytes,
  flag,
  int32,
  keyedList,
  mapOf,
  mergedBy,
  moment,
  struct,
  text,
  textMap,
  use,
} from "./schema.ts";
import { topLevel } from "./metadata.ts";

const CORE = "io.k8s.api.core.v1";

const NAMESPACE_SPEC: Schema = struct(`${CORE}.NamespaceSpec`, "What keeps the namespace alive.", {
  finalizers: atomicList(
    { type: "string", goType: "v1.FinalizerName" },
    "Names that must go before the namespace is deleted.",
  ),
});

const NAMESPACE_CONDITION: Schema = struct(
  `${CORE}.NamespaceCondition`,
  "One aspect of a namespace's state.",
  {
    lastTransitionTime: moment("When the status last changed."),
    message: text("Explanation for people."),
    reason: text("Explanation for programs."),
    status: text("True, False or Unknown.", { default: "", goType: "v1.ConditionStatus" }),
    type: text("What the condition is about.", { default: "", goType: "v1.NamespaceConditionType" }),
  },
  { required: ["type", "status"] },
);

const NAMESPACE_STATUS: Schema = struct(`${CORE}.NamespaceStatus`, "Where the namespace is in its life.", {
  conditions: keyedList(NAMESPACE_CONDITION, ["type"], "What holds up a deletion.", mergedBy("type")),
  phase: text("Active, or Terminating while it is being deleted.", { goType: "v1.NamespacePhase" }),
});

/** Namespace, core/v1. */
export const NAMESPACE_SCHEMA: Schema = topLevel(`${CORE}.Namespace`, "A scope for names.", {
  spec: use(NAMESPACE_SPEC, "What keeps the namespace alive.", { default: {} }),
  status: use(NAMESPACE_STATUS, "Where the namespace is in its life.", { default: {} }),
});

/** ConfigMap, core/v1. */
export const CONFIG_MAP_SCHEMA: Schema = topLevel(`${CORE}.ConfigMap`, "Configuration that programs read.", {
  binaryData: mapOf(bytes("Bytes in base64."), "Entries that are not UTF-8, in base64."),
  data: textMap("Entries by name."),
  immutable: flag("Whether the data may never change again.", { keepsEmpty: true }),
});

/** Secret, core/v1. */
export const SECRET_SCHEMA: Schema = topLevel(`${CORE}.Secret`, "Confidential data such as keys and passwords.", {
  data: mapOf(bytes("Bytes in base64."), "Entries by name, in base64."),
  immutable: flag("Whether the data may never change again.", { keepsEmpty: true }),
  stringData: textMap("Entries as plain text; written into data and never shown."),
  type: text("What the entries are for, such as kubernetes.io/tls; cannot change.", { goType: "v1.SecretType" }),
});

/** A reference to any object, core/v1. */
export const OBJECT_REFERENCE: Schema = struct(
  `${CORE}.ObjectReference`,
  "Points at an object.",
  {
    apiVersion: text("API version of the object."),
    fieldPath: text("A part of the object, as a path."),
    kind: text("Kind of the object."),
    name: text("Name of the object."),
    namespace: text("Namespace of the object."),
    resourceVersion: text("Version of the object that is meant."),
    uid: text("Unique id of the object.", { goType: "types.UID" }),
  },
  { "x-kubernetes-map-type": "atomic" },
);

const EVENT_SOURCE: Schema = struct(`${CORE}.EventSource`, "Who reports an event.", {
  component: text("Program that reports."),
  host: text("Machine it runs on."),
});

const EVENT_SERIES: Schema = struct(`${CORE}.EventSeries`, "Repetitions of an event.", {
  count: int32("How often it happened so far."),
  lastObservedTime: moment("When it last happened.", { goType: "v1.MicroTime" }),
});

/** Event, core/v1: the stored form. */
export const EVENT_SCHEMA: Schema = topLevel(
  `${CORE}.Event`,
  "Something that happened to an object.",
  {
    action: text("What was done to the object."),
    count: int32("How often it happened."),
    eventTime: moment("When it was first seen, with microseconds.", { goType: "v1.MicroTime", default: null }),
    firstTimestamp: moment("When it was first seen.", { default: null }),
    involvedObject: use(OBJECT_REFERENCE, "The object it is about.", { default: {} }),
    lastTimestamp: moment("When it was last seen.", { default: null }),
    message: text("What happened, for people."),
    reason: text("What happened, for programs, in CamelCase."),
    related: use(OBJECT_REFERENCE, "Another object that has to do with it."),
    reportingComponent: text("Controller that reports.", { default: "" }),
    reportingInstance: text("Instance of the controller.", { default: "" }),
    series: use(EVENT_SERIES, "Repetitions, when there are any."),
    source: use(EVENT_SOURCE, "Who reports.", { default: {} }),
    type: text("Normal or Warning."),
  },
  { required: ["metadata", "involvedObject"] },
);

const EVENTS = "io.k8s.api.events.v1";

const EVENTS_SERIES: Schema = struct(
  `${EVENTS}.EventSeries`,
  "Repetitions of an event.",
  {
    count: int32("How often it happened so far.", { default: 0 }),
    lastObservedTime: moment("When it last happened.", { goType: "v1.MicroTime" }),
  },
  { required: ["count", "lastObservedTime"] },
);

/** Event, events.k8s.io/v1: the same object under newer field names. */
export const EVENTS_EVENT_SCHEMA: Schema = topLevel(
  `${EVENTS}.Event`,
  "Something that happened to an object.",
  {
    action: text("What was done to the object."),
    deprecatedCount: int32("How often it happened, as older clients count."),
    deprecatedFirstTimestamp: moment("When it was first seen, for older clients."),
    deprecatedLastTimestamp: moment("When it was last seen, for older clients."),
    deprecatedSource: use(EVENT_SOURCE, "Who reports, for older clients."),
    eventTime: moment("When it was first seen, with microseconds.", { goType: "v1.MicroTime", default: null }),
    note: text("What happened, for people."),
    reason: text("What happened, for programs, in CamelCase."),
    regarding: use(OBJECT_REFERENCE, "The object it is about."),
    related: use(OBJECT_REFERENCE, "Another object that has to do with it."),
    reportingController: text("Controller that reports."),
    reportingInstance: text("Instance of the controller."),
    series: use(EVENTS_SERIES, "Repetitions, when there are any."),
    type: text("Normal or Warning."),
  },
  { required: ["eventTime"] },
);

const COORDINATION = "io.k8s.api.coordination.v1";

const LEASE_SPEC: Schema = struct(`${COORDINATION}.LeaseSpec`, "Who holds the lease and for how long.", {
  acquireTime: moment("When the holder got it.", { goType: "v1.MicroTime" }),
  holderIdentity: text("Who holds it.", { keepsEmpty: true }),
  leaseDurationSeconds: int32("Seconds after renewTime when others may take it.", { keepsEmpty: true }),
  leaseTransitions: int32("How often the holder changed.", { keepsEmpty: true }),
  preferredHolder: text("Who should hold it next.", { keepsEmpty: true }),
  renewTime: moment("When the holder last renewed it.", { goType: "v1.MicroTime" }),
  strategy: text("How the holder is chosen.", { goType: "v1.CoordinatedLeaseStrategy", keepsEmpty: true }),
});

/** Lease, coordination.k8s.io/v1. */
export const LEASE_SCHEMA: Schema = topLevel(`${COORDINATION}.Lease`, "A claim that one of several programs leads.", {
  spec: use(LEASE_SPEC, "Who holds the lease and for how long.", { default: {} }),
});
