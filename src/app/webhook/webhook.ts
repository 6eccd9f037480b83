import { messageOf } from "../../ground/errors.ts";
import type { Logger } from "../../ground/log.ts";
import { AdmissionServer, type ServingPair } from "./admission-server.ts";
import type { ReviewFacts } from "./review.ts";
import { readWebhookPair, tendWebhookCertificate, type WebhookPlace } from "./webhook-certificate.ts";

/** How often the certificate is looked at; while there is none, more often. */
const LOOK_EVERY_MS = 60_000;
const LOOK_SOON_MS = 2_000;

/** What the webhook is made from. */
export interface WebhookOptions {
  readonly place: WebhookPlace;
  readonly port: number;
  readonly log: Logger;
  readonly facts: ReviewFacts;
  /** Whether this replica writes, and so looks after the certificate. */
  readonly leads: () => boolean;
  /** Told once reviews are answered. */
  readonly onServing: () => void;
}

/**
 * Serves the admission webhook until `signal` aborts. Whatever fails is logged and tried again: nothing depends on the
 * webhook, and the API server goes on without it.
 */
export async function serveWebhook(options: WebhookOptions, signal: AbortSignal): Promise<void> {
  const { place, log } = options;
  let server: AdmissionServer | undefined;
  let used: ServingPair | undefined;
  while (!signal.aborted) {
    try {
      server ??= await AdmissionServer.open(options);
      if (options.leads()) await tendWebhookCertificate(place);
      const pair = await readWebhookPair(place);
      if (pair !== undefined && pair.certificate !== used?.certificate) {
        server.use(pair);
        if (used === undefined) options.onServing();
        used = pair;
      }
    } catch (error) {
      log.warn("Cannot serve the admission webhook as wanted; it is tried again", { error: messageOf(error) });
    }
    await place.clock.sleep(used === undefined ? LOOK_SOON_MS : LOOK_EVERY_MS, { signal }).catch(() => undefined);
  }
  await server?.close();
}
