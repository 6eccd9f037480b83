import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { conditionsOf } from "../../src/resource/condition.ts";
import {
  CERTIFICATE,
  ENDPOINT_SLICE,
  INGRESS,
  INGRESS_CLASS,
  ISSUER,
  LEASE,
  SECRET,
  SERVICE,
} from "../../src/resource/kind.ts";
import { recordAt, arrayAt } from "../../src/ground/json.ts";
import type { KubeObject } from "../../src/resource/object.ts";
import type { ClusterStore } from "../../src/store/cluster/cluster-store.ts";
import { eventually } from "../e2e/eventually.ts";
import { run } from "../e2e/instance.ts";
import { ApiServer } from "./api-server.ts";
import { skipWithoutNamespaces } from "./far-host.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";
import { Replica } from "./replica.ts";
import { make, openShop } from "./shop.ts";

const binaries = findKubernetesBinaries();

const KINDS = [INGRESS, INGRESS_CLASS, SERVICE, ENDPOINT_SLICE, CERTIFICATE, ISSUER, SECRET, LEASE];

const LINTEL = join(import.meta.dirname, "../../bin/lintel");

function ingress(name: string, host: string, more: Readonly<Record<string, unknown>> = {}): KubeObject {
  const backend = { service: { name: "web", port: { number: 80 } } };
  return make(INGRESS, name, {
    ...more,
    spec: {
      ingressClassName: "lintel",
      rules: [{ host, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
      ...recordAt(more, "spec"),
    },
  });
}

async function served(replica: Replica, host: string, path: string): Promise<void> {
  await eventually(`${host} served`, async () => {
    const { status, body } = await replica.get(host, path);
    return status === 200 && body === `web ${path}` ? true : undefined;
  });
}

describe(
  "lintel controller on a real API server",
  {
    skip: typeof binaries === "string" ? binaries : skipWithoutNamespaces(),
  },
  () => {
    let server: ApiServer;
    before(async () => {
      if (typeof binaries !== "string") server = await ApiServer.start(binaries);
    });
    after(async () => server.stop());

    /** An empty cluster with a Service of the class "lintel" and one endpoint. */
    async function open(t: TestContext, index: number): Promise<ClusterStore> {
      await server.wipe(KINDS, ["shop", "lintel"]);
      const store = await server.store();
      t.after(() => store.close());
      await openShop(t, store, index);
      return store;
    }

    async function statusOf(...more: readonly string[]): Promise<string> {
      return (await run(LINTEL, ["status", "--kubeconfig", server.kubeconfig, "-n", "lintel", ...more])).stdout;
    }

    it("serves on every replica, and one of them writes certificates and status", async (t) => {
      const store = await open(t, 1);
      const replicas = [Replica.start(t, server.kubeconfig), Replica.start(t, server.kubeconfig)];
      for (const replica of replicas) await replica.serving();
      await store.create(ISSUER, make(ISSUER, "self", { spec: { selfSigned: {} } }));
      await store.create(
        INGRESS,
        ingress("web", "shop.example", {
          metadata: {
            annotations: { "cert-manager.io/issuer": "self", "nginx.ingress.kubernetes.io/ssl-redirect": "false" },
          },
          spec: { tls: [{ hosts: ["shop.example"], secretName: "web-tls" }] },
        }),
      );
      for (const replica of replicas) await served(replica, "shop.example", "/a");
      await eventually("the certificate Ready", async () => {
        const certificate = await store.get(CERTIFICATE, "shop", "web-tls");
        return conditionsOf(certificate?.["status"]).some(({ type, status }) => type === "Ready" && status === "True")
          ? true
          : undefined;
      });
      await eventually("the address in the status", async () => {
        const found = await store.get(INGRESS, "shop", "web");
        return arrayAt(recordAt(found?.["status"], "loadBalancer"), "ingress").length > 0 ? true : undefined;
      });
      await eventually("one leader", () => (replicas.filter(({ leads }) => leads).length === 1 ? true : undefined));
      const { served: count, withAddress } = recordAt(JSON.parse(await statusOf("-o", "json")), "ingresses");
      assert.deepEqual([count, withAddress], [1, 1]);
      assert.match(await statusOf(), /\n1 Ingresses, 1 with an address\n.*1 Certificates: 1 ready, 0 not/s);
      for (const replica of replicas) await replica.stop();
      await assert.rejects(statusOf(), /No replica runs, by the Leases in namespace "lintel"/);
    });

    it("moves the leadership within 15 s when the leader is gone, and at once when it stops", async (t) => {
      const store = await open(t, 2);
      const first = await Replica.start(t, server.kubeconfig).serving();
      await first.printed("This replica leads: ");
      const second = await Replica.start(t, server.kubeconfig).serving();
      first.signalAll("SIGKILL");
      const killedMs = performance.now();
      await second.printed("This replica leads: ", 30_000);
      const tookMs = performance.now() - killedMs;
      t.diagnostic(`${Math.round(tookMs)} ms after kill -9`);
      assert.ok(tookMs < 15_000);
      const third = await Replica.start(t, server.kubeconfig).serving();
      await second.stop();
      const stoppedMs = performance.now();
      await third.printed("This replica leads: ", 10_000);
      t.diagnostic(`${Math.round(performance.now() - stoppedMs)} ms after a clean stop`);
      assert.ok(performance.now() - stoppedMs < 5_000);
      await store.create(INGRESS, ingress("late", "late.example"));
      await served(third, "late.example", "/");
    });

    it("serves on while the API server is away, also after a start of its own workers, and catches up", async (t) => {
      const store = await open(t, 3);
      await store.create(INGRESS, ingress("web", "shop.example"));
      const replica = await Replica.start(t, server.kubeconfig).serving();
      await served(replica, "shop.example", "/before");
      await server.stopApi();
      let failed = 0;
      const ask = async (): Promise<void> => {
        const { status } = await replica.get("shop.example", "/meanwhile");
        if (status !== 200) failed += 1;
      };
      const untilMs = performance.now() + 6_000;
      while (performance.now() < untilMs) await ask();
      // More than one at a time is one more.
      for (let signals = 0; signals < 5; signals++) replica.child.kill("SIGHUP");
      while (!replica.output.includes("Replaced the workers")) await ask();
      for (let more = 0; more < 100; more++) await ask();
      assert.equal(failed, 0);
      server.startApi();
      await server.ready();
      await store.create(INGRESS, ingress("late", "late.example"));
      await served(replica, "late.example", "/after");
      await replica.printed("This replica leads: ");
    });

    it("serves without the definitions of certificates, and looks after certificates once they are there", async (t) => {
      const store = await open(t, 5);
      await server.uninstall();
      await store.create(INGRESS, ingress("web", "shop.example"));
      const replica = await Replica.start(t, server.kubeconfig).serving();
      await served(replica, "shop.example", "/");
      await replica.printed(
        "Cannot follow certificates.cert-manager.io: The API server does not know certificates of cert-manager.io/v1. " +
          'Apply the definitions that "lintel manifests" prints',
      );
      await replica.printed("This replica leads: ");
      await server.install();
      await store.create(ISSUER, make(ISSUER, "self", { spec: { selfSigned: {} } }));
      const spec = { secretName: "late-tls", dnsNames: ["late.example"], issuerRef: { name: "self" } };
      await store.create(CERTIFICATE, make(CERTIFICATE, "late", { spec }));
      await eventually("the certificate Ready", async () => {
        const certificate = await store.get(CERTIFICATE, "shop", "late");
        return conditionsOf(certificate?.["status"]).some(({ type, status }) => type === "Ready" && status === "True")
          ? true
          : undefined;
      });
    });

    it("writes nothing in shadow", async (t) => {
      const store = await open(t, 4);
      await store.create(INGRESS, ingress("web", "shop.example"));
      const replica = await Replica.start(t, server.kubeconfig, "--shadow").serving();
      await served(replica, "shop.example", "/");
      await replica.printed("In shadow: ");
      const found = await store.get(INGRESS, "shop", "web");
      assert.deepEqual(arrayAt(recordAt(found?.["status"], "loadBalancer"), "ingress"), []);
    });
  },
);
