import type { Store } from "./contract.ts";

/**
 * Returns `store` with a fence before every write: `fence` is called first, and when it throws, nothing is written. What
 * is under way already is not stopped: writes that carry a version or a uid are refused by the store when they come late.
 */
export function fencedStore(store: Store, fence: () => void): Store {
  return {
    get: (...args) => store.get(...args),
    list: (...args) => store.list(...args),
    watch: (...args) => store.watch(...args),
    create: async (...args) => {
      fence();
      return store.create(...args);
    },
    update: async (...args) => {
      fence();
      return store.update(...args);
    },
    updateStatus: async (...args) => {
      fence();
      return store.updateStatus(...args);
    },
    delete: async (...args) => {
      fence();
      return store.delete(...args);
    },
  };
}
