import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ACCEPTED_KINDS, KINDS } from "../../resource/kind.ts";
import type { Kind } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { columnsOf, headerOfTable, tableOf } from "./table.ts";

const NOW_MS = Date.UTC(2026, 0, 1, 0, 1);
const CREATED = "2026-01-01T00:00:00Z";

function kindOf(name: string): Kind {
  const found = [...KINDS, ...ACCEPTED_KINDS].find((kind) => kind.kind === name);
  assert.ok(found !== undefined);
  return found;
}

/** Returns what `kubectl get -o wide` prints for the fields of an object of `name`. */
function row(name: string, fields: Readonly<Record<string, unknown>>): readonly unknown[] {
  const object: KubeObject = {
    apiVersion: "v1",
    kind: name,
    metadata: { name: "web", creationTimestamp: CREATED },
    ...fields,
  };
  return columnsOf(kindOf(name)).map((column) => column.cell(object, NOW_MS));
}

describe("columnsOf()", () => {
  const headers: readonly [kind: string, columns: string][] = [
    ["Namespace", "Name,Status,Age"],
    ["Service", "Name,Type,Cluster-IP,External-IP,Port(s),Age,Selector*"],
    ["Endpoints", "Name,Endpoints,Age"],
    ["EndpointSlice", "Name,AddressType,Ports,Endpoints,Age"],
    ["ConfigMap", "Name,Data,Age"],
    ["Secret", "Name,Type,Data,Age"],
    ["Lease", "Name,Holder,Age"],
    ["IngressClass", "Name,Controller,Parameters,Age"],
    ["Ingress", "Name,Class,Hosts,Address,Ports,Age"],
    ["Event", "Last Seen,Type,Reason,Object,Subobject*,Source*,Message,First Seen*,Count*,Name*"],
    ["Issuer", "Name,Ready,Status*,Age"],
    ["Certificate", "Name,Ready,Secret,Issuer*,Status*,Expiration*,Age"],
    ["CertificateRequest", "Name,Approved,Denied,Ready,Issuer,Requester,Status*,Age"],
    ["Order", "Name,State,Issuer*,Reason*,Age"],
    ["Challenge", "Name,State,Domain,Reason*,Age"],
    ["Deployment", "Name,Ready,Up-to-date,Available,Age,Containers*,Images*,Selector*"],
    ["PodTemplate", "Name,Age"],
  ];
  for (const [kind, columns] of headers) {
    it(`prints ${columns} when the kind is ${kind}`, () => {
      const names = columnsOf(kindOf(kind)).map((column) => column.name + (column.priority === 1 ? "*" : ""));
      assert.equal(names.join(","), columns);
    });
  }

  it("shows an ingress as a real cluster does", () => {
    const rules = ["a.test", "b.test", "c.test", "d.test", "e.test"].map((host) => ({ host }));
    const status = { loadBalancer: { ingress: [{ ip: "192.0.2.1" }, { hostname: "lb.test" }] } };
    const spec = { ingressClassName: "nginx", tls: [{}], rules };
    assert.deepEqual(row("Ingress", { spec, status }), [
      "web",
      "nginx",
      "a.test,b.test,c.test + 2 more...",
      "192.0.2.1,lb.test",
      "80, 443",
      "60s",
    ]);
    assert.deepEqual(row("Ingress", { spec: {} }), ["web", "<none>", "*", "", "80", "60s"]);
  });

  it("shows services of each type as a real cluster does", () => {
    const ports = [
      { port: 80, nodePort: 30_080, protocol: "TCP" },
      { port: 53, protocol: "UDP" },
    ];
    assert.deepEqual(row("Service", { spec: { type: "LoadBalancer", clusterIP: "10.96.0.9", ports } }), [
      "web",
      "LoadBalancer",
      "10.96.0.9",
      "<pending>",
      "80:30080/TCP,53/UDP",
      "60s",
      "<none>",
    ]);
    const external = { type: "ExternalName", externalName: "shop.test" };
    assert.deepEqual(row("Service", { spec: external }).slice(1, 5), ["ExternalName", "<none>", "shop.test", "<none>"]);
    const selector = { tier: "front", app: "web" };
    assert.equal(row("Service", { spec: { clusterIP: "None", selector } }).at(-1), "app=web,tier=front");
  });

  it("shows null where a custom resource has nothing yet", () => {
    const spec = { secretName: "web-tls", issuerRef: { name: "le" } };
    assert.deepEqual(row("Certificate", { spec }), ["web", null, "web-tls", "le", null, null, "60s"]);
    const conditions = [{ type: "Ready", status: "True", message: "up to date" }];
    const status = { conditions, notAfter: "2026-04-01T00:00:00Z" };
    assert.deepEqual(row("Certificate", { spec, status }).slice(1, 6), [
      "True",
      "web-tls",
      "le",
      "up to date",
      "2026-04-01T00:00:00Z",
    ]);
  });

  it("counts entries and names the object of an event", () => {
    assert.deepEqual(row("Secret", { type: "kubernetes.io/tls", data: { a: "", b: "" } }), [
      "web",
      "kubernetes.io/tls",
      2,
      "60s",
    ]);
    const event = {
      lastTimestamp: CREATED,
      type: "Warning",
      reason: "Why",
      message: "what\n",
      involvedObject: { kind: "Ingress", name: "shop" },
      source: { component: "lintel" },
      count: 3,
    };
    assert.deepEqual(row("Event", event), [
      "60s",
      "Warning",
      "Why",
      "ingress/shop",
      "",
      "lintel",
      "what",
      "<unknown>",
      3,
      "web",
    ]);
  });

  it("shows the addresses behind a service", () => {
    const subsets = [{ addresses: [{ ip: "10.0.0.1" }, { ip: "fd00::1" }], ports: [{ port: 80 }] }];
    assert.equal(row("Endpoints", { subsets })[1], "10.0.0.1:80,[fd00::1]:80");
    assert.equal(row("Endpoints", {})[1], "<none>");
    const slice = { addressType: "IPv4", ports: [{ port: 80 }], endpoints: [{ addresses: ["1", "2", "3", "4"] }] };
    assert.deepEqual(row("EndpointSlice", slice).slice(1, 4), ["IPv4", "80", "1,2,3 + 1 more..."]);
  });
});

describe("tableOf()", () => {
  const object: KubeObject = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { k: "v" } };
  const options = { kind: kindOf("ConfigMap"), metaVersion: "meta.k8s.io/v1", metadata: {}, nowMs: NOW_MS } as const;

  it("carries as much of each object as is asked for", () => {
    const rowOf = (includeObject: "None" | "Metadata" | "Object"): unknown =>
      tableOf([object], { ...options, includeObject }).rows[0]?.object;
    assert.equal(rowOf("None"), undefined);
    assert.deepEqual(rowOf("Metadata"), {
      kind: "PartialObjectMetadata",
      apiVersion: "meta.k8s.io/v1",
      metadata: { name: "a" },
    });
    assert.equal(rowOf("Object"), object);
  });

  it("leaves the headers out when a watch has sent them", () => {
    assert.equal(headerOfTable(kindOf("ConfigMap"), "meta.k8s.io/v1", {}, false).columnDefinitions, null);
  });
});
