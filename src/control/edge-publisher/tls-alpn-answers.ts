import { tlsAlpnCertificate } from "../../acme/tls-alpn-certificate.ts";
import type { Clock } from "../../ground/clock.ts";
import { messageOf } from "../../ground/errors.ts";
import type { Logger } from "../../ground/log.ts";
import type { ChallengeCertificate, HttpChallenge } from "../../routing/snapshot.ts";

/**
 * The certificates that answer TLS-ALPN-01 challenges, made once for each challenge and forgotten with it. As many as there
 * are challenges that wait. A new process makes new ones, which prove the same.
 */
export class TlsAlpnAnswers {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onReady: () => void;
  readonly #certificates = new Map<string, ChallengeCertificate>();
  readonly #underway = new Set<string>();

  constructor(options: { readonly clock: Clock; readonly log: Logger; readonly onReady: () => void }) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#onReady = options.onReady;
  }

  /** Whether a certificate is being made. */
  get busy(): boolean {
    return this.#underway.size > 0;
  }

  /** Returns the answers whose certificates are there, and begins to make the others. */
  answers(wanted: readonly HttpChallenge[]): readonly HttpChallenge[] {
    const keys = new Set(wanted.map((challenge) => challenge.keyAuthorization));
    for (const key of this.#certificates.keys()) if (!keys.has(key)) this.#certificates.delete(key);
    return wanted.flatMap((challenge) => {
      const tlsAlpn = this.#certificates.get(challenge.keyAuthorization);
      if (tlsAlpn !== undefined) return [{ ...challenge, tlsAlpn }];
      void this.#make(challenge);
      return [];
    });
  }

  async #make({ host, keyAuthorization }: HttpChallenge): Promise<void> {
    if (this.#underway.has(keyAuthorization)) return;
    this.#underway.add(keyAuthorization);
    try {
      this.#certificates.set(keyAuthorization, await tlsAlpnCertificate(host, keyAuthorization, this.#clock.nowMs()));
    } catch (error) {
      this.#log.error("Cannot make a challenge certificate", { host, error: messageOf(error) });
    } finally {
      this.#underway.delete(keyAuthorization);
    }
    this.#onReady();
  }
}
