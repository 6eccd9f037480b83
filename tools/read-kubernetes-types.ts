// `bin/node tools/read-kubernetes-types.ts <k8s.io/api> <k8s.io/apimachinery> <k8s.io/kube-aggregator>`: reads from the
// Go modules of Kubernetes which fields its kinds have, of what type and under which protobuf number, and writes
// src/resource/schema/kubernetes/*-types.ts. Names and numbers only: no words are taken over.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [api = "", machinery = "", aggregator = ""] = process.argv.slice(2);
const TARGET = join(import.meta.dirname, "../src/resource/schema/kubernetes");

/** Where the types of a package are, by how it is named in definitions. */
const PACKAGES: Readonly<Record<string, string>> = {
  meta: `${machinery}/pkg/apis/meta/v1`,
  core: `${api}/core/v1`,
  apps: `${api}/apps/v1`,
  batch: `${api}/batch/v1`,
  autoscaling: `${api}/autoscaling/v2`,
  autoscalingV1: `${api}/autoscaling/v1`,
  policy: `${api}/policy/v1`,
  networking: `${api}/networking/v1`,
  rbac: `${api}/rbac/v1`,
  scheduling: `${api}/scheduling/v1`,
  storage: `${api}/storage/v1`,
  admissionregistration: `${api}/admissionregistration/v1`,
  certificates: `${api}/certificates/v1`,
  coordination: `${api}/coordination/v1`,
  discovery: `${api}/discovery/v1`,
  events: `${api}/events/v1`,
  node: `${api}/node/v1`,
  flowcontrol: `${api}/flowcontrol/v1`,
  authentication: `${api}/authentication/v1`,
  authorization: `${api}/authorization/v1`,
  apiregistration: `${aggregator}/pkg/apis/apiregistration/v1`,
};

/** The kinds that are wanted; what they are made of follows. */
const ROOTS: Readonly<Record<string, readonly string[]>> = {
  meta: ["DeleteOptions", "Status"],
  core: [
    "Pod",
    "PodTemplate",
    "ReplicationController",
    "ServiceAccount",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "LimitRange",
    "ResourceQuota",
    "Node",
    "Namespace",
    "Service",
    "Endpoints",
    "ConfigMap",
    "Secret",
    "Event",
    "Binding",
    "ComponentStatus",
  ],
  apps: ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ControllerRevision"],
  batch: ["Job", "CronJob"],
  autoscaling: ["HorizontalPodAutoscaler"],
  autoscalingV1: ["HorizontalPodAutoscaler", "Scale"],
  policy: ["PodDisruptionBudget", "Eviction"],
  networking: ["NetworkPolicy", "Ingress", "IngressClass", "IPAddress", "ServiceCIDR"],
  rbac: ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"],
  scheduling: ["PriorityClass"],
  storage: ["StorageClass", "CSIDriver", "CSINode", "CSIStorageCapacity", "VolumeAttachment"],
  admissionregistration: [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
  ],
  certificates: ["CertificateSigningRequest"],
  coordination: ["Lease"],
  discovery: ["EndpointSlice"],
  events: ["Event"],
  node: ["RuntimeClass"],
  flowcontrol: ["FlowSchema", "PriorityLevelConfiguration"],
  authentication: ["TokenRequest", "TokenReview", "SelfSubjectReview"],
  authorization: [
    "SubjectAccessReview",
    "SelfSubjectAccessReview",
    "SelfSubjectRulesReview",
    "LocalSubjectAccessReview",
  ],
  apiregistration: ["APIService"],
};

/** Types with a JSON form of their own. */
const SCALARS: Readonly<Record<string, string>> = {
  string: "string",
  bool: "bool",
  int: "int64",
  int32: "int32",
  int64: "int64",
  uint32: "int64",
  float64: "double",
  byte: "byte",
  "meta.Time": "time",
  "meta.MicroTime": "microTime",
  "meta.Duration": "duration",
  "meta.FieldsV1": "raw",
  "intstr.IntOrString": "intOrString",
  "resource.Quantity": "quantity",
  "runtime.RawExtension": "raw",
  "types.UID": "string(types.UID)",
  "types.NodeName": "string(types.NodeName)",
  "types.NamespacedName": "string",
};

interface Struct {
  readonly fields: readonly string[];
  readonly uses: readonly string[];
}

interface Package {
  readonly structs: ReadonlyMap<string, string>;
  /** Named types that are no structs. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly imports: ReadonlyMap<string, string>;
}

const packages = new Map(Object.entries(PACKAGES).map(([name, folder]) => [name, readPackage(folder)]));
const found = new Map<string, Struct>();
for (const [name, kinds] of Object.entries(ROOTS)) for (const kind of kinds) visit(`${name}.${kind}`);
writeTables();

function readPackage(folder: string): Package {
  const text = ["types.go", "micro_time.go", "well_known_labels.go"]
    .map((file) => join(folder, file))
    .filter(existsSync)
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
  const structs = new Map<string, string>();
  for (const [, comment = "", name = "", body = ""] of text.matchAll(
    /((?:^\/\/.*\n)*)^type (\w+) struct \{\n([\s\S]*?)^\}/gm,
  )) {
    structs.set(name, `${comment}\0${body}`);
  }
  const aliases = new Map<string, string>();
  for (const [, name = "", type = ""] of text.matchAll(/^type (\w+) (?!struct)(\S.*?)$/gm))
    aliases.set(name, type.trim());
  const imports = new Map<string, string>();
  for (const [, alias = "", path = ""] of text.matchAll(/^(?:\t|import )(\w*) ?"(k8s\.io\/[^"]+)"$/gm)) {
    imports.set(alias === "" ? (path.split("/").at(-1) ?? "") : alias, path);
  }
  return { structs, aliases, imports };
}

function visit(name: string): void {
  if (found.has(name)) return;
  const struct = readStruct(name);
  found.set(name, struct);
  for (const used of struct.uses) visit(used);
}

function readStruct(name: string): Struct {
  const [room = "", type = ""] = name.split(".");
  const source = packages.get(room)?.structs.get(type);
  if (source === undefined) throw new Error(`There is no struct ${name}`);
  const [comment = "", body = ""] = source.split("\0");
  const uses: string[] = [];
  const fields: string[] = [];
  if (/\+(structType|mapType)=atomic/.test(comment)) fields.push("@atomic");
  let markers = "";
  for (const line of body.split("\n")) {
    if (/^\s*\/\//.test(line)) {
      markers += `${line.trim()}\n`;
      continue;
    }
    const match = /^\s+(?:\w+\s+)?([\w.*[\]]+)\s+`(.*)`/.exec(line);
    if (match !== null) {
      const field = readField(room, match[1] ?? "", match[2] ?? "", markers, uses);
      if (field !== undefined) fields.push(field);
    }
    if (line.trim() !== "") markers = "";
  }
  return { fields, uses };
}

function readField(room: string, goType: string, tags: string, markers: string, uses: string[]): string | undefined {
  const json = /json:"([^"]*)"/.exec(tags)?.[1] ?? "";
  const number = /protobuf:"\w+,(\d+)/.exec(tags)?.[1];
  const [name = "", ...options] = json.split(",");
  const isInline = name === "" && options.includes("inline");
  if (goType.endsWith("TypeMeta") || name === "-" || (name === "" && !isInline)) return undefined;
  const isPointer = goType.startsWith("*");
  const type = resolve(room, goType.replace(/^\*/, ""), uses);
  const listType = /\+listType=(\w+)/.exec(markers)?.[1];
  const keys = [...markers.matchAll(/\+listMapKey=(\w+)/g)].map(([, key]) => key);
  const mapType = /\+mapType=atomic/.test(markers) || /\+structType=atomic/.test(markers) ? ["/map:atomic"] : [];
  const strategy = /patchStrategy:"([^"]*)"/.exec(tags)?.[1];
  const key = /patchMergeKey:"([^"]*)"/.exec(tags)?.[1];
  const standard = /\+default=("[^"]*"|\d+|true|false)/.exec(markers)?.[1];
  const flags = `${isPointer ? "*" : ""}${options.includes("omitempty") || isInline ? "" : /\+optional/.test(markers) ? "?" : "!"}${isInline ? "^" : ""}`;
  return [
    isInline ? `_${type.split(".").at(-1) ?? ""}` : name,
    ` ${number ?? "0"}${flags} ${type}`,
    ...(listType === undefined ? [] : [`/list:${listType}${keys.length > 0 ? `(${keys.join(",")})` : ""}`]),
    ...(strategy === undefined ? [] : [`/patch:${strategy}${key === undefined ? "" : `(${key})`}`]),
    ...mapType,
    ...(standard === undefined ? [] : [`/default:${standard}`]),
  ].join("");
}

/** The type as the tables name it; structs are told to `uses`. */
function resolve(room: string, goType: string, uses: string[]): string {
  if (goType.startsWith("*")) return resolve(room, goType.slice(1), uses);
  if (goType === "[]byte") return "bytes";
  if (goType.startsWith("[]")) return `[]${resolve(room, goType.slice(2), uses)}`;
  const map = /^map\[[\w.]+\](.*)$/.exec(goType);
  if (map !== null) return `{}${resolve(room, map[1] ?? "", uses)}`;
  const scalar = SCALARS[goType] ?? SCALARS[qualified(room, goType)];
  if (scalar !== undefined) return scalar;
  const name = qualified(room, goType);
  const [owner = "", type = ""] = name.split(".");
  const alias = packages.get(owner)?.aliases.get(type);
  if (alias === undefined) {
    uses.push(name);
    return name;
  }
  const base = resolve(owner, alias, uses);
  return base === "string" ? `string(v1.${type})` : base;
}

function qualified(room: string, goType: string): string {
  if (!goType.includes(".")) return `${room}.${goType}`;
  const [alias = "", type = ""] = goType.split(".");
  const path = packages.get(room)?.imports.get(alias) ?? "";
  const owner = Object.entries(PACKAGES).find(
    ([, folder]) => path !== "" && folder.endsWith(`/${path.replace(/^k8s\.io\/[\w-]+\//, "")}`),
  );
  return `${owner?.[0] ?? alias}.${type}`;
}

function writeTables(): void {
  for (const room of Object.keys(PACKAGES)) {
    const entries = [...found]
      .filter(([name]) => name.startsWith(`${room}.`))
      .sort(([left], [right]) => (left < right ? -1 : 1));
    const constant = `${room.replaceAll(/([A-Z])/g, "_$1").toUpperCase()}_TYPES`;
    const lines = entries.map(([name, { fields }]) =>
      `  ${JSON.stringify(name)}: ${JSON.stringify(fields.join("; "))},`.replaceAll('\\"', "'"),
    );
    const file = `${room.replaceAll(/([A-Z])/g, (letter) => `-${letter.toLowerCase()}`)}-types.ts`;
    writeFileSync(
      join(TARGET, file),
      `/** The fields of the ${room} types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */\nexport const ${constant}: Readonly<Record<string, string>> = {\n${lines.join("\n")}\n};\n`,
    );
  }
}
