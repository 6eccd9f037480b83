import type { Answer } from "./answer.ts";
import type { Channel } from "./channel.ts";
import type { Exchange } from "./exchange.ts";
import type { HeaderSection } from "./http1/header-section.ts";
import type { ResponseParser } from "./http1/response-parser.ts";
import type { Peer } from "./peer.ts";
import type { Http2Stream } from "./http2/http2-stream.ts";

/**
 * The client's side of one exchange, in whichever protocol it speaks. All calls are synchronous; buffers are the
 * caller's again when a call returns. After `sendEnd`, `sendAnswer` or `abort` the exchange must not be touched: it may
 * already serve the next request.
 */
export interface Downstream {
  readonly peer: Peer;
  readonly protocol: "HTTP/1.0" | "HTTP/1.1" | "HTTP/2";
  /** Whether the client takes the response more slowly than it comes; `Exchange.onClientDrain` follows. */
  readonly congested: boolean;
  /** The query with its `?`, or empty. Only while the exchange starts. */
  query(): string;
  /** Returns the value of the first header of this name (lower case), or undefined. Only while the exchange starts. */
  header(name: string): string | undefined;
  /** Writes the HTTP/1.1 head for the endpoint, and what has arrived of the body when it fits, into `exchange.request`. */
  composeRequest(exchange: Exchange): void;
  /** A 1xx response other than 101. */
  sendInformational(head: ResponseParser): void;
  /** `bodiless`: no body follows, whatever the headers say. */
  sendHead(exchange: Exchange, head: ResponseParser, bodiless: boolean): void;
  sendBody(source: Channel, buffer: Buffer, start: number, end: number): void;
  sendTrailers(trailers: HeaderSection, bytes: Buffer): void;
  sendEnd(): void;
  /** Sends what was collected so far. */
  flush(): void;
  sendAnswer(answer: Answer): void;
  /** The response cannot be completed: makes sure that the client notices. */
  abort(): void;
  /** The endpoint takes (more of) the request body. */
  resumeBody(): void;
  /** The endpoint switched protocols: from now on bytes pass both ways as they are. */
  upgrade(exchange: Exchange, head: ResponseParser, endpoint: UpgradedEndpoint): void;
}

/** What is left of an endpoint's side when it has switched protocols. */
export type UpgradedEndpoint =
  /** `early` already belongs to the new protocol. */
  | { readonly kind: "channel"; readonly channel: Channel; readonly early: Buffer }
  | { readonly kind: "stream"; readonly stream: Http2Stream };
