import { arrayAt, booleanAt, numberAt, recordAt, stringAt, stringMapAt } from "../ground/json.ts";
import type { KubeObject } from "./object.ts";
import { portNumber } from "./service.ts";

/** Names the Service a slice belongs to. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** A `discovery.k8s.io/v1` EndpointSlice. */
export interface EndpointSlice {
  readonly namespace: string;
  /** From the label; empty when the slice belongs to no Service. */
  readonly serviceName: string;
  readonly addressType: "IPv4" | "IPv6" | "FQDN";
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly SliceEndpoint[];
}

/** One port of a slice; a port without a number means all ports. */
export interface EndpointPort {
  /** The name of the Service's port, not of the container's; empty when that has none. */
  readonly name: string;
  /** Undefined means every port: the Service's own target port counts then. */
  readonly port: number | undefined;
}

/** One endpoint of a slice with what is known of its state. */
export interface SliceEndpoint {
  /** The first of its addresses; the API calls all of them interchangeable. */
  readonly address: string;
  /** Whether it takes new connections; an unknown state counts as ready, as the API says. */
  readonly ready: boolean;
  /** Whether it still answers, though it is going away: used only while no endpoint is ready. */
  readonly servingWhileTerminating: boolean;
}

/** Returns what is usable of an EndpointSlice. Never throws. */
export function parseEndpointSlice(object: KubeObject): EndpointSlice {
  const addressType = stringAt(object, "addressType");
  return {
    namespace: object.metadata.namespace ?? "",
    serviceName: stringMapAt(object.metadata, "labels")[SERVICE_NAME_LABEL] ?? "",
    addressType: addressType === "IPv6" || addressType === "FQDN" ? addressType : "IPv4",
    ports: arrayAt(object, "ports").flatMap(parseEndpointPort),
    endpoints: arrayAt(object, "endpoints").flatMap(parseEndpoint),
  };
}

/** Returns a port of a slice or of an Endpoints subset; ports of other protocols than TCP are left out. */
export function parseEndpointPort(value: unknown): readonly EndpointPort[] {
  if ((stringAt(value, "protocol") ?? "TCP") !== "TCP") return [];
  return [{ name: stringAt(value, "name") ?? "", port: portNumber(numberAt(value, "port")) }];
}

function parseEndpoint(value: unknown): readonly SliceEndpoint[] {
  const address = arrayAt(value, "addresses").find((entry) => typeof entry === "string" && entry !== "");
  if (typeof address !== "string") return [];
  const conditions = recordAt(value, "conditions");
  const ready = booleanAt(conditions, "ready") ?? true;
  const serving = booleanAt(conditions, "serving") ?? ready;
  return [{ address, ready, servingWhileTerminating: serving && booleanAt(conditions, "terminating") === true }];
}
