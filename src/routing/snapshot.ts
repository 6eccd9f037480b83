/**
 * Everything the edge must do now: immutable, complete, and made of JSON values inside maps, so that it travels as
 * deltas (`delta.ts`). Control computes it, workers serve it, `explain` replays it. A worker moves from one generation
 * to the next in one step; a request keeps the objects it was matched with.
 */
export interface Snapshot {
  /** Grows by one with each change; 0 is the empty snapshot before the first. */
  readonly generation: number;
  /** By host key: `shop.example`, `*.shop.example` (exactly one label), or `*` (any host, also none). Lower case. */
  readonly hosts: ReadonlyMap<string, Host>;
  /** By backend id. */
  readonly backends: ReadonlyMap<string, Backend>;
  /** By host key, as in `hosts`: how TLS is answered for names of that key. `*` answers unknown and absent SNI. */
  readonly tls: ReadonlyMap<string, TlsHost>;
  /** By certificate id. */
  readonly certificates: ReadonlyMap<string, ServedCertificate>;
  /** By id: the authorities that clients' certificates are checked against. */
  readonly clientCas: ReadonlyMap<string, ClientCa>;
  /** By token: HTTP-01 answers, served ahead of every redirect and policy (RFC 8555 section 8.3). */
  readonly challenges: ReadonlyMap<string, HttpChallenge>;
  readonly settings: EdgeSettings;
}

/** The routes of one host key, in match order: the first whose path matches wins. */
export interface Host {
  readonly host: string;
  readonly routes: readonly Route[];
}

/** One path of one rule. */
export interface Route {
  /** Unique and stable across edits of other objects; what logs, metrics and `explain` name: `Ingress/shop/web#0/1`. */
  readonly id: string;
  /** The object to blame or praise. */
  readonly source: ObjectReference;
  readonly path: PathMatch;
  readonly action: Action;
  readonly policy: RoutePolicy;
}

/** Names a Kubernetes object in messages. */
export interface ObjectReference {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/**
 * How the normalised path of a request is compared, case-sensitively. `prefix` is by whole path elements: `/aaa/bbb`
 * matches `/aaa/bbb`, `/aaa/bbb/` and `/aaa/bbb/ccc`, not `/aaa/bbbc`; a trailing slash of `value` is ignored.
 */
export type PathMatch =
  | { readonly type: "exact"; readonly value: string }
  | { readonly type: "prefix"; readonly value: string }
  /** The source of a regular expression that was already checked and is anchored at the start. */
  | { readonly type: "regex"; readonly value: string; readonly ignoreCase: boolean };

/** What the edge does with a request that matched. */
export type Action =
  | { readonly kind: "forward"; readonly targets: readonly WeightedTarget[] }
  /** Answered by the edge itself; `reason` is one line for the client, `code` a diagnostic code. Used to fail closed. */
  | { readonly kind: "reject"; readonly status: number; readonly code: string; readonly reason: string };

/** One of several backends that share a route. */
export interface WeightedTarget {
  readonly backend: string;
  /** Share of requests among the targets; 0 gets none. */
  readonly weight: number;
}

/** What happens to a request on its way; every field is present, with the default already applied. */
export interface RoutePolicy {
  /** A plain-HTTP request is answered with this status and the https URL; undefined: served as it is. */
  readonly httpsRedirectStatus?: 301 | 302 | 307 | 308 | undefined;
  /** Longest request body in bytes, else 413; undefined: no limit. */
  readonly bodyBytesMax?: number | undefined;
  /** To open a connection to an endpoint. */
  readonly connectTimeoutMs: number;
  /** Between two reads from the endpoint; also ends idle upgraded connections. */
  readonly readTimeoutMs: number;
  /** Between two writes to the endpoint. */
  readonly sendTimeoutMs: number;
  /** Attempts in all, on other endpoints where there are any, and only while nothing of the request body was sent. */
  readonly attemptsMax: number;
  /** After which failures another endpoint is tried; undefined: when it could not be reached, broke off or was too slow. */
  readonly retryOn?: RetryConditions | undefined;
  /** From the start of a request on, how long another endpoint may be tried; undefined: as long as there are attempts. */
  readonly retryWithinMs?: number | undefined;
  /** Sent as `Host` instead of the client's; undefined: the client's is kept. */
  readonly upstreamHost?: string | undefined;
  /** With `hash` balancing: what requests of one endpoint have in common, with nginx's variables (`hash-key.ts`). */
  readonly hashBy?: string | undefined;
  /** Requests of one client go to one endpoint; it wins over the backend's way of balancing. Undefined: they do not. */
  readonly affinity?: CookieAffinity | undefined;
  /** The endpoint gets another path (`phases/rewrite.ts`); undefined: the client's is kept. */
  readonly rewrite?: PathRewrite | undefined;
  /** Who gets in, ahead of everything but ACME challenges (`phases/access.ts`); undefined: everyone. */
  readonly access?: AccessLists | undefined;
  /** False: requests of this route get no line in the access log. @default true */
  readonly accessLog?: boolean | undefined;
}

/** Client addresses that get in or do not: addresses and CIDR blocks that were already checked. */
export interface AccessLists {
  /** Only these get in; undefined: everyone whom `deny` does not name. */
  readonly allow?: readonly string[] | undefined;
  /** These are refused, whatever `allow` says. */
  readonly deny?: readonly string[] | undefined;
}

/** The conditions of nginx's `proxy_next_upstream`. Whatever they are, a request is sent again only where that is safe. */
export interface RetryConditions {
  /** It could not be reached, was not trusted, or closed the connection. */
  readonly error: boolean;
  /** It took too long to accept the connection, the request, or to answer. */
  readonly timeout: boolean;
  /** What it answered is not HTTP. */
  readonly invalidHeader: boolean;
  /** It answered with one of these; the last endpoint's answer is passed on. */
  readonly statuses: readonly number[];
  /** Also requests whose method does not allow to send them twice, as long as all of their body is at hand. */
  readonly nonIdempotent: boolean;
}

/** A cookie of the edge's own that keeps a client with an endpoint (`affinity.ts`). */
export interface CookieAffinity {
  readonly name: string;
  readonly path: string;
  readonly domain?: string | undefined;
  readonly sameSite?: "Strict" | "Lax" | "None" | undefined;
  /** Whether `SameSite=None` is left out for browsers that take it for something else. */
  readonly unlessMisread: boolean;
  /** From now on, in seconds, as a time and as a duration; undefined: until the browser is closed. */
  readonly expiresS?: number | undefined;
  readonly maxAgeS?: number | undefined;
  /** Undefined: when the client came by HTTPS. */
  readonly secure?: boolean | undefined;
  /** Whether a client stays with the endpoint that took over when its own failed. */
  readonly changeOnFailure: boolean;
  /** `balanced`: new endpoints take clients over from the others. `persistent`: clients stay where they are. */
  readonly mode: "balanced" | "persistent";
}

/** A whole new path for the endpoint, made from the parts that a regular expression finds in the client's. */
export interface PathRewrite {
  /** Source of a checked expression, compared case-insensitively from the start of the normalised path. */
  readonly pattern: string;
  /** With `$1` to `$9` for what the groups found; may have a query, to which the client's is appended. */
  readonly target: string;
}

/** A Service port and the endpoints that are ready behind it. */
export interface Backend {
  /** `namespace/service:port` as the user wrote the port; other ways than the defaults follow it: `shop/web:443+https`. */
  readonly id: string;
  readonly protocol: "http" | "https" | "h2c" | "h2";
  /** Ready endpoints, sorted by address and port. */
  readonly endpoints: readonly Endpoint[];
  /** When there are none: why, in one line for the 503 answer, such as `Service "shop/web" does not exist`. */
  readonly problem?: string | undefined;
  readonly balance: "round-robin" | "least-request" | "ewma" | "hash";
  /** Where clients are kept with endpoints: what cookies that name them are keyed with. The Service's own, and secret. */
  readonly affinityKey?: string | undefined;
  /** With `https` and `h2`: how TLS is spoken; undefined: endpoints may show any certificate. */
  readonly tls?: UpstreamTls | undefined;
}

/** How TLS is spoken to the endpoints of a backend. */
export interface UpstreamTls {
  /** Stands for all of it, keys and certificates included: connections are shared only where it is the same. */
  readonly id: string;
  /** Whom endpoints must prove to be; undefined: they may show any certificate. */
  readonly verify?: UpstreamVerification | undefined;
  /** What is shown to endpoints that ask for a certificate. Never logged. */
  readonly certificate?: { readonly chain: string; readonly key: string } | undefined;
  /** Sent as SNI; undefined: none is. */
  readonly serverName?: string | undefined;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly maxVersion: "TLSv1.2" | "TLSv1.3";
  /** OpenSSL's list of ciphers for TLS 1.2; undefined: the runtime's. */
  readonly ciphers?: string | undefined;
}

/** What endpoints' certificates are compared with. */
export interface UpstreamVerification {
  /** A host name or an address that the certificate must be for. */
  readonly name: string;
  /** PEM: one of these must have signed it, directly or by way of intermediates. */
  readonly authorities: string;
  /** Where they are from, `namespace/secret`, for messages. */
  readonly secret: string;
  /** Certificates between the endpoint's and one of the authorities. */
  readonly intermediatesMax: number;
}

/** One address behind a Service. */
export interface Endpoint {
  /** An IP address, or a DNS name for ExternalName Services. */
  readonly address: string;
  readonly port: number;
}

/** How TLS is answered for one host key. */
export interface TlsHost {
  readonly host: string;
  /** Ids of the certificates to choose from by the client's signature algorithms (ECDSA and RSA for one name). */
  readonly certificates: readonly string[];
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** OpenSSL's list for TLS 1.2; the suites of TLS 1.3 stay unless it names some. Undefined: the runtime's. */
  readonly ciphers?: string | undefined;
  /** False: the client's order of ciphers counts and not ours. @default true */
  readonly ownCipherOrder?: boolean | undefined;
  /** TLS is the endpoints' own: connections go there as they are. Then there are no certificates. */
  readonly passthrough?: Passthrough | undefined;
  /**
   * Which clients get in, by their certificates; undefined: all. Every host key that asks for certificates has an entry
   * of its own in `tls`, without certificates to serve if need be, and so has every host key below it that does not.
   */
  readonly clientAuth?: ClientAuth | undefined;
}

/** What the clients of a host must show, on every path of it. */
export interface ClientAuth {
  /**
   * `on`: a certificate that is trusted. `optional`: that or none. `optional_no_ca`: any, whoever signed it, or none: the
   * endpoints judge. `off`: none is asked for, and the endpoints are told that there is none.
   */
  readonly verify: "on" | "optional" | "optional_no_ca" | "off";
  /** A key of `Snapshot.clientCas`. */
  readonly ca: string;
  /** Most certificates between the client's own and the root. */
  readonly intermediatesMax: number;
  /** Source of a checked expression that begins with `CN=`; compared from each common name of the subject on. */
  readonly subjectPattern?: string | undefined;
  /** An absolute URL to which clients are sent that do not get in. */
  readonly errorPage?: string | undefined;
  /** Whether the endpoints get the certificate itself, beside its names. */
  readonly passCertificate: boolean;
}

/** Authorities that sign clients' certificates, and what they have revoked. */
export interface ClientCa {
  /** `namespace/secret`. */
  readonly id: string;
  /** PEM: roots, and intermediates that clients need not send. */
  readonly certificates: string;
  /** PEM: a revocation list of each authority; undefined: revocation is not looked at. */
  readonly revocations?: string | undefined;
}

/** Where connections of a host go whose TLS is not ended here. */
export interface Passthrough {
  /** A backend id; its protocol does not matter. */
  readonly backend: string;
  /** Who gets in; undefined: everyone. */
  readonly access?: AccessLists | undefined;
}

/** A certificate with its key, as workers need it. Never logged. */
export interface ServedCertificate {
  /** `namespace/secret`, or `stand-in/host` for one of the local CA. */
  readonly id: string;
  /** PEM, leaf first. */
  readonly chain: string;
  /** PEM, unencrypted. */
  readonly key: string;
  readonly notAfterMs: number;
  /** Whether it is the local CA's stand-in while a real one is missing: such a host gets no HSTS. */
  readonly standIn: boolean;
}

/** What the edge must answer to a CA: HTTP-01 (RFC 8555 section 8.3), or TLS-ALPN-01. */
export interface HttpChallenge {
  readonly token: string;
  readonly keyAuthorization: string;
  /** The name being validated; the token is answered only for this host. */
  readonly host: string;
  /** Present for TLS-ALPN-01 (RFC 8737): answered in the handshake on port 443 and not over HTTP. */
  readonly tlsAlpn?: ChallengeCertificate | undefined;
}

/** What a client that speaks `acme-tls/1` is shown for one name. */
export interface ChallengeCertificate {
  /** What the client sends as SNI: the name, or the reverse name of an address (RFC 8738 section 6). */
  readonly serverName: string;
  /** PEM. */
  readonly chain: string;
  /** PEM, unencrypted. Never logged. */
  readonly key: string;
}

/** What holds for the whole edge. */
export interface EdgeSettings {
  /** CIDR blocks of proxies whose X-Forwarded-* claims are extended instead of dropped. */
  readonly trustedProxies: readonly string[];
  /** The port clients reach HTTPS at, for redirects; 443 is left out of URLs. */
  readonly httpsPort: number;
}

export const EMPTY_SNAPSHOT: Snapshot = {
  generation: 0,
  hosts: new Map(),
  backends: new Map(),
  tls: new Map(),
  certificates: new Map(),
  clientCas: new Map(),
  challenges: new Map(),
  settings: { trustedProxies: [], httpsPort: 443 },
};
