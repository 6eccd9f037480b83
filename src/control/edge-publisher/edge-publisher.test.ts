import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ENDPOINT_SLICE, EVENT, INGRESS, SECRET, SERVICE } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { caSecret, make, secretSourcesOf, TestPlane } from "../testing.ts";

const PATHS = [{ path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } }];

function ingress(host: string, spec: Readonly<Record<string, unknown>> = {}, name = "web"): KubeObject {
  return make(INGRESS, name, {
    spec: { ingressClassName: "lintel", rules: [{ host, http: { paths: PATHS } }], ...spec },
  });
}

function withTls(secretName: string): Readonly<Record<string, unknown>> {
  return { tls: [{ hosts: ["shop.example"], secretName }] };
}

async function addBackend(test: TestPlane): Promise<void> {
  await test.store.create(SERVICE, make(SERVICE, "web", { spec: { ports: [{ port: 80, targetPort: 8080 }] } }));
  const slice = { addressType: "IPv4", ports: [{ port: 8080 }], endpoints: [{ addresses: ["127.0.0.1"] }] };
  const labels = { "kubernetes.io/service-name": "web" };
  await test.store.create(ENDPOINT_SLICE, make(ENDPOINT_SLICE, "web-1", slice, { labels }));
}

describe("EdgePublisher", () => {
  it("publishes a route and its endpoints without any time passing", async () => {
    await using test = await TestPlane.open();
    await addBackend(test);
    await test.store.create(INGRESS, ingress("shop.example"));
    await test.quiet();
    assert.equal(test.edge.snapshot.hosts.get("shop.example")?.routes.length, 1);
    const [backend] = test.edge.snapshot.backends.values();
    assert.deepEqual(backend?.endpoints, [{ address: "127.0.0.1", port: 8080 }]);
  });

  it("publishes what changed in one turn as one generation", async () => {
    await using test = await TestPlane.open();
    await test.quiet();
    const before = test.edge.snapshot.generation;
    await Promise.all(
      Array.from({ length: 50 }, (_, number) =>
        test.store.create(INGRESS, ingress(`host-${String(number)}.example`, {}, `web-${String(number)}`)),
      ),
    );
    await test.quiet();
    assert.equal(test.edge.snapshot.hosts.size, 50);
    assert.ok(
      test.edge.snapshot.generation - before <= 3,
      `${String(test.edge.snapshot.generation - before)} generations`,
    );
  });

  it("serves a stand-in of the local CA while the Secret is missing", async () => {
    await using test = await TestPlane.open();
    const tls = [{ hosts: ["shop.example"], secretName: "missing" }];
    await test.store.create(INGRESS, ingress("shop.example", { tls }));
    await test.quiet();
    const [id] = test.edge.snapshot.tls.get("shop.example")?.certificates ?? [];
    assert.equal(id, "stand-in/shop.example");
    assert.equal(test.edge.snapshot.certificates.get("stand-in/shop.example")?.standIn, true);
    assert.ok(test.edge.snapshot.tls.has("*"), "unknown names get one too");
  });

  it("has the stand-ins in its first snapshot after a restart", async () => {
    await using test = await TestPlane.open();
    const tls = [{ hosts: ["shop.example"], secretName: "missing" }];
    await test.store.create(INGRESS, ingress("shop.example", { tls }));
    await test.quiet();
    const seen: boolean[] = [];
    const publish = test.edge.publish.bind(test.edge);
    test.edge.publish = (content) => {
      seen.push(content.tls.has("shop.example"));
      return publish(content);
    };
    await test.restart();
    assert.ok(seen.length > 0 && !seen.includes(false));
  });

  it("shows no state without a Secret that is there, of a store that tells of it by its metadata alone", async () => {
    await using test = await TestPlane.open();
    const { data } = await caSecret(test.clock, "own", "shop.example");
    const seen: string[] = [];
    const publish = test.edge.publish.bind(test.edge);
    test.edge.publish = (content) => {
      seen.push(content.tls.get("shop.example")?.certificates.join() ?? "nothing");
      return publish(content);
    };
    for (const name of ["first", "second"])
      await test.store.create(SECRET, make(SECRET, name, { type: "Opaque", data }));
    await test.plane.close();
    await test.store.create(INGRESS, ingress("shop.example", withTls("first")));
    seen.length = 0;
    await test.restart({ secretSources: secretSourcesOf(test.store) });
    await test.quiet();
    await test.store.update(INGRESS, ingress("shop.example", withTls("second")));
    await test.quiet();
    assert.deepEqual([...new Set(seen)], ["shop/first", "shop/second"]);
  });

  it("renews stand-ins before they end", async () => {
    await using test = await TestPlane.open();
    const tls = [{ hosts: ["shop.example"], secretName: "missing" }];
    await test.store.create(INGRESS, ingress("shop.example", { tls }));
    await test.quiet();
    const before = test.edge.snapshot.certificates.get("stand-in/shop.example")?.notAfterMs ?? 0;
    for (let day = 0; day < 3; day++) {
      await test.clock.advance(86_400_000);
      await test.quiet();
    }
    assert.ok((test.edge.snapshot.certificates.get("stand-in/shop.example")?.notAfterMs ?? 0) > before);
  });

  it("tells what is wrong once as an Event, not with each translation", async () => {
    await using test = await TestPlane.open();
    await test.store.create(INGRESS, ingress("shop.example"));
    await test.quiet();
    assert.equal((await test.store.list(EVENT)).items.length, 0);
    await test.clock.advance(1000);
    for (let round = 0; round < 3; round++) {
      await test.store.create(
        INGRESS,
        ingress(`other-${String(round)}.example`, { rules: [] }, `other-${String(round)}`),
      );
      await test.clock.advance(2000);
      await test.quiet();
    }
    const events = (await test.store.list(EVENT)).items.filter((event) => event["reason"] === "ServiceNotFound");
    assert.equal(events.length, 1);
    assert.equal(events[0]?.["count"], 1);
    assert.match(String(events[0]?.["message"]), /Service "shop\/web" does not exist/);
  });

  it("writes no Event for what heals within a second", async () => {
    await using test = await TestPlane.open();
    await test.store.create(INGRESS, ingress("shop.example"));
    await test.clock.advance(500);
    await addBackend(test);
    await test.clock.advance(5000);
    await test.quiet();
    const reasons = (await test.store.list(EVENT)).items.map((event) => event["reason"]);
    assert.ok(!reasons.includes("ServiceNotFound"), String(reasons));
  });

  it("writes addresses into the status of what it serves, and takes them back", async () => {
    await using test = await TestPlane.open();
    const made = await test.store.create(INGRESS, ingress("shop.example"));
    await test.quiet();
    assert.deepEqual((await test.get(INGRESS, "web"))?.["status"], {
      loadBalancer: { ingress: [{ ip: "192.0.2.1" }] },
    });
    await test.store.update(INGRESS, {
      ...made,
      metadata: { name: "web", namespace: "shop" },
      spec: { ...(made["spec"] as object), ingressClassName: "someone-else" },
    });
    await test.quiet();
    assert.deepEqual((await test.get(INGRESS, "web"))?.["status"], { loadBalancer: {} });
  });
});
