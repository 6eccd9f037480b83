import type { EndpointPort } from "../../resource/endpoint-slice.ts";
import { parseRuleHost } from "../../resource/hostname.ts";
import { quoted } from "../../resource/parse-problem.ts";
import type { KubeObject } from "../../resource/object.ts";
import type { Service, ServicePort } from "../../resource/service.ts";
import type { Backend, Endpoint } from "../../routing/snapshot.ts";
import type { Finding } from "../annotations/ingress-policy.ts";
import type { BackendReference } from "./backend-reference.ts";
import { readUpstreamTls, secretOf } from "./upstream-tls.ts";
import type { ServiceFacts, ServiceIndex } from "./service-index.ts";

/** A backend, and what the owners of the routes to it should know. */
export interface ResolvedBackend {
  readonly backend: Backend;
  /** An error when the backend has a problem; a warning when it works otherwise than written. */
  readonly finding: Finding | undefined;
}

/** The backend made for a Service before, with the facts it was made from. */
interface Remembered {
  readonly facts: ServiceFacts;
  readonly secret: KubeObject | undefined;
  readonly resolved: ResolvedBackend;
}

const cache = new WeakMap<Service, Map<string, Remembered>>();

/** Returns the endpoints behind a Service port. The answer for the same objects is the same object. */
export function resolveBackend(
  reference: BackendReference,
  index: ServiceIndex,
  secrets: (namespace: string, name: string) => KubeObject | undefined,
): ResolvedBackend {
  const facts = index.find(reference.namespace, reference.service);
  if (facts === undefined) {
    const message = `Service "${reference.namespace}/${reference.service}" does not exist`;
    return broken(reference, "ServiceNotFound", message, "Create the Service, or correct its name in the Ingress");
  }
  const named = reference.tls === undefined ? undefined : secretOf(reference.tls, reference.namespace);
  const secret = named === undefined ? undefined : secrets(named.namespace, named.name);
  let remembered = cache.get(facts.service);
  if (remembered === undefined) {
    remembered = new Map();
    cache.set(facts.service, remembered);
  }
  const known = remembered.get(reference.id);
  if (known !== undefined && known.secret === secret && sameFacts(known.facts, facts)) return known.resolved;
  const resolved = withWays(reference, facts.service, secret, resolve(reference, facts));
  remembered.set(reference.id, { facts, secret, resolved });
  return resolved;
}

function sameFacts(left: ServiceFacts, right: ServiceFacts): boolean {
  return (
    left.endpoints === right.endpoints &&
    left.slices.length === right.slices.length &&
    left.slices.every((slice, position) => slice === right.slices[position])
  );
}

/** Endpoints that cannot be spoken to as it was asked for are not spoken to at all. */
function withWays(
  reference: BackendReference,
  service: Service,
  secret: KubeObject | undefined,
  resolved: ResolvedBackend,
): ResolvedBackend {
  if (resolved.backend.endpoints.length === 0) return resolved;
  // Nobody outside knows the uid, every replica does, and it stays as long as the Service.
  const keyed = reference.sticky ? { affinityKey: `${service.uid}/${service.namespace}/${service.name}` } : {};
  const backend = { ...resolved.backend, ...keyed };
  if (reference.tls === undefined) return { ...resolved, backend };
  const reading = readUpstreamTls(reference.tls, service, secret);
  if (reading.kind === "unusable") return broken(reference, "UpstreamSecretUnusable", reading.message, reading.hint);
  return { ...resolved, backend: { ...backend, tls: reading.tls } };
}

function resolve(reference: BackendReference, facts: ServiceFacts): ResolvedBackend {
  const { service } = facts;
  if (service.type === "ExternalName") return resolveExternalName(reference, service);
  const found = findPort(service, reference.port);
  if (found === undefined) {
    const named =
      typeof reference.port === "number" ? `port ${reference.port}` : `port named ${quoted(reference.port)}`;
    const message = `Service ${nameOf(service)} has no ${named}`;
    return broken(reference, "ServicePortNotFound", message, portsHint(service));
  }
  const { port, byTarget } = found;
  const resolved = resolvePort(reference, facts, port);
  if (!byTarget || resolved.finding !== undefined) return resolved;
  return {
    backend: resolved.backend,
    finding: {
      severity: "warning",
      code: "ServicePortByTarget",
      message: `Service ${nameOf(service)} has no port ${quoted(String(reference.port))}; its port ${port.port}, which targets it, is used`,
      hint: `Write "number: ${port.port}"`,
    },
  };
}

/** ingress-nginx also accepts the target port where the Service port belongs, and manifests rely on it. */
function findPort(
  service: Service,
  wanted: number | string,
): { readonly port: ServicePort; readonly byTarget: boolean } | undefined {
  const direct = service.ports.find((port) => (typeof wanted === "number" ? port.port : port.name) === wanted);
  if (direct !== undefined) return { port: direct, byTarget: false };
  const target = service.ports.find((port) => port.targetPort === wanted);
  return target === undefined ? undefined : { port: target, byTarget: true };
}

function resolvePort(reference: BackendReference, facts: ServiceFacts, port: ServicePort): ResolvedBackend {
  const name = nameOf(facts.service);
  const candidates = facts.slices.length > 0 ? fromSlices(facts, port) : fromEndpoints(facts, port);
  if (candidates === undefined) {
    const message = `Nothing says where the endpoints of Service ${name} are`;
    return broken(reference, "EndpointsNotFound", message, "Check the Service's selector, or write an EndpointSlice");
  }
  const ready = candidates.filter((candidate) => candidate.ready);
  // As kube-proxy: rather an endpoint that is going away than none.
  const usable = ready.length > 0 ? ready : candidates.filter((candidate) => candidate.leaving);
  if (usable.length > 0) return working(reference, usable);
  if (candidates.length > 0) {
    const message =
      candidates.length === 1
        ? `The only endpoint of Service ${name} is not ready`
        : `None of the ${candidates.length} endpoints of Service ${name} is ready`;
    return broken(reference, "EndpointsNotReady", message, "Look at the readiness of its pods", "warning");
  }
  const any =
    facts.slices.some((slice) => slice.endpoints.length > 0) ||
    (facts.endpoints?.subsets ?? []).some((subset) => subset.addresses.length + subset.notReadyAddresses.length > 0);
  const portText = port.name === "" ? `port ${port.port}` : `port ${quoted(port.name)}`;
  const message = any
    ? `No endpoint of Service ${name} has its ${portText}`
    : `Service ${name} has no endpoints: no pod matches its selector`;
  const hint = any ? "Name the EndpointSlice's port like the Service's" : "Look at the Service's selector and its pods";
  return broken(reference, "EndpointsNotFound", message, hint, any ? "error" : "warning");
}

interface Candidate extends Endpoint {
  readonly ready: boolean;
  readonly leaving: boolean;
}

function fromSlices(facts: ServiceFacts, port: ServicePort): readonly Candidate[] {
  return facts.slices.flatMap((slice) => {
    const number = endpointPort(slice.ports, port);
    if (number === undefined) return [];
    return slice.endpoints.map(({ address, ready, servingWhileTerminating }) => ({
      address,
      port: number,
      ready,
      leaving: servingWhileTerminating,
    }));
  });
}

function fromEndpoints(facts: ServiceFacts, port: ServicePort): readonly Candidate[] | undefined {
  return facts.endpoints?.subsets.flatMap((subset) => {
    const number = endpointPort(subset.ports, port);
    if (number === undefined) return [];
    const make = (ready: boolean) => (address: string) => ({ address, port: number, ready, leaving: false });
    return [...subset.addresses.map(make(true)), ...subset.notReadyAddresses.map(make(false))];
  });
}

/**
 * Ports meet by the name of the Service's port, which is also how a named target port becomes a number. A list without
 * ports, or a port without number, leaves it to the Service's target port.
 */
function endpointPort(ports: readonly EndpointPort[], wanted: ServicePort): number | undefined {
  const target = typeof wanted.targetPort === "number" ? wanted.targetPort : undefined;
  if (ports.length === 0) return target;
  const named = ports.find((port) => port.name === wanted.name);
  // Hand-made lists with one port often name it on one side only; there is nothing else it could be.
  const only = ports.length === 1 && (wanted.name === "" || ports[0]?.name === "") ? ports[0] : undefined;
  const found = named ?? only;
  return found === undefined ? undefined : (found.port ?? target);
}

function resolveExternalName(reference: BackendReference, service: Service): ResolvedBackend {
  const { externalName } = service;
  const name = nameOf(service);
  const fault = externalNameFault(externalName);
  if (fault !== undefined) {
    const message = `External name ${quoted(externalName)} of Service ${name} ${fault}`;
    return broken(reference, "ExternalNameInvalid", message, "Use a DNS name that leads out of this machine");
  }
  const found = findPort(service, reference.port)?.port.targetPort ?? reference.port;
  if (typeof found !== "number") {
    const message = `Service ${name} has no number for port ${quoted(found)}`;
    return broken(reference, "ServicePortNotFound", message, portsHint(service));
  }
  return working(reference, [{ address: externalName, port: found }]);
}

/** Names of the edge's own machine are refused: whoever may write a Service could else reach what listens on loopback. */
function externalNameFault(name: string): string | undefined {
  if (name === "localhost" || name.endsWith(".localhost") || /^127\.|^0\.|^\[?::1\]?$/.test(name)) {
    return "is this machine itself";
  }
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return undefined;
  const parsed = parseRuleHost(name);
  return "host" in parsed && !name.startsWith("*") ? undefined : "is not a DNS name";
}

function working(reference: BackendReference, candidates: readonly Endpoint[]): ResolvedBackend {
  const byKey = new Map<string, Endpoint>();
  for (const { address, port } of candidates) byKey.set(`${address} ${port}`, { address, port });
  const endpoints = [...byKey.values()].sort(byAddressAndPort);
  const { id, protocol, balance } = reference;
  return { backend: { id, protocol, endpoints, balance }, finding: undefined };
}

function byAddressAndPort(left: Endpoint, right: Endpoint): number {
  return left.address < right.address ? -1 : left.address > right.address ? 1 : left.port - right.port;
}

function broken(
  reference: BackendReference,
  code: Finding["code"],
  problem: string,
  hint: string,
  severity: Finding["severity"] = "error",
): ResolvedBackend {
  const { id, protocol, balance } = reference;
  return {
    backend: { id, protocol, endpoints: [], problem, balance },
    finding: { severity, code, message: problem, hint },
  };
}

function nameOf(service: Service): string {
  return `"${service.namespace}/${service.name}"`;
}

function portsHint(service: Service): string {
  if (service.ports.length === 0) return "Give the Service a TCP port";
  const ports = service.ports.map((port) => (port.name === "" ? `${port.port}` : `${port.port} (${port.name})`));
  return `Use one of its ports: ${ports.slice(0, 10).join(", ")}`;
}
