import type { CookieAffinity } from "../../routing/snapshot.ts";
import { quoted } from "../../resource/parse-problem.ts";
import { parseBool } from "./annotation-value.ts";
import type { Finding } from "./ingress-policy.ts";
import { NGINX_PREFIX } from "./known-annotations.ts";

/** What ingress-nginx calls the cookie where nothing else is said. */
const NAME_DEFAULT = "INGRESSCOOKIE";

type Draft = { -readonly [Field in keyof CookieAffinity]: CookieAffinity[Field] };

/** Reads one value into the draft; returns what is wrong with it otherwise, as the end of a sentence. */
type Reader = (value: string, draft: Draft) => string | undefined;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["affinity-mode", readMode],
  ["session-cookie-change-on-failure", flag((draft, on) => (draft.changeOnFailure = on))],
  ["session-cookie-conditional-samesite-none", flag((draft, on) => (draft.unlessMisread = on))],
  [
    "session-cookie-domain",
    text(/^\.?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, "a domain", (draft, value) => (draft.domain = value)),
  ],
  ["session-cookie-expires", seconds((draft, value) => (draft.expiresS = value))],
  ["session-cookie-max-age", seconds((draft, value) => (draft.maxAgeS = value))],
  [
    "session-cookie-name",
    text(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/, "the name of a cookie", (draft, value) => (draft.name = value)),
  ],
  [
    "session-cookie-path",
    text(/^\/[\x21-\x2b\x2d-\x3a\x3c-\x7e]{0,1023}$/, "a path", (draft, value) => (draft.path = value)),
  ],
  ["session-cookie-samesite", readSameSite],
  ["session-cookie-secure", flag((draft, on) => (draft.secure = on))],
]);

/** The annotations of ingress-nginx about cookies that keep clients with endpoints, without their prefix. */
export const SESSION_COOKIE_NAMES: readonly string[] = ["affinity", ...READERS.keys()];

/** Returns which cookie the annotations ask for, with an empty path where it is to be the route's own. */
export function readSessionCookie(annotations: Readonly<Record<string, string>>): {
  readonly affinity: CookieAffinity | undefined;
  readonly findings: readonly Finding[];
} {
  const draft: Draft = { name: NAME_DEFAULT, path: "", unlessMisread: false, changeOnFailure: false, mode: "balanced" };
  const findings: Finding[] = [];
  const kind = annotations[`${NGINX_PREFIX}affinity`]?.trim();
  if (kind !== undefined && kind !== "cookie") findings.push(invalid("affinity", kind, 'which is not "cookie"'));
  const present = [...READERS].filter(([name]) => annotations[NGINX_PREFIX + name] !== undefined);
  if (kind !== "cookie") {
    for (const [name] of present)
      findings.push(
        invalid(name, annotations[NGINX_PREFIX + name] ?? "", 'which means nothing without "affinity" as "cookie"'),
      );
    return { affinity: undefined, findings };
  }
  for (const [name, read] of present) {
    const value = (annotations[NGINX_PREFIX + name] ?? "").trim();
    const fault = read(value, draft);
    if (fault !== undefined) findings.push(invalid(name, value, fault));
  }
  return { affinity: draft, findings };
}

/**
 * Returns the cookie of one route. Its path is the route's, as with ingress-nginx, where clients can compare with that: a
 * regular expression is no path, and then it is `/`.
 */
export function cookieOfRoute(affinity: CookieAffinity, path: string): CookieAffinity {
  if (affinity.path !== "") return affinity;
  const isPlain = /^\/[\w/~@%:!&'.-]*$/.test(path);
  return { ...affinity, path: isPlain && path !== "/" ? path.replace(/\/+$/, "") || "/" : "/" };
}

function readMode(value: string, draft: Draft): string | undefined {
  if (value !== "balanced" && value !== "persistent") return 'which is neither "balanced" nor "persistent"';
  draft.mode = value;
  return undefined;
}

const SAME_SITES = ["Strict", "Lax", "None"] as const;

function readSameSite(value: string, draft: Draft): string | undefined {
  const found = SAME_SITES.find((known) => known.toLowerCase() === value.toLowerCase());
  if (found === undefined) return "which is none of Strict, Lax, None";
  draft.sameSite = found;
  return undefined;
}

function flag(set: (draft: Draft, on: boolean) => void): Reader {
  return (value, draft) => {
    const on = parseBool(value);
    if (on === undefined) return 'which is neither "true" nor "false"';
    set(draft, on);
    return undefined;
  };
}

function seconds(set: (draft: Draft, value: number) => void): Reader {
  return (value, draft) => {
    if (!/^-?\d{1,9}$/.test(value)) return "which is not a whole number of seconds";
    set(draft, Number(value));
    return undefined;
  };
}

function text(allowed: RegExp, what: string, set: (draft: Draft, value: string) => void): Reader {
  return (value, draft) => {
    if (!allowed.test(value)) return `which is not ${what}`;
    set(draft, value);
    return undefined;
  };
}

function invalid(name: string, value: string, fault: string): Finding {
  const message = `Annotation "${NGINX_PREFIX}${name}" is ${quoted(value)}, ${fault}`;
  return { severity: "warning", code: "AnnotationInvalid", message };
}
