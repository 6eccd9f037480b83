import { createHash, type KeyObject } from "node:crypto";
import { AcmeError, isTemporary } from "../../acme/client/acme-error.ts";
import { isLintelError, messageOf } from "../../ground/errors.ts";
import { encodeKey, generateKey, spkiFingerprint } from "../../pki/key.ts";
import { base64At, toBase64 } from "../../resource/certificate-request.ts";
import { conditionsOf, withCondition } from "../../resource/condition.ts";
import { readIssuer, type Issuer, type IssuerReason } from "../../resource/issuer.ts";
import { apiVersionOf, CLUSTER_ISSUER, ISSUER, SECRET, type Kind } from "../../resource/kind.ts";
import { objectKey, type KubeObject } from "../../resource/object.ts";
import { vaultSecretNames } from "../../resource/vault-spec.ts";
import { explainProblem } from "../acme-advice.ts";
import { BY_SECRET } from "../caches.ts";
import { readKey } from "../certificates/private-key.ts";
import { readLeaf } from "../certificates/read-facts.ts";
import { splitKey } from "../object-name.ts";
import { secretNamespaceOf } from "../signer.ts";
import { writeStatus, type StatusFields } from "../status-writer.ts";
import { WorkQueue, type Recheck } from "../work-queue.ts";
import type { World } from "../world.ts";
import { verifyVault } from "./vault.ts";
import {
  ACCOUNT_ANNOTATIONS,
  ACCOUNT_FINALIZER,
  deactivateAccount,
  keepAccountFinalizer,
  releaseAccount,
  rotateAccountKey,
} from "./account-care.ts";
import { accountMessage, decide, type IssuerDecision, type IssuerFacts } from "./decide.ts";

/** Wait after an account could not be registered; doubles up to the longest. A CA's own Retry-After wins. */
const REGISTER_RETRY_MS_MIN = 5000;
const REGISTER_RETRY_MS_MAX: number = 5 * 60_000;
/** The same after the CA refused the account for good. */
const REFUSED_RETRY_MS_MIN: number = 15 * 60_000;
const REFUSED_RETRY_MS_MAX: number = 6 * 3_600_000;
/** Steps for one key before others get their turn. */
const STEPS_MAX = 4;
/** Attempts to close the account of an issuer that is being deleted. */
const CLOSE_ATTEMPTS_MAX = 4;
/** What the setback of an issuer that is being deleted depends on. */
const LEAVING = "leaving";

/** What is remembered of registrations that failed, while nothing they depend on changes. */
interface Setback {
  readonly failures: number;
  readonly notBeforeMs: number;
  readonly inputs: string;
}

/** Keeps Issuers and ClusterIssuers ready to sign. Keys are `Issuer:namespace/name` and `ClusterIssuer:name`. */
export function openIssuers(world: World): WorkQueue {
  const setbacks = new Map<string, Setback>();
  const queue = new WorkQueue({ ...world, name: "issuers", reconcile: (key) => reconcile(world, setbacks, key) });
  world.accounts.subscribeLosses(({ kind, name }, namespace) => {
    queue.add(kind === CLUSTER_ISSUER.kind ? `${kind}:${name}` : `${kind}:${namespace}/${name}`);
  });
  const wake = (object: KubeObject): void => queue.add(`${object.kind}:${objectKey(object)}`);
  world.doubts.subscribe(({ object }) => wake(object));
  for (const cache of [world.caches.issuers, world.caches.clusterIssuers]) {
    cache.subscribe(({ before, after }) => {
      const issuer = after ?? before;
      if (issuer !== undefined) wake(issuer);
    });
    world.caches.secrets.subscribe(({ before, after }) => {
      const secret = after ?? before;
      if (secret !== undefined) cache.find(BY_SECRET, objectKey(secret)).forEach(wake);
    });
  }
  return queue;
}

async function reconcile(world: World, setbacks: Map<string, Setback>, key: string): Promise<Recheck> {
  const kind = key.startsWith(`${CLUSTER_ISSUER.kind}:`) ? CLUSTER_ISSUER : ISSUER;
  const { namespace, name } = splitKey(key.slice(kind.kind.length + 1));
  for (let taken = 0; taken < STEPS_MAX; taken++) {
    const object = await world.store.get(kind, namespace, name);
    const isLeaving = object?.metadata.deletionTimestamp !== undefined;
    if (object === undefined || (isLeaving && object.metadata.finalizers?.includes(ACCOUNT_FINALIZER) !== true)) {
      setbacks.delete(key);
      world.accounts.remove(kind.kind, namespace, name);
      return undefined;
    }
    const attempt = new Attempt(world, kind, readIssuer(object));
    const outcome = await (isLeaving ? attempt.leave(setbacks.get(key)) : attempt.step(setbacks.get(key)));
    if (outcome === "again") continue;
    if (outcome === undefined) setbacks.delete(key);
    else setbacks.set(key, outcome);
    return outcome === undefined ? undefined : { afterMs: Math.max(0, outcome.notBeforeMs - world.clock.nowMs()) };
  }
  return { afterMs: REGISTER_RETRY_MS_MIN };
}

/** One look at one issuer and what follows from it. */
class Attempt {
  readonly #world: World;
  readonly #kind: Kind;
  readonly #issuer: Issuer;
  readonly #secretNamespace: string;

  constructor(world: World, kind: Kind, issuer: Issuer) {
    this.#world = world;
    this.#kind = kind;
    this.#issuer = issuer;
    this.#secretNamespace = secretNamespaceOf(world, issuer);
  }

  /** Closes the account, as the issuer asked for; a CA that is away does not keep it from being deleted for ever. */
  async leave(setback: Setback | undefined): Promise<Setback | "again"> {
    const { clock, events, log } = this.#world;
    const failures = setback?.inputs === LEAVING ? setback.failures : 0;
    if (setback?.inputs === LEAVING && clock.nowMs() < setback.notBeforeMs) return setback;
    try {
      await deactivateAccount(this.#world, this.#issuer);
    } catch (error) {
      if (!isLintelError(error)) throw error;
      const message = `Cannot close the ACME account: ${withHint(error)}`;
      events.warning(this.#issuer.object, "ErrInitIssuer", message);
      if (failures + 1 < CLOSE_ATTEMPTS_MAX) {
        return { failures: failures + 1, notBeforeMs: clock.nowMs() + retryAfterMs(error, failures), inputs: LEAVING };
      }
      log.warn("ACME account left open: the CA could not be asked", { issuer: this.#issuer.name });
    }
    await releaseAccount(this.#world, this.#kind, this.#issuer);
    return "again";
  }

  async step(setback: Setback | undefined): Promise<Setback | "again" | undefined> {
    const key = await this.#accountKey();
    const facts = await this.#facts(key);
    const decision = decide(facts);
    switch (decision.kind) {
      case "ready":
        await this.#writeReady("True", decision.reason, decision.message);
        return undefined;
      case "refuse":
        await this.#refuse(decision);
        return undefined;
      case "makeAccountKey":
        await this.#makeAccountKey();
        return "again";
      case "useAccount":
        if (typeof key === "object" && !this.#world.accounts.has(this.#issuer)) {
          const caller = this.#world.accounts.open(this.#issuer, key, decision.accountUrl);
          if (caller !== undefined) this.#world.accounts.put(this.#issuer, caller);
        }
        await this.#writeReady("True", "ACMEAccountRegistered", decision.message);
        return typeof key === "object" ? this.#rotate(key, decision.accountUrl, setback) : undefined;
      case "register":
        return typeof key === "object" ? this.#register(key, facts, setback) : undefined;
      case "verifyVault":
        return this.#verifyVault(setback);
      default:
        return decision satisfies never;
    }
  }

  async #rotate(
    key: KeyObject,
    accountUrl: string,
    setback: Setback | undefined,
  ): Promise<Setback | "again" | undefined> {
    const { clock, events } = this.#world;
    const wish = this.#issuer.object.metadata.annotations?.[ACCOUNT_ANNOTATIONS.rotateKey];
    const inputs = `rotate ${wish ?? ""}`;
    const same = setback?.inputs === inputs ? setback : undefined;
    if (same !== undefined && clock.nowMs() < same.notBeforeMs) return same;
    try {
      if (await keepAccountFinalizer(this.#world, this.#kind, this.#issuer)) return "again";
      const outcome = await rotateAccountKey(this.#world, this.#issuer, key, accountUrl);
      if (outcome === "wait") return { failures: 0, notBeforeMs: clock.nowMs() + REGISTER_RETRY_MS_MIN, inputs };
      if (outcome === "not wanted") return undefined;
      events.normal(this.#issuer.object, "AccountKeyRotated", "The ACME account has a new key");
      return "again";
    } catch (error) {
      if (!isLintelError(error)) throw error;
      const failures = same?.failures ?? 0;
      const message = `Cannot do with the ACME account what the annotations ask, so it stays as it is: ${withHint(error)}`;
      events.warning(this.#issuer.object, "ErrInitIssuer", message);
      return { failures: failures + 1, notBeforeMs: clock.nowMs() + retryAfterMs(error, failures), inputs };
    }
  }

  async #facts(key: KeyObject | "missing" | "unreadable"): Promise<IssuerFacts> {
    const { spec } = this.#issuer;
    const { accounts, clock } = this.#world;
    const server = spec.kind === "acme" ? spec.server : "";
    return {
      nowMs: clock.nowMs(),
      issuer: this.#issuer,
      secretNamespace: this.#secretNamespace,
      accountKey: typeof key === "object" ? { kind: "found", hash: hashOf(key) } : { kind: key },
      keyPair: spec.kind === "ca" ? await this.#keyPair(spec.secretName) : undefined,
      directoryUrl: spec.kind === "acme" ? accounts.directoryUrl(server) : "",
      offline: spec.kind === "acme" && accounts.isOffline(server),
      accountLost: accounts.isLost(this.#issuer),
    };
  }

  async #accountKey(): Promise<KeyObject | "missing" | "unreadable"> {
    const { spec } = this.#issuer;
    if (spec.kind !== "acme") return "missing";
    const { name, key } = spec.privateKeySecretRef;
    const secret = name === "" ? undefined : await this.#world.store.get(SECRET, this.#secretNamespace, name);
    const pem = base64At(secret?.["data"], key);
    return pem === undefined ? "missing" : (readKey(pem) ?? "unreadable");
  }

  async #keyPair(secretName: string): Promise<IssuerFacts["keyPair"]> {
    const secret = await this.#world.store.get(SECRET, this.#secretNamespace, secretName);
    if (secret === undefined) return undefined;
    const chain = base64At(secret["data"], "tls.crt");
    const key = readKey(base64At(secret["data"], "tls.key"));
    return {
      certificate: chain === undefined ? undefined : readLeaf(chain),
      keySpkiSha256: key === undefined ? undefined : spkiFingerprint(key),
    };
  }

  async #makeAccountKey(): Promise<void> {
    const { spec } = this.#issuer;
    if (spec.kind !== "acme") return;
    const { name, key } = spec.privateKeySecretRef;
    const { store } = this.#world;
    const pem = encodeKey(await generateKey({ algorithm: "RSA", size: 2048 }), "PKCS1");
    const before = await store.get(SECRET, this.#secretNamespace, name);
    const data = { ...(typeof before?.["data"] === "object" ? before["data"] : {}), [key]: toBase64(pem) };
    const fresh: KubeObject = {
      apiVersion: apiVersionOf(SECRET),
      kind: SECRET.kind,
      metadata: { name, namespace: this.#secretNamespace },
      type: "Opaque",
    };
    try {
      if (before === undefined) await store.create(SECRET, { ...fresh, data });
      else await store.update(SECRET, { ...before, data });
    } catch (error) {
      // Another issuer shares the account and was faster: its key is the key.
      if (!isLintelError(error, "AlreadyExists", "Conflict")) throw error;
    }
  }

  async #register(
    key: KeyObject,
    facts: IssuerFacts,
    setback: Setback | undefined,
  ): Promise<Setback | "again" | undefined> {
    const { spec, object } = this.#issuer;
    const { clock } = this.#world;
    const named = facts.offline ? undefined : await this.#externalAccount();
    const inputs = JSON.stringify([object.metadata.generation, hashOf(key), named, facts.directoryUrl]);
    const same = setback?.inputs === inputs ? setback : undefined;
    if (same !== undefined && clock.nowMs() < same.notBeforeMs) return same;
    if (spec.kind === "acme" && spec.externalAccount !== undefined && named === undefined && !facts.offline) {
      const { name, key: entry } = spec.externalAccount.keySecretRef;
      const message = `Secret "${this.#secretNamespace}/${name}" has no entry "${entry}" with the key of externalAccountBinding; create it`;
      await this.#refuse({ kind: "refuse", reason: "ErrRegisterACMEAccount", message });
      return undefined;
    }
    const caller = this.#world.accounts.open(this.#issuer, key, undefined);
    if (spec.kind !== "acme" || caller === undefined) return undefined;
    const externalAccount = named ?? this.#world.accounts.ownExternalAccount(spec.server);
    try {
      const { accountUrl } = await caller.register({
        contact: spec.email === "" ? [] : [`mailto:${spec.email}`],
        onlyExisting: spec.disableAccountKeyGeneration && !facts.offline,
        forgetContact: this.#issuer.status.lastRegisteredEmail !== undefined,
        ...(externalAccount === undefined ? {} : { externalAccount }),
      });
      this.#world.accounts.put(this.#issuer, caller);
      await this.#writeReady("True", "ACMEAccountRegistered", accountMessage(facts.offline), {
        uri: accountUrl,
        directory: facts.directoryUrl,
        lastPrivateKeyHash: hashOf(key),
        ...(spec.email === "" ? {} : { lastRegisteredEmail: spec.email }),
      });
      if (facts.offline) {
        const message = `${this.#issuer.kind} "${this.#issuer.name}" is answered by the embedded CA because of --offline`;
        this.#world.events.normal(object, "AnsweredOffline", message);
      }
      return undefined;
    } catch (error) {
      if (!isLintelError(error)) throw error;
      caller.close();
      const failures = same?.failures ?? 0;
      const notBeforeMs = clock.nowMs() + retryAfterMs(error, failures);
      const why = error instanceof AcmeError ? explainProblem(error.problem, undefined) : withHint(error);
      const message = `Cannot register an ACME account with "${spec.server}": ${why}`;
      await this.#refuse({ kind: "refuse", reason: "ErrRegisterACMEAccount", message });
      return { failures: failures + 1, notBeforeMs, inputs };
    }
  }

  async #verifyVault(setback: Setback | undefined): Promise<Setback | undefined> {
    const { spec, object } = this.#issuer;
    if (spec.kind !== "vault") return undefined;
    const secrets = vaultSecretNames(spec.vault).map(
      (name) => this.#world.caches.secrets.get(this.#secretNamespace, name)?.metadata.resourceVersion,
    );
    const inputs = JSON.stringify([object.metadata.generation, secrets]);
    const same = setback?.inputs === inputs ? setback : undefined;
    if (same !== undefined && this.#world.clock.nowMs() < same.notBeforeMs) return same;
    try {
      await verifyVault(this.#world, this.#issuer, spec.vault);
      await this.#writeReady("True", "VaultVerified", "Vault verified");
      return undefined;
    } catch (error) {
      if (!isLintelError(error)) throw error;
      const failures = same?.failures ?? 0;
      const notBeforeMs = this.#world.clock.nowMs() + retryAfterMs(error, failures);
      await this.#refuse({ kind: "refuse", reason: "VaultError", message: withHint(error) });
      return { failures: failures + 1, notBeforeMs, inputs };
    }
  }

  async #externalAccount(): Promise<{ kid: string; hmacKey: string } | undefined> {
    const { spec } = this.#issuer;
    if (spec.kind !== "acme" || spec.externalAccount === undefined) return undefined;
    const { keyId, keySecretRef } = spec.externalAccount;
    const secret = await this.#world.store.get(SECRET, this.#secretNamespace, keySecretRef.name);
    const hmacKey = base64At(secret?.["data"], keySecretRef.key);
    return hmacKey === undefined ? undefined : { kid: keyId, hmacKey: hmacKey.trim() };
  }

  async #refuse(decision: Extract<IssuerDecision, { kind: "refuse" }>): Promise<void> {
    this.#world.accounts.remove(this.#kind.kind, this.#issuer.namespace, this.#issuer.name);
    this.#world.events.warning(this.#issuer.object, "ErrInitIssuer", `Error initializing issuer: ${decision.message}`);
    await this.#writeReady("False", decision.reason, decision.message);
  }

  async #writeReady(
    status: "True" | "False",
    reason: IssuerReason,
    message: string,
    acme?: StatusFields,
  ): Promise<void> {
    const { generation } = this.#issuer.object.metadata;
    const observed = generation === undefined ? {} : { observedGeneration: generation };
    const nowMs = this.#world.clock.nowMs();
    await writeStatus(this.#world.store, this.#kind, this.#issuer.object, (before) => ({
      ...before,
      ...(acme === undefined ? {} : { acme }),
      conditions: withCondition(conditionsOf(before), { type: "Ready", status, reason, message, ...observed }, nowMs),
    }));
  }
}

function hashOf(key: KeyObject): string {
  return createHash("sha256").update(spkiFingerprint(key)).digest("base64");
}

function withHint(error: unknown): string {
  const hint = error instanceof Error && isLintelError(error) ? error.hint : undefined;
  return hint === undefined ? messageOf(error) : `${messageOf(error)}. ${hint}`;
}

function retryAfterMs(error: unknown, failuresBefore: number): number {
  const asked = error instanceof AcmeError ? error.problem.retryAfterMs : undefined;
  // What a person must change wakes the issuer when it is changed; until then the CA says the same again.
  const isRefusal = error instanceof AcmeError && !isTemporary(error.problem);
  const [firstMs, longestMs] = isRefusal
    ? [REFUSED_RETRY_MS_MIN, REFUSED_RETRY_MS_MAX]
    : [REGISTER_RETRY_MS_MIN, REGISTER_RETRY_MS_MAX];
  const backoffMs = Math.min(longestMs, firstMs * 2 ** Math.min(failuresBefore, 10));
  return Math.max(asked ?? 0, backoffMs);
}
