/** What annotations of ingress-nginx start with. */
export const NGINX_PREFIX = "nginx.ingress.kubernetes.io/";

/**
 * Names of ingress-nginx that ask for tuning Lintel has no use for: it streams bodies both ways and sizes its buffers
 * itself. Each with what happens instead.
 */
export const NOT_NEEDED: ReadonlyMap<string, string> = new Map([
  ["proxy-buffering", "responses are always streamed"],
  ["proxy-request-buffering", "requests are always streamed"],
  ["proxy-max-temp-file-size", "nothing is ever buffered to disk"],
  ["proxy-buffer-size", "buffers are sized by need"],
  ["proxy-buffers-number", "buffers are sized by need"],
  ["proxy-busy-buffers-size", "buffers are sized by need"],
  ["client-body-buffer-size", "buffers are sized by need"],
  ["proxy-http-version", "the version the endpoints speak is used"],
  ["http2-push-preload", "browsers have dropped server push"],
  ["enable-rewrite-log", "rewrites have no log of their own"],
  ["service-upstream", "endpoints are followed without reloads"],
]);

/** Names of ingress-nginx that have no effect here, and are not about who may get in. */
export const UNSUPPORTED: readonly string[] = [
  "affinity-canary-behavior",
  "app-root",
  "auth-always-set-cookie",
  "auth-cache-duration",
  "auth-cache-key",
  "auth-keepalive",
  "auth-keepalive-requests",
  "auth-keepalive-share-vars",
  "auth-keepalive-timeout",
  "auth-method",
  "auth-proxy-set-headers",
  "auth-realm",
  "auth-request-redirect",
  "auth-response-headers",
  "auth-secret-type",
  "auth-signin",
  "auth-signin-redirect-param",
  "canary-by-cookie",
  "canary-by-header",
  "canary-by-header-pattern",
  "canary-by-header-value",
  "canary-weight",
  "canary-weight-total",
  "connection-proxy-header",
  "cors-allow-credentials",
  "cors-allow-headers",
  "cors-allow-methods",
  "cors-allow-origin",
  "cors-expose-headers",
  "cors-max-age",
  "custom-headers",
  "custom-http-errors",
  "default-backend",
  "disable-proxy-intercept-errors",
  "enable-cors",
  "enable-global-auth",
  "enable-opentelemetry",
  "fastcgi-index",
  "fastcgi-params-configmap",
  "from-to-www-redirect",
  "limit-allowlist",
  "limit-burst-multiplier",
  "limit-connections",
  "limit-rate",
  "limit-rate-after",
  "limit-rpm",
  "limit-rps",
  "limit-whitelist",
  "mirror-host",
  "mirror-request-body",
  "mirror-target",
  "modsecurity-transaction-id",
  "opentelemetry-operation-name",
  "opentelemetry-trust-incoming-span",
  "permanent-redirect",
  "permanent-redirect-code",
  "preserve-trailing-slash",
  "proxy-cookie-domain",
  "proxy-cookie-path",
  "proxy-redirect-from",
  "proxy-redirect-to",
  "relative-redirects",
  "satisfy",
  "server-alias",
  "stream-snippet",
  "temporal-redirect",
  "temporal-redirect-code",
  "upstream-hash-by-subset",
  "upstream-hash-by-subset-size",
  "use-port-in-redirects",
  "x-forwarded-prefix",
];

/**
 * Annotations that decide who gets in and cannot be enforced: the paths of the Ingress answer 503 instead of standing
 * open. Each with the test of whether its value asks for anything.
 */
export const SECURITY: ReadonlyMap<string, (value: string) => boolean> = new Map([
  ["auth-url", always],
  ["auth-type", always],
  ["auth-secret", always],
  ["auth-snippet", always],
  ["enable-modsecurity", isOn],
  ["enable-owasp-core-rules", isOn],
  ["modsecurity-snippet", always],
  ["configuration-snippet", restrictsAccess],
  ["server-snippet", restrictsAccess],
]);

function always(): boolean {
  return true;
}

function isOn(value: string): boolean {
  return !/^(?:0|f|false|off|no|)$/i.test(value);
}

/** Words of nginx configuration that decide who gets in or what is refused. When in doubt, yes. */
const RESTRICTING =
  /\b(?:allow|deny|satisfy|auth_\w+|access_by_lua\w*|limit_except|limit_req|limit_conn|internal|valid_referers|secure_link\w*|ssl_verify\w*|ssl_client\w*|modsecurity\w*|return\s+4\d\d)\b/i;

function restrictsAccess(snippet: string): boolean {
  return RESTRICTING.test(snippet);
}
