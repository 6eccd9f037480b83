import { once } from "node:events";
import { isLintelError } from "../ground/errors.ts";
import type { KubeObject } from "../resource/object.ts";
import type { WatchEvent } from "../store/contract.ts";
import type { ApiResponse } from "./api-response.ts";
import { assertNotBeyond, checkWatchOptions } from "./list-options.ts";
import { parseSelection } from "./object-filter.ts";
import type { Selection } from "./object-filter.ts";
import { PROTOBUF } from "./accept.ts";
import { protobufAnswer, watchedText } from "./object-answer.ts";
import type { Presentation } from "./present.ts";
import { encodeKubernetesProtobuf, encodeProtobufEvent } from "./protobuf/envelope.ts";
import { parseCount, presentationOf } from "./read-objects.ts";
import type { ObjectContext } from "./read-objects.ts";
import { isTrue } from "./request.ts";
import type { ApiRequest } from "./request.ts";
import type { ResourceRoute } from "./route.ts";
import { badRequest, expired, toApiStatusError, tooManyRequests } from "./status.ts";

/** How long a watch lasts whose client names no time; clients start another. */
const WATCH_LIFETIME_SECONDS = 30 * 60;
/** So many watches may run at once; each one costs a connection and is written every event of its kind. */
export const WATCHES_MAX = 2_000;
/** How often a quiet watch tells how far it is, when the client wants bookmarks. */
const BOOKMARK_EVERY_MS = 60_000;

/** What watches share besides what all handlers do. */
export interface WatchContext extends ObjectContext {
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
  /** The responses of the watches that run. */
  readonly watching: Set<ApiResponse>;
}

/**
 * Streams the changes of a collection as one JSON document a line until the client leaves, the time it named is over or
 * the server closes. Refusals are thrown before the first byte; what fails later is the stream's last event.
 */
export async function watchObjects(
  context: WatchContext,
  route: ResourceRoute,
  request: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const { query } = request;
  const presentation = presentationOf(context, route, request);
  checkWatchOptions(query);
  const selection = parseSelection(route, query);
  const seconds = parseCount(query.get("timeoutSeconds"));
  const from = query.get("resourceVersion") ?? "";
  if (query.get("sendInitialEvents") === "true" && from !== "") assertNotBeyond(from, context.store.version());
  if (!/^\d{0,19}$/.test(from)) throw badRequest(`invalid resource version: ${JSON.stringify(from)}`);
  if (context.watching.size >= WATCHES_MAX) throw tooManyRequests("too many watches are open, please try again later");
  const ended = new AbortController();
  const stop = (): void => ended.abort();
  for (const signal of [request.over, context.closing]) {
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  }
  context.watching.add(response);
  const stream = new WatchStream(context, presentation, response, ended.signal);
  const wantsBookmarks = isTrue(query, "allowWatchBookmarks");
  const timer = context.clock.timer((seconds > 0 ? seconds : WATCH_LIFETIME_SECONDS) * 1_000, () => {
    // The client begins its next watch where this one ended, not where the last change was.
    if (wantsBookmarks) stream.bookmark(false);
    ended.abort();
  });
  try {
    await runWatch(context, route, { query, from, selection }, stream, ended.signal);
  } finally {
    timer.cancel();
    context.watching.delete(response);
    stream.end();
    context.closing.removeEventListener("abort", stop);
    response.end();
  }
}

interface WatchRequest {
  readonly query: URLSearchParams;
  readonly from: string;
  readonly selection: Selection;
}

async function runWatch(
  context: WatchContext,
  route: ResourceRoute,
  { query, from, selection }: WatchRequest,
  stream: WatchStream,
  signal: AbortSignal,
): Promise<void> {
  const sendInitial = query.get("sendInitialEvents");
  const startsNow = from === "" || from === "0";
  const wantsInitial = sendInitial === null || sendInitial === "" ? startsNow : sendInitial === "true";
  const { kind } = route.resource;
  const options = { namespace: route.namespace };
  let version = from;
  stream.open();
  try {
    if (startsNow || wantsInitial) {
      const list = await context.store.list(kind, options);
      const matching = list.items.filter(selection.matches);
      if (wantsInitial) for (const object of matching) await stream.send("ADDED", object);
      version = list.resourceVersion;
    }
    stream.at(version);
    if (wantsInitial && sendInitial === "true" && isTrue(query, "allowWatchBookmarks")) stream.bookmark(true);
    if (isTrue(query, "allowWatchBookmarks")) stream.keepBookmarking();
    const events = context.store.watch(kind, { ...options, resourceVersion: version, signal });
    for await (const event of events) {
      const seen = seenBy(selection, event);
      if (seen !== undefined) await stream.send(seen.type, seen.object);
      stream.at(event.object.metadata.resourceVersion ?? "");
    }
  } catch (error) {
    if (!signal.aborted) stream.fail(error);
  }
}

/**
 * Returns as what the client of a selection sees the event, or undefined when it is none of its business. What leaves the
 * selection is deleted from its view: shown as it last matched, at the version of the change.
 */
function seenBy(selection: Selection, event: WatchEvent): WatchEvent | undefined {
  const matches = selection.matches(event.object);
  if (event.type !== "MODIFIED" || event.before === undefined) return matches ? event : undefined;
  if (selection.isAll || selection.matches(event.before)) {
    return matches ? event : { type: "DELETED", object: atVersionOf(event.object, event.before) };
  }
  return matches ? { type: "ADDED", object: event.object } : undefined;
}

function atVersionOf(newer: KubeObject, object: KubeObject): KubeObject {
  const { resourceVersion = "" } = newer.metadata;
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}

/** The response of one watch. */
class WatchStream {
  readonly #context: WatchContext;
  readonly #presentation: Presentation;
  readonly #response: ApiResponse;
  readonly #signal: AbortSignal;
  #version = "";
  #hasHeaders = false;
  #isGathering = false;
  /** Whether there may be changes that were not written yet. */
  #isBehind = false;
  #bookmarks: { cancel(): void } | undefined;

  constructor(context: WatchContext, presentation: Presentation, response: ApiResponse, signal: AbortSignal) {
    this.#context = context;
    this.#presentation = presentation;
    this.#response = response;
    this.#signal = signal;
  }

  /** Sends the headers at once: clients count their patience from them. */
  open(): void {
    const contentType = this.#isProtobuf ? `${PROTOBUF};stream=watch` : "application/json";
    this.#response.writeHead(200, { "Content-Type": contentType, "Cache-Control": "no-cache, private" });
    this.#response.flushHeaders?.();
  }

  at(version: string): void {
    this.#version = version;
  }

  /** Writes one event; waits when the client reads slower than things happen. */
  async send(type: WatchEvent["type"], object: KubeObject): Promise<void> {
    if (this.#signal.aborted) return;
    this.#gather();
    this.#isBehind = true;
    const isFast = this.#response.write(
      this.#isProtobuf
        ? encodeProtobufEvent(type, protobufAnswer(object, this.#presentation))
        : `{"type":"${type}","object":${this.#json(object)}}\n`,
    );
    if (!isFast) await once(this.#response, "drain", { signal: this.#signal });
    this.#isBehind = false;
  }

  /** What happens in one turn of the event loop goes out as one piece. */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#response.cork();
    setImmediate(() => {
      this.#isGathering = false;
      this.#response.uncork();
    });
  }

  /** Tells how far the stream is. A Table has no row for that. */
  bookmark(endsInitial: boolean): void {
    const { form, resource } = this.#presentation;
    // Nothing of what the store has waits to be written, so the client is as far as the store.
    const version = endsInitial || this.#isBehind ? this.#version : this.#context.store.version();
    if (form.as === "Table" || version === "" || this.#signal.aborted) return;
    const isPartial = form.as === "PartialObjectMetadata";
    const object = {
      kind: isPartial ? form.as : resource.kind.kind,
      apiVersion: isPartial ? form.metaVersion : resource.apiVersion,
      metadata: {
        resourceVersion: version,
        creationTimestamp: null,
        ...(endsInitial ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
      },
    };
    this.#tell("BOOKMARK", object);
  }

  keepBookmarking(): void {
    this.#bookmarks = this.#context.clock.timer(BOOKMARK_EVERY_MS, () => {
      this.bookmark(false);
      this.keepBookmarking();
    });
  }

  fail(error: unknown): void {
    const status = isLintelError(error, "Gone")
      ? expired(`too old resource version: ${this.#version}`)
      : toApiStatusError(error);
    this.#tell("ERROR", { ...status.status });
  }

  /** Writes an event that is of no object of the collection. */
  #tell(
    type: "BOOKMARK" | "ERROR",
    object: Readonly<Record<string, unknown>> & Pick<KubeObject, "apiVersion" | "kind">,
  ): void {
    this.#response.write(
      this.#isProtobuf
        ? encodeProtobufEvent(type, encodeKubernetesProtobuf(object))
        : `${JSON.stringify({ type, object })}\n`,
    );
  }

  get #isProtobuf(): boolean {
    return this.#presentation.form.encoding === "protobuf";
  }

  end(): void {
    this.#bookmarks?.cancel();
  }

  #json(object: KubeObject): string {
    const withHeaders = !this.#hasHeaders;
    this.#hasHeaders = true;
    return watchedText(object, { ...this.#presentation, nowMs: this.#context.clock.nowMs() }, withHeaders);
  }
}
