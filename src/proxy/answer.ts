/** A response the edge gives by itself, complete. */
export interface Answer {
  readonly status: number;
  /** One line of text for whoever reads it; empty for none. */
  readonly body: string;
  readonly contentType: string;
  readonly location: string | undefined;
  /** Whether the connection cannot go on: the framing of what follows is unknown. */
  readonly close: boolean;
  /** For the log: why the edge answered. Undefined when nothing is wrong. */
  readonly reason: string | undefined;
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  200: "OK",
  301: "Moved Permanently",
  302: "Found",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  414: "URI Too Long",
  417: "Expectation Failed",
  421: "Misdirected Request",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

/** Returns the reason phrase of a status, or a general one. */
export function statusText(status: number): string {
  return STATUS_TEXT[status] ?? (status < 400 ? "OK" : "Error");
}

/** Returns an answer that says which thing failed: `502 Bad Gateway: Service "shop/web" …`. */
export function errorAnswer(status: number, reason: string, options: { readonly close: boolean }): Answer {
  return {
    status,
    body: `${status} ${statusText(status)}: ${reason}\n`,
    contentType: "text/plain; charset=utf-8",
    location: undefined,
    close: options.close,
    reason,
  };
}

/** Returns the redirect to `location`. */
export function redirectAnswer(status: number, location: string): Answer {
  const body = `${status} ${statusText(status)}\n`;
  return { status, body, contentType: "text/plain; charset=utf-8", location, close: false, reason: undefined };
}

/** Returns the key authorization of a challenge (RFC 8555 section 8.3). */
export function challengeAnswer(keyAuthorization: string): Answer {
  return {
    status: 200,
    body: keyAuthorization,
    contentType: "application/octet-stream",
    location: undefined,
    close: false,
    reason: undefined,
  };
}
