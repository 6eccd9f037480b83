import { arrayAt, isRecord, numberAt, stringAt } from "../ground/json.ts";
import type { KubeObject } from "./object.ts";

/** A core `v1` Service as far as routing needs it. */
export interface Service {
  readonly namespace: string;
  readonly name: string;
  /** Empty where nothing has given it one. */
  readonly uid: string;
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  /** Lower case, without a final dot; empty unless the type is ExternalName. */
  readonly externalName: string;
  /** TCP ports only: HTTP needs no other. */
  readonly ports: readonly ServicePort[];
}

/** One port of a Service. */
export interface ServicePort {
  /** Empty when the Service's only port has no name. EndpointSlices name their ports by it. */
  readonly name: string;
  readonly port: number;
  /** A number, or the name of a container port, which only EndpointSlices can resolve. */
  readonly targetPort: number | string;
}

const TYPES = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] as const;

/** Returns what is usable of a Service: malformed ports are left out. Never throws. */
export function parseService(object: KubeObject): Service {
  const spec = object["spec"];
  const type = TYPES.find((known) => known === stringAt(spec, "type")) ?? "ClusterIP";
  const externalName = (stringAt(spec, "externalName") ?? "").toLowerCase().replace(/\.$/, "");
  return {
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
    uid: object.metadata.uid ?? "",
    type,
    externalName: type === "ExternalName" ? externalName : "",
    ports: arrayAt(spec, "ports").flatMap(parseServicePort),
  };
}

function parseServicePort(value: unknown): readonly ServicePort[] {
  const port = portNumber(numberAt(value, "port"));
  if (port === undefined || (stringAt(value, "protocol") ?? "TCP") !== "TCP") return [];
  const target = isRecord(value) ? value["targetPort"] : undefined;
  const named = typeof target === "string" && target !== "" ? target : undefined;
  return [
    {
      name: stringAt(value, "name") ?? "",
      port,
      targetPort: named ?? portNumber(numberAt(value, "targetPort")) ?? port,
    },
  ];
}

/** Returns `value` when it can be a TCP port; 0 cannot. */
export function portNumber(value: number | undefined): number | undefined {
  return value !== undefined && Number.isInteger(value) && value >= 1 && value <= 65_535 ? value : undefined;
}
