import { arrayAt, isRecord, numberAt, recordAt, stringAt } from "../../ground/json.ts";
import type { FieldError } from "./field-error.ts";
import { GoLiteral, forbiddenField, invalidValue, notSupported, required, tooLong } from "./field-error.ts";
import { ipFamily } from "./ip-address.ts";
import { PORT_RANGE, isPort, portName, ruleHost, serviceName, subdomain } from "./name-rules.ts";

/** The older way to name a class, still read by controllers. */
const CLASS_ANNOTATION = "kubernetes.io/ingress.class";

const PATH_TYPES = ["Exact", "ImplementationSpecific", "Prefix"] as const;
const FORBIDDEN_IN_PATH = ["//", "/./", "/../", "%2f", "%2F"] as const;
const FORBIDDEN_AT_END = ["/..", "/."] as const;

/** Checks an Ingress, networking.k8s.io/v1. */
export function checkIngress(object: Readonly<Record<string, unknown>>): readonly FieldError[] {
  const spec = recordAt(object, "spec");
  const rules = arrayAt(spec, "rules");
  const backend = spec["defaultBackend"];
  const errors: FieldError[] = [];
  if (rules.length === 0 && backend === undefined) {
    const nothing = new GoLiteral("[]networking.IngressRule(nil)");
    errors.push(invalidValue("spec", nothing, "either `defaultBackend` or `rules` must be specified"));
  }
  if (backend !== undefined) errors.push(...checkBackend(backend, "spec.defaultBackend"));
  rules.forEach((rule, index) => {
    errors.push(...checkRule(rule, `spec.rules[${String(index)}]`));
  });
  arrayAt(spec, "tls").forEach((tls, index) => {
    errors.push(...checkTls(tls, `spec.tls[${String(index)}]`));
  });
  const className = stringAt(spec, "ingressClassName");
  if (className !== undefined) {
    errors.push(...subdomain(className).map((reason) => invalidValue("spec.ingressClassName", className, reason)));
  }
  return errors;
}

/** Checks what only a new Ingress has to keep to. */
export function checkNewIngress(object: Readonly<Record<string, unknown>>): readonly FieldError[] {
  const annotation = stringAt(recordAt(recordAt(object, "metadata"), "annotations"), CLASS_ANNOTATION);
  const className = stringAt(recordAt(object, "spec"), "ingressClassName");
  if (annotation === undefined || className === undefined || annotation === className) return [];
  return [
    invalidValue(
      `annotations.${CLASS_ANNOTATION}`,
      annotation,
      "must match `ingressClassName` when both are specified",
    ),
  ];
}

/** Warns of the older way to name a class. */
export function warnAboutNewIngress(object: Readonly<Record<string, unknown>>): readonly string[] {
  const annotations = recordAt(recordAt(object, "metadata"), "annotations");
  return annotations[CLASS_ANNOTATION] === undefined
    ? []
    : [`annotation "${CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`];
}

function checkRule(rule: unknown, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const host = stringAt(rule, "host") ?? "";
  if (host !== "") {
    if (ipFamily(host) !== undefined) {
      errors.push(invalidValue(`${path}.host`, host, "must be a DNS name, not an IP address"));
    }
    errors.push(...ruleHost(host).map((reason) => invalidValue(`${path}.host`, host, reason)));
  }
  if (!isRecord(rule) || !isRecord(rule["http"])) return errors;
  const paths = arrayAt(rule["http"], "paths");
  if (paths.length === 0) errors.push(required(`${path}.http.paths`));
  paths.forEach((entry, index) => {
    errors.push(...checkPath(entry, `${path}.http.paths[${String(index)}]`));
  });
  return errors;
}

function checkPath(entry: unknown, path: string): readonly FieldError[] {
  const pathType = stringAt(entry, "pathType");
  if (pathType === undefined) return [required(`${path}.pathType`, "pathType must be specified")];
  const text = stringAt(entry, "path") ?? "";
  const errors: FieldError[] = [];
  if (pathType === "Exact" || pathType === "Prefix") errors.push(...checkPlainPath(text, `${path}.path`));
  else if (pathType === "ImplementationSpecific") {
    if (text !== "" && !text.startsWith("/"))
      errors.push(invalidValue(`${path}.path`, text, "must be an absolute path"));
  } else errors.push(notSupported(`${path}.pathType`, pathType, PATH_TYPES));
  return [...errors, ...checkBackend(recordAt(entry, "backend"), `${path}.backend`)];
}

function checkPlainPath(text: string, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (!text.startsWith("/")) errors.push(invalidValue(path, text, "must be an absolute path"));
  for (const sequence of FORBIDDEN_IN_PATH) {
    if (text.includes(sequence)) errors.push(invalidValue(path, text, `must not contain '${sequence}'`));
  }
  for (const suffix of FORBIDDEN_AT_END) {
    if (text.endsWith(suffix)) errors.push(invalidValue(path, text, `cannot end with '${suffix}'`));
  }
  return errors;
}

function checkBackend(backend: unknown, path: string): readonly FieldError[] {
  const { resource, service } = isRecord(backend) ? backend : {};
  if (resource !== undefined && service !== undefined) {
    return [invalidValue(path, "", "cannot set both resource and service backends")];
  }
  if (resource !== undefined) return checkResourceBackend(resource, `${path}.resource`);
  if (service === undefined) return [invalidValue(path, "", "resource or service backend is required")];
  const name = stringAt(service, "name") ?? "";
  const errors: FieldError[] =
    name === ""
      ? [required(`${path}.service.name`)]
      : serviceName(name).map((reason) => invalidValue(`${path}.service.name`, name, reason));
  return [...errors, ...checkBackendPort(recordAt(service, "port"), path)];
}

function checkBackendPort(port: unknown, path: string): readonly FieldError[] {
  const name = stringAt(port, "name") ?? "";
  const number = numberAt(port, "number") ?? 0;
  if (name !== "" && number !== 0) return [invalidValue(path, "", "cannot set both port name & port number")];
  if (name !== "") return portName(name).map((reason) => invalidValue(`${path}.service.port.name`, name, reason));
  if (number === 0) return [required(path, "port name or number is required")];
  return isPort(number) ? [] : [invalidValue(`${path}.service.port.number`, number, PORT_RANGE)];
}

function checkResourceBackend(resource: unknown, path: string): readonly FieldError[] {
  const group = stringAt(resource, "apiGroup");
  return [
    ...(group === undefined ? [] : subdomain(group).map((reason) => invalidValue(`${path}.apiGroup`, group, reason))),
    ...["kind", "name"].flatMap((field) =>
      (stringAt(resource, field) ?? "") === "" ? [required(`${path}.${field}`)] : [],
    ),
  ];
}

function checkTls(tls: unknown, path: string): readonly FieldError[] {
  const secretName = stringAt(tls, "secretName") ?? "";
  return [
    ...arrayAt(tls, "hosts").flatMap((host, index) =>
      ruleHost(String(host)).map((reason) => invalidValue(`${path}.hosts[${String(index)}]`, host, reason)),
    ),
    ...(secretName === ""
      ? []
      : subdomain(secretName).map((reason) => invalidValue(`${path}.secretName`, secretName, reason))),
  ];
}

const CONTROLLER_LENGTH_MAX = 250;

/** Checks an IngressClass, networking.k8s.io/v1. */
export function checkIngressClass(object: Readonly<Record<string, unknown>>): readonly FieldError[] {
  const spec = recordAt(object, "spec");
  const controller = stringAt(spec, "controller") ?? "";
  const errors: FieldError[] = [];
  if (controller.length > CONTROLLER_LENGTH_MAX) errors.push(tooLong("spec.controller", CONTROLLER_LENGTH_MAX));
  errors.push(...checkDomainPath(controller, "spec.controller"));
  if (isRecord(spec["parameters"])) errors.push(...checkParameters(spec["parameters"], "spec.parameters"));
  return errors;
}

function checkDomainPath(text: string, path: string): readonly FieldError[] {
  if (text === "") return [required(path)];
  const slash = text.indexOf("/");
  if (slash <= 0 || slash === text.length - 1) {
    return [invalidValue(path, text, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  }
  const domain = text.slice(0, slash);
  return subdomain(domain).map((reason) => invalidValue(path, domain, reason));
}

function checkParameters(parameters: Readonly<Record<string, unknown>>, path: string): readonly FieldError[] {
  const errors = [...checkResourceBackend(parameters, path)];
  const scope = stringAt(parameters, "scope");
  const namespace = stringAt(parameters, "namespace") ?? "";
  if (scope === "Cluster" && namespace !== "") {
    errors.push(forbiddenField(`${path}.namespace`, "parameters.scope is set to 'Cluster'"));
  } else if (scope === "Namespace" && namespace === "") {
    errors.push(required(`${path}.namespace`, "parameters.scope is set to 'Namespace'"));
  } else if (scope !== "Cluster" && scope !== "Namespace") {
    errors.push(notSupported(`${path}.scope`, scope ?? "", ["Cluster", "Namespace"]));
  }
  return errors;
}

/** Checks what an update may not change in an IngressClass. */
export function checkIngressClassUpdate(
  object: Readonly<Record<string, unknown>>,
  existing: Readonly<Record<string, unknown>>,
): readonly FieldError[] {
  const controller = recordAt(object, "spec")["controller"];
  return controller === recordAt(existing, "spec")["controller"]
    ? []
    : [invalidValue("spec.controller", controller, "field is immutable")];
}
