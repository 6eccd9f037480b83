/** The namespace that tests of a cluster work in, and a Service in it whose one endpoint is a machine of its own. */
import type { TestContext } from "node:test";
import { recordAt } from "../../src/ground/json.ts";
import { apiVersionOf, ENDPOINT_SLICE, INGRESS_CLASS, NAMESPACE, SERVICE, type Kind } from "../../src/resource/kind.ts";
import type { KubeObject } from "../../src/resource/object.ts";
import type { Store } from "../../src/store/contract.ts";
import { startFarHost } from "./far-host.ts";

/** An object as users write it, in the namespace `shop` where its kind has one. */
export function make(kind: Kind, name: string, fields: Readonly<Record<string, unknown>>): KubeObject {
  const metadata = { name, ...(kind.namespaced ? { namespace: "shop" } : {}), ...recordAt(fields, "metadata") };
  return { ...fields, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata };
}

/** Makes the namespaces, the class `lintel` and the Service `web`; its endpoint answers `web PATH`. */
export async function openShop(t: TestContext, store: Store, index: number): Promise<void> {
  for (const name of ["lintel", "shop"]) await store.create(NAMESPACE, make(NAMESPACE, name, {}));
  await store.create(INGRESS_CLASS, make(INGRESS_CLASS, "lintel", { spec: { controller: "lintel.dev/ingress" } }));
  const host = await startFarHost(t, "web", index);
  await store.create(SERVICE, make(SERVICE, "web", { spec: { ports: [{ port: 80, targetPort: host.port }] } }));
  await store.create(
    ENDPOINT_SLICE,
    make(ENDPOINT_SLICE, "web-1", {
      metadata: { labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      endpoints: [{ addresses: [host.address], conditions: { ready: true } }],
      ports: [{ name: "", port: host.port, protocol: "TCP" }],
    }),
  );
}
