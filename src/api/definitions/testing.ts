import type { TestAnswer, TestApi } from "../testing.ts";

export const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
export const SHOPS = "/apis/demo.test/v1/namespaces/default/shops";

/** A schema with a bit of everything that the tests need. */
export const SHOP_SCHEMA: Readonly<Record<string, unknown>> = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: {
        size: { type: "string", enum: ["small", "large"] },
        replicas: { type: "integer", minimum: 0, default: 1 },
      },
    },
    status: { type: "object", properties: { replicas: { type: "integer" } } },
  },
};

/** Returns the definition of shops; the first of `versions` is stored, the others are deprecated. */
export function shopDefinition(
  options: {
    readonly plural?: string;
    readonly versions?: readonly string[];
    readonly schema?: Readonly<Record<string, unknown>>;
  } = {},
): Readonly<Record<string, unknown>> {
  const { plural = "shops", versions = ["v1"], schema = SHOP_SCHEMA } = options;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.demo.test` },
    spec: {
      group: "demo.test",
      scope: "Namespaced",
      names: { kind: "Shop", plural, ...(plural === "shops" ? { shortNames: ["sh"] } : {}) },
      versions: versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        ...(index === 0 ? {} : { deprecated: true }),
        subresources: { status: {} },
        schema: { openAPIV3Schema: schema },
      })),
    },
  };
}

/** Returns a shop. */
export function shop(
  name: string,
  metadata: Readonly<Record<string, unknown>> = {},
  spec: unknown = { size: "small" },
): Readonly<Record<string, unknown>> {
  return { apiVersion: "demo.test/v1", kind: "Shop", metadata: { name, ...metadata }, spec };
}

/** Sends a merge patch. */
export function merge(api: TestApi, path: string, body: unknown): Promise<TestAnswer> {
  return api.call("PATCH", path, { body, type: "application/merge-patch+json" });
}
