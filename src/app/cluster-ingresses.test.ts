import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LintelError } from "../ground/errors.ts";
import { ManualClock } from "../ground/testing.ts";
import { apiVersionOf, INGRESS, INGRESS_CLASS, NAMESPACE, SECRET, type Kind } from "../resource/kind.ts";
import { MemoryStore } from "../store/memory.ts";
import { clusterIngresses, type ClusterIngresses } from "./cluster-ingresses.ts";

const BACKEND = { service: { name: "web", port: { number: 80 } } };
const RULES = [{ host: "shop.example", http: { paths: [{ path: "/", pathType: "Prefix", backend: BACKEND }] } }];

class Cluster {
  readonly clock: ManualClock = new ManualClock();
  readonly store: MemoryStore = new MemoryStore({ clock: this.clock });

  static async open(): Promise<Cluster> {
    const cluster = new Cluster();
    await cluster.add(NAMESPACE, "shop");
    await cluster.add(INGRESS_CLASS, "lintel", { spec: { controller: "lintel.dev/ingress" } });
    return cluster;
  }

  async add(kind: Kind, name: string, fields: object = {}): Promise<void> {
    const metadata = { name, ...(kind.namespaced ? { namespace: "shop" } : {}) };
    await this.store.create(kind, { ...fields, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata });
  }

  ingresses(): Promise<ClusterIngresses> {
    return clusterIngresses({ store: this.store, classes: ["lintel"], nowMs: this.clock.nowMs() });
  }
}

describe("clusterIngresses()", () => {
  it("tells what is wrong with the Ingresses of a class as they are now, with the Secrets they name, errors first", async () => {
    const cluster = await Cluster.open();
    await cluster.add(SECRET, "broken", { type: "kubernetes.io/tls", data: { "tls.crt": "eA==", "tls.key": "eA==" } });
    const tls = [
      { hosts: ["www.shop.example"], secretName: "missing" },
      { hosts: ["shop.example"], secretName: "broken" },
    ];
    await cluster.add(INGRESS, "web", { spec: { ingressClassName: "lintel", tls, rules: RULES } });
    await cluster.add(INGRESS, "other", { spec: { ingressClassName: "nginx", rules: RULES } });
    const { served, withAddress, diagnostics, unknown } = await cluster.ingresses();
    assert.deepEqual([served, withAddress, unknown], [1, 0, ""]);
    assert.deepEqual(
      diagnostics.filter(({ object }) => object === "Ingress shop/web").map(({ severity, code }) => [severity, code]),
      [
        ["error", "ServiceNotFound"],
        ["error", "CertificateUnreadable"],
        ["warning", "SecretNotFound"],
      ],
    );
  });

  it("says what may not be read", async () => {
    const cluster = await Cluster.open();
    const { store } = cluster;
    const list = store.list.bind(store);
    store.list = async (kind, options) => {
      if (kind === INGRESS) throw new LintelError("Not allowed to list ingresses", { code: "Forbidden" });
      return list(kind, options);
    };
    assert.deepEqual(await cluster.ingresses(), {
      served: 0,
      withAddress: 0,
      diagnostics: [],
      unknown: "Not allowed to list ingresses",
    });
  });
});
