import { arrayAt, isRecord, recordAt } from "../../ground/json.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Returns a v1beta1 Ingress (of either group) in v1: `backend` becomes `defaultBackend`, serviceName and servicePort
 * become `service`, and a path without a type gets ImplementationSpecific, which v1beta1 had as its default.
 */
export function ingressToStored(object: Fields): Fields {
  if (!isRecord(object["spec"])) return object;
  const { backend, ...spec } = object["spec"];
  return {
    ...object,
    spec: withPaths(
      { ...spec, ...(backend === undefined ? {} : { defaultBackend: backendToV1(backend) }) },
      (path) => ({
        ...path,
        pathType: path["pathType"] ?? "ImplementationSpecific",
        backend: backendToV1(path["backend"]),
      }),
    ),
  };
}

/** Returns a v1 Ingress in v1beta1. */
export function ingressFromStored(object: Fields): Fields {
  if (!isRecord(object["spec"])) return object;
  const { defaultBackend, ...spec } = object["spec"];
  return {
    ...object,
    spec: withPaths(
      { ...spec, ...(defaultBackend === undefined ? {} : { backend: backendToBeta(defaultBackend) }) },
      (path) => ({ ...path, backend: backendToBeta(path["backend"]) }),
    ),
  };
}

function withPaths(spec: Fields, convert: (path: Fields) => Fields): Fields {
  if (spec["rules"] === undefined) return spec;
  const rules = arrayAt(spec, "rules").map((rule) => {
    if (!isRecord(rule) || !isRecord(rule["http"])) return rule;
    const paths = arrayAt(rule["http"], "paths").map((path) => (isRecord(path) ? convert(path) : path));
    return { ...rule, http: { ...rule["http"], paths } };
  });
  return { ...spec, rules };
}

function backendToV1(backend: unknown): unknown {
  if (!isRecord(backend)) return backend;
  const { serviceName, servicePort, ...rest } = backend;
  const hasPort = servicePort !== undefined && servicePort !== "" && servicePort !== 0;
  if ((serviceName === undefined || serviceName === "") && !hasPort) return rest;
  const port = !hasPort ? {} : typeof servicePort === "number" ? { number: servicePort } : { name: servicePort };
  return { ...rest, service: { name: serviceName ?? "", port } };
}

function backendToBeta(backend: unknown): unknown {
  if (!isRecord(backend) || !isRecord(backend["service"])) return backend;
  const { service, ...rest } = backend;
  const port = recordAt(service, "port");
  return {
    ...rest,
    ...(isRecord(service) ? { serviceName: service["name"] } : {}),
    servicePort: port["name"] ?? port["number"] ?? 0,
  };
}
