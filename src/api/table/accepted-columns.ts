import { arrayAt, booleanAt, numberAt, recordAt, stringAt, stringMapAt } from "../../ground/json.ts";
import type { KubeObject } from "../../resource/object.ts";
import { AGE, CREATED_AT, NAME, column, labelsText } from "./column.ts";
import type { Column } from "./column.ts";
import { SUBJECT_COLUMNS } from "./storage-columns.ts";
import { age, humanDuration } from "./human-duration.ts";

function count(parent: "spec" | "status", field: string, fallback = 0): (object: KubeObject) => number {
  return (object) => numberAt(object[parent], field) ?? fallback;
}

function podSpec(object: KubeObject): unknown {
  return recordAt(recordAt(object["spec"], "template"), "spec");
}

function cronPod(object: KubeObject): unknown {
  return recordAt(recordAt(recordAt(recordAt(object["spec"], "jobTemplate"), "spec"), "template"), "spec");
}

function containers(pod: unknown, field: "name" | "image"): string {
  return arrayAt(pod, "containers")
    .map((entry) => stringAt(entry, field) ?? "")
    .join(",");
}

const CONTAINERS = column(
  "Containers",
  "The names of the containers.",
  (object) => containers(podSpec(object), "name"),
  {
    wide: true,
  },
);
const IMAGES = column("Images", "The images of the containers.", (object) => containers(podSpec(object), "image"), {
  wide: true,
});
const SELECTOR = column(
  "Selector",
  "The labels of its pods.",
  (object) => {
    const selector = recordAt(object["spec"], "selector");
    // The selector of a ReplicationController is the labels themselves.
    const isPlain = Object.values(selector).every((value) => typeof value === "string");
    return labelsText(isPlain ? stringMapAt(object["spec"], "selector") : stringMapAt(selector, "matchLabels"));
  },
  { wide: true },
);

const INTEGER = { type: "integer" } as const;

function readyOfWanted(object: KubeObject): string {
  return `${String(count("status", "readyReplicas")(object))}/${String(count("spec", "replicas", 1)(object))}`;
}

const UP_TO_DATE = column("Up-to-date", "How many pods have the newest template.", count("status", "updatedReplicas"));
const AVAILABLE = column("Available", "How many pods are available.", count("status", "availableReplicas"));

export const DEPLOYMENT_COLUMNS: readonly Column[] = [
  NAME,
  column("Ready", "How many pods are ready, of how many wanted.", readyOfWanted),
  UP_TO_DATE,
  AVAILABLE,
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
];

export const REPLICA_SET_COLUMNS: readonly Column[] = [
  NAME,
  column("Desired", "How many pods are wanted.", count("spec", "replicas", 1), INTEGER),
  column("Current", "How many pods there are.", count("status", "replicas"), INTEGER),
  column("Ready", "How many pods are ready.", count("status", "readyReplicas"), INTEGER),
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
];

export const STATEFUL_SET_COLUMNS: readonly Column[] = [
  NAME,
  column("Ready", "How many pods are ready, of how many wanted.", readyOfWanted),
  AGE,
  CONTAINERS,
  IMAGES,
];

export const DAEMON_SET_COLUMNS: readonly Column[] = [
  NAME,
  column("Desired", "How many nodes want a pod.", count("status", "desiredNumberScheduled"), INTEGER),
  column("Current", "How many nodes have a pod.", count("status", "currentNumberScheduled"), INTEGER),
  column("Ready", "How many pods are ready.", count("status", "numberReady"), INTEGER),
  column("Up-to-date", "How many pods have the newest template.", count("status", "updatedNumberScheduled"), INTEGER),
  column("Available", "How many pods are available.", count("status", "numberAvailable"), INTEGER),
  column("Node Selector", "The labels of the nodes.", (object) =>
    labelsText(stringMapAt(podSpec(object), "nodeSelector")),
  ),
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
];

export const POD_COLUMNS: readonly Column[] = [
  NAME,
  column("Ready", "How many containers are ready, of how many there are.", (object) => {
    const statuses = arrayAt(object["status"], "containerStatuses");
    const ready = statuses.filter((entry) => booleanAt(entry, "ready") === true).length;
    return `${String(ready)}/${String(arrayAt(object["spec"], "containers").length)}`;
  }),
  column("Status", "What the pod is doing.", podStatus),
  column("Restarts", "How often its containers were restarted.", (object) =>
    String(
      arrayAt(object["status"], "containerStatuses").reduce<number>(
        (sum, entry) => sum + (numberAt(entry, "restartCount") ?? 0),
        0,
      ),
    ),
  ),
  AGE,
  column("IP", "The pod's address.", (object) => stringAt(object["status"], "podIP") ?? "<none>", { wide: true }),
  column("Node", "Where the pod runs.", (object) => stringAt(object["spec"], "nodeName") ?? "<none>", { wide: true }),
  column("Nominated Node", "Where the pod may run next.", () => "<none>", { wide: true }),
  column("Readiness Gates", "What else must be true of a ready pod.", () => "<none>", { wide: true }),
];

function podStatus(object: KubeObject): string {
  if (object.metadata.deletionTimestamp !== undefined) return "Terminating";
  for (const entry of arrayAt(object["status"], "containerStatuses")) {
    const state = recordAt(entry, "state");
    const reason = stringAt(recordAt(state, "waiting"), "reason") ?? stringAt(recordAt(state, "terminated"), "reason");
    if (reason !== undefined) return reason;
  }
  return stringAt(object["status"], "reason") ?? stringAt(object["status"], "phase") ?? "Pending";
}

export const JOB_COLUMNS: readonly Column[] = [
  NAME,
  column("Status", "What the job is doing.", (object) => {
    const done = arrayAt(object["status"], "conditions").find((entry) => stringAt(entry, "status") === "True");
    return stringAt(done, "type") ?? "Running";
  }),
  column(
    "Completions",
    "How many pods succeeded, of how many wanted.",
    (object) => `${String(count("status", "succeeded")(object))}/${String(count("spec", "completions", 1)(object))}`,
  ),
  column("Duration", "How long it took.", (object, nowMs) => {
    const start = Date.parse(stringAt(object["status"], "startTime") ?? "");
    const end = Date.parse(stringAt(object["status"], "completionTime") ?? "");
    return Number.isNaN(start) ? "" : humanDuration((Number.isNaN(end) ? nowMs : end) - start);
  }),
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
];

export const CRON_JOB_COLUMNS: readonly Column[] = [
  NAME,
  column("Schedule", "When it runs.", (object) => stringAt(object["spec"], "schedule") ?? ""),
  column("Timezone", "Whose clock the schedule follows.", (object) => stringAt(object["spec"], "timeZone") ?? "<none>"),
  column(
    "Suspend",
    "Whether it is held.",
    (object) => (booleanAt(object["spec"], "suspend") === true ? "True" : "False"),
    {
      type: "boolean",
    },
  ),
  column("Active", "How many jobs run now.", (object) => arrayAt(object["status"], "active").length, INTEGER),
  column("Last Schedule", "How long ago it last ran.", (object, nowMs) => {
    const last = stringAt(object["status"], "lastScheduleTime");
    return last === undefined ? "<none>" : age(last, nowMs);
  }),
  AGE,
  column("Containers", "The names of the containers.", (object) => containers(cronPod(object), "name"), { wide: true }),
  column("Images", "The images of the containers.", (object) => containers(cronPod(object), "image"), { wide: true }),
  column("Selector", "The labels of its pods.", () => "<none>", { wide: true }),
];

/** RBAC roles and definitions show when they were made, not how long ago. */
export const CREATED_COLUMNS: readonly Column[] = [NAME, CREATED_AT];

export const BINDING_COLUMNS: readonly Column[] = [
  NAME,
  column("Role", "The role that is bound.", (object) => {
    const role = recordAt(object, "roleRef");
    return `${stringAt(role, "kind") ?? ""}/${stringAt(role, "name") ?? ""}`;
  }),
  AGE,
  ...SUBJECT_COLUMNS,
];

export const SERVICE_ACCOUNT_COLUMNS: readonly Column[] = [
  NAME,
  column("Secrets", "How many secrets it may use.", (object) => arrayAt(object, "secrets").length),
  AGE,
];

export const WEBHOOK_COLUMNS: readonly Column[] = [
  NAME,
  column("Webhooks", "How many webhooks there are.", (object) => arrayAt(object, "webhooks").length, INTEGER),
  AGE,
];

export const NETWORK_POLICY_COLUMNS: readonly Column[] = [
  NAME,
  column("Pod-Selector", "The labels of the pods it is about.", (object) =>
    labelsText(stringMapAt(recordAt(object["spec"], "podSelector"), "matchLabels")),
  ),
  AGE,
];

/** What became of a signing request, in words. */
function signingState(object: KubeObject): string {
  const types = arrayAt(object["status"], "conditions").flatMap((condition) => stringAt(condition, "type") ?? []);
  const isIssued = stringAt(object["status"], "certificate") !== undefined;
  const words = [...(types.length === 0 ? ["Pending"] : types), ...(isIssued ? ["Issued"] : [])];
  return words.join(",");
}

function requestedDuration(object: KubeObject): string {
  const seconds = numberAt(object["spec"], "expirationSeconds");
  return seconds === undefined ? "<none>" : humanDuration(seconds * 1000);
}

export const SIGNING_REQUEST_COLUMNS: readonly Column[] = [
  NAME,
  AGE,
  column("SignerName", "Who is to sign.", (object) => stringAt(object["spec"], "signerName") ?? ""),
  column("Requestor", "Who asked.", (object) => stringAt(object["spec"], "username") ?? ""),
  column("RequestedDuration", "How long the certificate is to last.", requestedDuration),
  column("Condition", "What became of it.", signingState),
];

function healthy(field: string): (object: KubeObject) => string {
  return (object) => {
    const condition = arrayAt(object, "conditions").find((entry) => stringAt(entry, "type") === "Healthy");
    return stringAt(condition, field) ?? "";
  };
}

export const COMPONENT_STATUS_COLUMNS: readonly Column[] = [
  NAME,
  column("Status", "Whether the component is well.", (object) =>
    healthy("status")(object) === "True" ? "Healthy" : "Unhealthy",
  ),
  column("Message", "What it says of itself.", healthy("message")),
  column("Error", "What is wrong with it.", healthy("error")),
];
