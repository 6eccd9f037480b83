import { arrayAt, booleanAt, isRecord, numberAt, recordAt, stringAt, stringsAt } from "../../ground/json.ts";
import type { KubeObject } from "../../resource/object.ts";
import { AGE, NAME, column, type Column } from "./column.ts";

const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};
/** In the order in which they are named. */
const MODE_ORDER = Object.keys(MODES);

function spec(field: string, fallback = ""): (object: KubeObject) => string {
  return (object) => stringAt(object["spec"], field) ?? fallback;
}

function modes(value: unknown): string {
  const given = stringsAt(value, "accessModes");
  return MODE_ORDER.filter((mode) => given.includes(mode))
    .map((mode) => MODES[mode] ?? "")
    .join(",");
}

/** A claim has what its volume gives once it is bound. */
function capacity(object: KubeObject): string {
  const isBound = spec("volumeName")(object) !== "";
  return isBound ? (stringAt(recordAt(object["status"], "capacity"), "storage") ?? "0") : "";
}

function claimOf(object: KubeObject): string {
  const claim = recordAt(object["spec"], "claimRef");
  const name = stringAt(claim, "name");
  return name === undefined ? "" : `${stringAt(claim, "namespace") ?? ""}/${name}`;
}

function phase(object: KubeObject): string {
  if (object.metadata.deletionTimestamp !== undefined) return "Terminating";
  return stringAt(object["status"], "phase") ?? "";
}

const CLASS = column("StorageClass", "The class of its storage.", spec("storageClassName"));
const ATTRIBUTES = column(
  "VolumeAttributesClass",
  "The class of its attributes.",
  spec("volumeAttributesClassName", "<unset>"),
);
const MODE = column("VolumeMode", "A file system or a device.", spec("volumeMode", "<unset>"), { wide: true });

export const CLAIM_COLUMNS: readonly Column[] = [
  NAME,
  column("Status", "How far it is.", phase),
  column("Volume", "The volume it has.", spec("volumeName")),
  column("Capacity", "How much it has.", capacity),
  column("Access Modes", "How it may be used.", (object) =>
    spec("volumeName")(object) === "" ? "" : modes(object["status"]),
  ),
  CLASS,
  ATTRIBUTES,
  AGE,
  MODE,
];

export const VOLUME_COLUMNS: readonly Column[] = [
  NAME,
  column("Capacity", "How much it holds.", (object) => stringAt(recordAt(object["spec"], "capacity"), "storage") ?? ""),
  column("Access Modes", "How it may be used.", (object) => modes(object["spec"])),
  column("Reclaim Policy", "What becomes of it afterwards.", spec("persistentVolumeReclaimPolicy")),
  column("Status", "How far it is.", phase),
  column("Claim", "Who has it.", claimOf),
  CLASS,
  ATTRIBUTES,
  column("Reason", "Why it is so.", (object) => stringAt(object["status"], "reason") ?? ""),
  AGE,
  MODE,
];

export const STORAGE_CLASS_COLUMNS: readonly Column[] = [
  NAME,
  column("Provisioner", "Who makes its volumes.", (object) => stringAt(object, "provisioner") ?? ""),
  column("ReclaimPolicy", "What becomes of volumes afterwards.", (object) => stringAt(object, "reclaimPolicy") ?? ""),
  column("VolumeBindingMode", "When volumes are made.", (object) => stringAt(object, "volumeBindingMode") ?? ""),
  column("AllowVolumeExpansion", "Whether volumes may grow.", (object) =>
    String(booleanAt(object, "allowVolumeExpansion") ?? false),
  ),
  AGE,
];

function usage(object: KubeObject, isLimit: boolean): string {
  const hard = recordAt(object["status"], "hard");
  const used = recordAt(object["status"], "used");
  return Object.keys(hard)
    .filter((name) => name.startsWith("limits.") === isLimit)
    .sort()
    .map((name) => `${name}: ${stringAt(used, name) ?? "0"}/${stringAt(hard, name) ?? ""}`)
    .join(", ");
}

export const QUOTA_COLUMNS: readonly Column[] = [
  NAME,
  column("Request", "What is asked for, of how much.", (object) => usage(object, false)),
  column("Limit", "What is used at most, of how much.", (object) => usage(object, true)),
  AGE,
];

function amount(object: KubeObject, field: string): string {
  const value: unknown = isRecord(object["spec"]) ? object["spec"][field] : undefined;
  return typeof value === "string" || typeof value === "number" ? String(value) : "N/A";
}

export const DISRUPTION_COLUMNS: readonly Column[] = [
  NAME,
  column("Min Available", "How many must be there.", (object) => amount(object, "minAvailable")),
  column("Max Unavailable", "How many may be gone.", (object) => amount(object, "maxUnavailable")),
  column(
    "Allowed Disruptions",
    "How many may go now.",
    (object) => numberAt(object["status"], "disruptionsAllowed") ?? 0,
  ),
  AGE,
];

export const PRIORITY_COLUMNS: readonly Column[] = [
  NAME,
  column("Value", "How much it counts.", (object) => numberAt(object, "value") ?? 0),
  column("Global-Default", "Whether it is that of Pods that name none.", (object) =>
    String(booleanAt(object, "globalDefault") ?? false),
  ),
  AGE,
  column(
    "PreemptionPolicy",
    "Whether others make room.",
    (object) => stringAt(object, "preemptionPolicy") ?? "PreemptLowerPriority",
    { wide: true },
  ),
];

/** The subjects of one kind that a binding names. */
function subjects(kind: string): (object: KubeObject) => string {
  return (object) =>
    arrayAt(object, "subjects")
      .filter((subject) => stringAt(subject, "kind") === kind)
      .map((subject) => {
        const name = stringAt(subject, "name") ?? "";
        return kind === "ServiceAccount" ? `${stringAt(subject, "namespace") ?? ""}/${name}` : name;
      })
      .join(", ");
}

/** Whom a binding is for, printed when it is asked for widely. */
export const SUBJECT_COLUMNS: readonly Column[] = [
  column("Users", "The users it is for.", subjects("User"), { wide: true }),
  column("Groups", "The groups it is for.", subjects("Group"), { wide: true }),
  column("ServiceAccounts", "The ServiceAccounts it is for.", subjects("ServiceAccount"), { wide: true }),
];
