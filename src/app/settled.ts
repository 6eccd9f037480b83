import { conditionsOf } from "../resource/condition.ts";
import { parseIngress } from "../resource/ingress.ts";
import { CERTIFICATE, INGRESS } from "../resource/kind.ts";
import type { Snapshot } from "../routing/snapshot.ts";
import type { Store } from "../store/contract.ts";
import { tlsOf } from "./instance-summary.ts";

/** Returns whether every Certificate has an answer and TLS of every host of an Ingress is served with its own certificate, or by its endpoints. */
export async function isSettled(store: Store, snapshot: Snapshot | undefined): Promise<boolean> {
  const certificates = (await store.list(CERTIFICATE)).items;
  const isPending = certificates.some((certificate) => {
    const ready = conditionsOf(certificate["status"]).find((condition) => condition.type === "Ready");
    return ready?.status !== "True";
  });
  if (isPending) return false;
  const ingresses = (await store.list(INGRESS)).items.map(parseIngress);
  const hosts = ingresses.flatMap((ingress) => ingress.tls.flatMap((tls) => tls.hosts));
  return hosts.every((host) => snapshot !== undefined && AS_WANTED.has(tlsOf(snapshot, host)));
}

const AS_WANTED: ReadonlySet<string> = new Set(["valid", "passthrough"]);
