import type { Socket } from "node:net";
import { pickEndpoint } from "../routing/balance.ts";
import type { Backend, Passthrough } from "../routing/snapshot.ts";
import { mayAccess } from "../routing/phases/access.ts";
import type { Answer } from "./answer.ts";
import { Channel, type ChannelOwner, type OnRead } from "./channel.ts";
import type { Timed } from "./deadlines.ts";
import type { EndpointPool } from "./endpoint-pools.ts";
import type { Peer } from "./peer.ts";
import type { Plane } from "./plane.ts";
import { endpointName, rescue, type UpstreamFailure } from "./rescue.ts";
import { Tunnel } from "./tunnel.ts";
import { openSocket } from "./upstream-socket.ts";

/** Endpoints tried for one connection: nothing of it has been sent while none has accepted. */
const ATTEMPTS_MAX = 3;

/**
 * A connection whose TLS is not ours: it goes to an endpoint as it is, from the ClientHello on. Once it stands it needs no
 * snapshot any more. Where no endpoint takes it, it is closed.
 */
export class PassthroughConnection implements ChannelOwner, Timed {
  deadlineMs: number = Infinity;
  readonly #plane: Plane;
  readonly #client: Socket;
  readonly peer: Peer;
  readonly #name: string;
  readonly #backend: Backend | undefined;
  readonly #startMs: number;
  readonly #onGone: (connection: PassthroughConnection) => void;
  readonly #tried: EndpointPool[] = [];
  #endpoint: Channel | undefined;
  #tunnel: Tunnel | undefined;
  #over = false;
  #leaving = false;
  #connectMs: number | undefined;
  /** What becomes of it, in the words of HTTP: 200 once it stands. */
  #status = 0;
  #reason: string | undefined;
  #sentBytes = 0;
  #receivedBytes = 0;

  /**
   * Takes over a paused socket that still holds everything the client sent, which asked for `name`. `onGone` is called
   * once, at the end.
   */
  constructor(
    plane: Plane,
    client: Socket,
    peer: Peer,
    name: string,
    through: Passthrough,
    onGone: (connection: PassthroughConnection) => void,
  ) {
    this.#plane = plane;
    this.#client = client;
    this.peer = peer;
    this.#name = name;
    this.#startMs = plane.clock.monotonicMs();
    this.#onGone = onGone;
    const mayPass = through.access === undefined || mayAccess(through.access, peer.address);
    this.#backend = mayPass ? plane.snapshot.backends.get(through.backend) : undefined;
    if (!mayPass) this.#refuse(rescue({ kind: "denied", address: peer.address }));
    else if (this.#backend === undefined || this.#backend.endpoints.length === 0) {
      const reason = this.#backend?.problem ?? `Service "${through.backend}" has no ready endpoints`;
      this.#refuse(rescue({ kind: "no-backend", reason }));
    }
  }

  /** Begins to look for an endpoint. */
  start(): void {
    this.#client.on("error", () => undefined);
    this.#client.once("close", this.#onClientClosed);
    this.#plane.deadlines.add(this);
    this.#attempt();
  }

  /** It goes on until the client or the endpoint ends it. */
  drain(): void {}

  destroy(): void {
    this.#leaving = true;
    this.#endpoint?.destroy();
    this.#client.destroy();
  }

  onDeadline(): void {
    this.#failed("connect-timeout");
    this.#endpoint?.destroy();
  }

  /** Nothing is read before the tunnel takes the channels over. */
  onBytes(): void {}

  onEnd(): void {}

  onDrain(): void {}

  /** The endpoint could not be reached, unless it is we who leave. */
  onClosed(error: Error | undefined): void {
    if (this.#over || this.#leaving || this.#tunnel !== undefined) return;
    const code = error !== undefined && "code" in error ? error.code : "";
    if (this.#reason === undefined) this.#failed(code === "ECONNREFUSED" ? "refused" : "unreachable");
    this.#attempt();
  }

  #attempt(): void {
    const { pools, random, limits, channelMode, counters, deadlines } = this.#plane;
    const backend = this.#backend;
    if (backend === undefined || this.#tried.length >= Math.min(ATTEMPTS_MAX, backend.endpoints.length)) {
      return this.destroy();
    }
    const endpoint = pickEndpoint(backend, pools.stateOf(backend, this.#tried), random, this.peer.address);
    if (endpoint === undefined) return this.destroy();
    const pool = pools.of(endpoint, backend);
    if (pool.open >= limits.upstreamConnectionsMax) {
      this.#refuse(rescue({ kind: "too-many-connections", backend, endpoint }));
      return this.destroy();
    }
    this.#tried.push(pool);
    this.#status = 0;
    this.#reason = undefined;
    pool.open++;
    counters.backend(backend.id).requests++;
    counters.upstreamOpened++;
    counters.upstreamOpen++;
    const open = (onread: OnRead | undefined): Socket => openSocket(endpoint, undefined, undefined, onread);
    const channel = new Channel({ open }, this, "endpoint", channelMode);
    this.#endpoint = channel;
    channel.socket.once("connect", () => this.#connected(channel));
    channel.socket.once("close", () => {
      pool.open--;
      counters.upstreamOpen--;
    });
    this.deadlineMs = deadlines.in(limits.passthroughConnectTimeoutMs);
  }

  #connected(endpoint: Channel): void {
    const plane = this.#plane;
    if (this.#over) return endpoint.destroy();
    this.#status = 200;
    this.#connectMs = plane.clock.monotonicMs() - this.#startMs;
    plane.deadlines.remove(this);
    // Takes effect in the next turn, when the channel reads.
    this.#client.resume();
    const client = new Channel(this.#client, this, "client", plane.channelMode);
    this.#tunnel = new Tunnel(plane, client, endpoint, plane.limits.passthroughIdleTimeoutMs, (sent, received) => {
      this.#sentBytes = sent;
      this.#receivedBytes = received;
      this.#end();
    });
    endpoint.start();
    client.start();
    this.#tunnel.start(NOTHING, NOTHING);
  }

  readonly #onClientClosed = (): void => {
    if (this.#tunnel !== undefined) return;
    this.#end();
    this.#endpoint?.destroy();
  };

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#plane.deadlines.remove(this);
    if (this.#plane.accessLog !== undefined) this.#log(this.#plane.accessLog);
    this.#onGone(this);
  }

  #refuse({ status, reason }: Answer): void {
    this.#status = status;
    this.#reason = reason;
  }

  /** Counts that the last endpoint tried did not take the connection, and notes why. */
  #failed(failure: UpstreamFailure): void {
    const backend = this.#backend;
    const pool = this.#tried.at(-1);
    if (backend === undefined || pool === undefined) return;
    const count = this.#plane.counters.backend(backend.id);
    count.failures++;
    if (pool.failed(backend)) count.ejections++;
    this.#refuse(rescue({ kind: "upstream", failure, backend, endpoint: pool.endpoint, detail: "" }));
  }

  #log(write: NonNullable<Plane["accessLog"]>): void {
    const last = this.#tried.at(-1);
    write({
      requestId: "",
      client: this.peer.address,
      method: "",
      host: this.#name,
      path: "",
      secure: true,
      protocol: "TLS",
      tlsVersion: "passthrough",
      status: this.#status,
      route: "",
      source: undefined,
      backend: this.#backend?.id ?? "",
      endpoint: last === undefined ? "" : endpointName(last.endpoint),
      attempts: this.#tried.length,
      requestBytes: this.#sentBytes,
      responseBytes: this.#receivedBytes,
      durationMs: this.#plane.clock.monotonicMs() - this.#startMs,
      connectMs: this.#connectMs,
      upstreamMs: undefined,
      reason: this.#status === 0 ? "The client closed the connection" : this.#reason,
    });
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
