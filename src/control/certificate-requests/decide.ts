import type { RequestFacts } from "../../pki/x509/request.ts";
import { requestState, type CertificateRequest } from "../../resource/certificate-request.ts";
import type { Issuer } from "../../resource/issuer.ts";
import type { KubeObject } from "../../resource/object.ts";
import type { Order } from "../../resource/order.ts";
import { isReady } from "../issuers/decide.ts";

/** What the decision about one CertificateRequest rests on. */
export interface RequestFactsAround {
  readonly request: CertificateRequest;
  /** Undefined when its PKCS#10 can't be read. */
  readonly csr: RequestFacts | undefined;
  readonly csrSignatureValid: boolean;
  /** Whether the reference names a kind that Lintel answers. */
  readonly answerable: boolean;
  readonly issuer: Issuer | undefined;
  /** For ACME issuers: the order that was made for this request. */
  readonly order: Order | undefined;
}

type WaitEvent = "IssuerNotFound" | "IssuerNotReady" | "WaitingForApproval";

/**
 * On a CertificateRequest, the Certificate it is for, or its issuer: with the value `true` a request is signed only after
 * a person or program has approved it. Without it every request for an issuer of ours is approved at once.
 */
export const REQUIRE_APPROVAL_ANNOTATION = "lintel.dev/require-approval";

/** What to do about one CertificateRequest now. */
export type RequestDecision =
  /** Finished, or somebody else's. */
  | { readonly kind: "ignore" }
  | { readonly kind: "approve" }
  | { readonly kind: "deny" }
  /** Nothing to do until something changes. `event` is a reason for an Event, where the wait is a person's turn. */
  | { readonly kind: "wait"; readonly message: string; readonly event: WaitEvent | undefined }
  | { readonly kind: "createOrder" }
  | { readonly kind: "signWithCa"; readonly secretName: string }
  | { readonly kind: "signWithOwnKey" }
  | { readonly kind: "issue"; readonly certificatePem: string }
  | { readonly kind: "fail"; readonly message: string };

/** Returns the next step for a request. */
export function decide(facts: RequestFactsAround): RequestDecision {
  const { request, csr, issuer } = facts;
  if (!facts.answerable) return { kind: "ignore" };
  const state = requestState(request);
  if (state.kind === "issued" || state.kind === "failed") return { kind: "ignore" };
  if (state.kind === "denied")
    return request.status.failureTimeMs === undefined ? { kind: "deny" } : { kind: "ignore" };
  if (state.kind === "unapproved") {
    return needsApproval(request.object, issuer?.object)
      ? wait("Not signing the CertificateRequest until it is approved", "WaitingForApproval")
      : { kind: "approve" };
  }
  if (csr === undefined) return fail("spec.request is not a certificate request in PEM");
  if (!facts.csrSignatureValid) return fail("spec.request is not signed by the key that it is for");
  const { kind, name } = request.spec.issuerRef;
  if (issuer === undefined) {
    return wait(
      `Waiting for ${kind} "${name}", which does not exist: create it or correct issuerRef`,
      "IssuerNotFound",
    );
  }
  // An issuer that has said nothing yet is only a moment old: no news.
  const silent = !issuer.status.conditions.some((condition) => condition.type === "Ready");
  if (!isReady(issuer)) return wait(waitForIssuer(issuer), silent ? undefined : "IssuerNotReady");
  switch (issuer.spec.kind) {
    case "acme":
      return decideAcme(facts, csr);
    case "ca":
      return { kind: "signWithCa", secretName: issuer.spec.secretName };
    case "selfSigned":
      return { kind: "signWithOwnKey" };
    case "unsupported":
      return wait(waitForIssuer(issuer), "IssuerNotReady");
    default:
      return issuer.spec satisfies never;
  }
}

function needsApproval(...objects: readonly (KubeObject | undefined)[]): boolean {
  return objects.some((object) => object?.metadata.annotations?.[REQUIRE_APPROVAL_ANNOTATION] === "true");
}

function waitForIssuer(issuer: Issuer): string {
  const why = issuer.status.conditions.find((condition) => condition.type === "Ready")?.message ?? "";
  const waiting = `Waiting for ${issuer.kind} "${issuer.name}" to become ready`;
  return why === "" ? waiting : `${waiting}: ${why}`;
}

function decideAcme(facts: RequestFactsAround, csr: RequestFacts): RequestDecision {
  const { order, request } = facts;
  const names = [...csr.dnsNames, ...csr.ipAddresses];
  if (csr.commonName !== "" && !names.includes(csr.commonName)) {
    return fail(`commonName "${csr.commonName}" is not among dnsNames or ipAddresses, as ACME demands; add it there`);
  }
  if (csr.uris.length > 0 || csr.emailAddresses.length > 0) {
    return fail("ACME certifies DNS names and IP addresses only; remove uris and emailAddresses");
  }
  if (names.length === 0) return fail("ACME needs at least one DNS name or IP address");
  if (request.spec.isCa) return fail("ACME does not issue CA certificates; remove isCA");
  if (order === undefined) return { kind: "createOrder" };
  const { state, certificatePem, reason } = order.status;
  switch (state) {
    case "valid":
      if (certificatePem === undefined) break;
      return { kind: "issue", certificatePem };
    case "invalid":
    case "errored":
    case "expired":
      return fail(reason === "" ? `Order "${order.name}" is ${state}` : reason);
    case "pending":
    case "processing":
    case "ready":
    case undefined:
      break;
    default:
      return state satisfies never;
  }
  const where = `${order.namespace}/${order.name}`;
  return wait(`Waiting on certificate issuance from order ${where}: "${state ?? "pending"}"`, undefined);
}

function wait(message: string, event: WaitEvent | undefined): RequestDecision {
  return { kind: "wait", message, event };
}

function fail(message: string): RequestDecision {
  return { kind: "fail", message };
}
