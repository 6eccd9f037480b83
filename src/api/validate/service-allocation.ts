import { arrayAt, numberAt, stringAt } from "../../ground/json.ts";
import { SERVICE } from "../../resource/kind.ts";
import type { Store } from "../../store/contract.ts";
import type { ServiceAllocation } from "./service-defaults.ts";

/** Reads from the Services there are which addresses and node ports are in use. */
export async function readServiceAllocation(store: Store): Promise<ServiceAllocation> {
  const { items } = await store.list(SERVICE);
  const addresses = new Set(items.flatMap((item) => arrayAt(item["spec"], "clusterIPs").map(String)));
  for (const item of items) addresses.add(stringAt(item["spec"], "clusterIP") ?? "");
  const ports = new Set(
    items.flatMap((item) => arrayAt(item["spec"], "ports").map((port) => numberAt(port, "nodePort"))),
  );
  return {
    isAddressTaken: (address) => addresses.has(address),
    isNodePortTaken: (port) => ports.has(port),
  };
}
