import { requestState, type CertificateRequest } from "../../resource/certificate-request.ts";
import { ISSUER_GROUP } from "../../resource/certificate.ts";
import type { Challenge } from "../../resource/challenge.ts";
import { rfc3339 } from "../../resource/condition.ts";
import { isFailedState, type Order } from "../../resource/order.ts";

/** The chain below a Certificate, as far as it exists. */
export interface CauseFacts {
  readonly request: CertificateRequest | undefined;
  readonly order: Order | undefined;
  readonly challenges: readonly Challenge[];
  /** When the next attempt begins by itself, if one has failed. */
  readonly retryAtMs: number | undefined;
}

/**
 * Returns the deepest known reason why a Certificate is not issued yet, in one sentence with the next step: of a
 * challenge before its order, of an order before its request. Undefined while nothing below the Certificate has said
 * anything.
 */
export function rootCause(facts: CauseFacts): string | undefined {
  if (facts.request === undefined) return undefined;
  const state = requestState(facts.request);
  switch (state.kind) {
    case "issued":
      return undefined;
    case "unapproved":
      return foreignIssuer(facts.request) ?? waitingForApproval(facts.request);
    case "denied":
      return withRetry(`The request was denied: ${state.message}`, facts.retryAtMs);
    case "failed":
      return withRetry(deepest(facts, true) ?? state.message, facts.retryAtMs);
    case "pending":
      return deepest(facts, false) ?? nonEmpty(state.message);
    default:
      return state satisfies never;
  }
}

function waitingForApproval({ name, status }: CertificateRequest): string | undefined {
  const waits = status.conditions.some((condition) => condition.type === "Ready" && condition.reason === "Pending");
  return waits ? `Waiting for approval: run "cmctl approve ${name}" or "cmctl deny ${name}"` : undefined;
}

/** Requests of our own issuers are approved at once; others wait for a controller that may not be there. */
function foreignIssuer(request: CertificateRequest): string | undefined {
  const { kind, group } = request.spec.issuerRef;
  if (group !== ISSUER_GROUP) {
    return `Waiting for the controller of issuers in group "${group}", which Lintel does not answer itself`;
  }
  return kind === "Issuer" || kind === "ClusterIssuer"
    ? undefined
    : `issuerRef.kind "${kind}" is neither Issuer nor ClusterIssuer; correct it`;
}

function deepest(facts: CauseFacts, failed: boolean): string | undefined {
  const speaking = facts.challenges.filter(({ status }) => status.reason !== "" && status.state !== "valid");
  const challenge = speaking.find(({ status }) => isFailedState(status.state)) ?? (failed ? undefined : speaking[0]);
  return nonEmpty(challenge?.status.reason) ?? nonEmpty(facts.order?.status.reason);
}

function withRetry(sentence: string, retryAtMs: number | undefined): string {
  if (retryAtMs === undefined) return sentence;
  return `${sentence}. Next attempt by itself at ${rfc3339(retryAtMs)}, or at once when the spec changes`;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
