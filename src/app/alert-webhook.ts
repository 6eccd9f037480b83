import type { CertificateAlert } from "../control/alerts/reconcile.ts";
import type { Clock } from "../ground/clock.ts";
import { messageOf } from "../ground/errors.ts";
import type { Logger } from "../ground/log.ts";
import { rfc3339 } from "../resource/condition.ts";

/** Alerts that wait to be posted; beyond it the oldest is dropped with a log line. */
export const WAITING_MAX = 256;
/** Attempts at one alert, and the first wait between them; it doubles. */
export const ATTEMPTS_MAX = 6;
const RETRY_MS_MIN = 1000;
/** One attempt. */
const POST_MS_MAX = 10_000;

/** How an {@link AlertWebhook} works. */
export interface AlertWebhookOptions {
  /** http or https; may hold a secret, so it is never logged. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Names this instance in what is posted. */
  readonly instance: string;
}

/**
 * Posts alerts about certificates as JSON, one after the other, in the background: whoever sends never waits and never
 * fails. An answer of 2xx takes an alert; anything else is tried again, {@link ATTEMPTS_MAX} times in all. Redirects are not followed.
 */
export class AlertWebhook {
  readonly #options: AlertWebhookOptions;
  readonly #waiting: CertificateAlert[] = [];
  readonly #closing = new AbortController();
  readonly #counts = { delivered: 0, failed: 0 };
  #posting: Promise<void> | undefined;

  constructor(options: AlertWebhookOptions) {
    this.#options = options;
  }

  /** Alerts that were taken, and those that were given up, since the start. */
  get counts(): { readonly delivered: number; readonly failed: number } {
    return { ...this.#counts };
  }

  send(alert: CertificateAlert): void {
    if (this.#closing.signal.aborted) return;
    if (this.#waiting.length >= WAITING_MAX) {
      this.#waiting.shift();
      this.#counts.failed += 1;
      this.#options.log.warn("Alert dropped: too many wait to be posted", { limit: WAITING_MAX });
    }
    this.#waiting.push(alert);
    this.#posting ??= this.#postAll().finally(() => {
      this.#posting = undefined;
    });
  }

  /** Stops; what waits is not posted any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#waiting.length = 0;
    await this.#posting;
  }

  async #postAll(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const isDelivered = await this.#deliver(next);
      this.#counts[isDelivered ? "delivered" : "failed"] += 1;
    }
  }

  async #deliver(alert: CertificateAlert): Promise<boolean> {
    const { clock, log } = this.#options;
    const body = JSON.stringify(this.#payload(alert));
    for (let attempt = 1; !this.#closing.signal.aborted; attempt++) {
      const problem = await this.#post(body);
      if (problem === undefined) return true;
      const fields = { kind: alert.kind, attempt, problem };
      if (attempt >= ATTEMPTS_MAX) {
        log.error("Alert given up: the webhook does not take it", fields);
        return false;
      }
      log.warn("Alert not taken by the webhook; trying again", fields);
      const wait = clock.sleep(RETRY_MS_MIN * 2 ** (attempt - 1), { signal: this.#closing.signal });
      await wait.catch(() => undefined);
    }
    return false;
  }

  async #post(body: string): Promise<string | undefined> {
    const patience = new AbortController();
    const timer = this.#options.clock.timer(POST_MS_MAX, () => patience.abort());
    try {
      const answer = await fetch(this.#options.url, {
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": "lintel" },
        body,
        redirect: "manual",
        signal: AbortSignal.any([this.#closing.signal, patience.signal]),
      });
      await answer.body?.cancel();
      return answer.ok ? undefined : `it answers with status ${answer.status}`;
    } catch (error) {
      if (patience.signal.aborted) return `no answer within ${POST_MS_MAX / 1000} seconds`;
      // Fetch names the URL in some of its messages.
      return messageOf(error).replaceAll(this.#options.url, "the webhook");
    } finally {
      timer.cancel();
    }
  }

  #payload({ id, kind, message, certificate }: CertificateAlert): Readonly<Record<string, unknown>> {
    const { spec, status, namespace, name } = certificate;
    return {
      version: 1,
      id,
      kind,
      message,
      instance: this.#options.instance,
      sentAt: rfc3339(this.#options.clock.nowMs()),
      certificate: {
        namespace,
        name,
        names: [...spec.dnsNames, ...spec.ipAddresses],
        issuer: `${spec.issuerRef.kind}/${spec.issuerRef.name}`,
        notAfter: moment(status.notAfterMs),
        renewalTime: moment(status.renewalTimeMs),
        lastFailureTime: moment(status.lastFailureTimeMs),
        failedAttempts: status.failedIssuanceAttempts,
      },
    };
  }
}

function moment(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : rfc3339(ms);
}
