import { arrayAt, isRecord, numberAt, stringAt } from "../../ground/json.ts";
import type { FieldError } from "./field-error.ts";
import { duplicate, invalidValue, notSupported, required, tooMany } from "./field-error.ts";
import { NOT_AN_ADDRESS, ipFamily } from "./ip-address.ts";
import { PORT_RANGE, isPort, label, subdomain } from "./name-rules.ts";
import { PROTOCOLS } from "./service.ts";

const ADDRESS_TYPES = ["FQDN", "IPv4", "IPv6"] as const;
const ENDPOINTS_MAX = 1000;
const ADDRESSES_MAX = 100;
const SLICE_PORTS_MAX = 20_000;

/** Returns the EndpointSlice with the defaults of its ports: an empty name and TCP. */
export function withEndpointSliceDefaults(
  object: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (object["ports"] === undefined) return object;
  return {
    ...object,
    ports: arrayAt(object, "ports").map((port) => (isRecord(port) ? { name: "", protocol: "TCP", ...port } : port)),
  };
}

/**
 * Checks an EndpointSlice, discovery.k8s.io/v1. Addresses of this machine (127.0.0.0/8, ::1) are welcome, other than on
 * a real cluster: on one machine that is where programs listen.
 */
export function checkEndpointSlice(object: Readonly<Record<string, unknown>>): readonly FieldError[] {
  const addressType = stringAt(object, "addressType") ?? "";
  const endpoints = arrayAt(object, "endpoints");
  const errors: FieldError[] = [];
  if (addressType === "") errors.push(required("addressType"));
  else if (!ADDRESS_TYPES.some((known) => known === addressType)) {
    errors.push(notSupported("addressType", addressType, ADDRESS_TYPES));
  }
  if (endpoints.length > ENDPOINTS_MAX) errors.push(tooMany("endpoints", endpoints.length, ENDPOINTS_MAX));
  endpoints.forEach((endpoint, index) => {
    errors.push(...checkSliceEndpoint(endpoint, `endpoints[${String(index)}]`, addressType));
  });
  return [...errors, ...checkSlicePorts(arrayAt(object, "ports"))];
}

function checkSliceEndpoint(endpoint: unknown, path: string, addressType: string): readonly FieldError[] {
  const addresses = arrayAt(endpoint, "addresses").map(String);
  const hostname = stringAt(endpoint, "hostname");
  if (addresses.length === 0) return [required(`${path}.addresses`, "must contain at least 1 address")];
  if (addresses.length > ADDRESSES_MAX) return [tooMany(`${path}.addresses`, addresses.length, ADDRESSES_MAX)];
  return [
    ...addresses.flatMap((address, index) => checkAddress(address, `${path}.addresses[${String(index)}]`, addressType)),
    ...(hostname === undefined
      ? []
      : label(hostname).map((reason) => invalidValue(`${path}.hostname`, hostname, reason))),
  ];
}

function checkAddress(address: string, path: string, addressType: string): readonly FieldError[] {
  if (addressType === "FQDN") return subdomain(address).map((reason) => invalidValue(path, address, reason));
  if (addressType !== "IPv4" && addressType !== "IPv6") return [];
  return ipFamily(address) === addressType
    ? []
    : [invalidValue(path, address, `must be a valid ${addressType} address`)];
}

function checkSlicePorts(ports: readonly unknown[]): readonly FieldError[] {
  if (ports.length > SLICE_PORTS_MAX) return [tooMany("ports", ports.length, SLICE_PORTS_MAX)];
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const path = `ports[${String(index)}]`;
    const name = stringAt(port, "name") ?? "";
    const errors = [...checkPort(port, path, numberAt(port, "port") !== undefined)];
    if (name !== "") errors.push(...label(name).map((reason) => invalidValue(`${path}.name`, name, reason)));
    if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
    names.add(name);
    return errors;
  });
}

function checkPort(port: unknown, path: string, isGiven: boolean): readonly FieldError[] {
  const number = numberAt(port, "port") ?? 0;
  const protocol = stringAt(port, "protocol") ?? "";
  return [
    ...(!isGiven || isPort(number) ? [] : [invalidValue(`${path}.port`, number, PORT_RANGE)]),
    ...(protocol === ""
      ? [required(`${path}.protocol`)]
      : PROTOCOLS.some((known) => known === protocol)
        ? []
        : [notSupported(`${path}.protocol`, protocol, PROTOCOLS)]),
  ];
}

/** Checks what an update may not change in an EndpointSlice. */
export function checkEndpointSliceUpdate(
  object: Readonly<Record<string, unknown>>,
  existing: Readonly<Record<string, unknown>>,
): readonly FieldError[] {
  return object["addressType"] === existing["addressType"]
    ? []
    : [invalidValue("addressType", object["addressType"], "field is immutable")];
}

/** Returns the Endpoints with the default protocol of its ports. */
export function withEndpointsDefaults(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (object["subsets"] === undefined) return object;
  return {
    ...object,
    subsets: arrayAt(object, "subsets").map((subset) =>
      isRecord(subset) && subset["ports"] !== undefined
        ? {
            ...subset,
            ports: arrayAt(subset, "ports").map((port) => (isRecord(port) ? { protocol: "TCP", ...port } : port)),
          }
        : subset,
    ),
  };
}

/** Checks Endpoints, core/v1. Addresses of this machine are welcome. */
export function checkEndpoints(object: Readonly<Record<string, unknown>>): readonly FieldError[] {
  return arrayAt(object, "subsets").flatMap((subset, index) => {
    const path = `subsets[${String(index)}]`;
    const addresses = arrayAt(subset, "addresses");
    const waiting = arrayAt(subset, "notReadyAddresses");
    const errors: FieldError[] = [];
    if (addresses.length + waiting.length === 0) {
      errors.push(required(path, "must specify `addresses` or `notReadyAddresses`"));
    }
    for (const [field, list] of [
      ["addresses", addresses],
      ["notReadyAddresses", waiting],
    ] as const) {
      list.forEach((address, at) => {
        const ip = stringAt(address, "ip") ?? "";
        if (ipFamily(ip) === undefined) {
          errors.push(invalidValue(`${path}.${field}[${String(at)}].ip`, ip, NOT_AN_ADDRESS));
        }
      });
    }
    const ports = arrayAt(subset, "ports");
    ports.forEach((port, at) => {
      const name = stringAt(port, "name") ?? "";
      const portPath = `${path}.ports[${String(at)}]`;
      if (name === "" && ports.length > 1) errors.push(required(`${portPath}.name`));
      else if (name !== "") errors.push(...label(name).map((reason) => invalidValue(`${portPath}.name`, name, reason)));
      errors.push(...checkPort(port, portPath, true));
    });
    return errors;
  });
}
