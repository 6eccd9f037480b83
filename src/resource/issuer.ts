import { arrayAt, booleanAt, isRecord, recordAt, stringAt, stringMapAt, stringsAt } from "../ground/json.ts";
import { conditionsOf, type Condition } from "./condition.ts";
import type { KubeObject } from "./object.ts";
import { readVaultSpec, type VaultSpec } from "./vault-spec.ts";

/** The reasons of the `Ready` condition of Issuers and ClusterIssuers. API. */
export const ISSUER_REASONS = [
  "ACMEAccountRegistered",
  "ErrRegisterACMEAccount",
  "ErrVerifyACMEAccount",
  "ErrGetKeyPair",
  "ErrInvalidKeyPair",
  "KeyPairVerified",
  "IsReady",
  "VaultVerified",
  "VaultError",
  "InvalidConfig",
  "InvalidURL",
  "InvalidSolver",
] as const;
/** One of {@link ISSUER_REASONS}. */
export type IssuerReason = (typeof ISSUER_REASONS)[number];

/** One entry of a Secret in the namespace that the referrer implies. */
export interface SecretKeyReference {
  readonly name: string;
  readonly key: string;
}

/** How a name proves who controls it. */
export interface Solver {
  readonly selector: {
    readonly matchLabels: Readonly<Record<string, string>>;
    readonly dnsNames: readonly string[];
    readonly dnsZones: readonly string[];
  };
  readonly type: "http01" | "dns01" | "tlsAlpn01" | "dnsPersist01" | "unknown";
  /** As it was written: kept on the Challenge. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** The URLs that an issuer writes into certificates: where revocation lists, OCSP responders and its own certificate are. */
export interface IssuerPointers {
  readonly crlDistributionPoints: readonly string[];
  readonly ocspServers: readonly string[];
  readonly issuingCertificateUrls: readonly string[];
}

/** How an issuer signs. */
export type IssuerSpec =
  | {
      readonly kind: "acme";
      readonly server: string;
      readonly email: string;
      readonly privateKeySecretRef: SecretKeyReference;
      readonly preferredChain: string | undefined;
      /** PEM. */
      readonly caBundle: string | undefined;
      readonly skipTlsVerify: boolean;
      readonly externalAccount: { readonly keyId: string; readonly keySecretRef: SecretKeyReference } | undefined;
      readonly solvers: readonly Solver[];
      readonly disableAccountKeyGeneration: boolean;
      readonly enableDurationFeature: boolean;
      readonly profile: string | undefined;
    }
  | { readonly kind: "ca"; readonly secretName: string; readonly pointers: IssuerPointers }
  | { readonly kind: "vault"; readonly vault: VaultSpec }
  | { readonly kind: "selfSigned"; readonly pointers: IssuerPointers }
  /** Nothing we can sign with: `why` is a sentence for the user. */
  | { readonly kind: "unsupported"; readonly why: string };

/** An Issuer or ClusterIssuer object with types. */
export interface Issuer {
  readonly object: KubeObject;
  readonly kind: "Issuer" | "ClusterIssuer";
  /** Empty for a ClusterIssuer. */
  readonly namespace: string;
  readonly name: string;
  readonly spec: IssuerSpec;
  readonly status: {
    readonly conditions: readonly Condition[];
    readonly acmeUri: string | undefined;
    readonly lastRegisteredEmail: string | undefined;
    readonly lastPrivateKeyHash: string | undefined;
    /** The directory that the account is at. */
    readonly acmeDirectory: string | undefined;
  };
}

/** Returns the typed view of an Issuer or ClusterIssuer. Total. */
export function readIssuer(object: KubeObject): Issuer {
  const status = object["status"];
  const acme = recordAt(status, "acme");
  return {
    object,
    kind: object.kind === "ClusterIssuer" ? "ClusterIssuer" : "Issuer",
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
    spec: readSpec(object["spec"]),
    status: {
      conditions: conditionsOf(status),
      acmeUri: stringAt(acme, "uri"),
      lastRegisteredEmail: stringAt(acme, "lastRegisteredEmail"),
      lastPrivateKeyHash: stringAt(acme, "lastPrivateKeyHash"),
      acmeDirectory: stringAt(acme, "directory"),
    },
  };
}

/** Returns the typed view of one solver as it stands in an Issuer or a Challenge. */
export function readSolver(value: unknown): Solver {
  const selector = recordAt(value, "selector");
  const raw = isRecord(value) ? value : {};
  return {
    selector: {
      matchLabels: stringMapAt(selector, "matchLabels"),
      dnsNames: stringsAt(selector, "dnsNames").map((name) => name.toLowerCase()),
      dnsZones: stringsAt(selector, "dnsZones").map((name) => name.toLowerCase()),
    },
    type: solverType(raw),
    raw,
  };
}

function solverType(raw: Readonly<Record<string, unknown>>): Solver["type"] {
  if (isRecord(raw["http01"])) return "http01";
  if (isRecord(raw["dns01"])) return "dns01";
  if (isRecord(raw["tlsALPN01"])) return "tlsAlpn01";
  return isRecord(raw["dnsPersist01"]) ? "dnsPersist01" : "unknown";
}

function readSpec(spec: unknown): IssuerSpec {
  if (isRecord(spec)) {
    if (isRecord(spec["acme"])) return readAcme(spec["acme"]);
    const { ca, selfSigned } = spec;
    if (isRecord(ca)) return { kind: "ca", secretName: stringAt(ca, "secretName") ?? "", pointers: readPointers(ca) };
    if (isRecord(selfSigned)) return { kind: "selfSigned", pointers: readPointers(selfSigned) };
    if (isRecord(spec["vault"])) return { kind: "vault", vault: readVaultSpec(spec["vault"]) };
    if (isRecord(spec["venafi"]))
      return unsupported("spec.venafi is not supported by Lintel; use another kind of issuer");
  }
  return unsupported("spec has none of acme, ca, selfSigned, vault");
}

function readPointers(value: unknown): IssuerPointers {
  return {
    crlDistributionPoints: stringsAt(value, "crlDistributionPoints"),
    ocspServers: stringsAt(value, "ocspServers"),
    issuingCertificateUrls: stringsAt(value, "issuingCertificateURLs"),
  };
}

function readAcme(acme: unknown): IssuerSpec {
  const external = recordAt(acme, "externalAccountBinding");
  const bundle = stringAt(acme, "caBundle");
  const keyId = stringAt(external, "keyID");
  return {
    kind: "acme",
    server: stringAt(acme, "server") ?? "",
    email: stringAt(acme, "email") ?? "",
    privateKeySecretRef: readSecretKey(recordAt(acme, "privateKeySecretRef"), "tls.key"),
    preferredChain: nonEmpty(stringAt(acme, "preferredChain")),
    caBundle: bundle === undefined || bundle === "" ? undefined : Buffer.from(bundle, "base64").toString("utf8"),
    skipTlsVerify: booleanAt(acme, "skipTLSVerify") ?? false,
    externalAccount:
      keyId === undefined ? undefined : { keyId, keySecretRef: readSecretKey(recordAt(external, "keySecretRef"), "") },
    solvers: arrayAt(acme, "solvers").map(readSolver),
    disableAccountKeyGeneration: booleanAt(acme, "disableAccountKeyGeneration") ?? false,
    enableDurationFeature: booleanAt(acme, "enableDurationFeature") ?? false,
    profile: nonEmpty(stringAt(acme, "profile")),
  };
}

function readSecretKey(reference: unknown, keyDefault: string): SecretKeyReference {
  return { name: stringAt(reference, "name") ?? "", key: nonEmpty(stringAt(reference, "key")) ?? keyDefault };
}

function unsupported(why: string): IssuerSpec {
  return { kind: "unsupported", why };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
