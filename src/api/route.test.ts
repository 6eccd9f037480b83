import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BUILT_IN } from "./catalog.ts";
import { routePath } from "./route.ts";

function resourceAt(path: string): unknown {
  const route = routePath(path, BUILT_IN);
  if (route.to !== "resource") return route.to;
  const { resource, namespace, name, subresource } = route;
  return [resource.apiVersion, resource.kind.kind, namespace, name, subresource];
}

describe("routePath(, BUILT_IN)", () => {
  it("finds an object when the path names its namespace", () => {
    const expected = ["networking.k8s.io/v1", "Ingress", "demo", "web", undefined];
    assert.deepEqual(resourceAt("/apis/networking.k8s.io/v1/namespaces/demo/ingresses/web"), expected);
  });

  it("finds the collection of all namespaces when none is named", () => {
    assert.deepEqual(resourceAt("/api/v1/services"), ["v1", "Service", "", undefined, undefined]);
  });

  it("tells a namespace and its status from what is in the namespace", () => {
    assert.deepEqual(resourceAt("/api/v1/namespaces/demo"), ["v1", "Namespace", "", "demo", undefined]);
    assert.deepEqual(resourceAt("/api/v1/namespaces/demo/status"), ["v1", "Namespace", "", "demo", "status"]);
    assert.deepEqual(resourceAt("/api/v1/namespaces/demo/secrets"), ["v1", "Secret", "demo", undefined, undefined]);
  });

  it("serves older versions of Ingress when they are asked for", () => {
    const expected = ["extensions/v1beta1", "Ingress", "demo", undefined, undefined];
    assert.deepEqual(resourceAt("/apis/extensions/v1beta1/namespaces/demo/ingresses"), expected);
  });

  it("decodes segments when they are percent-encoded", () => {
    assert.deepEqual(resourceAt("/api/v1/namespaces/demo/secrets/a%2Fb"), ["v1", "Secret", "demo", "a/b", undefined]);
  });

  for (const path of [
    "/api/v1/frobs",
    "/api/v2/services",
    "/api/v1/services/web",
    "/api/v1/namespaces/demo/nodes",
    "/api/v1//services",
    "/api/v1/namespaces/%E0%A4%A",
    "/",
    "/metrics",
    "/api/v1/namespaces/demo/services/web/status/more",
  ]) {
    it(`finds nothing when the path is "${path}"`, () => {
      assert.equal(routePath(path, BUILT_IN).to, "nothing");
    });
  }

  it("finds documents and reviews by their paths", () => {
    assert.deepEqual(routePath("/openapi/v3/apis/apps/v1", BUILT_IN), { to: "openapiV3", document: "apis/apps/v1" });
    assert.deepEqual(routePath("/apis/apps/v1", BUILT_IN), { to: "groupVersion", group: "apps", version: "v1" });
    assert.equal(routePath("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", BUILT_IN).to, "review");
    assert.equal(routePath("/readyz", BUILT_IN).to, "health");
  });
});
