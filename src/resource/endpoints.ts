import { arrayAt, stringAt } from "../ground/json.ts";
import { parseEndpointPort, type EndpointPort } from "./endpoint-slice.ts";
import type { KubeObject } from "./object.ts";

/** A core `v1` Endpoints object: what people wrote by hand before EndpointSlices. Named like its Service. */
export interface Endpoints {
  readonly namespace: string;
  readonly name: string;
  readonly subsets: readonly EndpointSubset[];
}

/** Each address has each port. */
export interface EndpointSubset {
  readonly addresses: readonly string[];
  readonly notReadyAddresses: readonly string[];
  readonly ports: readonly EndpointPort[];
}

/** Returns what is usable of an Endpoints object. Never throws. */
export function parseEndpoints(object: KubeObject): Endpoints {
  return {
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
    subsets: arrayAt(object, "subsets").map((subset) => ({
      addresses: addressesAt(subset, "addresses"),
      notReadyAddresses: addressesAt(subset, "notReadyAddresses"),
      ports: arrayAt(subset, "ports").flatMap(parseEndpointPort),
    })),
  };
}

function addressesAt(subset: unknown, key: string): readonly string[] {
  return arrayAt(subset, key).flatMap((entry) => {
    const ip = stringAt(entry, "ip") ?? "";
    return ip === "" ? [] : [ip];
  });
}
