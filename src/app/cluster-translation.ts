import * as kinds from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import { translate, type TranslateInput, type TranslateOutput } from "../translate/translate.ts";

/** Secrets that are read at a time. */
const READS_MAX = 16;

/**
 * Returns what a replica makes of the objects of a cluster, by the code that replicas run, though not what only they know:
 * stand-ins, tokens of challenges, and flags that change how requests are taken. Reads the Secrets that Ingresses name and
 * no others. Throws what the API throws.
 */
export async function translateCluster(options: {
  readonly store: Pick<Store, "list" | "get">;
  readonly classes: readonly string[];
  readonly nowMs: number;
}): Promise<TranslateOutput> {
  const { store, classes, nowMs } = options;
  const list = async (kind: kinds.Kind): Promise<readonly KubeObject[]> => (await store.list(kind)).items;
  const [ingresses, ingressClasses, services, endpointSlices, endpoints] = await Promise.all([
    list(kinds.INGRESS),
    list(kinds.INGRESS_CLASS),
    list(kinds.SERVICE),
    list(kinds.ENDPOINT_SLICE),
    list(kinds.ENDPOINTS),
  ]);
  const secrets = new Map<string, KubeObject | undefined>();
  const input: TranslateInput = {
    ingresses,
    ingressClasses,
    services,
    endpointSlices,
    endpoints,
    secrets: (namespace, name) => {
      const key = `${namespace}/${name}`;
      if (!secrets.has(key)) secrets.set(key, undefined);
      return secrets.get(key);
    },
    standIns: new Map(),
    challenges: [],
    options: { classes, serveClassless: false, settings: { trustedProxies: [], httpsPort: 443 } },
    nowMs,
  };
  // Once to hear which Secrets matter.
  translate(input);
  await readAll(store, secrets);
  return translate(input);
}

async function readAll(store: Pick<Store, "get">, secrets: Map<string, KubeObject | undefined>): Promise<void> {
  const waiting = [...secrets.keys()];
  const reader = async (): Promise<void> => {
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
      const [namespace = "", name = ""] = key.split("/");
      secrets.set(key, await store.get(kinds.SECRET, namespace, name));
    }
  };
  await Promise.all(Array.from({ length: READS_MAX }, reader));
}
