import type { AcmeOrder } from "../../acme/order.ts";

/** More are forgotten, the oldest first: then the CA is asked what it knows. */
const ORDERS_MAX = 10_000;

/**
 * What the CA said of orders and the store did not take yet, by the uid of the Order. It outlives the time for which a
 * replica leads: a store that is away ends that time, and is what keeps the answer from being written down.
 */
export class UnsavedOrders {
  readonly #orders = new Map<string, AcmeOrder>();

  get(uid: string): AcmeOrder | undefined {
    return this.#orders.get(uid);
  }

  set(uid: string, order: AcmeOrder): void {
    this.#orders.delete(uid);
    this.#orders.set(uid, order);
    for (const oldest of this.#orders.keys()) {
      if (this.#orders.size <= ORDERS_MAX) break;
      this.#orders.delete(oldest);
    }
  }

  delete(uid: string): void {
    this.#orders.delete(uid);
  }
}
