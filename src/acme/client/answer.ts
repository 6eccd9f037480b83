import { messageOf } from "../../ground/errors.ts";
import { parseChain } from "../../pki/x509/certificate.ts";
import { AcmeError } from "./acme-error.ts";
import type { TransportResponse } from "./transport.ts";

/** The media type of certificate chains (RFC 8555 section 9.1). */
export const CHAIN_TYPE = "application/pem-certificate-chain";

/** Returns the JSON of an answer. Throws an AcmeError when it is of another type or broken; `act` completes "Cannot …" here and below. */
export function jsonOf(response: TransportResponse, act: string): unknown {
  const type = mediaTypeOf(response);
  if (type !== "application/json") return unusable(act, response, `it is "${type}", not JSON`);
  return parseJson(response.body) ?? unusable(act, response, "it is broken JSON");
}

/** Returns the certificates of an answer, PEM with a newline at its end. Throws an AcmeError when it is anything else, or more. */
export function chainOf(response: TransportResponse, act: string): string {
  const type = mediaTypeOf(response);
  if (type !== CHAIN_TYPE) return unusable(act, response, `it is "${type}", not a certificate chain`);
  // A chain may hold nothing but certificates (RFC 8555 section 9.1): a private key in it would end up in a Secret.
  if (/-----BEGIN (?!CERTIFICATE-----)/.test(response.body)) {
    return unusable(act, response, "it holds more than certificates");
  }
  try {
    parseChain(response.body);
  } catch (error) {
    return unusable(act, response, messageOf(error));
  }
  return response.body.endsWith("\n") ? response.body : `${response.body}\n`;
}

/** Returns the absolute Location of an answer. Throws an AcmeError when there is none. */
export function locationOf(response: TransportResponse, base: string, act: string): string {
  const { location } = response.headers;
  const url = location === undefined ? undefined : URL.parse(location, base)?.href;
  return url ?? unusable(act, response, "it has no Location");
}

/** Returns the Location of an answer that need not have one. */
export function linkedLocation(response: TransportResponse): string | undefined {
  const { location } = response.headers;
  return location !== undefined && URL.canParse(location) ? location : undefined;
}

/** Returns the media type of an answer, lower case and without parameters; "" when there is none. */
export function mediaTypeOf(response: TransportResponse): string {
  return (response.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/** Returns the JSON in `text`, or undefined when it is broken. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Throws the AcmeError of an answer that RFC 8555 does not allow; `why` says what is wrong with it. */
export function unusable(act: string, response: TransportResponse, why: string): never {
  throw new AcmeError(act, {
    type: "about:blank",
    detail: `the CA's answer (HTTP status ${response.status}) cannot be used: ${why}`,
    status: response.status,
  });
}
