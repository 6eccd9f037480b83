import type { Host, PathMatch, Route, Snapshot } from "./snapshot.ts";

/** The route that takes a request, or one constant sentence saying why none does. */
export type Match =
  | { readonly kind: "route"; readonly route: Route; readonly host: Host }
  | { readonly kind: "none"; readonly reason: string };

/** Hears what the matcher tries, in order: how `explain` shows the real decision instead of a second implementation. */
export interface Trace {
  note(text: string): void;
}

const UNKNOWN_HOST: Match = { kind: "none", reason: "No rule names this host and there is no default backend" };
const UNKNOWN_PATH: Match = { kind: "none", reason: "No rule of this host matches the path" };

/**
 * Returns the route for a request: the routes of the exact host are tried first, then those of its one-label wildcard,
 * then those of `*`; in each list the first whose path matches wins. A host without a matching path falls through to
 * the next list, because the Ingress API calls a request unmatched only when no rule's host and path match it.
 * (ingress-nginx stops at the most specific host and answers 404 there: Lintel serves whatever it served, and more.)
 *
 * Allocates nothing without a trace, once a host's routes have been compiled.
 */
export function match(snapshot: Snapshot, host: string, path: string, trace?: Trace): Match {
  let hostKnown = false;
  if (host !== "" && host !== "*") {
    const exact = snapshot.hosts.get(host);
    if (exact !== undefined) {
      const found = matchHost(exact, path, trace);
      if (found !== undefined) return found;
      hostKnown = true;
    } else if (trace !== undefined) trace.note(`No rule names host "${host}" exactly`);
    const wildcard = wildcardHost(snapshot, host);
    if (wildcard !== undefined) {
      const found = matchHost(wildcard, path, trace);
      if (found !== undefined) return found;
      hostKnown = true;
    }
  }
  const any = snapshot.hosts.get("*");
  if (any !== undefined) {
    const found = matchHost(any, path, trace);
    if (found !== undefined) return found;
    hostKnown = true;
  } else if (trace !== undefined) trace.note("No rule is for any host and there is no default backend");
  return hostKnown ? UNKNOWN_PATH : UNKNOWN_HOST;
}

/**
 * Returns the value at the key that answers for `host` in a map with host keys: the exact one, else its one-label
 * wildcard, else `*`. For TLS, where there is no path to fall through on.
 */
export function lookupHost<Value>(map: ReadonlyMap<string, Value>, host: string): Value | undefined {
  return map.get(host) ?? map.get(wildcardKey(host)) ?? map.get("*");
}

/** Returns the wildcard key whose one label covers `host` (`*.b.c` for `a.b.c`); empty when it has a single label. */
export function wildcardKey(host: string): string {
  const dot = host.indexOf(".");
  return dot <= 0 || dot === host.length - 1 ? "" : `*${host.slice(dot)}`;
}

/** Returns whether one path matches, as the matcher compares it. */
export function pathMatches(rule: PathMatch, path: string): boolean {
  switch (rule.type) {
    case "exact":
      return path === rule.value;
    case "prefix":
      return startsWithElements(path, trimSlashes(rule.value));
    case "regex":
      return compiledRegex(rule)?.test(path) ?? false;
    default:
      return rule satisfies never;
  }
}

/** Hosts remembered per snapshot so that a wildcard's key is not built anew for each request; later ones are built. */
const WILDCARD_MEMO_MAX = 4096;
const NO_WILDCARDS: ReadonlyMap<string, Host> = new Map();
const wildcardMemos = new WeakMap<Snapshot, Map<string, Host> | typeof NO_WILDCARDS>();

function wildcardHost(snapshot: Snapshot, host: string): Host | undefined {
  let memo = wildcardMemos.get(snapshot);
  if (memo === undefined) {
    memo = hasWildcard(snapshot) ? new Map<string, Host>() : NO_WILDCARDS;
    wildcardMemos.set(snapshot, memo);
  }
  if (memo === NO_WILDCARDS) return undefined;
  const known = memo.get(host);
  if (known !== undefined) return known;
  const found = snapshot.hosts.get(wildcardKey(host));
  if (found !== undefined && memo.size < WILDCARD_MEMO_MAX && memo instanceof Map) memo.set(host, found);
  return found;
}

function hasWildcard(snapshot: Snapshot): boolean {
  for (const key of snapshot.hosts.keys()) if (key.startsWith("*.")) return true;
  return false;
}

/** One route ready to be compared, with the answer it gives made in advance. */
interface CompiledRoute {
  readonly kind: PathMatch["type"];
  /** The value for exact, the value without final slashes for prefix. */
  readonly value: string;
  readonly regex: RegExp | undefined;
  readonly answer: Match;
}

/** By host object, which deltas share between generations as long as it is unchanged. */
const compiledHosts = new WeakMap<Host, readonly CompiledRoute[]>();
/** By path object; undefined for a source that does not compile. */
const compiledRegexes = new WeakMap<PathMatch, RegExp>();

function matchHost(host: Host, path: string, trace: Trace | undefined): Match | undefined {
  let routes = compiledHosts.get(host);
  if (routes === undefined) {
    routes = host.routes.map((route) => compileRoute(host, route));
    compiledHosts.set(host, routes);
  }
  for (let index = 0; index < routes.length; index++) {
    const route = routes[index];
    if (route === undefined) break;
    const matched =
      route.kind === "prefix"
        ? startsWithElements(path, route.value)
        : route.kind === "exact"
          ? path === route.value
          : route.regex?.test(path) === true;
    if (trace !== undefined) trace.note(describe(host, route, path, matched));
    if (matched) return route.answer;
  }
  return undefined;
}

function compileRoute(host: Host, route: Route): CompiledRoute {
  const { path } = route;
  return {
    kind: path.type,
    value: path.type === "prefix" ? trimSlashes(path.value) : path.value,
    regex: path.type === "regex" ? compiledRegex(path) : undefined,
    answer: { kind: "route", route, host },
  };
}

/** An expression that does not compile matches nothing: translation has refused it before, so it can only be ours. */
function compiledRegex(path: PathMatch & { readonly type: "regex" }): RegExp | undefined {
  const known = compiledRegexes.get(path);
  if (known !== undefined) return known;
  try {
    const regex = new RegExp(`^(?:${path.value})`, path.ignoreCase ? "i" : "");
    compiledRegexes.set(path, regex);
    return regex;
  } catch {
    return undefined;
  }
}

/** Compares whole path elements: the prefix ends where the path does or at a slash. */
function startsWithElements(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f);
}

function trimSlashes(value: string): string {
  let end = value.length;
  while (end > 0 && value.charCodeAt(end - 1) === 0x2f) end--;
  return value.slice(0, end);
}

function describe(host: Host, route: CompiledRoute, path: string, matched: boolean): string {
  if (route.answer.kind !== "route") return "";
  const rule = route.answer.route;
  const verb = matched ? "matches" : "does not match";
  return `Host "${host.host}": ${rule.path.type} "${rule.path.value}" of ${rule.id} ${verb} "${path}"`;
}
