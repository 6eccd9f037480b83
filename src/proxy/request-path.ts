/** A request path in the two forms the edge uses, or why it is refused. */
export type RequestPath =
  | {
      readonly kind: "path";
      /** What is sent on: dot segments resolved, escapes of unreserved characters undone, all others kept as they are. */
      readonly forward: string;
      /** What routes are compared with: `forward` with every escape decoded and runs of slashes merged. */
      readonly match: string;
    }
  | { readonly kind: "refused"; readonly text: string };

const refused = (text: string): RequestPath => ({ kind: "refused", text });

/**
 * Normalises a path once, for matching and forwarding alike, so that no spelling of a path gets around the policy of its
 * route. `raw` has one character a byte and starts with a slash; the query is not part of it.
 *
 * - RFC 3986 section 6.2.2: escapes of letters, digits, `-._~` are undone and dot segments resolved; other bytes above
 *   0x7F are escaped. Climbing above the root is refused.
 * - Escaped slashes (`%2F`, which package registries need) stay escaped towards the endpoint but count as slashes for
 *   matching, as other escapes do: `/%61dmin` and `/x%2Fy` cannot slip past a rule for `/admin` or `/x`.
 * - Runs of slashes count as one slash for matching and are sent on as they came: some applications have URLs in paths.
 * - Refused, because servers disagree on what they mean: escapes of NUL, broken escapes, backslashes, dot segments made
 *   with an escaped slash (`..%2F`), and dot segments with a parameter (`..;`).
 */
export function normalisePath(raw: string): RequestPath {
  const unescaped = undoEscapes(raw);
  if (typeof unescaped !== "string") return unescaped;
  const forward = resolveDots(unescaped);
  if (typeof forward !== "string") return forward;
  const match = decode(forward).replaceAll(/\/{2,}/g, "/");
  if (DOT_SEGMENT.test(match)) return refused("the path has a dot segment made with an escaped slash or a parameter");
  return { kind: "path", forward, match };
}

const UNRESERVED = /[A-Za-z0-9\-._~]/;
const DOT_SEGMENT = /\/\.{1,2}(?:[/;]|$)/;

function undoEscapes(raw: string): string | RequestPath {
  let result = "";
  for (let at = 0; at < raw.length; at++) {
    const letter = raw.charAt(at);
    const code = raw.charCodeAt(at);
    if (letter === "\\") return refused("the path has a backslash");
    if (code > 0x7f) result += escape(code);
    else if (letter !== "%") result += letter;
    else {
      const digits = raw.slice(at + 1, at + 3);
      if (!/^[0-9A-Fa-f]{2}$/.test(digits)) return refused("the path has a broken percent-encoding");
      const value = Number.parseInt(digits, 16);
      if (value === 0) return refused("the path has an encoded NUL");
      const decoded = String.fromCharCode(value);
      result += UNRESERVED.test(decoded) ? decoded : escape(value);
      at += 2;
    }
  }
  return result;
}

function escape(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

/** RFC 3986 section 5.2.4. */
function resolveDots(path: string): string | RequestPath {
  const output: string[] = [];
  const segments = path.split("/").slice(1);
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === "..") {
      if (output.pop() === undefined) return refused("the path climbs above the root");
      if (last) output.push("");
    } else if (segment !== ".") output.push(segment);
    else if (last) output.push("");
  }
  return `/${output.join("/")}`;
}

/** Decodes every escape; as UTF-8, or byte by byte where it is not. */
function decode(path: string): string {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path.replaceAll(/%([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  }
}
