import type { RequestFacts } from "../../pki/x509/request.ts";
import { usageSets, usageWords } from "../../pki/x509/usages.ts";
import { requestState, type CertificateRequest } from "../../resource/certificate-request.ts";
import type { KubeObject } from "../../resource/object.ts";
import { CERTIFICATE_ANNOTATIONS, usagesOrDefault } from "../../resource/certificate.ts";
import type { Issuer, IssuerPointers } from "../../resource/issuer.ts";
import type { Order } from "../../resource/order.ts";
import { failureOf, type FailureNote } from "../acme-limits/failure-cause.ts";
import type { VaultSpec } from "../../resource/vault-spec.ts";
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
  /** For selfSigned issuers: the key that the request names. */
  readonly ownKey: OwnKey | undefined;
}

/**
 * On a CertificateRequest, the Certificate it is for, or its issuer: with the value `true` a request is signed only after
 * a person or program has approved it. Without it every request for an issuer of ours is approved at once.
 */
export const REQUIRE_APPROVAL_ANNOTATION = "lintel.dev/require-approval";
/** The key that a request which is to be signed by its own key says it was signed by. */
export type OwnKey =
  | { readonly kind: "missing" }
  | { readonly kind: "unreadable" }
  | { readonly kind: "found"; readonly spkiSha256: string };

type WaitEvent = "IssuerNotFound" | "IssuerNotReady" | "WaitingForApproval" | "MissingSecret" | "ErrorParsingKey";

/** What to do about one CertificateRequest now. */
export type RequestDecision =
  /** Finished, or somebody else's. */
  | { readonly kind: "ignore" }
  | { readonly kind: "approve" }
  | { readonly kind: "deny" }
  /** Nothing to do until something changes. `event` is a reason for an Event, where the wait is a person's turn. */
  | { readonly kind: "wait"; readonly message: string; readonly event: WaitEvent | undefined }
  | { readonly kind: "createOrder" }
  | { readonly kind: "signWithCa"; readonly secretName: string; readonly pointers: IssuerPointers }
  /** `namelessIssuer`: the certificate's issuer will be an empty name, which some clients refuse. */
  | { readonly kind: "signWithOwnKey"; readonly pointers: IssuerPointers; readonly namelessIssuer: boolean }
  | { readonly kind: "signWithVault"; readonly vault: VaultSpec }
  | { readonly kind: "issue"; readonly certificatePem: string }
  /** `note` says when another attempt makes sense, where that is known. */
  | { readonly kind: "fail"; readonly message: string; readonly note?: FailureNote };

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
    case "ca": {
      const mismatch = encodedMismatch(request, csr);
      if (mismatch !== undefined) return fail(mismatch);
      return { kind: "signWithCa", secretName: issuer.spec.secretName, pointers: issuer.spec.pointers };
    }
    case "selfSigned":
      return decideSelfSigned(facts, csr, issuer.spec.pointers);
    case "vault":
      return { kind: "signWithVault", vault: issuer.spec.vault };
    case "unsupported":
      return wait(waitForIssuer(issuer), "IssuerNotReady");
    default:
      return issuer.spec satisfies never;
  }
}

function needsApproval(...objects: readonly (KubeObject | undefined)[]): boolean {
  return objects.some((object) => object?.metadata.annotations?.[REQUIRE_APPROVAL_ANNOTATION] === "true");
}

function decideSelfSigned(facts: RequestFactsAround, csr: RequestFacts, pointers: IssuerPointers): RequestDecision {
  const { request, ownKey } = facts;
  const secret = `Secret "${request.namespace}/${request.privateKeySecretName ?? ""}"`;
  if ((request.privateKeySecretName ?? "") === "") {
    return fail(
      `Annotation "${CERTIFICATE_ANNOTATIONS.privateKeySecretName}" missing or reference empty: name the Secret with the key that signed the request`,
    );
  }
  if (ownKey === undefined || ownKey.kind === "missing") {
    return wait(`Waiting for ${secret} with the key that signed the request: it does not exist`, "MissingSecret");
  }
  if (ownKey.kind === "unreadable") {
    return wait(`Waiting for ${secret} with the key that signed the request: tls.key is no key`, "ErrorParsingKey");
  }
  if (ownKey.spkiSha256 !== csr.spkiSha256) return fail(`CSR not signed by referenced private key in ${secret}`);
  const mismatch = encodedMismatch(request, csr);
  if (mismatch !== undefined) return fail(mismatch);
  return { kind: "signWithOwnKey", pointers, namelessIssuer: csr.relativeNames.length === 0 };
}

/** What a request says about itself must be what the CertificateRequest asks for: whoever approved it has seen only that. */
function encodedMismatch(request: CertificateRequest, csr: RequestFacts): string | undefined {
  const { isCa, usages } = request.spec;
  if (csr.statesCa && csr.isCa !== isCa) {
    return `encoded CSR error: IsCA ${String(csr.isCa)} does not match expected value ${String(isCa)}`;
  }
  if (csr.usages.length === 0) return undefined;
  const asked = usagesOrDefault(usages);
  const expected = usageWords(usageSets(isCa ? [...asked, "cert sign"] : asked));
  const encoded = usageWords(usageSets(csr.usages));
  if (expected.length === encoded.length && expected.every((usage) => encoded.includes(usage))) return undefined;
  return `encoded CSR error: the usages ${encoded.join(", ")} do not match the expected usages ${expected.join(", ")}`;
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
  if (csr.uris.length + csr.emailAddresses.length + (csr.otherNames ?? []).length > 0) {
    return fail("ACME certifies DNS names and IP addresses only; remove uris, emailAddresses and otherNames");
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
      return fail(reason === "" ? `Order "${order.name}" is ${state}` : reason, failureOf(order.object));
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

function fail(message: string, note?: FailureNote): RequestDecision {
  return { kind: "fail", message, ...(note === undefined ? {} : { note }) };
}
