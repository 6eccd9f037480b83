import { ADMISSIONREGISTRATION_TYPES } from "./kubernetes/admissionregistration-types.ts";
import { APIREGISTRATION_TYPES } from "./kubernetes/apiregistration-types.ts";
import { APPS_TYPES } from "./kubernetes/apps-types.ts";
import { AUTHENTICATION_TYPES } from "./kubernetes/authentication-types.ts";
import { AUTHORIZATION_TYPES } from "./kubernetes/authorization-types.ts";
import { AUTOSCALING_TYPES } from "./kubernetes/autoscaling-types.ts";
import { AUTOSCALING_V1_TYPES } from "./kubernetes/autoscaling-v1-types.ts";
import { BATCH_TYPES } from "./kubernetes/batch-types.ts";
import { CERTIFICATES_TYPES } from "./kubernetes/certificates-types.ts";
import { COORDINATION_TYPES } from "./kubernetes/coordination-types.ts";
import { CORE_TYPES } from "./kubernetes/core-types.ts";
import { DISCOVERY_TYPES } from "./kubernetes/discovery-types.ts";
import { EVENTS_TYPES } from "./kubernetes/events-types.ts";
import { FLOWCONTROL_TYPES } from "./kubernetes/flowcontrol-types.ts";
import { META_TYPES } from "./kubernetes/meta-types.ts";
import { NETWORKING_TYPES } from "./kubernetes/networking-types.ts";
import { NODE_TYPES } from "./kubernetes/node-types.ts";
import { POLICY_TYPES } from "./kubernetes/policy-types.ts";
import { RBAC_TYPES } from "./kubernetes/rbac-types.ts";
import { SCHEDULING_TYPES } from "./kubernetes/scheduling-types.ts";
import { STORAGE_TYPES } from "./kubernetes/storage-types.ts";

const LINES: Readonly<Record<string, string>> = {
  ...ADMISSIONREGISTRATION_TYPES,
  ...APIREGISTRATION_TYPES,
  ...APPS_TYPES,
  ...AUTHENTICATION_TYPES,
  ...AUTHORIZATION_TYPES,
  ...AUTOSCALING_TYPES,
  ...AUTOSCALING_V1_TYPES,
  ...BATCH_TYPES,
  ...CERTIFICATES_TYPES,
  ...COORDINATION_TYPES,
  ...CORE_TYPES,
  ...DISCOVERY_TYPES,
  ...EVENTS_TYPES,
  ...FLOWCONTROL_TYPES,
  ...META_TYPES,
  ...NETWORKING_TYPES,
  ...NODE_TYPES,
  ...POLICY_TYPES,
  ...RBAC_TYPES,
  ...SCHEDULING_TYPES,
  ...STORAGE_TYPES,
};

/** Types with a form of their own in JSON. */
export type BuiltInScalar =
  | "string"
  | "bool"
  | "int32"
  | "int64"
  | "double"
  | "bytes"
  | "time"
  | "microTime"
  | "duration"
  | "raw"
  | "intOrString"
  | "quantity";

/** The type of a field: a scalar, a struct by its name in the tables, or many of one. */
export type BuiltInFieldType =
  /** `goType`: how Go names it where it is a string of its own, `v1.Protocol`. */
  | { readonly is: "scalar"; readonly scalar: BuiltInScalar; readonly goType: string | undefined }
  | { readonly is: "struct"; readonly name: string }
  | { readonly is: "list" | "map"; readonly of: BuiltInFieldType };

/** One field of a built-in type of Kubernetes. */
export interface BuiltInField {
  /** In JSON and in protobuf. */
  readonly name: string;
  readonly number: number;
  readonly type: BuiltInFieldType;
  /** What is given counts even when it is empty or zero. */
  readonly isPointer: boolean;
  /** Written even when there is nothing in it. */
  readonly isAlways: boolean;
  readonly isRequired: boolean;
  /** Its fields stand among those of the type it is in. */
  readonly isInline: boolean;
  readonly listType: "atomic" | "set" | "map" | undefined;
  readonly listKeys: readonly string[];
  readonly patchStrategy: string | undefined;
  readonly patchKey: string | undefined;
  readonly isAtomicMap: boolean;
  readonly standard: string | number | boolean | undefined;
}

/** A built-in struct of Kubernetes. */
export interface BuiltInType {
  /** Owned as a whole by whoever applies it. */
  readonly isAtomic: boolean;
  readonly fields: readonly BuiltInField[];
}

const READ = new Map<string, BuiltInType>();

/** Returns the type `apps.Deployment`, or undefined when the tables have none of that name. */
export function builtInType(name: string): BuiltInType | undefined {
  const known = READ.get(name);
  if (known !== undefined) return known;
  const line = Object.hasOwn(LINES, name) ? LINES[name] : undefined;
  if (line === undefined) return undefined;
  const parts = line.split("; ");
  const isAtomic = parts[0] === "@atomic";
  const type = { isAtomic, fields: (isAtomic ? parts.slice(1) : parts).filter((part) => part !== "").map(readField) };
  READ.set(name, type);
  return type;
}

/** `ports 6 []core.ContainerPort/list:map(containerPort,protocol)/patch:merge(containerPort)`. */
function readField(text: string): BuiltInField {
  const [name = "", number = "", ...rest] = text.split(" ");
  const [type = "", ...notes] = rest.join(" ").split("/");
  const noted = new Map(notes.map((note) => [note.slice(0, note.indexOf(":")), note.slice(note.indexOf(":") + 1)]));
  const list = inBrackets(noted.get("list"));
  const patch = inBrackets(noted.get("patch"));
  return {
    name,
    number: Number.parseInt(number, 10),
    type: readType(type),
    isPointer: number.includes("*"),
    isAlways: number.includes("!") || number.includes("?"),
    isRequired: number.includes("!"),
    isInline: number.includes("^"),
    listType: list.word === "atomic" || list.word === "set" || list.word === "map" ? list.word : undefined,
    listKeys: list.inside,
    patchStrategy: patch.word === "" ? undefined : patch.word,
    patchKey: patch.inside[0],
    isAtomicMap: noted.get("map") === "atomic",
    standard: readStandard(noted.get("default")),
  };
}

function inBrackets(text: string = ""): { readonly word: string; readonly inside: readonly string[] } {
  const match = /^([\w,]*)(?:\(([^)]*)\))?$/.exec(text);
  return { word: match?.[1] ?? "", inside: match?.[2]?.split(",") ?? [] };
}

function readType(text: string): BuiltInFieldType {
  if (text.startsWith("[]")) return { is: "list", of: readType(text.slice(2)) };
  if (text.startsWith("{}")) return { is: "map", of: readType(text.slice(2)) };
  const { word, inside } = inBracketsOfType(text);
  return isScalar(word) ? { is: "scalar", scalar: word, goType: inside } : { is: "struct", name: text };
}

function inBracketsOfType(text: string): { readonly word: string; readonly inside: string | undefined } {
  const open = text.indexOf("(");
  return open < 0 ? { word: text, inside: undefined } : { word: text.slice(0, open), inside: text.slice(open + 1, -1) };
}

const SCALARS: ReadonlySet<string> = new Set<BuiltInScalar>([
  "string",
  "bool",
  "int32",
  "int64",
  "double",
  "bytes",
  "time",
  "microTime",
  "duration",
  "raw",
  "intOrString",
  "quantity",
]);

function isScalar(word: string): word is BuiltInScalar {
  return SCALARS.has(word);
}

/** Texts stand between single quotes. */
function readStandard(text: string | undefined): BuiltInField["standard"] {
  if (text === undefined) return undefined;
  if (text.startsWith("'")) return text.slice(1, -1);
  return text === "true" || text === "false" ? text === "true" : Number(text);
}
