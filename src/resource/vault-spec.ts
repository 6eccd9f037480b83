import { arrayAt, isRecord, recordAt, stringAt } from "../ground/json.ts";

/** One entry of a Secret that lives where the issuer's Secrets do. */
interface SecretEntry {
  readonly name: string;
  readonly key: string;
}

/** How an issuer proves to Vault who it is. */
export type VaultAuth =
  | { readonly kind: "token"; readonly secretRef: SecretEntry }
  | { readonly kind: "appRole"; readonly mount: string; readonly roleId: string; readonly secretRef: SecretEntry }
  | {
      readonly kind: "kubernetes";
      readonly mount: string;
      readonly role: string;
      /** A Secret that holds a service account's token, or the service account itself. */
      readonly source:
        | { readonly kind: "secret"; readonly secretRef: SecretEntry }
        | { readonly kind: "serviceAccount"; readonly name: string; readonly audiences: readonly string[] };
    }
  | {
      readonly kind: "certificate";
      readonly mount: string;
      /** Role of the certificate method; empty: Vault picks one. */
      readonly name: string;
      /** A TLS Secret; empty: the client certificate of the connection is meant. */
      readonly secretName: string;
    }
  /** `why` is a sentence for the user. */
  | { readonly kind: "unusable"; readonly why: string };

/** `spec.vault` of an Issuer with types. */
export interface VaultSpec {
  readonly server: string;
  /** The path that signs, such as `pki/sign/web`. */
  readonly path: string;
  readonly namespace: string | undefined;
  readonly serverName: string | undefined;
  /** PEM. */
  readonly caBundle: string | undefined;
  readonly caBundleSecretRef: SecretEntry | undefined;
  readonly clientCertSecretRef: SecretEntry | undefined;
  readonly clientKeySecretRef: SecretEntry | undefined;
  readonly auth: VaultAuth;
}

/** Where Kubernetes and certificate methods are mounted unless the issuer says otherwise; with `/v1`, as cert-manager has it. */
const KUBERNETES_MOUNT = "/v1/auth/kubernetes";
const CERTIFICATE_MOUNT = "/v1/auth/cert";
const APP_ROLE_MOUNT = "approle";

/** Returns the typed view of `spec.vault`. Total. */
export function readVaultSpec(vault: unknown): VaultSpec {
  const bundle = stringAt(vault, "caBundle") ?? "";
  return {
    server: stringAt(vault, "server") ?? "",
    path: (stringAt(vault, "path") ?? "").replace(/^\/+|\/+$/g, ""),
    namespace: nonEmpty(stringAt(vault, "namespace")),
    serverName: nonEmpty(stringAt(vault, "serverName")),
    caBundle: bundle === "" ? undefined : Buffer.from(bundle, "base64").toString("utf8"),
    caBundleSecretRef: entryAt(vault, "caBundleSecretRef", "ca.crt"),
    clientCertSecretRef: entryAt(vault, "clientCertSecretRef", "tls.crt"),
    clientKeySecretRef: entryAt(vault, "clientKeySecretRef", "tls.key"),
    auth: readAuth(recordAt(vault, "auth")),
  };
}

/** Returns the names of the Secrets that `vault` refers to. */
export function vaultSecretNames(vault: VaultSpec): readonly string[] {
  const { auth } = vault;
  const own = [vault.caBundleSecretRef, vault.clientCertSecretRef, vault.clientKeySecretRef].map(
    (entry) => entry?.name,
  );
  return [...own, authSecretName(auth)].flatMap((name) => (name === undefined || name === "" ? [] : [name]));
}

function authSecretName(auth: VaultAuth): string | undefined {
  switch (auth.kind) {
    case "token":
    case "appRole":
      return auth.secretRef.name;
    case "kubernetes":
      return auth.source.kind === "secret" ? auth.source.secretRef.name : undefined;
    case "certificate":
      return auth.secretName;
    case "unusable":
      return undefined;
    default:
      return auth satisfies never;
  }
}

function readAuth(auth: Readonly<Record<string, unknown>>): VaultAuth {
  const given = ["tokenSecretRef", "appRole", "kubernetes", "clientCertificate", "aws"].filter((field) =>
    isRecord(auth[field]),
  );
  const [first, second] = given;
  if (second !== undefined) {
    return unusable(`spec.vault.auth has both ${String(first)} and ${second}; keep the one that is meant`);
  }
  const config = recordAt(auth, first ?? "");
  switch (first ?? "") {
    case "tokenSecretRef":
      return { kind: "token", secretRef: entryOf(config, "token") };
    case "appRole":
      return {
        kind: "appRole",
        mount: `/v1/auth/${mountOf(stringAt(config, "path"), APP_ROLE_MOUNT)}`,
        roleId: stringAt(config, "roleId") ?? "",
        secretRef: entryOf(recordAt(config, "secretRef"), "secretId"),
      };
    case "kubernetes":
      return readKubernetes(config);
    case "clientCertificate":
      return {
        kind: "certificate",
        mount: `/${mountOf(stringAt(config, "mountPath"), CERTIFICATE_MOUNT)}`,
        name: stringAt(config, "name") ?? "",
        secretName: stringAt(config, "secretName") ?? "",
      };
    case "aws":
      return unusable(
        "spec.vault.auth.aws is not supported by Lintel; use appRole, kubernetes, clientCertificate or a token",
      );
    default:
      return unusable("spec.vault.auth needs one of tokenSecretRef, appRole, kubernetes, clientCertificate");
  }
}

function readKubernetes(config: Readonly<Record<string, unknown>>): VaultAuth {
  const account = config["serviceAccountRef"];
  return {
    kind: "kubernetes",
    mount: `/${mountOf(stringAt(config, "mountPath"), KUBERNETES_MOUNT)}`,
    role: stringAt(config, "role") ?? "",
    source: isRecord(account)
      ? {
          kind: "serviceAccount",
          name: stringAt(account, "name") ?? "",
          audiences: arrayAt(account, "audiences").filter((audience) => typeof audience === "string"),
        }
      : { kind: "secret", secretRef: entryOf(recordAt(config, "secretRef"), "token") },
  };
}

function mountOf(path: string | undefined, fallback: string): string {
  return (nonEmpty(path) ?? fallback).replace(/^\/+|\/+$/g, "");
}

function entryAt(value: unknown, field: string, keyDefault: string): SecretEntry | undefined {
  const reference = isRecord(value) ? value[field] : undefined;
  return isRecord(reference) ? entryOf(reference, keyDefault) : undefined;
}

function entryOf(reference: Readonly<Record<string, unknown>>, keyDefault: string): SecretEntry {
  return { name: stringAt(reference, "name") ?? "", key: nonEmpty(stringAt(reference, "key")) ?? keyDefault };
}

function unusable(why: string): VaultAuth {
  return { kind: "unusable", why };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
