import type { Socket } from "node:net";
import { pickEndpoint } from "../routing/balance.ts";
import type { Backend, Passthrough } from "../routing/snapshot.ts";
import { mayAccess } from "../routing/phases/access.ts";
import { Channel, type ChannelOwner, type OnRead } from "./channel.ts";
import type { Timed } from "./deadlines.ts";
import type { EndpointPool } from "./endpoint-pools.ts";
import type { Peer } from "./peer.ts";
import type { Plane } from "./plane.ts";
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
  readonly #peer: Peer;
  readonly #backend: Backend | undefined;
  readonly #onGone: (connection: PassthroughConnection) => void;
  readonly #tried: EndpointPool[] = [];
  #endpoint: Channel | undefined;
  #tunnel: Tunnel | undefined;
  #over = false;

  /** Takes over a paused socket that still holds everything the client sent. `onGone` is called once, at the end. */
  constructor(
    plane: Plane,
    client: Socket,
    peer: Peer,
    through: Passthrough,
    onGone: (connection: PassthroughConnection) => void,
  ) {
    this.#plane = plane;
    this.#client = client;
    this.#peer = peer;
    this.#onGone = onGone;
    const mayPass = through.access === undefined || mayAccess(through.access, peer.address);
    this.#backend = mayPass ? plane.snapshot.backends.get(through.backend) : undefined;
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
    this.#endpoint?.destroy();
    this.#client.destroy();
  }

  onDeadline(): void {
    this.#endpoint?.destroy();
  }

  /** Nothing is read before the tunnel takes the channels over. */
  onBytes(): void {}

  onEnd(): void {}

  onDrain(): void {}

  /** The endpoint could not be reached. */
  onClosed(): void {
    if (this.#backend !== undefined) this.#tried.at(-1)?.failed(this.#backend);
    if (!this.#over && this.#tunnel === undefined) this.#attempt();
  }

  #attempt(): void {
    const { pools, random, limits, channelMode, counters, deadlines } = this.#plane;
    const backend = this.#backend;
    if (backend === undefined || this.#tried.length >= Math.min(ATTEMPTS_MAX, backend.endpoints.length)) {
      return this.destroy();
    }
    const endpoint = pickEndpoint(backend, pools.stateOf(backend, this.#tried), random, this.#peer.address);
    if (endpoint === undefined) return this.destroy();
    const pool = pools.of(endpoint, backend);
    if (pool.open >= limits.upstreamConnectionsMax) return this.destroy();
    this.#tried.push(pool);
    pool.open++;
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
    plane.deadlines.remove(this);
    // Takes effect in the next turn, when the channel reads.
    this.#client.resume();
    const client = new Channel(this.#client, this, "client", plane.channelMode);
    this.#tunnel = new Tunnel(plane, client, endpoint, plane.limits.passthroughIdleTimeoutMs, () => this.#end());
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
    this.#onGone(this);
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
