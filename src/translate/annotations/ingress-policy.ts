import { quoted } from "../../resource/parse-problem.ts";
import type { Backend, CookieAffinity, PathRewrite, RoutePolicy, TlsHost } from "../../routing/snapshot.ts";
import { isHashTemplate } from "../../routing/hash-key.ts";
import { ACCESS_BLOCKS_MAX, isAddressBlock } from "../../routing/phases/access.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { parseBool, parseSeconds, parseSize } from "./annotation-value.ts";
import { CLIENT_AUTH_NAMES, type ClientAuthWish, readClientAuth } from "./client-auth-annotations.ts";
import { isCipherList, PROXY_SSL_NAMES, readProxySsl, type UpstreamTlsSettings } from "./proxy-ssl.ts";
import { readNextUpstream, readNextUpstreamTimeout, readTries } from "./next-upstream.ts";
import { readSessionCookie, SESSION_COOKIE_NAMES } from "./session-cookie.ts";
import { NGINX_PREFIX, NOT_NEEDED, SECURITY, UNSUPPORTED } from "./known-annotations.ts";

/** What the annotations of one Ingress ask for, defaults applied. */
export interface IngressPolicy {
  /** Without the redirect, which depends on the host, and the rewrite, which depends on the path. */
  readonly policy: RoutePolicy;
  /** `tls`: where the host has TLS. */
  readonly httpsRedirect: "never" | "tls" | "always";
  readonly protocol: Backend["protocol"];
  readonly balance: Backend["balance"];
  /** Without the path, which may depend on the route's. */
  readonly affinity: CookieAffinity | undefined;
  /** With `https` and `h2`. */
  readonly tls: UpstreamTlsSettings | undefined;
  /** The paths of the Ingress answer 503 with this. */
  readonly refusal: Refusal | undefined;
  /** All paths of the Ingress's hosts are regular expressions. */
  readonly regexPaths: boolean;
  readonly rewriteTarget: string | undefined;
  readonly isCanary: boolean;
  /** TLS of the hosts goes to the endpoints as it is. False when that would let in whom another annotation keeps out. */
  readonly passthrough: boolean;
  /** Undefined: nothing is chosen. */
  readonly tlsChoices: TlsChoices | undefined;
  /** Undefined: nothing is asked of clients. */
  readonly clientAuth: ClientAuthWish | undefined;
  readonly findings: readonly Finding[];
}

/** What annotations choose for TLS of the hosts. */
export type TlsChoices = Pick<TlsHost, "ciphers" | "ownCipherOrder">;

/** Why the paths of an Ingress are closed instead of open. */
export interface Refusal {
  readonly code:
    | "SecurityAnnotationUnsupported"
    | "BackendProtocolUnsupported"
    | "AccessListInvalid"
    | "ClientAuthInvalid"
    | "ClientAuthConflict"
    | "ClientCaUnusable"
    | "UpstreamTlsInvalid";
  readonly reason: string;
}

/** A diagnostic whose object is known to the caller. */
export type Finding = Omit<Diagnostic, "object">;

/**
 * The defaults are those of ingress-nginx, but for the body: there is no limit. nginx limits it to 1 MiB because it
 * buffers bodies; here they are streamed, and the limit's only effect would be the 413 that breaks image pushes.
 */
export const DEFAULT_POLICY: RoutePolicy = {
  connectTimeoutMs: 5000,
  readTimeoutMs: 60_000,
  sendTimeoutMs: 60_000,
  attemptsMax: 3,
};

/** Returns the policy that the annotations ask for. Never throws: what cannot be read is a finding, and its default applies. */
export function readIngressPolicy(annotations: Readonly<Record<string, string>>): IngressPolicy {
  const draft: Draft = {
    policy: { ...DEFAULT_POLICY },
    sslRedirect: true,
    forceSslRedirect: false,
    protocol: "http",
    balance: "round-robin",
    refusal: undefined,
    useRegex: false,
    rewriteTarget: undefined,
    isCanary: false,
    passthrough: false,
    tlsChoices: undefined,
  };
  const findings: Finding[] = [];
  for (const name of Object.keys(annotations).sort()) {
    const value = annotations[name] ?? "";
    if (name.startsWith(NGINX_PREFIX)) readOne(name.slice(NGINX_PREFIX.length), value.trim(), draft, findings);
    else if (name.startsWith(OLD_PREFIX)) reportOldPrefix(name, findings);
  }
  if (draft.passthrough) reportVoid(annotations, findings);
  const { wish: clientAuth, findings: clientFindings } = readClientAuth(annotations, draft.passthrough);
  findings.push(...clientFindings);
  const proxySsl = readProxySsl(annotations, draft);
  const session = readSessionCookie(annotations);
  findings.push(...proxySsl.findings, ...session.findings);
  return {
    policy: draft.policy,
    httpsRedirect: draft.forceSslRedirect ? "always" : draft.sslRedirect ? "tls" : "never",
    protocol: draft.protocol,
    tls: proxySsl.settings,
    affinity: draft.passthrough ? undefined : session.affinity,
    // A hash wins over `load-balance`, as in ingress-nginx.
    balance: draft.policy.hashBy === undefined ? draft.balance : "hash",
    refusal: draft.refusal ?? proxySsl.refusal,
    regexPaths: draft.useRegex || draft.rewriteTarget !== undefined,
    rewriteTarget: draft.rewriteTarget,
    isCanary: draft.isCanary,
    passthrough: draft.passthrough && draft.refusal === undefined && clientAuth === undefined,
    tlsChoices: draft.tlsChoices,
    clientAuth,
    findings,
  };
}

interface Draft {
  policy: { -readonly [Field in keyof RoutePolicy]: RoutePolicy[Field] };
  sslRedirect: boolean;
  forceSslRedirect: boolean;
  protocol: Backend["protocol"];
  balance: Backend["balance"];
  refusal: Refusal | undefined;
  useRegex: boolean;
  rewriteTarget: string | undefined;
  isCanary: boolean;
  passthrough: boolean;
  tlsChoices: TlsChoices | undefined;
}

function readOne(name: string, value: string, draft: Draft, findings: Finding[]): void {
  if (CLIENT_AUTH_NAMES.has(name)) return;
  const full = `${NGINX_PREFIX}${name}`;
  if (PROXY_SSL_NAMES.includes(name) || SESSION_COOKIE_NAMES.includes(name)) return;
  const restricts = SECURITY.get(name);
  if (restricts !== undefined) {
    if (restricts(value)) refuse(full, draft, findings);
    else if (name.endsWith("-snippet")) findings.push(unsupported(full));
    return;
  }
  const list = ACCESS_LISTS.get(name);
  if (list !== undefined) return readAccessList(full, value, list, draft, findings);
  const reader = READERS.get(name);
  if (reader !== undefined) {
    const fault = reader(value, draft);
    if (fault !== undefined) findings.push(invalid(full, value, fault));
    if (draft.refusal?.code === "BackendProtocolUnsupported" && name === "backend-protocol") {
      findings.push({ severity: "error", code: draft.refusal.code, message: draft.refusal.reason });
    }
    return;
  }
  const instead = NOT_NEEDED.get(name);
  if (instead !== undefined) {
    findings.push({
      severity: "info",
      code: "AnnotationNotNeeded",
      message: `Annotation "${full}" is not needed: ${instead}`,
    });
  } else if (UNSUPPORTED.includes(name)) findings.push(unsupported(full));
  else findings.push(unknown(name));
}

/** Reads one value into the draft; returns what is wrong with it otherwise, as the end of a sentence. */
type Reader = (value: string, draft: Draft) => string | undefined;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["ssl-redirect", flag((draft, on) => (draft.sslRedirect = on))],
  ["force-ssl-redirect", flag((draft, on) => (draft.forceSslRedirect = on))],
  ["ssl-ciphers", readServerCiphers],
  ["ssl-prefer-server-ciphers", flag((draft, on) => (draft.tlsChoices = { ...draft.tlsChoices, ownCipherOrder: on }))],
  ["ssl-passthrough", flag((draft, on) => (draft.passthrough = on))],
  ["use-regex", flag((draft, on) => (draft.useRegex = on))],
  ["canary", flag((draft, on) => (draft.isCanary = on))],
  ["proxy-connect-timeout", seconds((draft, ms) => (draft.policy.connectTimeoutMs = ms))],
  ["proxy-read-timeout", seconds((draft, ms) => (draft.policy.readTimeoutMs = ms))],
  ["proxy-send-timeout", seconds((draft, ms) => (draft.policy.sendTimeoutMs = ms))],
  ["proxy-body-size", readBodySize],
  ["enable-access-log", flag((draft, on) => (draft.policy.accessLog = on ? undefined : false))],
  ["proxy-next-upstream", (value, draft) => readNextUpstream(value, draft.policy)],
  ["proxy-next-upstream-timeout", (value, draft) => readNextUpstreamTimeout(value, draft.policy)],
  ["proxy-next-upstream-tries", (value, draft) => readTries(value, draft.policy)],
  ["upstream-vhost", readUpstreamHost],
  ["backend-protocol", readProtocol],
  ["load-balance", readBalance],
  ["upstream-hash-by", readHashBy],
  ["rewrite-target", readRewriteTarget],
]);

/** `allow` or `deny`, by the names of the annotations. `whitelist-` is the old name of `allowlist-`. */
const ACCESS_LISTS: ReadonlyMap<string, "allow" | "deny"> = new Map([
  ["allowlist-source-range", "allow"],
  ["denylist-source-range", "deny"],
  ["whitelist-source-range", "allow"],
]);

/** A list that cannot be read in full closes the paths: nobody knows who was meant. */
function readAccessList(full: string, value: string, list: "allow" | "deny", draft: Draft, findings: Finding[]): void {
  const blocks = value.split(",").map((block) => block.trim());
  const wrong = blocks.find((block) => !isAddressBlock(block));
  if (wrong !== undefined || blocks.length > ACCESS_BLOCKS_MAX) {
    const fault =
      wrong === undefined
        ? `has more than ${ACCESS_BLOCKS_MAX} blocks`
        : `has ${quoted(wrong)}, which is neither an address nor a CIDR block`;
    const reason = `Annotation "${full}" ${fault}`;
    draft.refusal ??= { code: "AccessListInvalid", reason };
    const message = `${reason}: the paths of this Ingress answer 503 rather than stand open`;
    const hint = 'Write blocks with commas between them, such as "10.0.0.0/8, 2001:db8::/32"';
    findings.push({ severity: "error", code: "AccessListInvalid", message, hint });
    return;
  }
  if (list === "allow" && draft.policy.access?.allow !== undefined) {
    const fault = 'which has no effect beside "allowlist-source-range"';
    findings.push(invalid(full, value, fault));
    return;
  }
  draft.policy.access = { ...draft.policy.access, [list]: blocks };
}

function flag(set: (draft: Draft, on: boolean) => void): Reader {
  return (value, draft) => {
    const on = parseBool(value);
    if (on === undefined) return 'which is neither "true" nor "false"';
    set(draft, on);
    return undefined;
  };
}

function seconds(set: (draft: Draft, ms: number) => void): Reader {
  return (value, draft) => {
    const ms = parseSeconds(value);
    if (ms === undefined) return 'which is not a whole number of seconds without a unit, such as "60"';
    set(draft, ms);
    return undefined;
  };
}

function readBodySize(value: string, draft: Draft): string | undefined {
  const bytes = parseSize(value);
  if (bytes === undefined) return 'which is not a size such as "8m" or "0"';
  draft.policy.bodyBytesMax = bytes === 0 ? undefined : bytes;
  return undefined;
}

function readUpstreamHost(value: string, draft: Draft): string | undefined {
  if (!/^[A-Za-z0-9._-]{1,253}(?::\d{1,5})?$/.test(value)) return "which is not a host name";
  draft.policy.upstreamHost = value;
  return undefined;
}

const PROTOCOLS: ReadonlyMap<string, Backend["protocol"]> = new Map([
  ["HTTP", "http"],
  ["HTTPS", "https"],
  ["GRPC", "h2c"],
  ["GRPCS", "h2"],
]);

function readProtocol(value: string, draft: Draft): string | undefined {
  const word = value.toUpperCase();
  const protocol = PROTOCOLS.get(word);
  if (protocol !== undefined) draft.protocol = protocol;
  else if (word === "FCGI") {
    const reason = "Endpoints that speak FastCGI cannot be forwarded to";
    draft.refusal ??= { code: "BackendProtocolUnsupported", reason };
  } else if (word === "AUTO_HTTP") return 'of which only the "HTTP" part is tried';
  else return "which is none of HTTP, HTTPS, GRPC, GRPCS";
  return undefined;
}

function readBalance(value: string, draft: Draft): string | undefined {
  if (value === "ewma") draft.balance = "ewma";
  else if (value === "least_request") draft.balance = "least-request";
  else if (value !== "round_robin") return "which is none of round_robin, ewma, least_request";
  return undefined;
}

function readHashBy(value: string, draft: Draft): string | undefined {
  if (!isHashTemplate(value)) {
    return "which is not made of $request_uri, $uri, $host, $remote_addr, $scheme, $request_method, $args, $arg_NAME, $http_NAME, $cookie_NAME";
  }
  draft.policy.hashBy = value;
  return undefined;
}

/** Whether OpenSSL knows the ciphers is found when a worker first uses them; if it does not, the runtime's stay. */
function readServerCiphers(value: string, draft: Draft): string | undefined {
  if (!isCipherList(value)) return "which is not a list of ciphers as OpenSSL reads it";
  draft.tlsChoices = { ...draft.tlsChoices, ciphers: value };
  return undefined;
}

/** A path with `$1` to `$9` and a query, as nginx's `rewrite` takes it; its variables and absolute URLs are not. */
function readRewriteTarget(value: string, draft: Draft): string | undefined {
  if (!/^\/?[\x21-\x7e]*$/.test(value) || value === "" || value.includes("://")) return "which is not a path";
  if (/\$(?![1-9])/.test(value)) return "in which only $1 to $9 can stand for something";
  draft.rewriteTarget = value.startsWith("/") || value.startsWith("$") ? value : `/${value}`;
  return undefined;
}

/** Returns the rewrite of one path, or undefined when there is nothing to rewrite. */
export function rewriteOf(path: string, target: string | undefined): PathRewrite | undefined {
  return target === undefined || target === path ? undefined : { pattern: path, target };
}

function refuse(full: string, draft: Draft, findings: Finding[]): void {
  const reason = `Annotation "${full}" restricts access, and that cannot be enforced here`;
  if (draft.refusal?.code !== "SecurityAnnotationUnsupported") {
    draft.refusal = { code: "SecurityAnnotationUnsupported", reason };
  }
  findings.push({
    severity: "error",
    code: "SecurityAnnotationUnsupported",
    message: `${reason}: the paths of this Ingress answer 503 rather than stand open`,
    hint: "Remove the annotation if the paths may be open to everyone",
  });
}

function invalid(full: string, value: string, fault: string): Finding {
  const message = `Annotation "${full}" is ${quoted(value)}, ${fault}`;
  return { severity: "warning", code: "AnnotationInvalid", message };
}

function unsupported(full: string): Finding {
  return { severity: "warning", code: "AnnotationUnsupported", message: `Annotation "${full}" has no effect here` };
}

/** What is inside TLS that passes through cannot be changed here. Who may connect can. */
function reportVoid(annotations: Readonly<Record<string, string>>, findings: Finding[]): void {
  const names = Object.keys(annotations)
    .filter((full) => full.startsWith(NGINX_PREFIX))
    .map((full) => full.slice(NGINX_PREFIX.length))
    .filter(
      (name) =>
        name !== "ssl-passthrough" &&
        (READERS.has(name) || PROXY_SSL_NAMES.includes(name) || SESSION_COOKIE_NAMES.includes(name)),
    )
    .sort();
  if (names.length === 0) return;
  findings.push({
    severity: "info",
    code: "AnnotationsPassedBy",
    message: `TLS of the hosts passes through to the endpoints, where ${names.join(", ")} cannot have an effect`,
  });
}

const OLD_PREFIX = "ingress.kubernetes.io/";

function reportOldPrefix(name: string, findings: Finding[]): void {
  const short = name.slice(OLD_PREFIX.length);
  if (!isKnown(short)) return;
  findings.push({
    severity: "warning",
    code: "AnnotationUnknown",
    message: `Annotation "${name}" has no effect: the prefix is "${NGINX_PREFIX}"`,
    hint: `Write "${NGINX_PREFIX}${short}"`,
  });
}

function isKnown(name: string): boolean {
  return (
    READERS.has(name) ||
    ACCESS_LISTS.has(name) ||
    CLIENT_AUTH_NAMES.has(name) ||
    PROXY_SSL_NAMES.includes(name) ||
    SESSION_COOKIE_NAMES.includes(name) ||
    SECURITY.has(name) ||
    NOT_NEEDED.has(name) ||
    UNSUPPORTED.includes(name)
  );
}

function unknown(name: string): Finding {
  const known = [
    ...READERS.keys(),
    ...ACCESS_LISTS.keys(),
    ...CLIENT_AUTH_NAMES,
    ...PROXY_SSL_NAMES,
    ...SESSION_COOKIE_NAMES,
    ...SECURITY.keys(),
    ...NOT_NEEDED.keys(),
    ...UNSUPPORTED,
  ];
  const near = known.find((candidate) => isNear(name, candidate));
  return {
    severity: "warning",
    code: "AnnotationUnknown",
    message: `Annotation "${NGINX_PREFIX}${name.slice(0, 100)}" does not exist and has no effect`,
    ...(near === undefined ? {} : { hint: `Did you mean "${NGINX_PREFIX}${near}"` }),
  };
}

/** One letter more, fewer, other, or two swapped. */
function isNear(left: string, right: string): boolean {
  const [short, long] = left.length <= right.length ? [left, right] : [right, left];
  if (long.length - short.length > 1) return false;
  let start = 0;
  while (start < short.length && short[start] === long[start]) start++;
  const rest = short.slice(start);
  const other = long.slice(start);
  if (short.length < long.length) return rest === other.slice(1);
  if (rest.slice(1) === other.slice(1)) return true;
  return rest[0] === other[1] && rest[1] === other[0] && rest.slice(2) === other.slice(2);
}
