import { parseIngress, type Ingress, type IngressBackend, type IngressPath } from "../../resource/ingress.ts";
import type { KubeObject } from "../../resource/object.ts";
import { quoted } from "../../resource/parse-problem.ts";
import type { Action, ObjectReference, PathMatch, Route } from "../../routing/snapshot.ts";
import {
  readIngressPolicy,
  rewriteOf,
  type Finding,
  type IngressPolicy,
  type Refusal,
} from "../annotations/ingress-policy.ts";
import { cookieOfRoute } from "../annotations/session-cookie.ts";
import type { BackendReference } from "../backend/backend-reference.ts";
import { backendId } from "../backend/backend-reference.ts";
import { regexFault } from "../regex-guard.ts";

/** What one Ingress asks for, whatever the other objects are. */
export interface IngressRoutes {
  readonly ingress: Ingress;
  readonly reference: ObjectReference;
  readonly policy: IngressPolicy;
  /** In the order they are written. Empty for a canary. */
  readonly routes: readonly HostRoute[];
  /** For requests that match no path of these hosts: the hosts of the rules, or `*` when there are no rules. */
  readonly fallback: { readonly hosts: readonly string[]; readonly route: RouteForms } | undefined;
  /** The backend of a host's first path, by host, when TLS passes through to it. `*` never does. */
  readonly passthrough: ReadonlyMap<string, string>;
  /** Each once, in the order of first use. */
  readonly backends: readonly BackendReference[];
  readonly findings: readonly Finding[];
}

/** A route and the host key it belongs to. */
export interface HostRoute {
  readonly host: string;
  readonly path: IngressPath;
  /** Two routes of a host with the same claim take the same requests. */
  readonly claim: string;
  readonly forms: RouteForms;
  /** Why the path cannot be a regular expression, should the host need it to be one. */
  readonly regexFault: string | undefined;
}

const cache = new WeakMap<KubeObject, IngressRoutes>();

/** Returns what an Ingress asks for. The answer for the same object is the same, so that unchanged routes keep their identity. */
export function ingressRoutes(object: KubeObject): IngressRoutes {
  const known = cache.get(object);
  if (known !== undefined) return known;
  const made = readIngress(object);
  cache.set(object, made);
  return made;
}

function readIngress(object: KubeObject): IngressRoutes {
  const ingress = parseIngress(object);
  const policy = readIngressPolicy(ingress.annotations);
  const reference = { kind: "Ingress", namespace: ingress.namespace, name: ingress.name };
  const findings: Finding[] = ingress.problems.map(({ at, message }) => ({
    severity: "error",
    code: "RuleInvalid",
    message: `${message} (${at}): it is left out`,
  }));
  findings.push(...policy.findings);
  const reader = new RouteReader(ingress, policy, reference, findings);
  if (policy.isCanary) {
    findings.push({
      severity: "warning",
      code: "CanaryUnsupported",
      message: "This canary Ingress is left out: all requests go to the main one",
    });
  }
  const routes = policy.isCanary ? [] : reader.routes();
  return {
    ingress,
    reference,
    policy,
    routes,
    fallback: policy.isCanary ? undefined : reader.fallback(),
    passthrough: policy.passthrough && !policy.isCanary ? firstBackends(routes) : new Map(),
    backends: [...reader.backends.values()],
    findings,
  };
}

function firstBackends(routes: readonly HostRoute[]): ReadonlyMap<string, string> {
  const backends = new Map<string, string>();
  for (const { host, forms } of routes) {
    const { action } = forms.form({ redirect: false, regex: false });
    const target = action.kind === "forward" ? action.targets[0] : undefined;
    if (host !== "*" && target !== undefined && !backends.has(host)) backends.set(host, target.backend);
  }
  return backends;
}

class RouteReader {
  readonly backends = new Map<string, BackendReference>();
  readonly #ingress: Ingress;
  readonly #policy: IngressPolicy;
  readonly #reference: ObjectReference;
  readonly #findings: Finding[];

  constructor(ingress: Ingress, policy: IngressPolicy, reference: ObjectReference, findings: Finding[]) {
    this.#ingress = ingress;
    this.#policy = policy;
    this.#reference = reference;
    this.#findings = findings;
  }

  routes(): readonly HostRoute[] {
    return this.#ingress.rules.flatMap((rule) =>
      rule.paths.map((path) => ({
        host: rule.host,
        path,
        claim: claimOf(path),
        forms: this.#forms(`#${rule.index}/${path.index}`, literalMatch(path), path.path, path.backend),
        regexFault: regexFault(path.path),
      })),
    );
  }

  fallback(): IngressRoutes["fallback"] {
    const { defaultBackend, rules } = this.#ingress;
    if (defaultBackend === undefined) return undefined;
    const hosts = rules.length === 0 ? ["*"] : [...new Set(rules.map((rule) => rule.host))];
    return { hosts, route: this.#forms("#default", { type: "prefix", value: "/" }, undefined, defaultBackend) };
  }

  /** `rewritten` is the path that a rewrite starts from; a default backend has none and is not rewritten. */
  #forms(suffix: string, path: PathMatch, rewritten: string | undefined, backend: IngressBackend): RouteForms {
    const { policy, affinity, rewriteTarget } = this.#policy;
    const rewrite = rewritten === undefined ? undefined : rewriteOf(rewritten, rewriteTarget);
    return new RouteForms({
      id: `Ingress/${this.#reference.namespace}/${this.#reference.name}${suffix}`,
      source: this.#reference,
      path,
      action: this.#action(backend),
      policy: {
        ...policy,
        ...(rewrite === undefined ? {} : { rewrite }),
        ...(affinity === undefined ? {} : { affinity: cookieOfRoute(affinity, path.value) }),
      },
    });
  }

  #action(backend: IngressBackend): Action {
    const { refusal, protocol, balance, tls, affinity } = this.#policy;
    if (backend.kind === "resource") {
      const named = `${backend.resourceKind} ${quoted(backend.name)}`;
      const reason = `The backend is ${named}; only Services can be forwarded to`;
      this.#findings.push({ severity: "error", code: "BackendUnsupported", message: reason });
      return { kind: "reject", status: 503, code: "BackendUnsupported", reason };
    }
    const { name, port } = backend;
    const shared = { protocol, balance, tls, sticky: affinity !== undefined };
    const made = { namespace: this.#ingress.namespace, service: name, port, ...shared };
    const id = backendId(made);
    if (!this.backends.has(id)) this.backends.set(id, { ...made, id });
    if (refusal !== undefined) return refusing(refusal);
    return { kind: "forward", targets: [{ backend: id, weight: 1 }] };
  }
}

function refusing({ code, reason }: Refusal): Action {
  return { kind: "reject", status: 503, code, reason };
}

/** ImplementationSpecific is element-wise like Prefix, as in ingress-nginx. */
function literalMatch(path: IngressPath): PathMatch {
  return { type: path.pathType === "Exact" ? "exact" : "prefix", value: path.path };
}

/** The claim of the prefix `/`, which takes every request. */
export const CLAIM_OF_ALL = "prefix ";

function claimOf(path: IngressPath): string {
  return path.pathType === "Exact" ? `exact ${path.path}` : `prefix ${path.path.replace(/\/+$/, "")}`;
}

/** One route in the forms its host may need; each is made on first use and then stays the same object. */
export class RouteForms {
  readonly #base: Route;
  readonly #made = new Map<string, Route>();

  constructor(base: Route) {
    this.#base = base;
  }

  /** `refusal`: why the host lets nobody in. */
  form(options: {
    readonly redirect: boolean;
    readonly regex: boolean;
    readonly refusal?: Refusal | undefined;
  }): Route {
    const { refusal } = options;
    const key = `${options.redirect} ${options.regex} ${refusal === undefined ? "" : refusal.reason}`;
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const { path, policy, action } = this.#base;
    const made: Route = {
      ...this.#base,
      action: refusal === undefined || action.kind === "reject" ? action : refusing(refusal),
      path: options.regex ? { type: "regex", value: path.value, ignoreCase: true } : path,
      policy: options.redirect ? { ...policy, httpsRedirectStatus: 308 } : policy,
    };
    this.#made.set(key, made);
    return made;
  }
}
