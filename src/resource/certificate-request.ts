import { booleanAt, stringAt, stringsAt } from "../ground/json.ts";
import { CERTIFICATE_ANNOTATIONS, momentAt, readIssuerReference, type IssuerReference } from "./certificate.ts";
import { conditionsOf, type Condition } from "./condition.ts";
import { parseGoDuration } from "./go-duration.ts";
import type { KubeObject } from "./object.ts";

/** The reasons of the `Ready` condition of a CertificateRequest. API. */
export const CERTIFICATE_REQUEST_REASONS = ["Pending", "Failed", "Issued", "Denied"] as const;
/** One of {@link CERTIFICATE_REQUEST_REASONS}. */
export type CertificateRequestReason = (typeof CERTIFICATE_REQUEST_REASONS)[number];

/** A CertificateRequest object with types. */
export interface CertificateRequest {
  readonly object: KubeObject;
  readonly namespace: string;
  readonly name: string;
  readonly spec: {
    /** PKCS#10 in PEM; empty when it is missing or not base64. */
    readonly requestPem: string;
    readonly durationMs: number | undefined;
    readonly issuerRef: IssuerReference;
    readonly isCa: boolean;
    readonly usages: readonly string[];
  };
  readonly status: {
    readonly conditions: readonly Condition[];
    /** PEM, leaf first; undefined until issued. */
    readonly certificatePem: string | undefined;
    readonly caPem: string | undefined;
    readonly failureTimeMs: number | undefined;
  };
  /** The Certificate it is for; undefined for requests that people make by hand. */
  readonly certificateName: string | undefined;
  /** The Secret with the key that signed the request. */
  readonly privateKeySecretName: string | undefined;
  readonly revision: number | undefined;
}

/** Returns the typed view of a CertificateRequest object. Total. */
export function readCertificateRequest(object: KubeObject): CertificateRequest {
  const { spec, status } = { spec: object["spec"], status: object["status"] };
  const annotations = object.metadata.annotations ?? {};
  const revision = Number(annotations[CERTIFICATE_ANNOTATIONS.certificateRevision]);
  return {
    object,
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
    spec: {
      requestPem: base64At(spec, "request") ?? "",
      durationMs: parseGoDuration(stringAt(spec, "duration") ?? ""),
      issuerRef: readIssuerReference(spec),
      isCa: booleanAt(spec, "isCA") ?? false,
      usages: stringsAt(spec, "usages"),
    },
    status: {
      conditions: conditionsOf(status),
      certificatePem: base64At(status, "certificate"),
      caPem: base64At(status, "ca"),
      failureTimeMs: momentAt(status, "failureTime"),
    },
    certificateName: annotations[CERTIFICATE_ANNOTATIONS.certificateName],
    privateKeySecretName: annotations[CERTIFICATE_ANNOTATIONS.privateKeySecretName],
    revision: Number.isInteger(revision) && revision > 0 ? revision : undefined,
  };
}

/** Where a request stands, read from its conditions; a denial outweighs everything. */
export type RequestState =
  | { readonly kind: "unapproved" }
  | { readonly kind: "denied"; readonly message: string }
  | { readonly kind: "pending"; readonly message: string }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "issued"; readonly certificatePem: string; readonly caPem: string };

/** Returns where `request` stands. "Issued" without a certificate counts as pending. */
export function requestState(request: CertificateRequest): RequestState {
  const { conditions, certificatePem } = request.status;
  const find = (type: string): Condition | undefined => conditions.find((condition) => condition.type === type);
  const ready = find("Ready");
  const denied = find("Denied");
  const invalid = find("InvalidRequest");
  if (denied?.status === "True") return { kind: "denied", message: denied.message };
  if (invalid?.status === "True") return { kind: "failed", message: invalid.message };
  if (ready?.reason === "Failed") return { kind: "failed", message: ready.message };
  if (ready?.status === "True" && certificatePem !== undefined && certificatePem !== "") {
    return { kind: "issued", certificatePem, caPem: request.status.caPem ?? "" };
  }
  if (find("Approved")?.status !== "True") return { kind: "unapproved" };
  return { kind: "pending", message: ready?.message ?? "" };
}

/** Returns the text of a base64 field (Kubernetes' `[]byte`), or undefined when there is none. */
export function base64At(value: unknown, key: string): string | undefined {
  const text = stringAt(value, key);
  return text === undefined || text === "" ? undefined : Buffer.from(text, "base64").toString("utf8");
}

/** Returns `text` as a base64 field. */
export function toBase64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
