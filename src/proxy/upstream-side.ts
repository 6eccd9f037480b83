import type { Channel } from "./channel.ts";
import type { EndpointPool } from "./endpoint-pools.ts";
import type { Exchange } from "./exchange.ts";
import type { HeaderSection } from "./http1/header-section.ts";

/**
 * The endpoint's side of one exchange, in whichever protocol it speaks. All calls are synchronous; buffers are the
 * caller's again when a call returns, but for the request's while `pendingBytes` is not 0.
 */
export interface Upstream {
  readonly pool: EndpointPool;
  /** Whether the connection stands. */
  readonly ready: boolean;
  /** Whether the endpoint cannot have seen any of the request. */
  readonly unsent: boolean;
  /** Requests the connection has served before. */
  readonly served: number;
  /** Whether anything of the response has arrived. */
  readonly answered: boolean;
  /** Whether the endpoint takes the request more slowly than it comes; `Exchange.onUpstreamDrain` follows. */
  readonly congested: boolean;
  readonly pendingBytes: number;
  /** Serves `exchange` until the response is complete or has failed. */
  begin(exchange: Exchange, readTimeoutMs: number, sendTimeoutMs: number): void;
  /** Sends the composed head, with what is in it of the body. */
  sendRequest(request: Buffer, length: number): void;
  sendBody(source: Channel, buffer: Buffer, start: number, end: number, chunked: boolean): void;
  /** Ends a body without a length. `requestComplete` follows. */
  sendBodyEnd(trailers: HeaderSection | undefined, trailerBytes: Buffer): void;
  /** The whole request was written: from now on the endpoint is expected to answer. */
  requestComplete(): void;
  /** The client takes more of the response. */
  resume(): void;
  /** Gives the request up: the exchange hears nothing more. */
  abandon(): void;
}
