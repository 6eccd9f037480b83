import { pickEndpoint, pickTarget } from "../routing/balance.ts";
import { hashKey } from "../routing/hash-key.ts";
import { match } from "../routing/match.ts";
import { mayAccess } from "../routing/phases/access.ts";
import type { Backend, HttpChallenge, RetryConditions, Route, RoutePolicy, Snapshot } from "../routing/snapshot.ts";
import { admitClient, type ClientRefusal } from "./client-auth/admit-client.ts";
import { AffinitySession } from "./affinity-session.ts";
import { type Answer, challengeAnswer, redirectAnswer } from "./answer.ts";
import { giveBuffer } from "./buffer-pool.ts";
import type { Channel } from "./channel.ts";
import type { HostAuth } from "./client-auth/client-auth-table.ts";
import { countRequest } from "./counters.ts";
import type { Downstream, UpgradedEndpoint } from "./downstream.ts";
import type { EndpointPool } from "./endpoint-pools.ts";
import type { HeaderSection } from "./http1/header-section.ts";
import type { ResponseParser } from "./http1/response-parser.ts";
import type { Plane } from "./plane.ts";
import { describeFailure, endpointName, rescue, type Trouble, type UpstreamFailure } from "./rescue.ts";
import type { Upstream } from "./upstream-side.ts";

const CHALLENGE_PATH = "/.well-known/acme-challenge/";

/** Methods that may be sent twice (RFC 9110 section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/** Methods that are about the connection to a proxy, which this is not to its clients. */
const REFUSED_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE"]);

/**
 * The life of one request, from its head to its last byte, whatever protocol the client speaks. The front end fills in
 * the request's fields and calls `start`; from there on each side calls what happens. Used again for the next request.
 */
export class Exchange {
  readonly plane: Plane;
  readonly downstream: Downstream;

  method = "";
  isHead = false;
  /** As routes know it. */
  host = "";
  /** For matching, and as it is sent on (`request-path.ts`). */
  path = "/";
  forwardPath = "/";
  /** Whether the client came by HTTPS, to us or to a trusted proxy before us. */
  secure = false;
  /** Of the peer, or of whom trusted proxies say that they ask for; as they wrote it. */
  clientAddress = "";
  /** Empty while no access log is written: the endpoint is then told one that nobody keeps. */
  requestId = "";
  /** Of the request body: 0 for none, -1 when it is chunked. */
  contentLength = 0;
  wantsUpgrade = false;

  /** The head for the endpoint with what fits of the body, kept until it cannot be needed again. */
  request: Buffer | undefined;
  requestLength = 0;
  /** Whether `request` has any of the body. */
  requestHasBody = false;
  requestBytes = 0;
  responseBytes = 0;

  route: Route | undefined;
  /** What the endpoint is told about the client's certificate, where the host asks for one. */
  certificateLines: Buffer | undefined;
  #backend: Backend | undefined;
  /** What consistent hashing goes by; worked out once, because headers are gone when a request is tried again. */
  #hashKey: string | undefined;
  /** Where a cookie keeps the client with an endpoint. */
  #session: AffinitySession | undefined;
  /** Whether the client asks for a WebSocket, for which HTTP/2 has a way of its own. */
  wantsWebSocket = false;
  #upstream: Upstream | undefined;
  #active = false;
  #bodyComplete = false;
  #bodyRelayed = false;
  #responseStarted = false;
  #raceRetried = false;
  #attempts = 0;
  #tried: EndpointPool[] = [];
  #lastPool: EndpointPool | undefined;
  #status = 0;
  #startMs = 0;
  #sentMs = 0;
  #connectMs: number | undefined;
  #upstreamMs: number | undefined;

  constructor(plane: Plane, downstream: Downstream) {
    this.plane = plane;
    this.downstream = downstream;
  }

  /** Whether a request is being served. */
  get active(): boolean {
    return this.#active;
  }

  get responseStarted(): boolean {
    return this.#responseStarted;
  }

  /** The policy of the route, once there is one. */
  get policy(): RoutePolicy | undefined {
    return this.route?.policy;
  }

  /** The value of the Set-Cookie header that the response gets from the edge, beside the endpoint's own. */
  get cookie(): string | undefined {
    return this.#session?.cookie(this.plane.clock.nowMs());
  }

  /** Goes through every phase in order, until the request is on its way or answered. */
  start(): void {
    this.#begin();
    const { snapshot, accessLog, requestIds } = this.plane;
    this.requestId = accessLog === undefined ? "" : requestIds.of(this.downstream.header("x-request-id"));
    if (REFUSED_METHODS.has(this.method)) return this.#trouble({ kind: "method", method: this.method });

    const challenge = this.#challenge(snapshot);
    if (challenge !== undefined) return this.#answer(challengeAnswer(challenge.keyAuthorization));

    const clientAuth = this.plane.clientAuth;
    const wanted = clientAuth?.of(this.host);
    let refused = wanted === undefined ? undefined : this.#admit(wanted);
    // Without TLS there may be a redirect to where a certificate can be shown.
    if (refused !== undefined && this.downstream.peer.secure) return this.#trouble(refused);

    const found = match(snapshot, this.host, this.path);
    if (found.kind === "none") {
      return this.#trouble(refused ?? { kind: "no-route", host: this.host, path: this.path, reason: found.reason });
    }
    const { route } = found;
    const { action, policy } = route;
    this.route = route;
    const wantedThere = clientAuth?.of(found.host.host);
    if (wantedThere !== undefined && wantedThere !== wanted) refused ??= this.#admit(wantedThere);

    if (policy.access !== undefined && !mayAccess(policy.access, this.clientAddress)) {
      return this.#trouble({ kind: "denied", address: this.clientAddress });
    }
    if (policy.httpsRedirectStatus !== undefined && !this.secure && this.host !== "") {
      return this.#answer(redirectAnswer(policy.httpsRedirectStatus, this.#httpsUrl(snapshot)));
    }
    if (refused !== undefined) return this.#trouble(refused);
    if (action.kind === "reject")
      return this.#trouble({ kind: "rejected", status: action.status, reason: action.reason });
    if (policy.bodyBytesMax !== undefined && this.contentLength > policy.bodyBytesMax) return this.bodyTooLarge();

    const backend = snapshot.backends.get(pickTarget(action.targets, this.plane.random)?.backend ?? "");
    const problem = backend === undefined ? "The route has no backend" : problemOf(backend);
    if (backend === undefined || problem !== undefined) {
      return this.#trouble({ kind: "no-backend", reason: problem ?? "" });
    }
    this.#backend = backend;
    this.#hashKey = backend.balance === "hash" ? this.#keyOf(policy) : undefined;
    this.wantsWebSocket = this.wantsUpgrade && this.downstream.header("upgrade")?.toLowerCase() === "websocket";
    if (policy.affinity !== undefined) this.#session = new AffinitySession(policy.affinity, backend, this);
    this.downstream.composeRequest(this);
    this.#attempt(true);
  }

  /** Whether the endpoint is there to take more of the request body. */
  get takesBody(): boolean {
    return this.#upstream !== undefined && this.#upstream.ready;
  }

  get upstreamCongested(): boolean {
    return this.#upstream !== undefined && this.#upstream.congested;
  }

  /** Some of the request body; `takesBody` is true, or it is lost. */
  sendBody(source: Channel, buffer: Buffer, start: number, end: number): void {
    this.requestBytes += end - start;
    const upstream = this.#upstream;
    if (upstream === undefined) return;
    this.#bodyRelayed = true;
    this.#releaseRequest();
    upstream.sendBody(source, buffer, start, end, this.contentLength < 0);
  }

  /** The request body is complete. */
  endBody(trailers: HeaderSection | undefined, trailerBytes: Buffer): void {
    this.#bodyComplete = true;
    const upstream = this.#upstream;
    if (upstream === undefined) return;
    if (this.contentLength < 0) {
      this.#bodyRelayed = true;
      upstream.sendBodyEnd(trailers, trailerBytes);
    }
    upstream.requestComplete();
  }

  /** The request has, or had until it was cut off, more of a body than its route allows. */
  bodyTooLarge(): void {
    this.fail({ kind: "body-too-large", bytesMax: this.route?.policy.bodyBytesMax ?? 0 });
  }

  /** Ends the request with an answer of our own, or cuts it off when a response is already under way. */
  fail(trouble: Trouble): void {
    if (!this.#responseStarted) return this.#trouble(trouble);
    this.#abort(rescue(trouble).reason ?? trouble.kind);
  }

  /** Answers a request that could not even be read. */
  refuse(answer: Answer): void {
    this.clientAddress = this.downstream.peer.address;
    if (this.plane.accessLog !== undefined) this.requestId = this.plane.requestIds.of(undefined);
    this.#begin();
    this.#answer(answer);
  }

  /** The client is gone: nothing more can be said to it. */
  clientGone(): void {
    if (!this.#active) return;
    this.#upstream?.abandon();
    this.#finish(this.#status, "The client closed the connection");
  }

  onClientDrain(): void {
    this.#upstream?.resume();
  }

  onUpstreamReady(): void {
    this.#connectMs = this.plane.clock.monotonicMs() - this.#sentMs;
    this.downstream.resumeBody();
  }

  onUpstreamDrain(): void {
    this.downstream.resumeBody();
  }

  onResponse(head: ResponseParser, bodiless: boolean): void {
    if (this.#passesOver(head.status)) return;
    this.#responseStarted = true;
    this.#status = head.status;
    const tookMs = this.plane.clock.monotonicMs() - this.#sentMs;
    this.#upstreamMs = tookMs;
    this.#upstream?.pool.succeeded(tookMs);
    this.#releaseRequest();
    this.downstream.sendHead(this, head, bodiless);
  }

  onResponseBody(source: Channel, buffer: Buffer, start: number, end: number): void {
    this.responseBytes += end - start;
    this.downstream.sendBody(source, buffer, start, end);
  }

  onResponseEnd(): void {
    this.#upstream = undefined;
    this.#finish(this.#status, undefined);
    this.downstream.sendEnd();
  }

  /** 101: only for a client that asked for it; the bytes behind the head already belong to the new protocol. */
  onSwitch(head: ResponseParser, endpoint: UpgradedEndpoint): void {
    this.#status = 101;
    this.#releaseRequest();
    this.#upstream = undefined;
    this.downstream.upgrade(this, head, endpoint);
  }

  /** Whether the endpoint may switch protocols now. */
  get takesSwitch(): boolean {
    return this.wantsUpgrade && this.#bodyComplete;
  }

  /** An upgraded connection is over. */
  tunnelClosed(requestBytes: number, responseBytes: number): void {
    this.requestBytes += requestBytes;
    this.responseBytes += responseBytes;
    this.#finish(101, undefined);
  }

  onUpstreamFailed(upstream: Upstream, cause: UpstreamFailure, detail: string): void {
    const backend = this.#backend;
    if (backend === undefined || !this.#active) return;
    this.#upstream = undefined;
    const { pool } = upstream;
    if (cause === "no-websocket") {
      // Not over HTTP/2, as it says; the pool knows now, and the same request goes another way.
      this.#attempts--;
      return this.#attempt(true);
    }
    const overHttp1 = this.wantsWebSocket && pool.extendedConnect === false;
    const failure = overHttp1 && refusesHttp1(upstream, cause) ? "no-websocket" : cause;
    const trouble = { kind: "upstream", failure, backend, endpoint: pool.endpoint, detail } as const;
    const raced = upstream.served > 0 && !upstream.answered && failure === "closed";
    // An endpoint without HTTP/1.1 is as good as any for everything else.
    if (!raced && failure !== "no-websocket") {
      const count = this.plane.counters.backend(backend.id);
      count.failures++;
      if (pool.failed(backend)) count.ejections++;
    }
    if (this.#responseStarted) return this.#abort(describeFailure(trouble));
    if (this.#mayRetry(upstream, failure, raced)) {
      this.plane.counters.retries++;
      if (raced && !this.#raceRetried) {
        // The endpoint closed an idle connection just as we took it: its own doing, and no attempt.
        this.#raceRetried = true;
        this.#attempts--;
        return this.#attempt(false);
      }
      this.#tried.push(pool);
      return this.#attempt(true);
    }
    this.#trouble(trouble);
  }

  /**
   * Nothing may reach an endpoint twice that must not: when the connection never stood, nothing was sent; otherwise only
   * an idempotent request without a body, of which no answer has begun.
   */
  #mayRetry(upstream: Upstream, failure: UpstreamFailure, raced: boolean): boolean {
    if (this.request === undefined || this.#bodyRelayed) return false;
    const answered = upstream.answered && failure !== "protocol";
    if (!upstream.unsent && (answered || !this.#repeatable)) return false;
    if (raced && !this.#raceRetried) return true;
    return retriesAfter(this.policy?.retryOn, failure, upstream.unsent) && this.#hasAttemptsLeft;
  }

  /** Whether an endpoint may get the request that another has got. */
  get #repeatable(): boolean {
    if (this.policy?.retryOn?.nonIdempotent === true) return !this.requestHasBody || this.#bodyComplete;
    return !this.requestHasBody && IDEMPOTENT.has(this.method);
  }

  get #hasAttemptsLeft(): boolean {
    const { policy } = this;
    if (policy === undefined || this.#backend === undefined) return false;
    if (this.#attempts >= Math.min(policy.attemptsMax, this.#backend.endpoints.length)) return false;
    const { retryWithinMs } = policy;
    return retryWithinMs === undefined || this.plane.clock.monotonicMs() - this.#startMs < retryWithinMs;
  }

  /** Tries another endpoint instead of passing an answer on that the route does not take from the first. */
  #passesOver(status: number): boolean {
    const upstream = this.#upstream;
    if (upstream === undefined || this.policy?.retryOn?.statuses.includes(status) !== true) return false;
    if (this.request === undefined || this.#bodyRelayed || !this.#repeatable || !this.#hasAttemptsLeft) return false;
    this.#upstream = undefined;
    upstream.abandon();
    this.plane.counters.retries++;
    this.#tried.push(upstream.pool);
    this.#attempt(true);
    return true;
  }

  #attempt(reuse: boolean): void {
    const { plane, route, request } = this;
    const backend = this.#backend;
    if (backend === undefined || route === undefined || request === undefined) return;
    const { pools } = plane;
    const state = pools.stateOf(backend, this.#tried);
    const endpoint =
      this.#session === undefined
        ? pickEndpoint(backend, state, plane.random, this.#hashKey)
        : this.#session.pick(state, plane.random);
    if (endpoint === undefined) return this.#trouble({ kind: "no-backend", reason: problemOf(backend) ?? "" });
    const { policy } = route;
    const pool = pools.of(endpoint, backend);
    const upstream = pool.acquire(policy.connectTimeoutMs, !IDEMPOTENT.has(this.method), reuse, this.wantsWebSocket);
    if (upstream === undefined) return this.#trouble({ kind: "too-many-connections", backend, endpoint });
    this.#sentMs = this.#attempts === 0 ? this.#startMs : plane.clock.monotonicMs();
    this.#attempts++;
    plane.counters.backend(backend.id).requests++;
    this.#connectMs = undefined;
    this.#lastPool = pool;
    this.#upstream = upstream;
    upstream.begin(this, policy.readTimeoutMs, policy.sendTimeoutMs);
    upstream.sendRequest(request, this.requestLength);
    if (this.#bodyComplete) upstream.requestComplete();
  }

  #begin(): void {
    this.#active = true;
    this.#startMs = this.plane.clock.monotonicMs();
    this.#bodyComplete = this.contentLength === 0;
    this.#bodyRelayed = false;
    this.#responseStarted = false;
    this.#raceRetried = false;
    this.#attempts = 0;
    if (this.#tried.length > 0) this.#tried = [];
    this.#lastPool = undefined;
    this.#session = undefined;
    this.wantsWebSocket = false;
    this.#status = 0;
    this.#connectMs = undefined;
    this.#upstreamMs = undefined;
    this.requestHasBody = false;
    this.requestBytes = 0;
    this.responseBytes = 0;
    this.certificateLines = undefined;
  }

  /** Keeps what the endpoint is told about the client, or returns why the client does not get in. */
  #admit(wanted: HostAuth): ClientRefusal | undefined {
    const admission = admitClient(wanted, this.downstream.peer, this.host, this.plane.clock.nowMs());
    if (admission.kind !== "admitted") return admission;
    this.certificateLines = admission.lines;
    return undefined;
  }

  #challenge(snapshot: Snapshot): HttpChallenge | undefined {
    if (snapshot.challenges.size === 0 || !this.path.startsWith(CHALLENGE_PATH)) return undefined;
    if (this.method !== "GET" && this.method !== "HEAD") return undefined;
    const challenge = snapshot.challenges.get(this.path.slice(CHALLENGE_PATH.length));
    return challenge?.host === this.host && challenge.tlsAlpn === undefined ? challenge : undefined;
  }

  #httpsUrl(snapshot: Snapshot): string {
    const { httpsPort } = snapshot.settings;
    const host = this.host.includes(":") ? `[${this.host}]` : this.host;
    return `https://${host}${httpsPort === 443 ? "" : `:${httpsPort}`}${this.forwardPath}${this.downstream.query()}`;
  }

  #keyOf(policy: RoutePolicy): string | undefined {
    const { downstream, clientAddress } = this;
    if (policy.hashBy === undefined) return clientAddress;
    return hashKey(policy.hashBy, {
      requestUri: this.forwardPath + downstream.query(),
      path: this.path,
      host: this.host,
      method: this.method,
      scheme: this.secure ? "https" : "http",
      clientAddress,
      query: downstream.query().slice(1),
      header: (name) => downstream.header(name),
    });
  }

  #trouble(trouble: Trouble): void {
    this.#answer(rescue(trouble));
  }

  #answer(answer: Answer): void {
    const upstream = this.#upstream;
    this.#upstream = undefined;
    upstream?.abandon();
    this.responseBytes = this.isHead ? 0 : answer.body.length;
    this.#finish(answer.status, answer.reason);
    this.downstream.sendAnswer(answer);
  }

  #abort(reason: string): void {
    this.#upstream?.abandon();
    this.#finish(this.#status, reason);
    this.downstream.abort();
  }

  #releaseRequest(): void {
    const { request } = this;
    if (request === undefined) return;
    this.request = undefined;
    // In flight, it is left to the collector.
    if (this.#upstream === undefined || this.#upstream.pendingBytes === 0) giveBuffer(request);
  }

  /** Counts and logs, and lets go of everything that belongs to this request. */
  #finish(status: number, reason: string | undefined): void {
    const { plane } = this;
    const durationMs = plane.clock.monotonicMs() - this.#startMs;
    const count = plane.counters.route(this.route?.id ?? "");
    const index = Math.floor(status / 100);
    count.responses[index] = (count.responses[index] ?? 0) + 1;
    countRequest(count, durationMs, this.requestBytes, this.responseBytes);
    if (plane.accessLog !== undefined && this.route?.policy.accessLog !== false) {
      this.#log(plane.accessLog, status, durationMs, reason);
    }
    this.#active = false;
    this.#releaseRequest();
    this.#upstream = undefined;
    this.#backend = undefined;
    this.route = undefined;
  }

  #log(write: NonNullable<Plane["accessLog"]>, status: number, durationMs: number, reason: string | undefined): void {
    const last = this.#lastPool;
    write({
      requestId: this.requestId,
      client: this.clientAddress,
      method: this.method,
      host: this.host,
      path: this.forwardPath,
      secure: this.secure,
      protocol: this.downstream.protocol,
      tlsVersion: this.downstream.peer.tlsVersion,
      status,
      route: this.route?.id ?? "",
      source: this.route?.source,
      backend: this.#backend?.id ?? "",
      endpoint: last === undefined ? "" : endpointName(last.endpoint),
      attempts: this.#attempts,
      requestBytes: this.requestBytes,
      responseBytes: this.responseBytes,
      durationMs,
      connectMs: this.#connectMs,
      upstreamMs: this.#upstreamMs,
      reason,
    });
  }
}

const TIMEOUTS: ReadonlySet<UpstreamFailure> = new Set(["connect-timeout", "read-timeout", "send-timeout"]);

/** Without conditions, nginx's: "error timeout". What fails before anything was sent is about the connection. */
function retriesAfter(conditions: RetryConditions | undefined, failure: UpstreamFailure, unsent: boolean): boolean {
  if (TIMEOUTS.has(failure)) return conditions?.timeout !== false;
  if (failure === "protocol" && !unsent) return conditions?.invalidHeader === true;
  return conditions?.error !== false;
}

/** Whether an endpoint of HTTP/2 failed as one does that speaks nothing else: it agrees on no protocol, answers in frames or not at all. */
function refusesHttp1(upstream: Upstream, failure: UpstreamFailure): boolean {
  return failure === "tls" || failure === "protocol" || (failure === "closed" && !upstream.answered);
}

/** Returns why nothing can be sent to `backend`, or undefined. */
function problemOf(backend: Backend): string | undefined {
  if (backend.endpoints.length > 0) return undefined;
  return backend.problem ?? `Service "${backend.id}" has no ready endpoints`;
}
