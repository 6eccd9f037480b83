import { type AcmeOrder, nextStep, type OpenChallenge, type OrderEvent } from "../order.ts";
import { keyAuthorization } from "../key-authorization.ts";
import { shortType } from "../wire.ts";
import type { AcmeClient } from "./acme-client.ts";
import { AcmeError, isTemporary } from "./acme-error.ts";

/** What a step may need from outside. */
export interface DriveOptions {
  readonly nowMs: () => number;
  /** PKCS#10 in PEM; asked for when the order is ready. */
  readonly csr: () => Promise<string>;
  /** Resolves once the challenge is answered wherever the CA may look. The CA is told after that. */
  readonly present: (challenge: OpenChallenge, keyAuthorization: string) => Promise<void>;
  /** @default the CA's own choice */
  readonly preferredChain?: string | undefined;
}

/**
 * The order machine's driver for tests. The controllers perform the same steps in `src/control/orders/` and
 * `src/control/challenges/`, with Order and Challenge objects as their memory; this one does not imitate those.
 *
 * Performs the next step of `order` and returns what happened, for `advance`; undefined when nothing is left to do. A
 * step of kind poll is performed whenever this is called: wait until its `atMs` before. A refusal that trying again
 * cannot help is an event; failures that may pass are thrown (Unreachable, or an AcmeError with the wait the CA asks
 * for) and the order stays as it was. Every step may be repeated after a crash.
 */
export async function driveStep(
  client: AcmeClient,
  order: AcmeOrder,
  options: DriveOptions,
): Promise<OrderEvent | undefined> {
  try {
    return await perform(client, order, options);
  } catch (error) {
    if (error instanceof AcmeError && !isTemporary(error.problem)) return { kind: "refused", problem: error.problem };
    throw error;
  }
}

async function perform(client: AcmeClient, order: AcmeOrder, options: DriveOptions): Promise<OrderEvent | undefined> {
  const step = nextStep(order, options.nowMs());
  switch (step.kind) {
    case "createOrder":
      return order.state === "new" ? seen(await client.newOrder(order), options) : undefined;
    case "fetchAuthorizations":
      return authorizationsSeen(client, step.urls, options);
    case "awaitChallenges":
      return answer(client, step.challenges, options);
    case "poll":
      return poll(client, order, options);
    case "finalize":
      return order.state === "ready" ? finalize(client, order, options) : undefined;
    case "download": {
      const chain = await client.certificate(step.url, { preferredChain: options.preferredChain });
      return { kind: "downloaded", chain };
    }
    case "done":
      return undefined;
    case "failed":
      return order.state === "invalid" ? undefined : { kind: "refused", problem: step.problem };
    default:
      return step satisfies never;
  }
}

async function answer(
  client: AcmeClient,
  challenges: readonly OpenChallenge[],
  options: DriveOptions,
): Promise<OrderEvent> {
  const thumbprint = client.thumbprint();
  await Promise.all(
    challenges.map((challenge) => options.present(challenge, keyAuthorization(challenge.token, thumbprint))),
  );
  try {
    await Promise.all(challenges.map((challenge) => client.accept(challenge.url)));
  } catch (error) {
    // Accepted before a crash that kept it from being written down: some CAs refuse a second time.
    const urls = challenges.map((challenge) => challenge.authorizationUrl);
    const event = await authorizationsSeen(client, urls, options);
    if (!isUnderway(event)) throw error;
    return event;
  }
  return {
    kind: "challengesAccepted",
    urls: challenges.map((challenge) => challenge.url),
    nowMs: options.nowMs(),
  };
}

function isUnderway(event: OrderEvent): boolean {
  return (
    event.kind === "authorizationsSeen" &&
    event.authorizations.every(
      ({ status, challenges }) =>
        status !== "pending" || challenges.some((challenge) => challenge.status === "processing"),
    )
  );
}

async function poll(client: AcmeClient, order: AcmeOrder, options: DriveOptions): Promise<OrderEvent | undefined> {
  if (order.state === "processing") return seen(await client.order(order.url), options);
  if (order.state !== "pending") return undefined;
  const open = order.authorizations.filter((authorization) => authorization.status === "pending");
  const event = await authorizationsSeen(
    client,
    open.map((authorization) => authorization.url),
    options,
  );
  const settled = event.kind === "authorizationsSeen" && event.authorizations.every(({ status }) => status === "valid");
  return settled ? seen(await client.order(order.url), options) : event;
}

async function authorizationsSeen(
  client: AcmeClient,
  urls: readonly string[],
  options: DriveOptions,
): Promise<OrderEvent> {
  const authorizations = await Promise.all(urls.map((url) => client.authorization(url)));
  return { kind: "authorizationsSeen", authorizations, nowMs: options.nowMs() };
}

async function finalize(
  client: AcmeClient,
  order: Extract<AcmeOrder, { state: "ready" }>,
  options: DriveOptions,
): Promise<OrderEvent> {
  try {
    return seen({ ...(await client.finalize(order.finalizeUrl, await options.csr())), url: order.url }, options);
  } catch (error) {
    // Finalized before a crash that kept it from being written down: the order itself knows how far it is.
    if (error instanceof AcmeError && shortType(error.problem) === "orderNotReady") {
      return seen(await client.order(order.url), options);
    }
    throw error;
  }
}

function seen(order: Extract<OrderEvent, { kind: "orderSeen" }>["order"], options: DriveOptions): OrderEvent {
  return { kind: "orderSeen", order, nowMs: options.nowMs() };
}
