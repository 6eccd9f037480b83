import type { CertificateFacts } from "../../pki/x509/certificate.ts";
import type { Issuer, IssuerReason } from "../../resource/issuer.ts";
import type { VaultSpec } from "../../resource/vault-spec.ts";

/** What the decision about one Issuer or ClusterIssuer rests on. */
export interface IssuerFacts {
  readonly nowMs: number;
  readonly issuer: Issuer;
  /** Where its Secrets live, for sentences. */
  readonly secretNamespace: string;
  /** The key of the ACME account. */
  readonly accountKey:
    | { readonly kind: "missing" }
    | { readonly kind: "unreadable" }
    /** `hash` tells whether it is the key that was registered. */
    | { readonly kind: "found"; readonly hash: string };
  /** Of a `ca` issuer's Secret; fields are undefined when missing or unreadable. */
  readonly keyPair:
    { readonly certificate: CertificateFacts | undefined; readonly keySpkiSha256: string | undefined } | undefined;
  /** The directory that is really asked. */
  readonly directoryUrl: string;
  /** Whether that is the embedded CA because Lintel is offline. */
  readonly offline: boolean;
  /** Whether the CA said that it does not know the account. */
  readonly accountLost: boolean;
}

/** What to do about one issuer now. */
export type IssuerDecision =
  | { readonly kind: "ready"; readonly reason: IssuerReason; readonly message: string }
  /** Nothing to do until a person changes something. */
  | { readonly kind: "refuse"; readonly reason: IssuerReason; readonly message: string }
  | { readonly kind: "makeAccountKey" }
  /** Registers the key, or finds the account it already has. */
  | { readonly kind: "register" }
  /** The account is known: nothing is sent. */
  | { readonly kind: "useAccount"; readonly accountUrl: string; readonly message: string }
  /** Asks Vault whether it is there and takes the login. */
  | { readonly kind: "verifyVault" };

/** Returns the next step for an issuer. */
export function decide(facts: IssuerFacts): IssuerDecision {
  const { spec } = facts.issuer;
  switch (spec.kind) {
    case "acme":
      return decideAcme(facts);
    case "ca":
      return decideCa(facts, spec.secretName);
    case "vault":
      return decideVault(spec.vault);
    case "selfSigned":
      return { kind: "ready", reason: "IsReady", message: "Self-signed issuer is ready" };
    case "unsupported":
      return { kind: "refuse", reason: "InvalidConfig", message: spec.why };
    default:
      return spec satisfies never;
  }
}

/** The message of an ACME issuer that is ready; says so when it isn't the CA that was asked for. */
export function accountMessage(offline: boolean): string {
  const message = "The ACME account was registered with the ACME server";
  return offline ? `${message} (answered by the embedded CA because of --offline)` : message;
}

function decideAcme(facts: IssuerFacts): IssuerDecision {
  const { issuer, accountKey, directoryUrl } = facts;
  const { spec, status } = issuer;
  if (spec.kind !== "acme") return { kind: "refuse", reason: "InvalidConfig", message: "spec.acme is missing" };
  if (!isHttpUrl(spec.server)) {
    return refuse("InvalidURL", `spec.acme.server "${spec.server}" is not a URL; name the CA's directory`);
  }
  if (spec.privateKeySecretRef.name === "") {
    return refuse("InvalidConfig", "spec.acme.privateKeySecretRef.name is required; name a Secret for the account key");
  }
  if (spec.solvers.some((solver) => solver.type === "unknown")) {
    return refuse("InvalidSolver", "an entry of spec.acme.solvers has neither http01 nor dns01");
  }
  const where = `Secret "${facts.secretNamespace}/${spec.privateKeySecretRef.name}"`;
  if (accountKey.kind === "unreadable") {
    return refuse(
      "ErrVerifyACMEAccount",
      `the account key in ${where} cannot be read; delete the Secret to get a new one`,
    );
  }
  if (accountKey.kind === "missing") {
    return spec.disableAccountKeyGeneration
      ? refuse("ErrVerifyACMEAccount", `${where} has no account key and disableAccountKeyGeneration is set; create it`)
      : { kind: "makeAccountKey" };
  }
  const registered =
    !facts.accountLost &&
    isReady(issuer) &&
    status.acmeUri !== undefined &&
    sameOrigin(status.acmeUri, directoryUrl) &&
    // Some CAs have several directories on one host, each with accounts of its own.
    (status.acmeDirectory === undefined || status.acmeDirectory === directoryUrl) &&
    status.lastPrivateKeyHash === accountKey.hash &&
    (status.lastRegisteredEmail ?? "") === spec.email;
  if (!registered || status.acmeUri === undefined) return { kind: "register" };
  return { kind: "useAccount", accountUrl: status.acmeUri, message: accountMessage(facts.offline) };
}

function decideCa(facts: IssuerFacts, secretName: string): IssuerDecision {
  if (secretName === "") return refuse("InvalidConfig", "spec.ca.secretName is required");
  const where = `Secret "${facts.secretNamespace}/${secretName}"`;
  const { keyPair } = facts;
  if (keyPair === undefined)
    return refuse("ErrGetKeyPair", `${where} does not exist; create it with tls.crt and tls.key`);
  const { certificate, keySpkiSha256 } = keyPair;
  if (certificate === undefined) return refuse("ErrGetKeyPair", `${where} has no readable certificate in tls.crt`);
  if (keySpkiSha256 === undefined) return refuse("ErrGetKeyPair", `${where} has no readable private key in tls.key`);
  if (keySpkiSha256 !== certificate.spkiSha256) {
    return refuse("ErrInvalidKeyPair", `the private key in ${where} is not the one of its certificate`);
  }
  if (!certificate.isCa) {
    return refuse("ErrInvalidKeyPair", `the certificate in ${where} is not a CA's; it needs basicConstraints CA:TRUE`);
  }
  if (facts.nowMs >= certificate.notAfterMs) {
    return refuse("ErrInvalidKeyPair", `the CA certificate in ${where} has expired; replace it`);
  }
  return { kind: "ready", reason: "KeyPairVerified", message: "Signing CA verified" };
}

function decideVault({ server, path, auth }: VaultSpec): IssuerDecision {
  if (!isHttpUrl(server)) return refuse("VaultError", `spec.vault.server "${server}" is not the URL of a Vault server`);
  if (path === "")
    return refuse("VaultError", 'spec.vault.path is required; name the path that signs: "pki/sign/ROLE"');
  return auth.kind === "unusable" ? refuse("VaultError", auth.why) : { kind: "verifyVault" };
}

/** Whether the issuer's own status says that it works. */
export function isReady(issuer: Issuer): boolean {
  return issuer.status.conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function sameOrigin(left: string, right: string): boolean {
  return URL.canParse(left) && URL.canParse(right) && new URL(left).origin === new URL(right).origin;
}

function refuse(reason: IssuerReason, message: string): IssuerDecision {
  return { kind: "refuse", reason, message };
}
