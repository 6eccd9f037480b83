import type { Clock } from "../ground/clock.ts";
import { isRecord, numberAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import { badRequest, expired } from "./status.ts";

/** So many lists are remembered for clients that read them page by page; the oldest goes first. */
const SNAPSHOTS_MAX = 64;
/** How long a list is remembered, as a real API server keeps old versions for about five minutes. */
const SNAPSHOT_LIFETIME_MS = 5 * 60_000;

/** A part of a list, all parts of it at one version. */
export interface Page {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
  /** The token of the next page, or undefined on the last. */
  readonly next: string | undefined;
  readonly remaining: number;
}

interface Snapshot {
  readonly items: readonly KubeObject[];
  readonly takenAtMs: number;
}

/** Cuts lists into pages that belong together: all pages of one list show the same version of it. */
export class ListPages {
  readonly #clock: Clock;
  readonly #snapshots = new Map<string, Snapshot>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns the first page of `items`; `query` names the list, so that tokens of others are not mixed up with it. */
  first(query: string, items: readonly KubeObject[], resourceVersion: string, limit: number): Page {
    if (limit <= 0 || items.length <= limit) return { items, resourceVersion, next: undefined, remaining: 0 };
    this.#remember(`${query} ${resourceVersion}`, items);
    return page(items, resourceVersion, 0, limit);
  }

  /** Returns the page that `token` stands for. Throws Expired when its list is forgotten, BadRequest for no token. */
  next(query: string, token: string, limit: number): Page {
    const { resourceVersion, start } = parseToken(token);
    const snapshot = this.#snapshots.get(`${query} ${resourceVersion}`);
    if (snapshot === undefined || this.#clock.nowMs() - snapshot.takenAtMs > SNAPSHOT_LIFETIME_MS) {
      throw expired("The provided continue parameter is too old to display a consistent list result. Start a new list");
    }
    return page(snapshot.items, resourceVersion, start, limit <= 0 ? snapshot.items.length : limit);
  }

  #remember(key: string, items: readonly KubeObject[]): void {
    this.#snapshots.delete(key);
    this.#snapshots.set(key, { items, takenAtMs: this.#clock.nowMs() });
    for (const oldest of this.#snapshots.keys()) {
      if (this.#snapshots.size <= SNAPSHOTS_MAX) break;
      this.#snapshots.delete(oldest);
    }
  }
}

function page(items: readonly KubeObject[], resourceVersion: string, start: number, limit: number): Page {
  const end = start + limit;
  const remaining = Math.max(0, items.length - end);
  return {
    items: items.slice(start, end),
    resourceVersion,
    next: remaining === 0 ? undefined : makeToken(resourceVersion, end),
    remaining,
  };
}

function makeToken(resourceVersion: string, start: number): string {
  return Buffer.from(JSON.stringify({ v: "lintel/v1", rv: Number(resourceVersion), start })).toString("base64url");
}

function parseToken(token: string): { readonly resourceVersion: string; readonly start: number } {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    const version = numberAt(parsed, "rv");
    const start = numberAt(parsed, "start");
    if (isRecord(parsed) && version !== undefined && start !== undefined && Number.isInteger(start) && start >= 0) {
      return { resourceVersion: String(version), start };
    }
  } catch {
    // Told below, like any other token that is not ours.
  }
  throw badRequest("continue key is not valid: it is none of this server's");
}
