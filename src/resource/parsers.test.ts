import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { parseEndpointSlice } from "./endpoint-slice.ts";
import { parseEndpoints } from "./endpoints.ts";
import { parseIngressClass } from "./ingress-class.ts";
import { parseIngress } from "./ingress.ts";
import type { KubeObject } from "./object.ts";
import { secretBytes, secretText } from "./secret.ts";
import { parseService } from "./service.ts";

function objectOf(fields: Readonly<Record<string, unknown>>): KubeObject {
  return { apiVersion: "v1", kind: "Any", metadata: { name: "x", namespace: "shop" }, ...fields };
}

test("parsers of resources never throw, whatever the object holds", () => {
  const field = fc.constantFrom("spec", "data", "subsets", "endpoints", "ports", "addressType", "status");
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 5 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie("node"), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          "rules",
          "http",
          "paths",
          "path",
          "backend",
          "service",
          "port",
          "ports",
          "tls",
          "hosts",
          "name",
        ),
        tie("node"),
        { maxKeys: 4 },
      ),
    ),
  })).node;
  fc.assert(
    fc.property(fc.dictionary(field, tree), (fields) => {
      const object = objectOf(fields);
      parseIngress(object);
      parseIngressClass(object);
      parseService(object);
      parseEndpointSlice(object);
      parseEndpoints(object);
      secretText(object, "path");
    }),
  );
});

describe("parseIngress()", () => {
  test("parseIngress() keeps the position of rules and paths when others are left out", () => {
    const backend = { service: { name: "web", port: { number: 80 } } };
    const spec = {
      rules: [{ host: "bad host" }, { host: "a.example", http: { paths: [{ path: "x" }, { path: "/y", backend }] } }],
    };
    const { rules, problems } = parseIngress(objectOf({ spec }));
    assert.deepEqual(
      rules.map(({ index, host, paths }) => [index, host, paths.map((path) => path.index)]),
      [[1, "a.example", [1]]],
    );
    assert.deepEqual(
      problems.map(({ at }) => at),
      ["spec.rules[0].host", "spec.rules[1].http.paths[0].path"],
    );
  });

  test("parseIngress() does not turn a TLS entry with only bad hosts into one for every host", () => {
    assert.deepEqual(parseIngress(objectOf({ spec: { tls: [{ hosts: ["bad host"], secretName: "x" }] } })).tls, []);
  });

  test("parseIngress() takes a port name over a port number when both are given", () => {
    const defaultBackend = { service: { name: "web", port: { name: "http", number: 80 } } };
    const parsed = parseIngress(objectOf({ spec: { defaultBackend } })).defaultBackend;
    assert.deepEqual(parsed, { kind: "service", name: "web", port: "http" });
  });
});

describe("parseEndpointSlice()", () => {
  const readiness: readonly (readonly [object | undefined, boolean, boolean])[] = [
    [undefined, true, false],
    [{ ready: null }, true, false],
    [{ ready: true, serving: true, terminating: false }, true, false],
    [{ ready: false, serving: true, terminating: true }, false, true],
    [{ ready: false, serving: false, terminating: true }, false, false],
    [{ ready: false }, false, false],
    [{ ready: false, serving: true }, false, false],
  ];
  for (const [conditions, ready, leaving] of readiness) {
    test(`parseEndpointSlice() says ready ${ready}, leaving ${leaving} when conditions are ${JSON.stringify(conditions)}`, () => {
      const slice = parseEndpointSlice(objectOf({ endpoints: [{ addresses: ["10.0.0.1"], conditions }] }));
      assert.deepEqual(slice.endpoints, [{ address: "10.0.0.1", ready, servingWhileTerminating: leaving }]);
    });
  }
});

describe("parseService()", () => {
  test("parseService() keeps TCP ports, each with a target", () => {
    const ports = [
      { port: 80 },
      { name: "n", port: 81, targetPort: "web" },
      { port: 53, protocol: "UDP" },
      { port: 0 },
      7,
    ];
    assert.deepEqual(parseService(objectOf({ spec: { ports } })).ports, [
      { name: "", port: 80, targetPort: 80 },
      { name: "n", port: 81, targetPort: "web" },
    ]);
  });
});

describe("secretBytes()", () => {
  test("secretBytes() decodes base64 with line breaks and refuses anything else", () => {
    const secret = objectOf({ data: { good: "aGVs\nbG8=", bad: "%%%", number: 7 } });
    assert.equal(secretText(secret, "good"), "hello");
    assert.equal(secretBytes(secret, "bad"), undefined);
    assert.equal(secretBytes(secret, "number"), undefined);
    assert.equal(secretBytes(secret, "absent"), undefined);
  });
});
