import { type BalanceState, pickByHash, pickEndpoint } from "./balance.ts";
import type { Backend, CookieAffinity, Endpoint } from "./snapshot.ts";

/** What is known of a backend when a client is to be kept with one of its endpoints. */
export interface AffinityState extends BalanceState {
  /** Whether the endpoint is set aside, or this request has tried it. One that is only on its way back is not failing. */
  failing(endpoint: Endpoint): boolean;
}

/** The names of endpoints in cookies: 64 bits in hexadecimal that tell nobody the address, the same in every worker. */
export interface EndpointTokens {
  of(endpoint: Endpoint): string;
  endpoint(token: string): Endpoint | undefined;
}

/** Where a request goes, and with which value the client's cookie is set. */
export interface AffinityChoice {
  readonly endpoint: Endpoint;
  /** Undefined: the cookie the client has is the right one. */
  readonly value: string | undefined;
}

/** New values drawn for one that leads to a healthy endpoint; then the last one does. */
const DRAWS_MAX = 20;

/** Returns whether `text` can be the value of one of our cookies; others, of whatever origin, count as none. */
export function isAffinityValue(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text);
}

/**
 * Returns the endpoint for one request of the client whose cookie has `value`; undefined only when the backend has none.
 *
 * - `persistent`: the cookie names the endpoint, for as long as it exists.
 * - `balanced`: the cookie is a random number that leads to an endpoint by consistent hashing, so that a new endpoint takes
 *   its share over from all others, and no other client moves.
 *
 * While the client's endpoint is failing, its requests go to another, always the same, and back again afterwards; with
 * `changeOnFailure` they stay there. An endpoint on its slow way back gets those clients at once: they are its own.
 */
export function pickByAffinity(
  affinity: CookieAffinity,
  facts: {
    readonly backend: Backend;
    readonly state: AffinityState;
    readonly tokens: EndpointTokens;
    readonly value: string | undefined;
    readonly random: () => number;
  },
): AffinityChoice | undefined {
  const { backend, state, tokens, value, random } = facts;
  const { endpoints } = backend;
  const own =
    value === undefined
      ? undefined
      : affinity.mode === "persistent"
        ? tokens.endpoint(value)
        : pickByHash(endpoints, none, value);
  if (value !== undefined && own !== undefined) {
    if (!state.failing(own)) return { endpoint: own, value: undefined };
    const other = pickByHash(endpoints, (endpoint) => state.failing(endpoint), value) ?? own;
    if (other === own || !affinity.changeOnFailure) return { endpoint: other, value: undefined };
  }
  if (affinity.mode === "balanced") return draw(endpoints, state, random);
  const endpoint = pickEndpoint(backend, state, random);
  return endpoint === undefined ? undefined : { endpoint, value: tokens.of(endpoint) };
}

function draw(endpoints: readonly Endpoint[], state: AffinityState, random: () => number): AffinityChoice | undefined {
  for (let count = 1; ; count++) {
    const value = half(random) + half(random);
    const endpoint = pickByHash(endpoints, none, value);
    if (endpoint === undefined) return undefined;
    if (count === DRAWS_MAX || !state.avoid(endpoint)) return { endpoint, value };
  }
}

function none(): boolean {
  return false;
}

/** 32 random bits. */
function half(random: () => number): string {
  return Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, "0");
}

/** What a Set-Cookie header depends on beside its settings. */
export interface CookieFacts {
  readonly nowMs: number;
  /** Whether the client came by HTTPS. */
  readonly secure: boolean;
  /** Empty when there is none. */
  readonly userAgent: string;
}

/** Returns the value of the Set-Cookie header (RFC 6265 section 4.1). Scripts in pages cannot read the cookie. */
export function affinityCookie(affinity: CookieAffinity, value: string, facts: CookieFacts): string {
  const { name, path, domain, expiresS, maxAgeS, sameSite, unlessMisread } = affinity;
  const parts = [`${name}=${value}`];
  if (expiresS !== undefined) parts.push(`Expires=${new Date(facts.nowMs + expiresS * 1000).toUTCString()}`);
  if (maxAgeS !== undefined) parts.push(`Max-Age=${maxAgeS}`);
  if (domain !== undefined) parts.push(`Domain=${domain}`);
  parts.push(`Path=${path}`);
  if (affinity.secure ?? facts.secure) parts.push("Secure");
  parts.push("HttpOnly");
  const left = sameSite === "None" && unlessMisread && misreadsNone(facts.userAgent);
  if (sameSite !== undefined && !left) parts.push(`SameSite=${sameSite}`);
  return parts.join("; ");
}

/**
 * Whether a browser takes `SameSite=None` for `Strict` or drops such cookies: those of iOS 12, Safari of macOS 10.14,
 * Chromium 51 to 66, and UC Browser before 12.13.2.
 */
function misreadsNone(userAgent: string): boolean {
  if (/\(iP.+; CPU .*OS 12[_\d]*.*\) AppleWebKit\//.test(userAgent)) return true;
  if (/\(Macintosh;.*Mac OS X 10_14[_\d]*.*\) AppleWebKit\//.test(userAgent)) {
    const isSafari = /Version\/.* Safari\//.test(userAgent) && !/Chrom(?:e|ium)/.test(userAgent);
    return (
      isSafari ||
      /^Mozilla\/[.\d]+ \(Macintosh;.*Mac OS X [_\d]+\) AppleWebKit\/[.\d]+ \(KHTML, like Gecko\)$/.test(userAgent)
    );
  }
  const uc = /UCBrowser\/(\d+)\.(\d+)\.(\d+)/.exec(userAgent);
  if (uc !== null) {
    const [major = 0, minor = 0, build = 0] = uc.slice(1).map(Number);
    return major !== 12 ? major < 12 : minor !== 13 ? minor < 13 : build < 2;
  }
  const chromium = Number(/Chrom(?:e|ium)\/(\d+)\./.exec(userAgent)?.[1] ?? 0);
  return chromium >= 51 && chromium < 67;
}
