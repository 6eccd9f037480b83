import { arrayAt, numberAt, recordAt, stringAt, stringMapAt } from "../../ground/json.ts";
import type { KubeObject } from "../../resource/object.ts";
import { AGE, NAME, column, firstFew, labelsText } from "./column.ts";
import type { Column } from "./column.ts";
import { age } from "./human-duration.ts";

/** So many addresses or hosts are shown before "more...". */
const SHOWN_MAX = 3;

export const NAMESPACE_COLUMNS: readonly Column[] = [
  NAME,
  column(
    "Status",
    "Whether the namespace is in use or going away.",
    (object) => stringAt(object["status"], "phase") ?? "",
  ),
  AGE,
];

export const SERVICE_COLUMNS: readonly Column[] = [
  NAME,
  column("Type", "How the service is exposed.", (object) => stringAt(object["spec"], "type") ?? "ClusterIP"),
  column("Cluster-IP", "The address of the service inside the cluster.", (object) => {
    const address = stringAt(object["spec"], "clusterIP") ?? "";
    return address === "" ? "<none>" : address;
  }),
  column("External-IP", "The addresses of the service outside the cluster.", externalAddresses),
  column("Port(s)", "The ports the service listens on.", (object) => servicePorts(object)),
  AGE,
  column(
    "Selector",
    "The labels of the pods behind the service.",
    (object) => labelsText(stringMapAt(object["spec"], "selector")),
    { wide: true },
  ),
];

function externalAddresses(object: KubeObject): string {
  const spec = object["spec"];
  const own = arrayAt(spec, "externalIPs").filter((entry) => typeof entry === "string");
  switch (stringAt(spec, "type")) {
    case "ExternalName":
      return stringAt(spec, "externalName") ?? "";
    case "LoadBalancer": {
      const all = [...loadBalancerAddresses(object), ...own];
      return all.length === 0 ? "<pending>" : all.join(",");
    }
    case undefined:
    default:
      return own.length === 0 ? "<none>" : own.join(",");
  }
}

function loadBalancerAddresses(object: KubeObject): readonly string[] {
  return arrayAt(recordAt(object["status"], "loadBalancer"), "ingress").flatMap((entry) => {
    const address = stringAt(entry, "ip") ?? stringAt(entry, "hostname") ?? "";
    return address === "" ? [] : [address];
  });
}

function servicePorts(object: KubeObject): string {
  const ports = arrayAt(object["spec"], "ports").map((entry) => {
    const port = String(numberAt(entry, "port") ?? 0);
    const nodePort = numberAt(entry, "nodePort") ?? 0;
    const protocol = stringAt(entry, "protocol") ?? "TCP";
    return nodePort > 0 ? `${port}:${String(nodePort)}/${protocol}` : `${port}/${protocol}`;
  });
  return ports.length === 0 ? "<none>" : ports.join(",");
}

export const ENDPOINTS_COLUMNS: readonly Column[] = [
  NAME,
  column("Endpoints", "The addresses behind the service.", (object) => {
    const pairs = arrayAt(object, "subsets").flatMap(subsetAddresses);
    return pairs.length === 0 ? "<none>" : firstFew(pairs, SHOWN_MAX);
  }),
  AGE,
];

function subsetAddresses(subset: unknown): readonly string[] {
  const addresses = arrayAt(subset, "addresses").map((entry) => stringAt(entry, "ip") ?? "");
  const ports = arrayAt(subset, "ports").map((entry) => numberAt(entry, "port") ?? 0);
  if (ports.length === 0) return addresses;
  return ports.flatMap((port) => addresses.map((address) => hostAndPort(address, port)));
}

function hostAndPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
}

export const ENDPOINT_SLICE_COLUMNS: readonly Column[] = [
  NAME,
  column("AddressType", "What kind of addresses the slice holds.", (object) => stringAt(object, "addressType") ?? ""),
  column("Ports", "The ports of the endpoints.", (object) => {
    const ports = arrayAt(object, "ports").map((entry) => String(numberAt(entry, "port") ?? "*"));
    return ports.length === 0 ? "<unset>" : firstFew(ports, SHOWN_MAX);
  }),
  column("Endpoints", "The addresses of the endpoints.", (object) => {
    const addresses = arrayAt(object, "endpoints").flatMap((entry) =>
      arrayAt(entry, "addresses").filter((address) => typeof address === "string"),
    );
    return addresses.length === 0 ? "<unset>" : firstFew(addresses, SHOWN_MAX);
  }),
  AGE,
];

export const CONFIG_MAP_COLUMNS: readonly Column[] = [
  NAME,
  column(
    "Data",
    "How many entries there are.",
    (object) => Object.keys(recordAt(object, "data")).length + Object.keys(recordAt(object, "binaryData")).length,
  ),
  AGE,
];

export const SECRET_COLUMNS: readonly Column[] = [
  NAME,
  column("Type", "What the secret is for.", (object) => stringAt(object, "type") ?? "Opaque"),
  column("Data", "How many entries there are.", (object) => Object.keys(recordAt(object, "data")).length),
  AGE,
];

export const LEASE_COLUMNS: readonly Column[] = [
  NAME,
  column("Holder", "Who holds the lease.", (object) => stringAt(object["spec"], "holderIdentity") ?? ""),
  AGE,
];

export const EVENT_COLUMNS: readonly Column[] = [
  column("Last Seen", "How long ago this last happened.", (object, nowMs) => age(lastSeen(object), nowMs)),
  column("Type", "Whether this is normal.", (object) => stringAt(object, "type") ?? ""),
  column("Reason", "Why this happened, in one word.", (object) => stringAt(object, "reason") ?? ""),
  column("Object", "What this happened to.", (object) => {
    const involved = recordAt(object, "involvedObject");
    return `${(stringAt(involved, "kind") ?? "").toLowerCase()}/${stringAt(involved, "name") ?? ""}`;
  }),
  column(
    "Subobject",
    "The part of the object.",
    (object) => stringAt(recordAt(object, "involvedObject"), "fieldPath") ?? "",
    { wide: true },
  ),
  column("Source", "Who reported this.", eventSource, { wide: true }),
  column("Message", "What happened.", (object) => (stringAt(object, "message") ?? "").trim()),
  column(
    "First Seen",
    "How long ago this first happened.",
    (object, nowMs) => age(stringAt(object, "firstTimestamp") ?? stringAt(object, "eventTime"), nowMs),
    { wide: true },
  ),
  column("Count", "How often this happened.", (object) => eventCount(object), { wide: true }),
  { ...NAME, priority: 1 },
];

function lastSeen(object: KubeObject): string | undefined {
  return (
    stringAt(recordAt(object, "series"), "lastObservedTime") ??
    stringAt(object, "lastTimestamp") ??
    stringAt(object, "firstTimestamp") ??
    stringAt(object, "eventTime")
  );
}

function eventSource(object: KubeObject): string {
  const source = recordAt(object, "source");
  const component = stringAt(source, "component") ?? stringAt(object, "reportingComponent") ?? "";
  const host = stringAt(source, "host") ?? stringAt(object, "reportingInstance") ?? "";
  return host === "" ? component : `${component}, ${host}`;
}

function eventCount(object: KubeObject): number {
  return numberAt(recordAt(object, "series"), "count") ?? numberAt(object, "count") ?? 1;
}

export const INGRESS_CLASS_COLUMNS: readonly Column[] = [
  NAME,
  column(
    "Controller",
    "Which controller acts on ingresses of this class.",
    (object) => stringAt(object["spec"], "controller") ?? "",
  ),
  column("Parameters", "The object with settings for the controller.", (object) => {
    const parameters = recordAt(object["spec"], "parameters");
    const kind = stringAt(parameters, "kind");
    if (kind === undefined) return "<none>";
    const group = stringAt(parameters, "apiGroup");
    return `${group === undefined ? kind : `${kind}.${group}`}/${stringAt(parameters, "name") ?? ""}`;
  }),
  AGE,
];

export const INGRESS_COLUMNS: readonly Column[] = [
  NAME,
  column(
    "Class",
    "The class whose controller acts on the ingress.",
    (object) => stringAt(object["spec"], "ingressClassName") ?? "<none>",
  ),
  column("Hosts", "The hosts of its rules.", (object) => {
    const rules = arrayAt(object["spec"], "rules");
    const hosts = rules.slice(0, SHOWN_MAX).flatMap((rule) => {
      const host = stringAt(rule, "host") ?? "";
      return host === "" ? [] : [host];
    });
    return hosts.length === 0 ? "*" : firstFew(hosts, SHOWN_MAX, rules.length > SHOWN_MAX ? rules.length : 0);
  }),
  column("Address", "Where it can be reached.", (object) => loadBalancerAddresses(object).join(",")),
  column("Ports", "The ports it is served on.", (object) =>
    arrayAt(object["spec"], "tls").length > 0 ? "80, 443" : "80",
  ),
  AGE,
];
