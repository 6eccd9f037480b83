import { arrayAt, jsonEqual, recordAt } from "../../ground/json.ts";
import { INGRESS } from "../../resource/kind.ts";
import { objectKey, type KubeObject } from "../../resource/object.ts";
import { splitKey } from "../object-name.ts";
import { writeStatus } from "../status-writer.ts";
import { WorkQueue } from "../work-queue.ts";
import type { World } from "../world.ts";

/** Where clients reach the edge: an entry of `Ingress.status.loadBalancer.ingress`. */
export interface EdgeAddress {
  readonly ip?: string;
  readonly hostname?: string;
}

/** Writes the edge's addresses into the status of the Ingresses it serves, and out of those it stopped serving. */
export class IngressStatus {
  readonly queue: WorkQueue;
  readonly #world: Omit<World, "live" | "accounts" | "doubts">;
  #addresses: readonly EdgeAddress[];
  /** What we wrote before the addresses changed, and what is ours to take away. */
  readonly #former = new Set<string>();
  #served: ReadonlySet<string> = new Set();

  constructor(world: Omit<World, "live" | "accounts" | "doubts">, addresses: readonly EdgeAddress[]) {
    this.#world = world;
    this.#addresses = addresses;
    this.queue = new WorkQueue({
      ...world,
      name: "ingress-status",
      reconcile: async (key) => {
        await this.#reconcile(key);
        return undefined;
      },
    });
  }

  /** Returns whether that is a change; the next `update` writes it. */
  setAddresses(addresses: readonly EdgeAddress[]): boolean {
    if (jsonEqual(addresses, this.#addresses)) return false;
    this.#former.add(JSON.stringify(this.#addresses));
    this.#addresses = addresses;
    return true;
  }

  /** Takes the Ingresses that the newest translation serves, all of them. */
  update(served: readonly KubeObject[]): void {
    const before = this.#served;
    this.#served = new Set(served.map(objectKey));
    for (const ingress of served)
      if (!jsonEqual(addressesOf(ingress), this.#addresses)) this.queue.add(objectKey(ingress));
    for (const key of before) if (!this.#served.has(key)) this.queue.add(key);
  }

  async #reconcile(key: string): Promise<void> {
    const { namespace, name } = splitKey(key);
    const ingress = await this.#world.store.get(INGRESS, namespace, name);
    if (ingress === undefined) return;
    const wanted = this.#served.has(key) ? this.#addresses : [];
    // Another controller may have taken over: what isn't ours stays.
    if (wanted.length === 0 && !this.#isOurs(addressesOf(ingress))) return;
    await writeStatus(this.#world.store, INGRESS, ingress, (status) => ({
      ...status,
      loadBalancer: wanted.length === 0 ? {} : { ingress: wanted },
    }));
  }

  #isOurs(addresses: readonly unknown[]): boolean {
    return jsonEqual(addresses, this.#addresses) || this.#former.has(JSON.stringify(addresses));
  }
}

function addressesOf(ingress: KubeObject): readonly unknown[] {
  return arrayAt(recordAt(ingress["status"], "loadBalancer"), "ingress");
}
