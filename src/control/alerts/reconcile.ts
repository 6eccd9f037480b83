import { readCertificate, type Certificate } from "../../resource/certificate.ts";
import { objectKey } from "../../resource/object.ts";
import { splitKey } from "../object-name.ts";
import { WorkQueue, type Recheck } from "../work-queue.ts";
import type { World } from "../world.ts";
import { alertsFor, recovery, type Alert } from "./decide.ts";

/** Certificates whose alerts are remembered; one that is forgotten may be told of once more. */
const REMEMBERED_MAX = 20_000;

/** An alert on its way to people. */
export interface CertificateAlert extends Alert {
  readonly certificate: Certificate;
}

/** Tells people about certificates that fail or near their end: by Events, and by `world.onAlert`. Keys are those of Certificates. */
export function openAlerts(world: World): WorkQueue {
  const told = new Map<string, ReadonlySet<string>>();
  const queue = new WorkQueue({ ...world, name: "alerts", reconcile: (key) => reconcile(world, told, key) });
  world.caches.certificates.subscribe(({ before, after }) => {
    if (after !== undefined) queue.add(objectKey(after));
    else if (before !== undefined) told.delete(before.metadata.uid ?? "");
  });
  return queue;
}

async function reconcile(world: World, told: Map<string, ReadonlySet<string>>, key: string): Promise<Recheck> {
  const { namespace, name } = splitKey(key);
  const object = world.caches.certificates.get(namespace, name);
  if (object === undefined || object.metadata.deletionTimestamp !== undefined) return undefined;
  const certificate = readCertificate(object);
  const uid = object.metadata.uid ?? "";
  const nowMs = world.clock.nowMs();
  const { alerts, nextAtMs } = alertsFor(certificate, nowMs);
  const before = told.get(uid);
  for (const alert of alerts) if (before?.has(alert.id) !== true) tell(world, certificate, alert);
  if (alerts.length > 0) remember(told, uid, alerts);
  else if (before !== undefined) {
    told.delete(uid);
    world.onAlert({ ...recovery(certificate), certificate });
  }
  return nextAtMs === undefined ? undefined : { afterMs: nextAtMs - nowMs };
}

function tell(world: World, certificate: Certificate, alert: Alert): void {
  world.onAlert({ ...alert, certificate });
  // An attempt that failed has its Event already.
  if (alert.kind === "RenewalOverdue" || alert.kind === "ExpiresSoon" || alert.kind === "Expired") {
    world.events.warning(certificate.object, alert.kind, alert.message);
  }
}

function remember(told: Map<string, ReadonlySet<string>>, uid: string, alerts: readonly Alert[]): void {
  told.delete(uid);
  told.set(uid, new Set(alerts.map((alert) => alert.id)));
  for (const oldest of told.keys()) {
    if (told.size <= REMEMBERED_MAX) break;
    told.delete(oldest);
  }
}
