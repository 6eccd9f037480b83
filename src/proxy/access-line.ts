/** One request, when it is over. */
export interface AccessLine {
  readonly client: string;
  readonly method: string;
  readonly host: string;
  /** As it came, without the query: queries carry secrets. */
  readonly path: string;
  readonly secure: boolean;
  readonly protocol: "HTTP/1.0" | "HTTP/1.1" | "HTTP/2";
  /** 0 when the client was gone before there was one. */
  readonly status: number;
  /** Id of the route; empty without one. */
  readonly route: string;
  /** Id of the backend; empty without one. */
  readonly backend: string;
  /** `address:port` of the last endpoint tried; empty without one. */
  readonly endpoint: string;
  readonly attempts: number;
  /** Of bodies, without framing. */
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationMs: number;
  /** Until the endpoint's response head; undefined without one. */
  readonly upstreamMs: number | undefined;
  /** Why the edge itself answered or cut off; undefined when it did neither. */
  readonly reason: string | undefined;
}
