import type { KeyObject } from "node:crypto";
import { AcmeError } from "../../acme/client/acme-error.ts";
import { shortType } from "../../acme/wire.ts";
import { isRecord } from "../../ground/json.ts";
import { encodeKey, generateKey } from "../../pki/key.ts";
import { base64At, toBase64 } from "../../resource/certificate-request.ts";
import { readChallenge } from "../../resource/challenge.ts";
import type { Issuer } from "../../resource/issuer.ts";
import { SECRET, type Kind } from "../../resource/kind.ts";
import { isFinalState } from "../../resource/order.ts";
import { issuerKey } from "../caches.ts";
import { readKey } from "../certificates/private-key.ts";
import { secretNamespaceOf } from "../signer.ts";
import { writeObject } from "../status-writer.ts";
import type { World } from "../world.ts";

/** What users write on an issuer about its account. API. */
export const ACCOUNT_ANNOTATIONS = {
  /** Any text; each new one has the account's key changed (RFC 8555 section 7.3.5). */
  rotateKey: "lintel.dev/rotate-account-key",
  /** `"true"`: the account is closed at the CA when the issuer is deleted. */
  deactivate: "lintel.dev/deactivate-account-on-delete",
} as const;

/** Keeps an issuer until its account is closed. */
export const ACCOUNT_FINALIZER = "lintel.dev/acme-account";

/** On the Secret of the account key: the wish that was fulfilled last. */
const ROTATED_ANNOTATION = "lintel.dev/account-key-rotated";

/**
 * Changes the account's key where the issuer asks for it, and resolves with whether it did. The new key is in the Secret
 * before the CA hears of it, so that a crash at any moment loses no account. Waits while names are being proven: the
 * answers are made with the old key. Rejects with what the CA or the store says.
 */
export async function rotateAccountKey(
  world: World,
  issuer: Issuer,
  key: KeyObject,
  accountUrl: string,
): Promise<"done" | "not wanted" | "wait"> {
  const { spec } = issuer;
  const wish = issuer.object.metadata.annotations?.[ACCOUNT_ANNOTATIONS.rotateKey];
  if (spec.kind !== "acme" || wish === undefined || world.accounts.isOffline(spec.server)) return "not wanted";
  const { name, key: entry } = spec.privateKeySecretRef;
  const secret = await world.store.get(SECRET, secretNamespaceOf(world, issuer), name);
  if (secret === undefined || secret.metadata.annotations?.[ROTATED_ANNOTATION] === wish) return "not wanted";
  if (isProving(world, issuer)) return "wait";
  const data = isRecord(secret["data"]) ? secret["data"] : {};
  const nextEntry = `${entry}.next`;
  const kept = readKey(base64At(data, nextEntry));
  const next = kept ?? (await generateKey({ algorithm: "ECDSA", size: 256 }));
  const pem = toBase64(encodeKey(next, "PKCS8"));
  const stored =
    kept === undefined ? await world.store.update(SECRET, { ...secret, data: { ...data, [nextEntry]: pem } }) : secret;
  if (kept === undefined || !(await isAccountKey(world, issuer, next, accountUrl))) {
    const caller = world.accounts.open(issuer, key, accountUrl);
    try {
      await caller?.changeKey(next);
    } finally {
      caller?.close();
    }
  }
  await writeObject(world.store, SECRET, stored, (found) => {
    const { [nextEntry]: _, ...rest } = isRecord(found["data"]) ? found["data"] : {};
    const annotations = { ...found.metadata.annotations, [ROTATED_ANNOTATION]: wish };
    return { ...found, data: { ...rest, [entry]: pem }, metadata: { ...found.metadata, annotations } };
  });
  return "done";
}

/** After a crash between the CA's answer and the Secret, the new key is the account's already. */
async function isAccountKey(world: World, issuer: Issuer, key: KeyObject, accountUrl: string): Promise<boolean> {
  const caller = world.accounts.open(issuer, key, undefined);
  try {
    return (await caller?.register({ contact: [], onlyExisting: true }))?.accountUrl === accountUrl;
  } catch (error) {
    if (error instanceof AcmeError && shortType(error.problem) === "accountDoesNotExist") return false;
    throw error;
  } finally {
    caller?.close();
  }
}

function isProving(world: World, issuer: Issuer): boolean {
  const ours = issuerKey({ kind: issuer.kind, name: issuer.name, group: "" }, issuer.namespace);
  return world.caches.challenges.list().some((object) => {
    const { spec, status, namespace } = readChallenge(object);
    return issuerKey(spec.issuerRef, namespace) === ours && !isFinalState(status.state);
  });
}

/** Puts the finalizer on the issuer or takes it away, as its annotation says. Resolves with whether something changed. */
export async function keepAccountFinalizer(world: World, kind: Kind, issuer: Issuer): Promise<boolean> {
  const { annotations = {}, finalizers = [] } = issuer.object.metadata;
  const wanted = issuer.spec.kind === "acme" && annotations[ACCOUNT_ANNOTATIONS.deactivate] === "true";
  if (wanted === finalizers.includes(ACCOUNT_FINALIZER)) return false;
  if (wanted) {
    await writeObject(world.store, kind, issuer.object, (object) => ({
      ...object,
      metadata: { ...object.metadata, finalizers: [...(object.metadata.finalizers ?? []), ACCOUNT_FINALIZER] },
    }));
  } else await releaseAccount(world, kind, issuer);
  return true;
}

/** Lets an issuer go that is being deleted, or does not want its account closed any more. */
export async function releaseAccount(world: World, kind: Kind, issuer: Issuer): Promise<void> {
  await writeObject(world.store, kind, issuer.object, (object) => ({
    ...object,
    metadata: {
      ...object.metadata,
      finalizers: (object.metadata.finalizers ?? []).filter((name) => name !== ACCOUNT_FINALIZER),
    },
  }));
}

/** Closes the account at the CA (RFC 8555 section 7.3.6). Resolves too when there is none to close. */
export async function deactivateAccount(world: World, issuer: Issuer): Promise<void> {
  const { spec, status } = issuer;
  if (spec.kind !== "acme" || status.acmeUri === undefined || world.accounts.isOffline(spec.server)) return;
  const { name, key: entry } = spec.privateKeySecretRef;
  const secret = await world.store.get(SECRET, secretNamespaceOf(world, issuer), name);
  const key = readKey(base64At(secret?.["data"], entry));
  const caller = key === undefined ? undefined : world.accounts.open(issuer, key, status.acmeUri);
  try {
    await caller?.deactivate();
  } catch (error) {
    const gone =
      error instanceof AcmeError && ["accountDoesNotExist", "unauthorized"].includes(shortType(error.problem));
    if (!gone) throw error;
  } finally {
    caller?.close();
  }
}
