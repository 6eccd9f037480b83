import { arrayAt, isRecord, numberAt, recordAt, stringAt } from "../../ground/json.ts";
import type { FieldError } from "./field-error.ts";
import {
  GoLiteral,
  duplicate,
  forbiddenField,
  goStrings,
  invalidValue,
  notSupported,
  required,
} from "./field-error.ts";
import { NOT_AN_ADDRESS, ipFamily } from "./ip-address.ts";
import { PORT_RANGE, isPort, label, portName, subdomain } from "./name-rules.ts";
import { checkLabels } from "./object-meta.ts";
import { NODE_PORTS, NODE_PORT_FIRST } from "./service-defaults.ts";

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"] as const;

/** Protocols of ports, in the order messages list them. */
export const PROTOCOLS = ["SCTP", "TCP", "UDP"] as const;

/** Checks a Service that has its defaults, core/v1. */
export function checkService(object: Readonly<Record<string, unknown>>): readonly FieldError[] {
  const spec = recordAt(object, "spec");
  const type = stringAt(spec, "type") ?? "";
  return [
    ...checkPorts(spec, type),
    ...checkLabels(spec["selector"], "spec.selector"),
    ...checkAffinity(spec),
    ...checkClusterIps(spec, type),
    ...arrayAt(spec, "externalIPs").flatMap((ip, index) =>
      ipFamily(String(ip)) === undefined
        ? [invalidValue(`spec.externalIPs[${String(index)}]`, ip, NOT_AN_ADDRESS)]
        : [],
    ),
    ...(TYPES.some((known) => known === type) ? [] : [notSupported("spec.type", type, TYPES)]),
    ...checkTraffic(spec),
  ];
}

function checkPorts(spec: Readonly<Record<string, unknown>>, type: string): readonly FieldError[] {
  const ports = arrayAt(spec, "ports");
  const isHeadless = stringAt(spec, "clusterIP") === "None";
  const errors: FieldError[] = [];
  if (type === "ExternalName") {
    const target = stringAt(spec, "externalName") ?? "";
    if ((stringAt(spec, "clusterIP") ?? "") !== "") {
      errors.push(forbiddenField("spec.clusterIPs", "may not be set for ExternalName services"));
    }
    if (target === "") errors.push(required("spec.externalName"));
    else {
      const name = target.replace(/\.$/, "");
      errors.push(...subdomain(name).map((reason) => invalidValue("spec.externalName", name, reason)));
    }
  } else if (ports.length === 0 && !isHeadless) errors.push(required("spec.ports"));
  const names = new Set<string>();
  const seen = new Set<string>();
  ports.forEach((port, index) => {
    const path = `spec.ports[${String(index)}]`;
    errors.push(...checkPort(port, path, { type, needsName: ports.length > 1, names }));
    const identity = `${stringAt(port, "protocol") ?? ""}/${String(numberAt(port, "port") ?? 0)}`;
    if (seen.has(identity)) errors.push(duplicate(path, goServicePort(port)));
    seen.add(identity);
  });
  return errors;
}

function checkPort(
  port: unknown,
  path: string,
  context: { readonly type: string; readonly needsName: boolean; readonly names: Set<string> },
): readonly FieldError[] {
  const name = stringAt(port, "name") ?? "";
  const number = numberAt(port, "port") ?? 0;
  const protocol = stringAt(port, "protocol") ?? "";
  const errors: FieldError[] = [];
  if (name === "") {
    if (context.needsName) errors.push(required(`${path}.name`));
  } else {
    errors.push(...label(name).map((reason) => invalidValue(`${path}.name`, name, reason)));
    if (context.names.has(name)) errors.push(duplicate(`${path}.name`, name));
    context.names.add(name);
  }
  if (!isPort(number)) errors.push(invalidValue(`${path}.port`, number, PORT_RANGE));
  if (!PROTOCOLS.some((known) => known === protocol))
    errors.push(notSupported(`${path}.protocol`, protocol, PROTOCOLS));
  errors.push(...checkTargetPort(isRecord(port) ? port["targetPort"] : undefined, `${path}.targetPort`));
  if (numberAt(port, "nodePort") !== undefined && (context.type === "ClusterIP" || context.type === "ExternalName")) {
    errors.push(forbiddenField(`${path}.nodePort`, `may not be used when \`type\` is '${context.type}'`));
  }
  return errors;
}

function checkTargetPort(target: unknown, path: string): readonly FieldError[] {
  if (typeof target === "number") return isPort(target) ? [] : [invalidValue(path, target, PORT_RANGE)];
  if (typeof target !== "string") return [];
  return portName(target).map((reason) => invalidValue(path, target, reason));
}

function goServicePort(port: unknown): GoLiteral {
  const target = isRecord(port) ? port["targetPort"] : undefined;
  const targetText =
    typeof target === "string"
      ? `intstr.IntOrString{Type:1, IntVal:0, StrVal:${JSON.stringify(target)}}`
      : `intstr.IntOrString{Type:0, IntVal:${String(typeof target === "number" ? target : 0)}, StrVal:""}`;
  const fields = [
    `Name:${JSON.stringify(stringAt(port, "name") ?? "")}`,
    `Protocol:${JSON.stringify(stringAt(port, "protocol") ?? "")}`,
    "AppProtocol:(*string)(nil)",
    `Port:${String(numberAt(port, "port") ?? 0)}`,
    `TargetPort:${targetText}`,
    `NodePort:${String(numberAt(port, "nodePort") ?? 0)}`,
  ];
  return new GoLiteral(`core.ServicePort{${fields.join(", ")}}`);
}

function checkAffinity(spec: Readonly<Record<string, unknown>>): readonly FieldError[] {
  const affinity = stringAt(spec, "sessionAffinity") ?? "";
  if (affinity === "") return [required("spec.sessionAffinity")];
  if (affinity !== "ClientIP" && affinity !== "None") {
    return [notSupported("spec.sessionAffinity", affinity, ["ClientIP", "None"])];
  }
  if (affinity === "None" && spec["sessionAffinityConfig"] !== undefined) {
    return [forbiddenField("spec.sessionAffinityConfig", "must not be set when session affinity is None")];
  }
  return [];
}

function checkClusterIps(spec: Readonly<Record<string, unknown>>, type: string): readonly FieldError[] {
  const ips = arrayAt(spec, "clusterIPs").map(String);
  if (type === "ExternalName" || ips.length === 0) return [];
  if (ips[0] === "None") {
    return type === "ClusterIP"
      ? []
      : [invalidValue("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${type} services`)];
  }
  return ips.flatMap((ip, index) =>
    ipFamily(ip) === undefined ? [invalidValue(`spec.clusterIPs[${String(index)}]`, ip, NOT_AN_ADDRESS)] : [],
  );
}

function checkTraffic(spec: Readonly<Record<string, unknown>>): readonly FieldError[] {
  return ["externalTrafficPolicy", "internalTrafficPolicy"].flatMap((field) => {
    const policy = stringAt(spec, field);
    return policy === undefined || policy === "Cluster" || policy === "Local"
      ? []
      : [notSupported(`spec.${field}`, policy, ["Cluster", "Local"])];
  });
}

/** Checks that the node ports asked for are ones there are; what is taken is not looked at. */
export function checkNodePorts(object: Readonly<Record<string, unknown>>): readonly FieldError[] {
  return arrayAt(object["spec"], "ports").flatMap((port, index) => {
    const nodePort = numberAt(port, "nodePort") ?? 0;
    const isInRange = nodePort >= NODE_PORT_FIRST && nodePort < NODE_PORT_FIRST + NODE_PORTS;
    return nodePort === 0 || isInRange
      ? []
      : [invalidValue(`spec.ports[${String(index)}].nodePort`, nodePort, OUT_OF_RANGE)];
  });
}

const OUT_OF_RANGE = `provided port is not in the valid range. The range of valid ports is ${String(NODE_PORT_FIRST)}-${String(NODE_PORT_FIRST + NODE_PORTS - 1)}`;

/** Checks what an update may not change in a Service: its addresses, while it keeps a type that has them. */
export function checkServiceUpdate(
  object: Readonly<Record<string, unknown>>,
  existing: Readonly<Record<string, unknown>>,
): readonly FieldError[] {
  const spec = recordAt(object, "spec");
  const before = recordAt(existing, "spec");
  if (spec["type"] === "ExternalName" || before["type"] === "ExternalName") return [];
  const oldIp = stringAt(before, "clusterIP") ?? "";
  const ips = arrayAt(spec, "clusterIPs").map(String);
  if (oldIp === "" || ips[0] === oldIp) return [];
  return [invalidValue("spec.clusterIPs[0]", goStrings(ips), "may not change once set")];
}
