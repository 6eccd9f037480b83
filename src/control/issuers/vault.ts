import { LintelError } from "../../ground/errors.ts";
import { encodePem } from "../../ground/pem.ts";
import { certificateBlocks, certificateParts } from "../../pki/x509/certificate.ts";
import type { IssuedChain } from "../../pki/sign.ts";
import type { RequestFacts } from "../../pki/x509/request.ts";
import { base64At } from "../../resource/certificate-request.ts";
import type { Issuer } from "../../resource/issuer.ts";
import { SECRET } from "../../resource/kind.ts";
import type { VaultSpec } from "../../resource/vault-spec.ts";
import { VaultClient, type VaultLogin, type VaultPlace } from "../../vault/vault-client.ts";
import { secretNamespaceOf } from "../signer.ts";
import type { World } from "../world.ts";

/**
 * Returns a token of the service account `namespace/name` for these audiences, good for at least ten minutes: the
 * TokenRequest of Kubernetes. Rejects with NotFound when there is no such account.
 */
export type ServiceAccountTokens = (namespace: string, name: string, audiences: readonly string[]) => Promise<string>;

/** Resolves when Vault can be asked and takes the issuer's login. Rejects as {@link VaultClient} does, or naming the Secret that is wrong. */
export async function verifyVault(world: World, issuer: Issuer, vault: VaultSpec): Promise<void> {
  const client = await openVault(world, issuer, vault);
  await client.health();
  const login = await loginOf(world, issuer, vault);
  const token = await client.login(login);
  if (login.kind !== "token") await client.revoke(token);
}

/** Why a request was not signed: Vault or the login can't be had now, or this request is refused. */
export type VaultOutcome =
  | { readonly kind: "signed"; readonly chain: IssuedChain }
  | { readonly kind: "unavailable"; readonly error: LintelError }
  | { readonly kind: "refused"; readonly error: LintelError };

/** Has Vault sign `csr`. A login is made for each request and given back, so no token outlives its use. */
export async function signWithVault(
  world: World,
  issuer: Issuer,
  vault: VaultSpec,
  wish: { readonly csrPem: string; readonly csr: RequestFacts; readonly durationMs: number },
): Promise<VaultOutcome> {
  const { csr, csrPem, durationMs } = wish;
  let client: VaultClient;
  let login: VaultLogin;
  let token: string;
  try {
    client = await openVault(world, issuer, vault);
    login = await loginOf(world, issuer, vault);
    token = await client.login(login);
  } catch (error) {
    if (error instanceof LintelError) return { kind: "unavailable", error };
    throw error;
  }
  try {
    const certificates = await client.sign(token, {
      path: vault.path,
      csr: csrPem,
      commonName: csr.commonName,
      names: [...csr.dnsNames, ...csr.emailAddresses],
      ipAddresses: csr.ipAddresses,
      uris: csr.uris,
      durationMs,
    });
    return { kind: "signed", chain: splitChain(certificates) };
  } catch (error) {
    if (!(error instanceof LintelError)) throw error;
    return { kind: error.code === "Unreachable" ? "unavailable" : "refused", error };
  } finally {
    if (login.kind !== "token") await client.revoke(token);
  }
}

/** A root belongs into `ca.crt` and not into the chain; without one the highest certificate is what clients can trust. */
function splitChain(certificates: readonly string[]): IssuedChain {
  const blocks = certificates.flatMap((pem) => certificateBlocks(pem));
  const root = blocks.slice(1).findLast((der) => certificateParts(der).facts.selfIssued);
  const chain = blocks.filter((der, index) => index === 0 || !certificateParts(der).facts.selfIssued);
  const top = root ?? (chain.length > 1 ? chain.at(-1) : undefined);
  return { chain: chain.map(certificatePem).join(""), ca: top === undefined ? "" : certificatePem(top) };
}

function certificatePem(der: Uint8Array): string {
  return encodePem("CERTIFICATE", der);
}

async function openVault(world: World, issuer: Issuer, vault: VaultSpec): Promise<VaultClient> {
  const { caBundleSecretRef, auth } = vault;
  const read = entryReader(world, issuer);
  const caBundle = vault.caBundle ?? (caBundleSecretRef === undefined ? undefined : await read(caBundleSecretRef));
  const place: VaultPlace = {
    server: vault.server,
    namespace: vault.namespace,
    serverName: vault.serverName,
    caBundle,
    clientPair: await clientPairOf(vault, read),
  };
  if (auth.kind === "certificate" && place.clientPair === undefined) {
    throw new LintelError("Cannot log in at Vault: no client certificate is given", {
      code: "BadConfig",
      fault: "user",
      hint: "Name a TLS Secret in spec.vault.auth.clientCertificate.secretName",
    });
  }
  return new VaultClient(place, world.clock);
}

type ReadEntry = (entry: { readonly name: string; readonly key: string }) => Promise<string>;

async function clientPairOf(vault: VaultSpec, read: ReadEntry): Promise<VaultPlace["clientPair"]> {
  const { auth, clientCertSecretRef, clientKeySecretRef } = vault;
  if (auth.kind === "certificate" && auth.secretName !== "") {
    const entry = (key: string): Promise<string> => read({ name: auth.secretName, key });
    return { certificate: await entry("tls.crt"), key: await entry("tls.key") };
  }
  if (clientCertSecretRef === undefined || clientKeySecretRef === undefined) return undefined;
  return { certificate: await read(clientCertSecretRef), key: await read(clientKeySecretRef) };
}

async function loginOf(world: World, issuer: Issuer, { auth }: VaultSpec): Promise<VaultLogin> {
  const read = entryReader(world, issuer);
  switch (auth.kind) {
    case "token":
      return { kind: "token", token: (await read(auth.secretRef)).trim() };
    case "appRole": {
      const secretId = (await read(auth.secretRef)).trim();
      return { kind: "appRole", mount: auth.mount, roleId: auth.roleId, secretId };
    }
    case "kubernetes": {
      const { mount, role, source } = auth;
      const jwt =
        source.kind === "secret"
          ? (await read(source.secretRef)).trim()
          : await accountToken(world, issuer, source.name, source.audiences);
      return { kind: "kubernetes", mount, role, jwt };
    }
    case "certificate":
      return { kind: "certificate", mount: auth.mount, name: auth.name };
    case "unusable":
      throw new LintelError("Cannot log in at Vault", { code: "BadConfig", fault: "user", hint: auth.why });
    default:
      return auth satisfies never;
  }
}

/** The audience names the issuer, as cert-manager's tokens do, so that a role can be bound to one issuer alone. */
async function accountToken(
  world: World,
  issuer: Issuer,
  account: string,
  audiences: readonly string[],
): Promise<string> {
  const place = issuer.kind === "ClusterIssuer" ? issuer.name : `${issuer.namespace}/${issuer.name}`;
  if (world.serviceAccountTokens === undefined) {
    throw new LintelError(`Cannot get a token of ServiceAccount "${account}": there is no cluster to ask here`, {
      code: "BadConfig",
      fault: "user",
      hint: "Put a token into a Secret and name it in spec.vault.auth.kubernetes.secretRef",
    });
  }
  return world.serviceAccountTokens(secretNamespaceOf(world, issuer), account, [`vault://${place}`, ...audiences]);
}

function entryReader(world: World, issuer: Issuer): ReadEntry {
  const namespace = secretNamespaceOf(world, issuer);
  return async ({ name, key }) => {
    const value = base64At((await world.store.get(SECRET, namespace, name))?.["data"], key);
    if (value !== undefined) return value;
    throw new LintelError(`Cannot read entry "${key}" of Secret "${namespace}/${name}": it does not exist`, {
      code: "NotFound",
      fault: "user",
      hint: "Create it with what the issuer's spec.vault refers to",
    });
  };
}
