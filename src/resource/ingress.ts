import { arrayAt, isRecord, numberAt, recordAt, stringAt, stringMapAt } from "../ground/json.ts";
import { parseRuleHost } from "./hostname.ts";
import type { KubeObject } from "./object.ts";
import { quoted, type ParseProblem } from "./parse-problem.ts";

/** A `networking.k8s.io/v1` Ingress as far as it can be used. */
export interface Ingress {
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339 as the API server wrote it; empty when unknown, which counts as oldest. */
  readonly creationTimestamp: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly className: string | undefined;
  readonly defaultBackend: IngressBackend | undefined;
  readonly rules: readonly IngressRule[];
  readonly tls: readonly IngressTls[];
  /** What was left out; each rule, path and TLS entry that is not named here is in the fields above. */
  readonly problems: readonly ParseProblem[];
}

/** The paths of one host. */
export interface IngressRule {
  /** Position in the object, for ids and messages. */
  readonly index: number;
  /** A rule host in lower case, or `*` when the rule has none. */
  readonly host: string;
  readonly paths: readonly IngressPath[];
}

/** One path and where it leads. */
export interface IngressPath {
  readonly index: number;
  readonly path: string;
  readonly pathType: "Exact" | "Prefix" | "ImplementationSpecific";
  readonly backend: IngressBackend;
}

/** A Service port, or an object of another kind. */
export type IngressBackend =
  | { readonly kind: "service"; readonly name: string; readonly port: ServicePortReference }
  /** Another object in the same namespace, such as a storage bucket. */
  | { readonly kind: "resource"; readonly apiGroup: string; readonly resourceKind: string; readonly name: string };

/** A port of a Service as the user wrote it: its number, or its name. */
export type ServicePortReference = number | string;

/** One entry of `spec.tls`: hosts and the Secret with their certificate. */
export interface IngressTls {
  readonly index: number;
  /** Rule hosts in lower case; empty when the entry lists none. */
  readonly hosts: readonly string[];
  readonly secretName: string | undefined;
}

/**
 * Returns what is usable of an Ingress and what is not. Never throws. Understands the backends of the retired
 * `v1beta1` versions too (`serviceName` and `servicePort`), where a path without a type is ImplementationSpecific.
 */
export function parseIngress(object: KubeObject): Ingress {
  const problems: ParseProblem[] = [];
  const spec = object["spec"];
  const report = (at: string, message: string): undefined => void problems.push({ at, message });
  const legacyBackend = isRecord(spec) && spec["backend"] !== undefined ? "backend" : "defaultBackend";
  return {
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
    creationTimestamp: object.metadata.creationTimestamp ?? "",
    annotations: stringMapAt(object.metadata, "annotations"),
    className: stringAt(spec, "ingressClassName"),
    defaultBackend: parseOptionalBackend(spec, legacyBackend, `spec.${legacyBackend}`, report),
    rules: arrayAt(spec, "rules").flatMap((rule, index) => parseRule(rule, index, report)),
    tls: arrayAt(spec, "tls").flatMap((entry, index) => parseTls(entry, index, report)),
    problems,
  };
}

type Report = (at: string, message: string) => undefined;

function parseRule(value: unknown, index: number, report: Report): readonly IngressRule[] {
  const at = `spec.rules[${index}]`;
  const host = parseHost(stringAt(value, "host"), `${at}.host`, report);
  if (host === undefined) return [];
  const paths = arrayAt(recordAt(value, "http"), "paths").flatMap((path, position) =>
    parsePath(path, position, `${at}.http.paths[${position}]`, report),
  );
  return [{ index, host, paths }];
}

function parseHost(text: string | undefined, at: string, report: Report): string | undefined {
  if (text === undefined || text === "") return "*";
  const parsed = parseRuleHost(text);
  return "host" in parsed ? parsed.host : report(at, `Host ${quoted(text)} ${parsed.problem}`);
}

const PATH_LENGTH_MAX = 4096;

function parsePath(value: unknown, index: number, at: string, report: Report): readonly IngressPath[] {
  const pathType = stringAt(value, "pathType") ?? "ImplementationSpecific";
  const written = stringAt(value, "path") ?? "";
  const path = written === "" ? "/" : written;
  if (pathType !== "Exact" && pathType !== "Prefix" && pathType !== "ImplementationSpecific") {
    report(`${at}.pathType`, `Path type ${quoted(pathType)} is none of Exact, Prefix, ImplementationSpecific`);
    return [];
  }
  const fault = pathFault(path);
  if (fault !== undefined) {
    report(`${at}.path`, `Path ${quoted(path)} ${fault}`);
    return [];
  }
  const backend = parseOptionalBackend(value, "backend", `${at}.backend`, report);
  if (backend === undefined) {
    if (!isRecord(value) || value["backend"] === undefined) report(`${at}.backend`, "The path has no backend");
    return [];
  }
  return [{ index, path, pathType, backend }];
}

function pathFault(path: string): string | undefined {
  if (!path.startsWith("/")) return 'does not start with "/"';
  if (path.length > PATH_LENGTH_MAX) return `is longer than ${PATH_LENGTH_MAX} characters`;
  for (let index = 0; index < path.length; index++) {
    const code = path.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return "has a control character";
  }
  return undefined;
}

function parseOptionalBackend(value: unknown, key: string, at: string, report: Report): IngressBackend | undefined {
  const backend = isRecord(value) ? value[key] : undefined;
  if (backend === undefined || backend === null) return undefined;
  const resource = isRecord(backend) && isRecord(backend["resource"]) ? backend["resource"] : undefined;
  if (resource !== undefined) {
    return {
      kind: "resource",
      apiGroup: stringAt(resource, "apiGroup") ?? "",
      resourceKind: stringAt(resource, "kind") ?? "",
      name: stringAt(resource, "name") ?? "",
    };
  }
  const service = recordAt(backend, "service");
  const name = stringAt(service, "name") ?? stringAt(backend, "serviceName");
  if (name === undefined || name === "") return report(at, "The backend names no Service");
  const port = parsePort(service, backend);
  if (port === undefined) return report(at, `The backend names no port of Service ${quoted(name)}`);
  return { kind: "service", name, port };
}

function parsePort(service: unknown, backend: unknown): ServicePortReference | undefined {
  const port = recordAt(service, "port");
  const name = stringAt(port, "name") ?? "";
  if (name !== "") return name;
  const number = numberAt(port, "number") ?? numberAt(backend, "servicePort");
  if (number !== undefined) return Number.isInteger(number) && number >= 1 && number <= 65_535 ? number : undefined;
  const legacy = stringAt(backend, "servicePort") ?? "";
  // The old versions took a number in quotes for a number.
  return /^\d{1,5}$/.test(legacy) ? Number(legacy) : legacy === "" ? undefined : legacy;
}

function parseTls(value: unknown, index: number, report: Report): readonly IngressTls[] {
  if (!isRecord(value)) return [];
  const hosts: string[] = [];
  for (const [position, text] of arrayAt(value, "hosts").entries()) {
    if (typeof text !== "string" || text === "") continue;
    const host = parseHost(text, `spec.tls[${index}].hosts[${position}]`, report);
    if (host !== undefined && !hosts.includes(host)) hosts.push(host);
  }
  // An entry whose hosts are all unusable must not turn into one for every host.
  if (hosts.length === 0 && arrayAt(value, "hosts").length > 0) return [];
  const secretName = stringAt(value, "secretName") ?? "";
  return [{ index, hosts, secretName: secretName === "" ? undefined : secretName }];
}
