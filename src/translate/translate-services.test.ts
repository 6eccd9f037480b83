import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import type { KubeObject } from "../resource/object.ts";
import { asObject, goldenInput } from "./testing.ts";
import { translateServices } from "./translate-services.ts";
import { translate, type TranslateInput, type TranslateOutput } from "./translate.ts";

const SERVICES = 4;

function object(document: Readonly<Record<string, unknown>>): KubeObject {
  return asObject(document, () => "");
}

/** Two Ingresses lead to each Service. */
function ingress(index: number): KubeObject {
  const backend = { service: { name: `web-${String(index % SERVICES)}`, port: { number: 80 } } };
  const http = { paths: [{ path: "/", pathType: "Prefix", backend }] };
  return object({
    kind: "Ingress",
    metadata: { name: `shop-${String(index)}` },
    spec: { rules: [{ host: `shop-${String(index)}.example`, http }] },
  });
}

/** What there is of a Service: undefined, nothing. */
interface State {
  readonly port: number | undefined;
  readonly slices: readonly (readonly string[])[];
  readonly endpoints: readonly string[] | undefined;
}

function nameOf(index: number): { readonly name: string } {
  return { name: `web-${String(index)}` };
}

function objectsOf(
  states: ReadonlyMap<number, State>,
): Pick<TranslateInput, "services" | "endpointSlices" | "endpoints"> {
  const all = [...states];
  return {
    services: all.flatMap(([index, { port }]) =>
      port === undefined ? [] : [object({ kind: "Service", metadata: nameOf(index), spec: { ports: [{ port }] } })],
    ),
    endpointSlices: all.flatMap(([index, { slices }]) =>
      slices.map((addresses, number) =>
        object({
          kind: "EndpointSlice",
          metadata: {
            name: `web-${String(index)}-${String(number)}`,
            labels: { "kubernetes.io/service-name": `web-${String(index)}` },
          },
          addressType: "IPv4",
          ports: [{ port: 8080 }],
          endpoints: addresses.map((address) => ({ addresses: [address] })),
        }),
      ),
    ),
    endpoints: all.flatMap(([index, { endpoints }]) =>
      endpoints === undefined
        ? []
        : [
            object({
              kind: "Endpoints",
              metadata: nameOf(index),
              subsets: [{ addresses: endpoints.map((ip) => ({ ip })), ports: [{ port: 8080 }] }],
            }),
          ],
    ),
  };
}

const address = fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.3");
const state = fc.record({
  port: fc.constantFrom(80, 80, 80, 81, undefined),
  slices: fc.array(fc.array(address, { maxLength: 3 }), { maxLength: 2 }),
  endpoints: fc.option(fc.array(address, { minLength: 1, maxLength: 2 }), { nil: undefined }),
});

function told(output: TranslateOutput): readonly string[] {
  return output.diagnostics.map((diagnostic) => JSON.stringify(diagnostic)).sort();
}

describe("translateServices()", () => {
  const ingresses = Array.from({ length: SERVICES * 2 }, (_, index) => ingress(index));
  const inputOf = (states: ReadonlyMap<number, State>): TranslateInput => ({
    ...goldenInput([], () => ""),
    ingresses,
    ...objectsOf(states),
  });

  test("says what translate() would, whatever happens to Services and their endpoints", () => {
    const change = fc.dictionary(fc.constantFrom("0", "1", "2", "3"), state, { minKeys: 1 });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        let states: ReadonlyMap<number, State> = new Map();
        let output = translate(inputOf(states));
        for (const one of changes) {
          const changed = new Map(Object.entries(one).map(([key, value]) => [Number(key), value]));
          states = new Map([...states, ...changed]);
          const names = new Set([...changed.keys()].map((index) => `default/web-${String(index)}`));
          output = translateServices(output, names, { ...objectsOf(changed), secrets: () => undefined });
          const whole = translate(inputOf(states));
          assert.deepEqual(output.content, whole.content);
          assert.deepEqual(told(output), told(whole));
        }
      }),
    );
  });

  test("leaves everything but backends the identical object", () => {
    const before = translate(inputOf(new Map([[0, { port: 80, slices: [["10.0.0.1"]], endpoints: undefined }]])));
    const changed = objectsOf(new Map([[0, { port: 80, slices: [["10.0.0.2"]], endpoints: undefined }]]));
    const after = translateServices(before, new Set(["default/web-0"]), { ...changed, secrets: () => undefined });
    assert.deepEqual(after.content.backends.get("default/web-0:80")?.endpoints, [{ address: "10.0.0.2", port: 8080 }]);
    assert.ok(after.content.hosts === before.content.hosts && after.content.tls === before.content.tls);
    assert.ok(after.served === before.served && after.diagnostics === before.diagnostics);
  });

  test("returns the same output when nothing that anybody uses has changed", () => {
    const before = translate(inputOf(new Map([[0, { port: 80, slices: [["10.0.0.1"]], endpoints: undefined }]])));
    const empty = { services: [], endpointSlices: [], endpoints: [], secrets: () => undefined };
    assert.ok(translateServices(before, new Set(["default/unused"]), empty) === before);
  });
});
