import { numberAt, stringAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import { ApiStatusError, badRequest } from "./status.ts";

/** A part of a list. */
export interface Page {
  readonly items: readonly KubeObject[];
  /** The token of the next page, or undefined on the last. */
  readonly next: string | undefined;
  readonly remaining: number;
}

/** Where a page begins, as a continue token says it. */
export interface PageStart {
  /** The version that all pages of the list show, or undefined for whatever there is when the page is read. */
  readonly version: string | undefined;
  /** Objects up to and including this one were on earlier pages. */
  readonly after: { readonly namespace: string; readonly name: string };
}

/** What a token is of, as other servers write it too. */
const TOKEN_VERSION = "meta.k8s.io/v1";
/** How a token says that its list is not of one version. */
const ANY_VERSION = -1;

/**
 * Returns the page of `items`, which are in namespace, name order and at `version`, that begins at `start` and has at most
 * `limit` objects; 0 means all.
 */
export function pageOf(
  items: readonly KubeObject[],
  version: string,
  limit: number,
  start?: Pick<PageStart, "after">,
): Page {
  const first = start === undefined ? 0 : firstAfter(items, start.after);
  const end = limit <= 0 ? items.length : Math.min(items.length, first + limit);
  const remaining = items.length - end;
  const last = items[end - 1]?.metadata;
  const next =
    remaining === 0 || last === undefined
      ? undefined
      : continueToken({ version, after: { namespace: last.namespace ?? "", name: last.name } });
  return { items: items.slice(first, end), next, remaining };
}

/** Objects are in order, so the first one after a name is found by halving. */
function firstAfter(items: readonly KubeObject[], after: PageStart["after"]): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { namespace = "", name = "" } = items[middle]?.metadata ?? {};
    const isAfter = namespace > after.namespace || (namespace === after.namespace && name > after.name);
    if (isAfter) high = middle;
    else low = middle + 1;
  }
  return low;
}

function continueToken(start: PageStart): string {
  const { namespace, name } = start.after;
  const rv = start.version === undefined ? ANY_VERSION : Number(start.version);
  const key = namespace === "" ? name : `${namespace}/${name}`;
  return Buffer.from(JSON.stringify({ v: TOKEN_VERSION, rv, start: `${key}\0` })).toString("base64url");
}

/** Returns where the page of `token` begins. Throws BadRequest for a token that is none. */
export function parseContinueToken(token: string): PageStart {
  const parsed = parseJson(token);
  const version = numberAt(parsed, "rv");
  const start = stringAt(parsed, "start");
  const isOurs = stringAt(parsed, "v") === TOKEN_VERSION && version !== undefined && Number.isSafeInteger(version);
  if (!isOurs || start === undefined || version < ANY_VERSION || version === 0) {
    throw badRequest("invalid continue token: continue key is not valid: it is none of this server's");
  }
  const key = start.replace(/\0$/, "");
  const slash = key.indexOf("/");
  return {
    version: version === ANY_VERSION ? undefined : String(version),
    after: { namespace: slash < 0 ? "" : key.slice(0, slash), name: key.slice(slash + 1) },
  };
}

function parseJson(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}

/**
 * 410: the version of a list is forgotten. Whoever reads page by page may go on with the token in the answer, in a list
 * that is not of one version any more.
 */
export function expiredPage(start: PageStart): ApiStatusError {
  const token = continueToken({ ...start, version: undefined });
  return new ApiStatusError(
    410,
    "Expired",
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    undefined,
    { continue: token },
  );
}
