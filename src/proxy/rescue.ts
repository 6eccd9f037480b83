import type { Backend, Endpoint } from "../routing/snapshot.ts";
import type { ClientRefusal } from "./client-auth/admit-client.ts";
import { type Answer, errorAnswer, redirectAnswer } from "./answer.ts";
import type { FramingProblem } from "./http1/header-section.ts";

/** How an endpoint can fail a request. */
export type UpstreamFailure =
  | "refused"
  | "unreachable"
  | "connect-timeout"
  | "tls"
  | "untrusted"
  | "no-websocket"
  | "closed"
  | "read-timeout"
  | "send-timeout"
  | "protocol";

/** Everything that can go wrong with a request, each with what is needed to say so. */
export type Trouble =
  | { readonly kind: "framing"; readonly problem: FramingProblem }
  | { readonly kind: "method"; readonly method: string }
  | { readonly kind: "no-route"; readonly host: string; readonly path: string; readonly reason: string }
  | { readonly kind: "denied"; readonly address: string }
  | ClientRefusal
  | { readonly kind: "rejected"; readonly status: number; readonly reason: string }
  | { readonly kind: "no-backend"; readonly reason: string }
  | { readonly kind: "body-too-large"; readonly bytesMax: number }
  | { readonly kind: "head-timeout" }
  | { readonly kind: "body-timeout" }
  | { readonly kind: "too-many-connections"; readonly backend: Backend; readonly endpoint: Endpoint }
  | {
      readonly kind: "upstream";
      readonly failure: UpstreamFailure;
      readonly backend: Backend;
      readonly endpoint: Endpoint;
      /** For `protocol` and `untrusted`, and for `tls` where it is known: what was wrong. */
      readonly detail: string;
    };

/**
 * Turns any trouble into the response for it: the one place where that happens. The body says in one line which thing
 * failed, and nothing that only the operator should see.
 */
export function rescue(trouble: Trouble): Answer {
  switch (trouble.kind) {
    case "framing":
      return errorAnswer(trouble.problem.status, trouble.problem.text, { close: true });
    case "method":
      return errorAnswer(405, `Method "${trouble.method}" is not for this edge`, { close: true });
    case "no-route":
      return errorAnswer(404, trouble.reason, { close: false });
    case "denied":
      return errorAnswer(403, `Client address "${trouble.address.slice(0, 64)}" does not get in here`, {
        close: false,
      });
    case "client-certificate":
      return clientRefusal(trouble);
    case "rejected":
      return errorAnswer(trouble.status, trouble.reason, { close: false });
    case "no-backend":
      return errorAnswer(503, trouble.reason, { close: false });
    case "body-too-large":
      return errorAnswer(413, `The request body is longer than ${trouble.bytesMax} bytes`, { close: true });
    case "head-timeout":
      return errorAnswer(408, "The request head did not arrive in time", { close: true });
    case "body-timeout":
      return errorAnswer(408, "The request body did not go on in time", { close: true });
    case "too-many-connections":
      return errorAnswer(503, `${nameOf(trouble)} has too many open connections`, { close: false });
    case "upstream":
      return errorAnswer(statusOf(trouble.failure), `${nameOf(trouble)} ${sentenceOf(trouble)}`, { close: false });
    default:
      return trouble satisfies never;
  }
}

/** A client chooses its certificate anew only with another connection. */
function clientRefusal({ status, reason, errorPage }: ClientRefusal): Answer {
  const close = status === 400;
  if (errorPage === undefined) return errorAnswer(status, reason, { close });
  return { ...redirectAnswer(302, errorPage), close, reason };
}

/** Returns the reason in the same words for the log, of an endpoint that failed while its response was already under way. */
export function describeFailure(trouble: Trouble & { readonly kind: "upstream" }): string {
  return `${nameOf(trouble)} ${sentenceOf(trouble)}`;
}

function statusOf(failure: UpstreamFailure): number {
  return failure === "connect-timeout" || failure === "read-timeout" || failure === "send-timeout" ? 504 : 502;
}

function sentenceOf(trouble: { readonly failure: UpstreamFailure; readonly detail: string }): string {
  switch (trouble.failure) {
    case "refused":
      return "refused the connection";
    case "unreachable":
      return "cannot be reached";
    case "connect-timeout":
      return "did not accept the connection in time";
    case "tls":
      return `failed the TLS handshake${trouble.detail === "" ? "" : `: ${trouble.detail}`}`;
    case "untrusted":
      return trouble.detail;
    case "no-websocket":
      return "does not take a WebSocket: that needs HTTP/1.1 or extended CONNECT, and it has neither";
    case "closed":
      return "closed the connection without a complete response";
    case "read-timeout":
      return "did not answer in time";
    case "send-timeout":
      return "did not take the request in time";
    case "protocol":
      return `sent a response that is not valid HTTP: ${trouble.detail}`;
    default:
      return trouble.failure satisfies never;
  }
}

/** `Service "shop/web" endpoint 10.0.0.7:8080` */
function nameOf(trouble: { readonly backend: Backend; readonly endpoint: Endpoint }): string {
  return `Service "${serviceOf(trouble.backend)}" endpoint ${endpointName(trouble.endpoint)}`;
}

/** Returns the service of a backend id: `shop/web` of `shop/web:http`. */
export function serviceOf(backend: Backend): string {
  const colon = backend.id.lastIndexOf(":");
  return colon < 0 ? backend.id : backend.id.slice(0, colon);
}

/** Returns `address:port`, with brackets around IPv6. */
export function endpointName(endpoint: Endpoint): string {
  const address = endpoint.address.includes(":") ? `[${endpoint.address}]` : endpoint.address;
  return `${address}:${endpoint.port}`;
}
