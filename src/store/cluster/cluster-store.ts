import type { Clock } from "../../ground/clock.ts";
import { isLintelError, LintelError } from "../../ground/errors.ts";
import { arrayAt, isRecord, recordAt, stringAt } from "../../ground/json.ts";
import { apiVersionOf, resourceName, type Kind } from "../../resource/kind.ts";
import { objectKey, type KubeObject, type ObjectMeta } from "../../resource/object.ts";
import type {
  DeleteOptions,
  ListOptions,
  ObjectList,
  Store,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "../contract.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import type { Denials } from "./denials.ts";
import { KubeClient } from "./kube-client.ts";
import { hasSameFields, ownStatus } from "./status-fields.ts";
import { statusError } from "./status-error.ts";

/** Objects a page; client-go's default. */
const PAGE_ITEMS = 500;
/** A list that changes so fast that its pages expire is tried this often. */
const LIST_TRIES_MAX = 3;
/** A watch ends by itself after a time between this and its double, so that load spreads over API servers. */
const WATCH_SECONDS_MIN = 300;
/** Bookmarks come about once a minute; a watch that is silent for longer is dead. */
const WATCH_IDLE_MS_MAX = 150_000;
/** An unconditional update that always meets somebody else's gives up after this many. */
const UPDATE_TRIES_MAX = 5;

/** The shortest that Kubernetes gives: a token is used once, at once. */
const TOKEN_SECONDS = 600;

/** What a {@link ClusterStore} is opened on. */
export interface ClusterStoreOptions {
  readonly access: ClusterAccess;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** `lintel/1.2.3`; its first part is the field manager of what we write. */
  readonly userAgent: string;
  /**
   * Field selectors by resource name: objects that match none of what we could use are never sent, so that memory does
   * not grow with them. @default {@link UNRELATED}
   */
  readonly fieldSelectors?: Readonly<Record<string, string>>;
  /** Told what is not allowed, and what is again. @default nobody is */
  readonly denials?: Denials;
  /** How long one answer may take. @default 30,000 */
  readonly answerMsMax?: number;
  /** Whether `list` and `watch` yield metadata alone (`PartialObjectMetadata`). @default false */
  readonly metadataOnly?: boolean;
}

const METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
/** Of Secrets: those that are mostly ours, and the others, which are not. */
const TLS_TYPE = "type=kubernetes.io/tls";

/**
 * Secrets that no Ingress, issuer or certificate can be made of, and of which clusters hold many and large ones: every
 * release of a Helm chart is one.
 */
export const UNRELATED: Readonly<Record<string, string>> = {
  secrets: [
    "type!=helm.sh/release.v1",
    "type!=kubernetes.io/service-account-token",
    "type!=kubernetes.io/dockerconfigjson",
    "type!=kubernetes.io/dockercfg",
    "type!=bootstrap.kubernetes.io/token",
  ].join(","),
};

/**
 * The store that a real Kubernetes API server is. Nothing is cached here. Objects come without `managedFields`: nobody
 * here reads them, and they are half of an object's size; the server keeps them on updates that leave them out.
 *
 * What differs from the embedded drivers: dependants of a deleted object go when the cluster's garbage collector comes
 * by; `list` and `watch` leave out the objects that {@link ClusterStoreOptions.fieldSelectors} rule out; versions must not
 * be compared across resources. More failures are possible: `Forbidden` (RBAC) and `Refused` (admission, validation).
 */
export class ClusterStore implements Store {
  readonly #client: KubeClient;
  readonly #random: () => number;
  readonly #manager: string;
  readonly #fieldSelectors: Readonly<Record<string, string>>;
  readonly #source: string;
  readonly #metadataOnly: boolean;
  readonly #options: ClusterStoreOptions;

  constructor(options: ClusterStoreOptions) {
    this.#client = new KubeClient(options);
    this.#random = options.random;
    this.#manager = options.userAgent.split("/")[0] ?? "lintel";
    this.#fieldSelectors = options.fieldSelectors ?? UNRELATED;
    this.#source = options.access.source;
    this.#metadataOnly = options.metadataOnly ?? false;
    this.#options = options;
  }

  /**
   * Returns the Secrets in two parts, to be closed with this store: TLS Secrets whole, and the metadata of the others but for
   * those that {@link UNRELATED} rules out. A cluster has many of them, and large ones, that are no business of ours.
   */
  secretSources(): { readonly tls: ClusterStore; readonly others: ClusterStore } {
    const others = [UNRELATED["secrets"] ?? "", TLS_TYPE.replace("=", "!=")].join(",");
    return {
      tls: new ClusterStore({ ...this.#options, fieldSelectors: { secrets: TLS_TYPE } }),
      others: new ClusterStore({ ...this.#options, fieldSelectors: { secrets: others }, metadataOnly: true }),
    };
  }

  async get(kind: Kind, namespace: string, name: string): Promise<KubeObject | undefined> {
    try {
      return readObject(await this.#client.request({ method: "GET", path: pathOf(kind, namespace, name) }));
    } catch (error) {
      if (isLintelError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  async list(kind: Kind, options: ListOptions = {}): Promise<ObjectList> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#listPages(kind, options);
      } catch (error) {
        // The continuation of a page expired: what was listed so far is of the past.
        if (!isLintelError(error, "Gone") || attempt >= LIST_TRIES_MAX) throw error;
      }
    }
  }

  async create(kind: Kind, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const path = `${pathOf(kind, object.metadata.namespace ?? "")}?${this.#writeQuery(options)}`;
    const body = asWritten(kind, object, { resourceVersion: undefined, uid: undefined });
    return readObject(await this.#client.request({ method: "POST", path, body }));
  }

  /** A PUT needs the version it replaces; one that does not care which is tried on the newest. */
  async update(kind: Kind, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const { namespace = "", name, resourceVersion } = object.metadata;
    const path = `${pathOf(kind, namespace, name)}?${this.#writeQuery(options)}`;
    for (let attempt = 1; ; attempt++) {
      const version = resourceVersion ?? (await this.#versionOf(kind, namespace, name));
      const body = asWritten(kind, object, { resourceVersion: version });
      try {
        return readObject(await this.#client.request({ method: "PUT", path, body }));
      } catch (error) {
        const again = resourceVersion === undefined && isLintelError(error, "Conflict") && attempt < UPDATE_TRIES_MAX;
        if (!again) throw error;
      }
    }
  }

  /**
   * Server-side apply of the status alone, at the version that was read: what we set is ours, what we set no longer goes,
   * and the conditions of others stay theirs. What others set and we took away (`Issuing`, which cmctl writes) stays after
   * an apply, because they own it too: then the whole status is replaced, at the version the apply has made.
   */
  async updateStatus(kind: Kind, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const { namespace = "", name } = object.metadata;
    const path = `${pathOf(kind, namespace, name)}/status?${this.#writeQuery(options)}`;
    const applied = await this.#applyStatus(kind, object, path);
    if (applied === undefined) return this.#replaceStatus(object, path);
    if (hasSameFields(object["status"], applied["status"]) || options.dryRun === true) return applied;
    return this.#replaceStatus({ ...applied, status: object["status"] }, path);
  }

  /** Undefined where the server does not know a field of it, which an apply may not name. */
  async #applyStatus(kind: Kind, object: KubeObject, path: string): Promise<KubeObject | undefined> {
    const { namespace, name, resourceVersion, uid } = object.metadata;
    const metadata = { name, namespace, resourceVersion, uid };
    const status = ownStatus(kind, object["status"]);
    try {
      const answer = await this.#client.request({
        method: "PATCH",
        path: `${path}&force=true`,
        contentType: "application/apply-patch+yaml",
        body: { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata, status },
      });
      return readObject(answer);
    } catch (error) {
      if (isLintelError(error) && /field not declared in schema/.test(error.message)) return undefined;
      throw error;
    }
  }

  async #replaceStatus(object: KubeObject, path: string): Promise<KubeObject> {
    const { resourceVersion } = object.metadata;
    const answer = await this.#client.request({
      method: "PATCH",
      path,
      contentType: "application/json-patch+json",
      body: [
        ...(resourceVersion === undefined
          ? []
          : [{ op: "add", path: "/metadata/resourceVersion", value: resourceVersion }]),
        { op: "add", path: "/status", value: object["status"] ?? {} },
      ],
    });
    return readObject(answer);
  }

  async delete(kind: Kind, namespace: string, name: string, options: DeleteOptions = {}): Promise<KubeObject> {
    const { uid, resourceVersion, propagation = "Background", dryRun = false } = options;
    const path = pathOf(kind, namespace, name);
    const before = await this.get(kind, namespace, name);
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      propagationPolicy: propagation,
      ...(dryRun ? { dryRun: ["All"] } : {}),
      ...(uid === undefined && resourceVersion === undefined ? {} : { preconditions: { uid, resourceVersion } }),
    };
    const answer = await this.#client.request({ method: "DELETE", path, body });
    // A delete that is done answers with a Status, one that waits for finalizers with the object.
    if (isRecord(answer) && answer["kind"] !== "Status") return readObject(answer);
    if (before === undefined) throw new LintelError(`${resourceName(kind)} "${name}" not found`, { code: "NotFound" });
    return before;
  }

  watch(kind: Kind, options: WatchOptions): AsyncIterable<WatchEvent> {
    return this.#watch(kind, options);
  }

  /**
   * Returns a token of a ServiceAccount for these audiences, good for {@link TOKEN_SECONDS} seconds. Needs the right to
   * create `serviceaccounts/token`. Rejects with NotFound when there is no such account.
   */
  async serviceAccountToken(namespace: string, name: string, audiences: readonly string[]): Promise<string> {
    const account = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}`;
    const answer = await this.#client.request({
      method: "POST",
      path: `${account}/token`,
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: { audiences, expirationSeconds: TOKEN_SECONDS },
      },
    });
    const token = stringAt(recordAt(answer, "status"), "token");
    if (token !== undefined && token !== "") return token;
    throw new LintelError(`Cannot get a token of ServiceAccount "${namespace}/${name}": the answer has none`, {
      code: "Unreachable",
      fault: "upstream",
    });
  }

  /** Closes what connections there are. */
  async close(): Promise<void> {
    this.#client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #listPages(kind: Kind, { namespace = "" }: ListOptions): Promise<ObjectList> {
    const items: KubeObject[] = [];
    let continuation = "";
    let version: string | undefined;
    for (;;) {
      const query = this.#selected(kind, { limit: String(PAGE_ITEMS) });
      if (continuation !== "") query.set("continue", continuation);
      const path = pathOf(kind, namespace);
      const accept = this.#metadataOnly ? { accept: METADATA_LIST } : {};
      const page = await this.#client.request({ method: "GET", path: `${path}?${query.toString()}`, ...accept });
      // A server that knows no other forms answers with whole objects.
      const isList = [`${kind.kind}List`, "PartialObjectMetadataList"].includes(stringAt(page, "kind") ?? "");
      // Anything else must not pass for an empty list: everything would be taken for gone.
      if (!isList || !isRecord(recordAt(page, "metadata"))) throw noList(path);
      for (const item of arrayAt(page, "items")) items.push(readObject(typed(kind, item)));
      const metadata = recordAt(page, "metadata");
      // Were later pages of a later version, a watch from there would miss what happened in between.
      version ??= stringAt(metadata, "resourceVersion") ?? "";
      continuation = stringAt(metadata, "continue") ?? "";
      if (continuation === "") return { items: items.sort(byKey), resourceVersion: version };
    }
  }

  async *#watch(kind: Kind, options: WatchOptions): AsyncGenerator<WatchEvent, void, undefined> {
    const { namespace = "", signal } = options;
    let version = options.resourceVersion;
    try {
      if (version === undefined) {
        const { items, resourceVersion } = await this.list(kind, options);
        for (const object of items) yield { type: "ADDED", object };
        version = resourceVersion;
      }
      while (!signal.aborted) {
        for await (const event of this.#watchOnce(kind, { ...options, namespace, resourceVersion: version })) {
          version = event.version;
          if (event.change === undefined) options.onProgress?.(version);
          else yield event.change;
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** One watch, until the server ends it in peace: bookmarks tell from where to go on even when nothing changed. */
  async *#watchOnce(
    kind: Kind,
    { namespace, resourceVersion: version, signal, onProgress }: WatchOptions & { readonly resourceVersion: string },
  ): AsyncGenerator<{ readonly version: string; readonly change: WatchEvent | undefined }, void, undefined> {
    const seconds = Math.ceil(WATCH_SECONDS_MIN * (1 + this.#random()));
    const query = this.#selected(kind, {
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: version,
      timeoutSeconds: String(seconds),
    });
    const path = `${pathOf(kind, namespace ?? "")}?${query.toString()}`;
    const onOpen = (): void => onProgress?.(version);
    const request = { method: "GET" as const, path, ...(this.#metadataOnly ? { accept: METADATA } : {}) };
    for await (const line of this.#client.stream({ ...request, signal, onOpen, idleMs: WATCH_IDLE_MS_MAX })) {
      const type = stringAt(line, "type");
      const content = recordAt(line, "object");
      if (type === "ERROR") {
        throw statusError(Number(content["code"]), JSON.stringify(content), { method: "GET", path }, this.#source);
      }
      const object = readObject(typed(kind, content));
      const at = object.metadata.resourceVersion ?? version;
      yield { version: at, change: changeOf(type, object) };
    }
  }

  async #versionOf(kind: Kind, namespace: string, name: string): Promise<string | undefined> {
    const found = await this.get(kind, namespace, name);
    if (found !== undefined) return found.metadata.resourceVersion;
    throw new LintelError(`${resourceName(kind)} "${name}" not found`, { code: "NotFound", fault: "user" });
  }

  #selected(kind: Kind, parameters: Readonly<Record<string, string>>): URLSearchParams {
    const query = new URLSearchParams(parameters);
    const selector = this.#fieldSelectors[resourceName(kind)];
    if (selector !== undefined) query.set("fieldSelector", selector);
    return query;
  }

  #writeQuery({ dryRun = false }: WriteOptions): string {
    const query = new URLSearchParams({ fieldManager: this.#manager });
    if (dryRun) query.set("dryRun", "All");
    return query.toString();
  }
}

/** Undefined for a bookmark, which only tells how far the server is. */
function changeOf(type: string | undefined, object: KubeObject): WatchEvent | undefined {
  if (type === "DELETED") return { type, object };
  return type === "ADDED" || type === "MODIFIED" ? { type, object } : undefined;
}

function pathOf(kind: Kind, namespace: string, name?: string): string {
  const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${apiVersionOf(kind)}`;
  const scope = kind.namespaced && namespace !== "" ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root}${scope}/${kind.plural}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}

/** The object as it is sent: with `metadata`, where undefined removes a field. */
function asWritten(kind: Kind, object: KubeObject, metadata: Readonly<Record<string, string | undefined>>): unknown {
  return { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { ...object.metadata, ...metadata } };
}

/** Items of a list don't say what they are. */
function typed(kind: Kind, item: unknown): unknown {
  return { ...(isRecord(item) ? item : {}), apiVersion: apiVersionOf(kind), kind: kind.kind };
}

function readObject(value: unknown): KubeObject {
  const apiVersion = stringAt(value, "apiVersion");
  const kind = stringAt(value, "kind");
  const metadata = isRecord(value) ? value["metadata"] : undefined;
  if (!isRecord(value) || apiVersion === undefined || kind === undefined || !isRecord(metadata)) {
    throw new LintelError("The API server answered with something that is no object", { code: "Unreachable" });
  }
  const { managedFields: _, ...kept } = metadata;
  return { ...value, apiVersion, kind, metadata: withName(kept) };
}

function noList(path: string): LintelError {
  return new LintelError(`The API server answered GET ${path} with something that is no list`, {
    code: "Unreachable",
    fault: "upstream",
  });
}

function withName(metadata: Readonly<Record<string, unknown>>): ObjectMeta {
  return { ...metadata, name: stringAt(metadata, "name") ?? "" };
}

function byKey(left: KubeObject, right: KubeObject): number {
  const [first, second] = [objectKey(left), objectKey(right)];
  return first < second ? -1 : first > second ? 1 : 0;
}
