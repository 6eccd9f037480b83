import { arrayAt, isRecord, jsonEqual, numberAt, recordAt, stringAt } from "../../ground/json.ts";

/** Which addresses and node ports are in use, so that a new Service gets others. */
export interface ServiceAllocation {
  readonly isAddressTaken: (address: string) => boolean;
  readonly isNodePortTaken: (port: number) => boolean;
}

/** Addresses that nobody answers on, from 10.96.0.0/16: they make `get services` look as people know it. */
const ADDRESSES = 65_536;
/** The node ports there are: 30000–32767. */
export const NODE_PORT_FIRST = 30_000;
export const NODE_PORTS = 2768;
const AFFINITY_SECONDS = 10_800;

/**
 * Returns the Service with the defaults of core/v1, an address from 10.96.0.0/16 and node ports from 30000–32767. Both
 * follow from the Service's name, so that the same manifests get the same ones; taken ones are passed over. On an update
 * what `existing` has is kept where nothing else is asked for.
 */
export function withServiceDefaults(
  object: Readonly<Record<string, unknown>>,
  existing: Readonly<Record<string, unknown>> | undefined,
  allocation: ServiceAllocation,
): Readonly<Record<string, unknown>> {
  const before = recordAt(existing, "spec");
  const spec: Record<string, unknown> = { ...withoutFieldsOfOldType(recordAt(object, "spec"), before) };
  spec["sessionAffinity"] ??= "None";
  if (spec["sessionAffinity"] === "ClientIP") spec["sessionAffinityConfig"] = affinityConfig(spec);
  spec["type"] ??= "ClusterIP";
  const type = spec["type"];
  const metadata = recordAt(object, "metadata");
  const seed = `${stringAt(metadata, "namespace") ?? ""}/${stringAt(metadata, "name") ?? ""}`;
  const isExternal = hasNodePorts(type);
  spec["ports"] = ports(spec, before, { isExternal, seed, allocation });
  if (arrayAt(spec, "ports").length === 0) delete spec["ports"];
  if (isExternal || (type === "ClusterIP" && arrayAt(spec, "externalIPs").length > 0)) {
    spec["externalTrafficPolicy"] ??= "Cluster";
  }
  if (type === "LoadBalancer") spec["allocateLoadBalancerNodePorts"] ??= true;
  if (type === "ClusterIP" || isExternal) {
    spec["internalTrafficPolicy"] ??= "Cluster";
    Object.assign(spec, addresses(spec, before, seed, allocation));
  }
  return { ...object, spec };
}

/** What a type of Service has that the simpler ones do not. */
const FIELDS_OF_CLUSTER: readonly string[] = [
  "clusterIP",
  "clusterIPs",
  "internalTrafficPolicy",
  "ipFamilies",
  "ipFamilyPolicy",
];
const FIELDS_OF_NODES: readonly string[] = [...FIELDS_OF_CLUSTER, "externalTrafficPolicy"];
const FIELDS_OF_BALANCERS: readonly string[] = [
  ...FIELDS_OF_NODES,
  "allocateLoadBalancerNodePorts",
  "healthCheckNodePort",
  "loadBalancerClass",
];

/** A change of type takes along what only the old type had, unless the change speaks of it too. */
function withoutFieldsOfOldType(
  spec: Readonly<Record<string, unknown>>,
  before: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (before["type"] === undefined || before["type"] === spec["type"]) return spec;
  const kept = new Set(fieldsOfType(spec["type"]));
  const gone = fieldsOfType(before["type"]).filter((name) => !kept.has(name) && jsonEqual(spec[name], before[name]));
  const rest = Object.fromEntries(Object.entries(spec).filter(([name]) => !gone.includes(name)));
  const losesNodePorts = hasNodePorts(before["type"]) && !hasNodePorts(spec["type"]);
  if (!losesNodePorts || !jsonEqual(nodePorts(spec), nodePorts(before))) return rest;
  return { ...rest, ports: arrayAt(spec, "ports").map(withoutNodePort) };
}

function fieldsOfType(type: unknown): readonly string[] {
  if (type === "LoadBalancer") return FIELDS_OF_BALANCERS;
  if (type === "NodePort") return FIELDS_OF_NODES;
  return type === "ExternalName" ? [] : FIELDS_OF_CLUSTER;
}

function hasNodePorts(type: unknown): boolean {
  return type === "NodePort" || type === "LoadBalancer";
}

function nodePorts(spec: Readonly<Record<string, unknown>>): readonly unknown[] {
  return arrayAt(spec, "ports").map((port) => numberAt(port, "nodePort") ?? 0);
}

function withoutNodePort(port: unknown): unknown {
  return isRecord(port) ? Object.fromEntries(Object.entries(port).filter(([name]) => name !== "nodePort")) : port;
}

function affinityConfig(spec: Readonly<Record<string, unknown>>): unknown {
  const config = recordAt(spec, "sessionAffinityConfig");
  const clientIP = recordAt(config, "clientIP");
  return { ...config, clientIP: { timeoutSeconds: AFFINITY_SECONDS, ...clientIP } };
}

function ports(
  spec: Readonly<Record<string, unknown>>,
  before: Readonly<Record<string, unknown>>,
  options: { readonly isExternal: boolean; readonly seed: string; readonly allocation: ServiceAllocation },
): readonly unknown[] {
  const taken = new Set<number>();
  return arrayAt(spec, "ports").map((port) => {
    if (!isRecord(port)) return port;
    const target = port["targetPort"];
    const complete: Record<string, unknown> = {
      ...port,
      protocol: port["protocol"] ?? "TCP",
      targetPort: target === undefined || target === 0 || target === "" ? port["port"] : target,
    };
    if (
      options.isExternal &&
      numberAt(port, "nodePort") === undefined &&
      spec["allocateLoadBalancerNodePorts"] !== false
    ) {
      complete["nodePort"] = keptNodePort(complete, before) ?? freeNodePort(complete, options, taken);
    }
    const nodePort = numberAt(complete, "nodePort");
    if (nodePort !== undefined) taken.add(nodePort);
    return complete;
  });
}

function keptNodePort(
  port: Readonly<Record<string, unknown>>,
  before: Readonly<Record<string, unknown>>,
): number | undefined {
  const old = arrayAt(before, "ports").find(
    (entry) => numberAt(entry, "port") === port["port"] && stringAt(entry, "protocol") === port["protocol"],
  );
  return numberAt(old, "nodePort");
}

function freeNodePort(
  port: Readonly<Record<string, unknown>>,
  options: { readonly seed: string; readonly allocation: ServiceAllocation },
  taken: ReadonlySet<number>,
): number | undefined {
  const start = hash(`${options.seed}/${String(port["port"])}/${String(port["protocol"])}`) % NODE_PORTS;
  for (let step = 0; step < NODE_PORTS; step++) {
    const candidate = NODE_PORT_FIRST + ((start + step) % NODE_PORTS);
    if (!taken.has(candidate) && !options.allocation.isNodePortTaken(candidate)) return candidate;
  }
  return undefined;
}

function addresses(
  spec: Readonly<Record<string, unknown>>,
  before: Readonly<Record<string, unknown>>,
  seed: string,
  allocation: ServiceAllocation,
): Readonly<Record<string, unknown>> {
  const wanted = stringAt(spec, "clusterIP") ?? "";
  const kept = arrayAt(before, "clusterIPs").map(String);
  const given = givenAddresses(arrayAt(spec, "clusterIPs").map(String), wanted, kept);
  const clusterIPs =
    given.length > 0 ? given : wanted !== "" ? [wanted] : kept.length > 0 ? kept : [freeAddress(seed, allocation)];
  const families = arrayAt(spec, "ipFamilies");
  return {
    clusterIP: wanted === "" ? clusterIPs[0] : wanted,
    clusterIPs,
    ipFamilies: families.length > 0 ? families : clusterIPs.map((ip) => (ip.includes(":") ? "IPv6" : "IPv4")),
    ipFamilyPolicy: spec["ipFamilyPolicy"] ?? "SingleStack",
  };
}

/** Who changes `clusterIP` alone means the first of `clusterIPs` too. */
function givenAddresses(given: readonly string[], wanted: string, kept: readonly string[]): readonly string[] {
  const [first = "", ...others] = given;
  return wanted !== "" && first !== "" && wanted !== first && jsonEqual(given, kept) ? [wanted, ...others] : given;
}

function freeAddress(seed: string, allocation: ServiceAllocation): string {
  const start = hash(seed) % ADDRESSES;
  let address = "";
  for (let step = 0; step < ADDRESSES; step++) {
    const low = (start + step) % ADDRESSES;
    address = `10.96.${String(low >>> 8)}.${String(low & 255)}`;
    // The first and the last address of the range, and 10.96.0.1 (the API on real clusters), stay free.
    const isReserved = low <= 1 || low === ADDRESSES - 1;
    if (!isReserved && !allocation.isAddressTaken(address)) return address;
  }
  return address;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
