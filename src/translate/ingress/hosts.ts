import { wildcardKey } from "../../routing/match.ts";
import type { Host, ObjectReference, Route } from "../../routing/snapshot.ts";
import { describeObject, type Diagnostic } from "../diagnostic.ts";
import type { Refusal } from "../annotations/ingress-policy.ts";
import { CLAIM_OF_ALL, type HostRoute, type IngressRoutes, type RouteForms } from "./ingress-routes.ts";

/** The hosts to serve, and what was wrong on the way. */
export interface HostsOutput {
  readonly hosts: ReadonlyMap<string, Host>;
  readonly diagnostics: readonly Diagnostic[];
}

/** What of the hosts others have found out. */
export interface HostsInput {
  /** Hosts that have TLS. */
  readonly tls: ReadonlySet<string>;
  /** Why an Ingress's paths are closed on a host; undefined when they are not. */
  readonly refusalOf: (routes: IngressRoutes, host: string) => Refusal | undefined;
}

/** A route that has its place, with the Ingress it comes from. */
interface Placed {
  readonly by: IngressRoutes;
  readonly route: HostRoute;
}

interface HostDraft {
  readonly claims: Map<string, Placed>;
  fallback: { readonly by: IngressRoutes; readonly route: RouteForms } | undefined;
  /** The oldest Ingress that makes the paths of this host regular expressions. */
  regexBy: IngressRoutes | undefined;
}

/**
 * Returns the routes of each host from Ingresses that are given oldest first. Of two routes that take the same requests
 * the older stays. Within a host the longest path comes first, Exact before Prefix, the default backend last. As in
 * ingress-nginx one Ingress with `use-regex` or `rewrite-target` makes every path of its hosts a regular expression,
 * also those of other Ingresses: case-insensitive and open at the end.
 */
export function assembleHosts(ingresses: readonly IngressRoutes[], input: HostsInput): HostsOutput {
  const diagnostics: Diagnostic[] = [];
  const drafts = new Map<string, HostDraft>();
  for (const routes of ingresses) placeRoutes(routes, drafts, diagnostics);
  const hosts = new Map<string, Host>();
  for (const [host, draft] of drafts) {
    const made = finishHost(host, draft, input, diagnostics);
    if (made.routes.length > 0) hosts.set(host, made);
  }
  return { hosts, diagnostics };
}

function placeRoutes(routes: IngressRoutes, drafts: Map<string, HostDraft>, diagnostics: Diagnostic[]): void {
  for (const route of routes.routes) {
    const draft = draftOf(drafts, route.host);
    const winner = draft.claims.get(route.claim);
    if (winner !== undefined) {
      diagnostics.push(pathConflict(routes.reference, winner.by.reference, route));
      continue;
    }
    draft.claims.set(route.claim, { by: routes, route });
    if (routes.policy.regexPaths) draft.regexBy ??= routes;
  }
  for (const host of routes.fallback?.hosts ?? []) {
    const draft = draftOf(drafts, host);
    if (routes.fallback === undefined) return;
    if (draft.fallback === undefined) draft.fallback = { by: routes, route: routes.fallback.route };
    else diagnostics.push(fallbackConflict(routes.reference, draft.fallback.by.reference, host));
  }
}

function draftOf(drafts: Map<string, HostDraft>, host: string): HostDraft {
  let draft = drafts.get(host);
  if (draft === undefined) {
    draft = { claims: new Map(), fallback: undefined, regexBy: undefined };
    drafts.set(host, draft);
  }
  return draft;
}

/** By first route: the host made before. Kept when all routes are still the same objects. */
const made = new WeakMap<Route, Host>();

function finishHost(host: string, draft: HostDraft, input: HostsInput, diagnostics: Diagnostic[]): Host {
  const placed = [...draft.claims.values()];
  const regex = draft.regexBy !== undefined;
  const usable = regex ? placed.filter((entry) => checkRegex(host, draft, entry, diagnostics)) : placed;
  if (usable.length > 1) usable.sort(regex ? byLengthThenText : byLengthThenType);
  const options = (by: IngressRoutes): { readonly redirect: boolean; readonly refusal: Refusal | undefined } => ({
    redirect: redirects(by, host, input.tls),
    refusal: input.refusalOf(by, host),
  });
  const routes = usable.map(({ by, route }) => route.forms.form({ ...options(by), regex }));
  // A rule for the prefix "/" leaves nothing over.
  const takesAll = !regex && draft.claims.has(CLAIM_OF_ALL);
  if (draft.fallback !== undefined && !takesAll) {
    const { by, route } = draft.fallback;
    routes.push(route.form({ ...options(by), regex: false }));
  }
  const first = routes[0];
  if (first === undefined) return { host, routes };
  const known = made.get(first);
  if (known !== undefined && known.host === host && sameRoutes(known.routes, routes)) return known;
  const fresh: Host = { host, routes };
  made.set(first, fresh);
  return fresh;
}

function sameRoutes(left: readonly Route[], right: readonly Route[]): boolean {
  return left.length === right.length && left.every((route, index) => route === right[index]);
}

function redirects(by: IngressRoutes, host: string, tls: ReadonlySet<string>): boolean {
  const { httpsRedirect } = by.policy;
  if (httpsRedirect !== "tls") return httpsRedirect === "always";
  if (tls.has(host)) return true;
  // A wildcard entry counts for the rules of its own Ingress only: another's may be meant to stay plain.
  const wildcard = wildcardKey(host);
  return wildcard !== "" && by.ingress.tls.some((entry) => entry.hosts.includes(wildcard));
}

function checkRegex(host: string, draft: HostDraft, entry: Placed, diagnostics: Diagnostic[]): boolean {
  const { by, route } = entry;
  const because = draft.regexBy ?? by;
  if (route.regexFault !== undefined) {
    diagnostics.push({
      object: by.reference,
      severity: "error",
      code: "PathRegexUnsupported",
      message: `Path "${route.path.path}" of host "${host}" ${route.regexFault}: it is left out`,
      hint: "Write a simpler expression",
    });
    return false;
  }
  if (!by.policy.regexPaths) {
    const asker = describeObject(because.reference);
    diagnostics.push({
      object: by.reference,
      severity: "info",
      code: "PathsAreRegex",
      message: `Path "${route.path.path}" of host "${host}" is compared as a case-insensitive regular expression, because ${asker} of the same host uses one`,
    });
  }
  return true;
}

function byLengthThenType(left: Placed, right: Placed): number {
  return (
    comparedLength(right) - comparedLength(left) ||
    typeRank(left) - typeRank(right) ||
    compareText(left.route.path.path, right.route.path.path)
  );
}

/** A trailing slash of a prefix is ignored, so it must not make the prefix longer. */
function comparedLength({ route }: Placed): number {
  const { path, pathType } = route.path;
  return pathType === "Exact" ? path.length : path.replace(/\/+$/, "").length;
}

function typeRank({ route }: Placed): number {
  return route.path.pathType === "Exact" ? 0 : 1;
}

/** The order of ingress-nginx: longest source first, then the greater text. */
function byLengthThenText(left: Placed, right: Placed): number {
  return (
    right.route.path.path.length - left.route.path.path.length ||
    compareText(right.route.path.path, left.route.path.path)
  );
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function pathConflict(loser: ObjectReference, winner: ObjectReference, route: HostRoute): Diagnostic {
  const where = `${route.path.pathType} path "${route.path.path}" of host "${route.host}"`;
  const same = loser === winner;
  return {
    object: loser,
    severity: same ? "warning" : "error",
    code: "PathConflict",
    message: same
      ? `The ${where} is written twice: the first one is served`
      : `The ${where} is not served from here: ${describeObject(winner)} is older and has the same`,
    hint: "Remove one of the two, or change its path",
  };
}

function fallbackConflict(loser: ObjectReference, winner: ObjectReference, host: string): Diagnostic {
  const where = host === "*" ? "requests that match no rule" : `host "${host}"`;
  return {
    object: loser,
    severity: "error",
    code: "PathConflict",
    message: `The default backend for ${where} is not served from here: ${describeObject(winner)} is older and has one`,
    hint: "Remove one of the two",
  };
}
