import { booleanAt, recordAt, stringAt } from "../ground/json.ts";
import { momentAt, readIssuerReference, type IssuerReference } from "./certificate.ts";
import { readSolver, type Solver } from "./issuer.ts";
import type { KubeObject } from "./object.ts";
import { acmeStateAt, type AcmeState } from "./order.ts";

/** Keeps a Challenge until what it put in front of the world is taken away again. */
export const CHALLENGE_FINALIZER = "acme.cert-manager.io/finalizer";

/** The words of `spec.type`: cert-manager's, and those that it does not have: TLS-ALPN-01 (RFC 8737) and DNS-PERSIST-01 (draft-ietf-acme-dns-persist). API. */
export const CHALLENGE_TYPES = ["HTTP-01", "DNS-01", "TLS-ALPN-01", "DNS-PERSIST-01"] as const;
/** One of {@link CHALLENGE_TYPES}. */
export type ChallengeType = (typeof CHALLENGE_TYPES)[number];

/** A Challenge object with types. */
export interface Challenge {
  readonly object: KubeObject;
  readonly namespace: string;
  readonly name: string;
  readonly spec: {
    /** The challenge's address at the CA. */
    readonly url: string;
    readonly authorizationUrl: string;
    readonly dnsName: string;
    readonly wildcard: boolean;
    readonly type: ChallengeType | "unknown";
    readonly token: string;
    /** The key authorization (RFC 8555 section 8.1); of DNS-01 its digest, of DNS-PERSIST-01 the record's text. */
    readonly key: string;
    readonly solver: Solver;
    readonly issuerRef: IssuerReference;
  };
  readonly status: {
    readonly processing: boolean;
    readonly presented: boolean;
    readonly presentedAtMs: number | undefined;
    readonly reason: string;
    readonly state: AcmeState | undefined;
  };
}

/** Returns the typed view of a Challenge object. Total. */
export function readChallenge(object: KubeObject): Challenge {
  const { spec, status } = { spec: object["spec"], status: object["status"] };
  const type = stringAt(spec, "type");
  return {
    object,
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
    spec: {
      url: stringAt(spec, "url") ?? "",
      authorizationUrl: stringAt(spec, "authorizationURL") ?? "",
      dnsName: (stringAt(spec, "dnsName") ?? "").toLowerCase(),
      wildcard: booleanAt(spec, "wildcard") ?? false,
      type: CHALLENGE_TYPES.find((known) => known === type) ?? "unknown",
      token: stringAt(spec, "token") ?? "",
      key: stringAt(spec, "key") ?? "",
      solver: readSolver(recordAt(spec, "solver")),
      issuerRef: readIssuerReference(spec),
    },
    status: {
      processing: booleanAt(status, "processing") ?? false,
      presented: booleanAt(status, "presented") ?? false,
      presentedAtMs: momentAt(status, "presentedAt"),
      reason: stringAt(status, "reason") ?? "",
      state: acmeStateAt(status, "state"),
    },
  };
}
