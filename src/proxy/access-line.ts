import type { Route } from "../routing/snapshot.ts";

/** One request, when it is over; or one connection whose TLS passed through, of which there is less to say. */
export interface AccessLine {
  /** The client's own when it sent one that may be kept, else made here; the endpoint was told the same. */
  readonly requestId: string;
  readonly client: string;
  readonly method: string;
  readonly host: string;
  /** As it came, without the query: queries carry secrets. */
  readonly path: string;
  readonly secure: boolean;
  /** `TLS` for a connection that passed through: it has no method, path or route, and its status says how it went. */
  readonly protocol: "HTTP/1.0" | "HTTP/1.1" | "HTTP/2" | "TLS";
  /** Of the connection to us, such as `TLSv1.3`, or `passthrough`; undefined: none. */
  readonly tlsVersion: string | undefined;
  /** 0 when the client was gone before there was one. */
  readonly status: number;
  /** Id of the route; empty without one. */
  readonly route: string;
  /** The object that the route was made of; undefined without a route. */
  readonly source: Route["source"] | undefined;
  /** Id of the backend; empty without one. */
  readonly backend: string;
  /** `address:port` of the last endpoint tried; empty without one. */
  readonly endpoint: string;
  readonly attempts: number;
  /** Of bodies, without framing. */
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationMs: number;
  /** Until a new connection to the endpoint stood; undefined when an open one was used, or none stood. */
  readonly connectMs: number | undefined;
  /** Until the endpoint's response head; undefined without one. */
  readonly upstreamMs: number | undefined;
  /** Why the edge itself answered or cut off; undefined when it did neither. */
  readonly reason: string | undefined;
}
