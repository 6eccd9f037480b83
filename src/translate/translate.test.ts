import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { diffSnapshots } from "../routing/delta.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Snapshot } from "../routing/snapshot.ts";
import { DIAGNOSTIC_CODES } from "./diagnostic.ts";
import { asObject, goldenInput } from "./testing.ts";
import { translate, type TranslateInput } from "./translate.ts";

const noPem = (): string => "";

function shopIngress(index: number): KubeObject {
  const backend = { service: { name: `web-${index}`, port: { number: 80 } } };
  return asObject(
    {
      kind: "Ingress",
      metadata: { name: `shop-${index}` },
      spec: {
        rules: [{ host: `shop-${index}.example`, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
      },
    },
    noPem,
  );
}

function shopService(index: number): KubeObject {
  return asObject({ kind: "Service", metadata: { name: `web-${index}` }, spec: { ports: [{ port: 80 }] } }, noPem);
}

function shopSlice(index: number, address: string): KubeObject {
  return asObject(
    {
      kind: "EndpointSlice",
      metadata: { name: `web-${index}-a`, labels: { "kubernetes.io/service-name": `web-${index}` } },
      addressType: "IPv4",
      ports: [{ port: 8080 }],
      endpoints: [{ addresses: [address] }],
    },
    noPem,
  );
}

function shops(count: number): TranslateInput {
  const indexes = Array.from({ length: count }, (_, index) => index);
  return {
    ...goldenInput([], noPem),
    ingresses: indexes.map(shopIngress),
    services: indexes.map(shopService),
    endpointSlices: indexes.map((index) => shopSlice(index, "10.0.0.1")),
  };
}

function snapshotOf(input: TranslateInput, generation = 1): Snapshot {
  return { generation, ...translate(input).content };
}

function objectOf(kind: string) {
  return (body: { annotations: Record<string, string>; spec: unknown }, index: number): KubeObject =>
    asObject({ kind, metadata: { name: `x-${index}`, annotations: body.annotations }, spec: body.spec }, noPem);
}

describe("translate()", () => {
  test("translate() gives the identical hosts and backends for the same objects", () => {
    const input = shops(3);
    const first = translate(input).content;
    const second = translate({ ...input, ingresses: input.ingresses.toReversed() }).content;
    for (const [key, host] of first.hosts) assert.equal(second.hosts.get(key), host);
    for (const [key, backend] of first.backends) assert.equal(second.backends.get(key), backend);
  });

  test("translate() changes one host when one Ingress changes, and one backend when one slice does", () => {
    const input = shops(3);
    const before = snapshotOf(input);
    const [first, ...rest] = input.ingresses;
    assert.ok(first !== undefined);
    const annotations = { "nginx.ingress.kubernetes.io/proxy-body-size": "1m" };
    const edited = { ...first, metadata: { ...first.metadata, annotations } };
    const after = snapshotOf({ ...input, ingresses: [edited, ...rest] }, 2);
    const delta = diffSnapshots(before, after);
    assert.deepEqual(
      delta.hosts.set.map(([host]) => host),
      ["shop-0.example"],
    );
    assert.equal(delta.backends.set.length, 0);
    const moved = [shopSlice(0, "10.0.0.9"), ...input.endpointSlices.slice(1)];
    const scaled = diffSnapshots(before, snapshotOf({ ...input, endpointSlices: moved }, 2));
    assert.deepEqual(
      scaled.backends.set.map(([id]) => id),
      ["default/web-0:80"],
    );
    assert.equal(scaled.hosts.set.length, 0);
  });

  test("translate() stops serving an Ingress that is being deleted", () => {
    const input = shops(1);
    const going = input.ingresses.map((object) => ({
      ...object,
      metadata: { ...object.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
    }));
    assert.equal(translate({ ...input, ingresses: going }).content.hosts.size, 0);
  });

  test("translate() lists the Ingresses that are served, oldest first", () => {
    const input = shops(2);
    const old = asObject(
      { kind: "Ingress", metadata: { name: "z", creationTimestamp: "2020-01-01T00:00:00Z" } },
      noPem,
    );
    const other = asObject({ kind: "Ingress", metadata: { name: "x" }, spec: { ingressClassName: "other" } }, noPem);
    const { served } = translate({ ...input, ingresses: [other, ...input.ingresses, old] });
    assert.deepEqual(
      served.map((object) => object.metadata.name),
      ["z", "shop-0", "shop-1"],
    );
  });
});

describe("translate() of anything", () => {
  const backend = fc.oneof(
    fc.constant({ service: { name: "web", port: { number: 80 } } }),
    fc.constant({ serviceName: "web", servicePort: "80" }),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const path = fc.oneof(
    fc.record({
      path: fc.oneof(fc.constantFrom("/", "/a", "/a/", "/A", "/(a+)+", "/[", "a"), fc.string()),
      pathType: fc.constantFrom("Exact", "Prefix", "ImplementationSpecific", "x", 7),
      backend,
    }),
    fc.jsonValue({ maxDepth: 1 }),
  );
  const host = fc.oneof(fc.constantFrom("a.example", "*.example", "*", "", "10.0.0.1", "A.example."), fc.string());
  const rule = fc.oneof(
    fc.record({ host, http: fc.record({ paths: fc.array(path, { maxLength: 3 }) }) }),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const annotation = fc.tuple(
    fc.constantFrom(
      "nginx.ingress.kubernetes.io/use-regex",
      "nginx.ingress.kubernetes.io/rewrite-target",
      "nginx.ingress.kubernetes.io/auth-url",
      "nginx.ingress.kubernetes.io/proxy-body-size",
      "kubernetes.io/ingress.class",
    ),
    fc.oneof(fc.constantFrom("true", "/$1", "8m", "nginx"), fc.string()),
  );
  const weird = fc.record({
    annotations: fc
      .array(annotation, { maxLength: 2 })
      .map((entries): Record<string, string> => Object.fromEntries(entries)),
    spec: fc.oneof(
      fc.record({
        rules: fc.array(rule, { maxLength: 3 }),
        defaultBackend: fc.option(backend),
        tls: fc.array(
          fc.oneof(
            fc.record({ hosts: fc.array(host, { maxLength: 2 }), secretName: host }),
            fc.jsonValue({ maxDepth: 2 }),
          ),
        ),
        ingressClassName: fc.option(fc.constantFrom("nginx", "x", "")),
      }),
      fc.jsonValue(),
    ),
  });

  test("translate() never throws, and never lets one object change what another's host gets", () => {
    const steady = shops(1);
    const expected = translate(steady).content.hosts.get("shop-0.example");
    fc.assert(
      fc.property(fc.array(weird, { maxLength: 3 }), fc.jsonValue(), (bodies, junk) => {
        const output = translate({
          ...steady,
          ingresses: [...steady.ingresses, ...bodies.map(objectOf("Ingress"))],
          services: [...steady.services, asObject({ kind: "Service", metadata: { name: "web" }, spec: junk }, noPem)],
          endpoints: [asObject({ kind: "Endpoints", metadata: { name: "web" }, subsets: junk }, noPem)],
          secrets: () => asObject({ kind: "Secret", metadata: { name: "s" }, data: junk }, noPem),
        });
        assert.equal(output.content.hosts.get("shop-0.example"), expected);
        for (const { code } of output.diagnostics) assert.ok(code in DIAGNOSTIC_CODES, code);
        for (const { routes } of output.content.hosts.values()) {
          for (const { action } of routes) {
            const targets = action.kind === "forward" ? action.targets : [];
            for (const target of targets) assert.ok(output.content.backends.has(target.backend));
          }
        }
      }),
    );
  });

  test("translate() never forwards a route whose Ingress asks for authentication", () => {
    fc.assert(
      fc.property(weird, (body) => {
        const annotations: Record<string, string> = {
          ...body.annotations,
          "nginx.ingress.kubernetes.io/auth-url": "http://auth.example",
        };
        delete annotations["kubernetes.io/ingress.class"];
        const output = translate({ ...shops(0), ingresses: [objectOf("Ingress")({ ...body, annotations }, 0)] });
        for (const { routes } of output.content.hosts.values()) {
          for (const { action } of routes) assert.equal(action.kind, "reject");
        }
      }),
    );
  });
});
