import { stringAt } from "../ground/json.ts";
import { isLintelError } from "../ground/errors.ts";
import { LEASE } from "../resource/kind.ts";
import type { Store } from "../store/contract.ts";

/** Where cert-manager's controller holds its Lease unless it was told otherwise, and where some charts put it. */
const PLACES = ["kube-system", "cert-manager"] as const;
const CERT_MANAGER_LEASE = "cert-manager-controller";
/** A holder that has not renewed for so long is gone, however far the clocks of the machines are apart. */
const SILENT_MS_MAX = 120_000;

/**
 * Returns the name of another program that manages certificates here: cert-manager, seen by the Lease that its
 * controller holds. A Lease that was given back, or not renewed for two minutes, does not count. Where we may not look,
 * nobody does.
 */
export async function othersAtWork(store: Pick<Store, "get">, nowMs: number): Promise<string | undefined> {
  for (const namespace of PLACES) {
    try {
      const lease = await store.get(LEASE, namespace, CERT_MANAGER_LEASE);
      const holder = stringAt(lease?.["spec"], "holderIdentity") ?? "";
      const silentMs = nowMs - Date.parse(stringAt(lease?.["spec"], "renewTime") ?? "");
      if (holder !== "" && silentMs < SILENT_MS_MAX) return "cert-manager";
    } catch (error) {
      if (!isLintelError(error, "Forbidden")) throw error;
    }
  }
  return undefined;
}
