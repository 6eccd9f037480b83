import type { Channel, ChannelOwner } from "./channel.ts";
import type { Timed } from "./deadlines.ts";
import type { Plane } from "./plane.ts";

/**
 * An upgraded connection: bytes pass both ways as they are, each side as fast as the other takes them. It holds on to
 * nothing but its two channels and a timeout, so that any number of snapshots may come and go meanwhile.
 */
export class Tunnel implements Timed {
  deadlineMs: number;
  readonly #plane: Plane;
  readonly #client: Side;
  readonly #endpoint: Side;
  readonly #idleTimeoutMs: number;
  readonly #onClosed: (requestBytes: number, responseBytes: number) => void;
  #open = 2;

  /** Takes both channels over. It ends when both are closed, or when nothing passed for `idleTimeoutMs`. */
  constructor(
    plane: Plane,
    client: Channel,
    endpoint: Channel,
    idleTimeoutMs: number,
    onClosed: (requestBytes: number, responseBytes: number) => void,
  ) {
    this.#plane = plane;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#onClosed = onClosed;
    this.deadlineMs = plane.deadlines.in(idleTimeoutMs);
    this.#client = new Side(this, client, endpoint);
    this.#endpoint = new Side(this, endpoint, client);
    client.owner = this.#client;
    endpoint.owner = this.#endpoint;
  }

  /** Passes on what had already arrived from the client and from the endpoint, and goes on from there. */
  start(fromClient: Buffer, fromEndpoint: Buffer): void {
    this.#plane.counters.tunnels++;
    this.#plane.deadlines.add(this);
    if (fromClient.length > 0) this.#client.onBytes(fromClient, 0, fromClient.length);
    if (fromEndpoint.length > 0) this.#endpoint.onBytes(fromEndpoint, 0, fromEndpoint.length);
    if (!this.#endpoint.channel.congested) this.#client.channel.resume();
    if (!this.#client.channel.congested) this.#endpoint.channel.resume();
  }

  touch(): void {
    this.deadlineMs = this.#plane.deadlines.in(this.#idleTimeoutMs);
  }

  onDeadline(): void {
    this.#client.channel.destroy();
    this.#endpoint.channel.destroy();
  }

  sideClosed(): void {
    if (--this.#open > 0) return;
    this.#plane.counters.tunnels--;
    this.#plane.deadlines.remove(this);
    this.#onClosed(this.#client.bytes, this.#endpoint.bytes);
  }
}

class Side implements ChannelOwner {
  readonly channel: Channel;
  bytes = 0;
  readonly #tunnel: Tunnel;
  readonly #other: Channel;

  constructor(tunnel: Tunnel, channel: Channel, other: Channel) {
    this.#tunnel = tunnel;
    this.channel = channel;
    this.#other = other;
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    this.#tunnel.touch();
    this.#other.relay(buffer, start, end, this.channel);
    if (this.#other.congested) this.channel.pause();
  }

  /** One direction is over, the other may go on: half-closed connections are legal. */
  onEnd(): void {
    this.#other.end();
  }

  onDrain(): void {
    this.#tunnel.touch();
    this.#other.resume();
  }

  onClosed(): void {
    // What is on its way to the other side still arrives.
    this.#other.end();
    if (this.#other.pendingBytes === 0) this.#other.destroySoon();
    this.#tunnel.sideClosed();
  }
}
