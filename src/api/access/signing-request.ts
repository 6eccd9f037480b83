import { arrayAt, isRecord, numberAt, recordAt, stringAt, stringsAt } from "../../ground/json.ts";
import { messageOf } from "../../ground/errors.ts";
import { rfc3339 } from "../../resource/condition.ts";
import { SIGNING_REQUEST } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import type { Store } from "../../store/contract.ts";
import { MASTERS } from "./identity.ts";

/** The one signer there is here: its certificates are accepted by this API from clients. */
export const CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client";

const YEAR_SECONDS = 365 * 24 * 3_600;
/** As on a real server. */
const SECONDS_MIN = 600;

/** Signs requests for client certificates with the authority that this API accepts. */
export interface ClientSigner {
  /** PEM of the authority, for the TLS server. */
  readonly authorityPem: string;
  /** Returns the groups (O) that a PKCS#10 request in PEM names. Throws LintelError for one that is none. */
  readonly groupsOf: (requestPem: string) => readonly string[];
  /** Returns the certificate in PEM. Throws LintelError. */
  readonly sign: (requestPem: string, seconds: number) => Promise<string>;
}

/** Returns why a new CertificateSigningRequest is refused, or undefined. */
export function signingRequestProblem(object: KubeObject, signer: ClientSigner): string | undefined {
  const spec = recordAt(object, "spec");
  if (stringAt(spec, "signerName") !== CLIENT_SIGNER) return undefined;
  try {
    const groups = signer.groupsOf(requestOf(spec));
    return groups.includes(MASTERS) ? `use of ${CLIENT_SIGNER} signer with ${MASTERS} group is not allowed` : undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * Issues the certificate of a CertificateSigningRequest that is approved and of the signer for clients of this API; others are
 * returned as they are. What cannot be signed gets the condition `Failed`.
 */
export async function signApproved(
  store: Store,
  signer: ClientSigner,
  object: KubeObject,
  nowMs: number,
): Promise<KubeObject> {
  const spec = recordAt(object, "spec");
  const status = recordAt(object, "status");
  const has = (type: string): boolean =>
    arrayAt(status, "conditions").some(
      (entry) => isRecord(entry) && entry["type"] === type && entry["status"] !== "False",
    );
  const isOpen = has("Approved") && !has("Denied") && !has("Failed") && stringAt(status, "certificate") === undefined;
  if (!isOpen || stringAt(spec, "signerName") !== CLIENT_SIGNER) return object;
  try {
    if (!stringsAt(spec, "usages").includes("client auth")) throw new Error('its usages must include "client auth"');
    const problem = signingRequestProblem(object, signer);
    if (problem !== undefined) throw new Error(problem);
    const seconds = Math.max(SECONDS_MIN, Math.min(numberAt(spec, "expirationSeconds") ?? YEAR_SECONDS, YEAR_SECONDS));
    const certificate = Buffer.from(await signer.sign(requestOf(spec), seconds)).toString("base64");
    return await store.updateStatus(SIGNING_REQUEST, { ...object, status: { ...status, certificate } });
  } catch (error) {
    const now = rfc3339(nowMs);
    const failed = {
      type: "Failed",
      status: "True",
      reason: "SigningFailed",
      message: messageOf(error),
      lastUpdateTime: now,
      lastTransitionTime: now,
    };
    const conditions = [...arrayAt(status, "conditions"), failed];
    return await store.updateStatus(SIGNING_REQUEST, { ...object, status: { ...status, conditions } });
  }
}

function requestOf(spec: Readonly<Record<string, unknown>>): string {
  return Buffer.from(stringAt(spec, "request") ?? "", "base64").toString("utf8");
}
