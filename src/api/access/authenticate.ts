import { createHash, timingSafeEqual } from "node:crypto";
import { TLSSocket } from "node:tls";
import type { Socket } from "node:net";
import type { Clock } from "../../ground/clock.ts";
import { unauthorized } from "../status.ts";
import { ADMIN, AUTHENTICATED, type Identity } from "./identity.ts";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";

/** Finds out who sends requests: by the token of the instance, by a client certificate, or by a token of a ServiceAccount. */
export class Authenticator {
  readonly #digest: Buffer;
  readonly #tokens: ServiceAccountTokens | undefined;
  readonly #clock: Clock;

  constructor(options: {
    readonly token: string;
    readonly tokens: ServiceAccountTokens | undefined;
    readonly clock: Clock;
  }) {
    this.#digest = digestOf(options.token);
    this.#tokens = options.tokens;
    this.#clock = options.clock;
  }

  /**
   * Returns who sent a request. A certificate comes before a token, as on a real server. Throws Unauthorized when there is
   * neither, or one that is not right.
   */
  async identify(authorization: string | undefined, socket: Socket): Promise<Identity> {
    const certified = this.#certified(socket);
    if (certified !== undefined) return certified;
    const token = bearerToken(authorization);
    if (token === undefined) throw unauthorized();
    if (this.#isInstanceToken(token)) return ADMIN;
    const identity = await this.#tokens?.identify(token);
    if (identity === undefined) throw unauthorized();
    return identity;
  }

  /** Takes the same time for any token but the right one. */
  #isInstanceToken(token: string): boolean {
    return timingSafeEqual(digestOf(token), this.#digest);
  }

  /** Who a client certificate names: CN the user, each O a group. One that is not of the client authority is refused. */
  #certified(socket: Socket): Identity | undefined {
    if (!(socket instanceof TLSSocket)) return undefined;
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return undefined;
    const isTimely = certificate.validToDate.getTime() > this.#clock.nowMs();
    const { CN: name, O: organizations } = socket.getPeerCertificate().subject;
    const username = Array.isArray(name) ? name[0] : name;
    if (!socket.authorized || !isTimely || username === undefined || username === "") throw unauthorized();
    const groups = organizations === undefined ? [] : [organizations].flat();
    return { username, groups: [...new Set([...groups, AUTHENTICATED])] };
  }
}

/** Returns the token of an Authorization header (RFC 6750 section 2.1). */
function bearerToken(header: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(header ?? "")?.[1];
}

/** Digests have one length, so that comparing them tells nothing about the length of the token either. */
function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
