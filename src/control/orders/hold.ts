import { limitedOrder, limitsFor } from "../acme-limits/limited-order.ts";
import { CERTIFICATE_ANNOTATIONS } from "../../resource/certificate.ts";
import { rfc3339 } from "../../resource/condition.ts";
import type { Issuer } from "../../resource/issuer.ts";
import type { Order } from "../../resource/order.ts";
import type { AcmeCaller } from "../acme-accounts.ts";
import { holdMs, holdSentence, type Hold } from "../preflight/decide.ts";
import type { CaToAsk, NameToCheck } from "../preflight/preflight.ts";
import type { World } from "../world.ts";
import { identifiersOf } from "./decide.ts";
import { CHALLENGE_OF_SOLVER, chooseSolver } from "./solver.ts";

/** Why the CA is not asked for an order yet, and when to look again. */
export interface OrderHold {
  readonly event: "PreflightFailed" | "LimitReached";
  readonly reason: string;
  readonly afterMs: number;
}

/** Longest wait between two looks at a limit: the time may be corrected, or the issuer. */
const LIMIT_LOOK_MS_MAX: number = 3_600_000;

/**
 * Returns why `order` should not be made at the CA now: a limit that is used up, or something that the CA would find too.
 * `hold` is how long it was held back already. Undefined: it may be made.
 */
export async function holdOrder(
  world: World,
  order: Order,
  issuer: Issuer,
  caller: AcmeCaller,
  hold: Hold,
  signal: AbortSignal,
): Promise<OrderHold | undefined> {
  const limited = limitHold(world, order);
  if (limited !== undefined) return limited;
  const ca = await caToAsk(world, issuer, caller);
  if (ca === undefined) return undefined;
  const finding = await world.preflight.beforeOrder(ca, namesToCheck(order, issuer), signal);
  const afterMs = finding === undefined ? undefined : holdMs(finding, hold, world.clock.nowMs());
  if (finding === undefined || afterMs === undefined) return undefined;
  return { event: "PreflightFailed", reason: holdSentence(finding, hold), afterMs };
}

/** Notes in the limits that the CA took `order`. */
export function noteOrdered(world: World, order: Order): void {
  const found = limitsFor(world, order.spec.issuerRef, order.namespace);
  if (found !== undefined)
    world.limits.noteOrder(found.limits, limitedOf(world, order, found.account), world.clock.nowMs());
}

function limitHold(world: World, order: Order): OrderHold | undefined {
  const found = limitsFor(world, order.spec.issuerRef, order.namespace);
  if (found === undefined) return undefined;
  const nowMs = world.clock.nowMs();
  const used = world.limits.usedUp(found.limits, limitedOf(world, order, found.account), nowMs);
  if (used === undefined) return undefined;
  return {
    event: "LimitReached",
    reason: `${used.sentence}: the CA is asked again at ${rfc3339(used.atMs)}`,
    afterMs: Math.min(LIMIT_LOOK_MS_MAX, used.atMs - nowMs),
  };
}

function limitedOf(world: World, order: Order, account: string): ReturnType<typeof limitedOrder> {
  const name = order.object.metadata.annotations?.[CERTIFICATE_ANNOTATIONS.certificateName];
  return limitedOrder(account, {
    names: identifiersOf(order).map(({ value }) => value),
    certificate: name === undefined ? undefined : world.caches.certificates.get(order.namespace, name),
    replaces: order.spec.replaces !== undefined,
  });
}

async function caToAsk(world: World, issuer: Issuer, caller: AcmeCaller): Promise<CaToAsk | undefined> {
  if (issuer.spec.kind !== "acme") return undefined;
  const { caaIdentities } = await caller.directory();
  return {
    directoryUrl: world.accounts.directoryUrl(issuer.spec.server),
    caaIdentities,
    accountUrl: issuer.status.acmeUri,
  };
}

function namesToCheck(order: Order, issuer: Issuer): readonly NameToCheck[] {
  const solvers = issuer.spec.kind === "acme" ? issuer.spec.solvers : [];
  const labels = order.object.metadata.labels ?? {};
  return identifiersOf(order).flatMap(({ value }) => {
    const wildcard = value.startsWith("*.");
    const name = wildcard ? value.slice(2) : value;
    const choice = chooseSolver(solvers, { name, wildcard, labels });
    return choice.kind === "none" ? [] : [{ name, wildcard, method: CHALLENGE_OF_SOLVER[choice.kind] }];
  });
}
