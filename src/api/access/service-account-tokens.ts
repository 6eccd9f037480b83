import { createPublicKey, randomUUID, sign, verify, type KeyObject } from "node:crypto";
import type { Clock } from "../../ground/clock.ts";
import { isRecord, numberAt, recordAt, stringAt, stringsAt } from "../../ground/json.ts";
import { SERVICE_ACCOUNT } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import type { Store } from "../../store/contract.ts";
import { serviceAccountIdentity, type Identity } from "./identity.ts";

/** Who issues the tokens, and whom they are for unless they say otherwise. */
export const ISSUER = "https://kubernetes.default.svc.cluster.local";
/** Longer texts are no tokens of ours. */
const TOKEN_LENGTH_MAX = 8_192;
/** RFC 7518 section 3.4: the two halves of an ECDSA signature side by side. */
const ALGORITHM = "ES256";

/** A token and when it ends. */
export interface IssuedToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

/**
 * JSON Web Tokens (RFC 7519) of ServiceAccounts, signed with the instance's own P-256 key. A token ends with its time, with its
 * ServiceAccount, and when the ServiceAccount is another of the same name.
 */
export class ServiceAccountTokens {
  readonly #key: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(options: { readonly key: KeyObject; readonly store: Store; readonly clock: Clock }) {
    this.#key = options.key;
    this.#publicKey = createPublicKey(options.key);
    this.#store = options.store;
    this.#clock = options.clock;
  }

  /** Returns a token of `account`. `audiences` empty: for this API. */
  issue(account: KubeObject, audiences: readonly string[], seconds: number): IssuedToken {
    const now = Math.floor(this.#clock.nowMs() / 1000);
    const { namespace = "", name, uid = "" } = account.metadata;
    const claims = {
      aud: audiences.length === 0 ? [ISSUER] : audiences,
      exp: now + seconds,
      iat: now,
      iss: ISSUER,
      jti: randomUUID(),
      "kubernetes.io": { namespace, serviceaccount: { name, uid } },
      nbf: now,
      sub: serviceAccountIdentity(namespace, name).username,
    };
    const body = `${encode({ alg: ALGORITHM, typ: "JWT" })}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(body), { key: this.#key, dsaEncoding: "ieee-p1363" });
    return { token: `${body}.${signature.toString("base64url")}`, expiresAtMs: (now + seconds) * 1000 };
  }

  /** Returns who has `token`, or undefined when it is none, has ended, or is for none of `audiences`. */
  async identify(token: string, audiences: readonly string[] = [ISSUER]): Promise<Identity | undefined> {
    const claims = this.#provenClaims(token);
    if (claims === undefined || stringAt(claims, "iss") !== ISSUER) return undefined;
    const now = this.#clock.nowMs() / 1000;
    const isTimely = (numberAt(claims, "exp") ?? 0) > now && (numberAt(claims, "nbf") ?? Infinity) <= now + 1;
    if (!isTimely || !stringsAt(claims, "aud").some((audience) => audiences.includes(audience))) return undefined;
    const about = recordAt(claims, "kubernetes.io");
    const namespace = stringAt(about, "namespace") ?? "";
    const name = stringAt(about["serviceaccount"], "name") ?? "";
    const uid = stringAt(about["serviceaccount"], "uid") ?? "";
    const account = await this.#store.get(SERVICE_ACCOUNT, namespace, name);
    if (account?.metadata.uid !== uid || account.metadata.deletionTimestamp !== undefined) return undefined;
    return serviceAccountIdentity(namespace, name, uid);
  }

  #provenClaims(token: string): Readonly<Record<string, unknown>> | undefined {
    const parts = token.split(".");
    const [header = "", claims = "", signature = ""] = parts;
    if (parts.length !== 3 || token.length > TOKEN_LENGTH_MAX) return undefined;
    // The algorithm is fixed: a token may not choose by which one it is checked.
    if (stringAt(decode(header), "alg") !== ALGORITHM) return undefined;
    const key = { key: this.#publicKey, dsaEncoding: "ieee-p1363" } as const;
    const isProven = verify("sha256", Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url"));
    const value = isProven ? decode(claims) : undefined;
    return isRecord(value) ? value : undefined;
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
