import { parseEndpointSlice, type EndpointSlice } from "../../resource/endpoint-slice.ts";
import { parseEndpoints, type Endpoints } from "../../resource/endpoints.ts";
import type { KubeObject } from "../../resource/object.ts";
import { parseService, type Service } from "../../resource/service.ts";

/** Everything about one Service that its backends depend on. */
export interface ServiceFacts {
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
  readonly endpoints: Endpoints | undefined;
}

const services = new WeakMap<KubeObject, Service>();
const slices = new WeakMap<KubeObject, EndpointSlice>();
const endpoints = new WeakMap<KubeObject, Endpoints>();

/** Finds a Service with its slices and Endpoints. Parsed objects are remembered, so that an index costs little to make anew. */
export class ServiceIndex {
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, EndpointSlice[]>();
  readonly #endpoints = new Map<string, Endpoints>();

  constructor(objects: {
    readonly services: readonly KubeObject[];
    readonly endpointSlices: readonly KubeObject[];
    readonly endpoints: readonly KubeObject[];
  }) {
    for (const object of objects.services) {
      const service = remembered(services, object, parseService);
      this.#services.set(`${service.namespace}/${service.name}`, service);
    }
    for (const object of objects.endpoints) {
      const parsed = remembered(endpoints, object, parseEndpoints);
      this.#endpoints.set(`${parsed.namespace}/${parsed.name}`, parsed);
    }
    for (const object of objects.endpointSlices) {
      const slice = remembered(slices, object, parseEndpointSlice);
      if (slice.serviceName === "") continue;
      const key = `${slice.namespace}/${slice.serviceName}`;
      const found = this.#slices.get(key);
      if (found === undefined) this.#slices.set(key, [slice]);
      else found.push(slice);
    }
  }

  /** Returns undefined when there is no such Service. */
  find(namespace: string, name: string): ServiceFacts | undefined {
    const key = `${namespace}/${name}`;
    const service = this.#services.get(key);
    if (service === undefined) return undefined;
    return { service, slices: this.#slices.get(key) ?? NO_SLICES, endpoints: this.#endpoints.get(key) };
  }
}

const NO_SLICES: readonly EndpointSlice[] = [];

function remembered<Value>(
  cache: WeakMap<KubeObject, Value>,
  object: KubeObject,
  parse: (object: KubeObject) => Value,
): Value {
  const known = cache.get(object);
  if (known !== undefined) return known;
  const made = parse(object);
  cache.set(object, made);
  return made;
}
