import { jsonEqual } from "../../ground/json.ts";
import type { KubeObject } from "../../resource/object.ts";
import { lookupHost } from "../../routing/match.ts";
import type { ClientAuth, ClientCa, ObjectReference, TlsHost } from "../../routing/snapshot.ts";
import type { ClientAuthWish } from "../annotations/client-auth-annotations.ts";
import type { Refusal } from "../annotations/ingress-policy.ts";
import { describeObject, type Diagnostic } from "../diagnostic.ts";
import type { IngressRoutes } from "../ingress/ingress-routes.ts";
import { readClientCa } from "./client-ca.ts";

/** Which hosts ask for client certificates, and which paths are closed because that cannot be done. */
export interface ClientAuthOutput {
  readonly byHost: ReadonlyMap<string, ClientAuth>;
  readonly clientCas: ReadonlyMap<string, ClientCa>;
  /** Why the paths of an Ingress are closed on one host; undefined when they are not. */
  readonly refusalOf: (routes: IngressRoutes, host: string) => Refusal | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Returns what hosts ask of their clients. As in ingress-nginx a host asks as a whole, whichever of its Ingresses says so,
 * and the oldest that does wins; the paths of one that asks for something else are closed rather than open to clients it
 * did not mean. An Ingress cannot ask in the name of another namespace: there only its own paths are closed.
 */
export function clientAuths(
  ingresses: readonly IngressRoutes[],
  secrets: (namespace: string, name: string) => KubeObject | undefined,
): ClientAuthOutput {
  const table = new ClientAuthClaims(secrets);
  for (const routes of ingresses) if (!routes.policy.isCanary) table.add(routes);
  return table;
}

/**
 * Returns the TLS entries with what each host asks of its clients. Every host that asks gets an entry of its own, and so
 * does every host with routes that would otherwise come under what a wildcard asks.
 */
export function withClientAuth(
  tls: ReadonlyMap<string, TlsHost>,
  hosts: Iterable<string>,
  byHost: ReadonlyMap<string, ClientAuth>,
): ReadonlyMap<string, TlsHost> {
  if (byHost.size === 0) return tls;
  const result = new Map(tls);
  const add = (host: string, clientAuth: ClientAuth | undefined): void => {
    const served = lookupHost(tls, host) ?? { certificates: [], minVersion: "TLSv1.2" as const };
    result.set(host, { ...served, host, clientAuth });
  };
  for (const [host, clientAuth] of byHost) add(host, clientAuth);
  for (const host of hosts) {
    if (!result.has(host) && lookupHost(result, host)?.clientAuth !== undefined) add(host, undefined);
  }
  return result;
}

interface Claim {
  readonly by: ObjectReference;
  readonly auth: ClientAuth;
}

class ClientAuthClaims implements ClientAuthOutput {
  readonly byHost = new Map<string, ClientAuth>();
  readonly clientCas = new Map<string, ClientCa>();
  readonly diagnostics: Diagnostic[] = [];
  readonly #secrets: (namespace: string, name: string) => KubeObject | undefined;
  /** By host: the namespace of its oldest Ingress. */
  readonly #owners = new Map<string, string>();
  readonly #claims = new Map<string, Claim>();
  readonly #closedHosts = new Map<string, Refusal>();
  readonly #closedPaths = new Map<IngressRoutes, Map<string, Refusal>>();

  constructor(secrets: (namespace: string, name: string) => KubeObject | undefined) {
    this.#secrets = secrets;
  }

  readonly refusalOf = (routes: IngressRoutes, host: string): Refusal | undefined =>
    this.#closedHosts.get(host) ?? this.#closedPaths.get(routes)?.get(host);

  add(routes: IngressRoutes): void {
    const { namespace } = routes.reference;
    const hosts = hostsOf(routes);
    for (const host of hosts) if (!this.#owners.has(host)) this.#owners.set(host, namespace);
    const wish = routes.policy.clientAuth;
    if (wish === undefined || hosts.size === 0) return;
    const terms = this.#termsOf(routes, wish);
    for (const host of hosts) {
      if (terms.kind === "refused") this.#close(routes, host, terms.refusal);
      else this.#claim(routes, host, terms.auth);
    }
  }

  #termsOf(routes: IngressRoutes, wish: ClientAuthWish): Terms {
    if (wish.kind === "closed") return this.#refuse(routes, "ClientAuthInvalid", wish.reason, wish.hint);
    const { namespace = routes.ingress.namespace, name } = wish.secret;
    const ca = `${namespace}/${name}`;
    const auth = { ...wish.terms, ca };
    if (auth.verify === "off") return { kind: "terms", auth };
    const secret = this.#secrets(namespace, name);
    const reading =
      secret === undefined
        ? { kind: "unusable" as const, message: `Secret "${ca}" does not exist` }
        : readClientCa(secret);
    if (reading.kind === "usable" && (reading.hasRoot || auth.verify === "optional_no_ca")) {
      this.clientCas.set(ca, reading.ca);
      return { kind: "terms", auth };
    }
    if (reading.kind === "usable") {
      const message = `"ca.crt" of Secret "${ca}" has no root, and a certificate's chain must end in one`;
      return this.#refuse(routes, "ClientCaUnusable", message, "Add the authority that signs itself");
    }
    const hint = `Run "kubectl create secret generic ${name} -n ${namespace} --from-file=ca.crt=…"`;
    return this.#refuse(routes, "ClientCaUnusable", `Client certificates cannot be checked: ${reading.message}`, hint);
  }

  #refuse(routes: IngressRoutes, code: Refusal["code"], reason: string, hint: string): Terms {
    const message = `${reason}: the hosts answer 503 rather than stand open`;
    this.diagnostics.push({ object: routes.reference, severity: "error", code, message, hint });
    return { kind: "refused", refusal: { code, reason } };
  }

  #close(routes: IngressRoutes, host: string, refusal: Refusal): void {
    if (this.#owners.get(host) === routes.reference.namespace && !this.#claims.has(host)) {
      if (!this.#closedHosts.has(host)) this.#closedHosts.set(host, refusal);
      return;
    }
    this.#closePaths(routes, host, refusal);
  }

  #closePaths(routes: IngressRoutes, host: string, refusal: Refusal): void {
    const closed = this.#closedPaths.get(routes) ?? new Map<string, Refusal>();
    closed.set(host, refusal);
    this.#closedPaths.set(routes, closed);
  }

  #claim(routes: IngressRoutes, host: string, auth: ClientAuth): void {
    const winner = this.#claims.get(host);
    const owner = this.#owners.get(host) ?? "";
    if (winner === undefined && owner === routes.reference.namespace) {
      this.#claims.set(host, { by: routes.reference, auth });
      this.byHost.set(host, auth);
      return;
    }
    if (winner !== undefined && sameDoor(winner.auth, auth)) {
      if (!jsonEqual(winner.auth, auth)) this.#reportDetails(routes.reference, host, winner.by);
      return;
    }
    const because =
      winner === undefined
        ? `it belongs to namespace "${owner}", which does not ask for them`
        : `${describeObject(winner.by)} is older and asks for others`;
    const reason = `Client certificates for host "${host}" are not asked for as this Ingress wants: ${because}`;
    this.diagnostics.push({
      object: routes.reference,
      severity: "error",
      code: "ClientAuthConflict",
      message: auth.verify === "off" ? reason : `${reason}: its paths there answer 503 rather than stand open`,
      hint: "Give all Ingresses of the host the same annotations, or take the host out of one",
    });
    if (auth.verify !== "off") this.#closePaths(routes, host, { code: "ClientAuthConflict", reason });
  }

  #reportDetails(object: ObjectReference, host: string, winner: ObjectReference): void {
    this.diagnostics.push({
      object,
      severity: "warning",
      code: "ClientAuthConflict",
      message: `The error page of host "${host}", and whether certificates are passed on, is as ${describeObject(winner)} says, which is older`,
      hint: "Give all Ingresses of the host the same annotations",
    });
  }
}

/** Every host that the Ingress has something to do with, whether or not it has a path there. */
function hostsOf({ ingress, routes, fallback }: IngressRoutes): ReadonlySet<string> {
  const ruled = ingress.rules.map((rule) => rule.host);
  return new Set([...ruled, ...routes.map((route) => route.host), ...(fallback?.hosts ?? [])]);
}

type Terms =
  { readonly kind: "terms"; readonly auth: ClientAuth } | { readonly kind: "refused"; readonly refusal: Refusal };

/** Whether both let in the same clients. */
function sameDoor(left: ClientAuth, right: ClientAuth): boolean {
  return (
    left.ca === right.ca &&
    left.verify === right.verify &&
    left.intermediatesMax === right.intermediatesMax &&
    left.subjectPattern === right.subjectPattern
  );
}
