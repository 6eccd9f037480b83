import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CUSTOM_RESOURCE_DEFINITION } from "../../resource/kind.ts";
import { TestApi, at } from "../testing.ts";
import { Definitions } from "./definitions.ts";
import { DEFINITIONS, SHOPS, merge, shop, shopDefinition } from "./testing.ts";

describe("Definitions", () => {
  it("serves a kind from the moment its definition is stored, under every name", async () => {
    await using api = await TestApi.open();
    assert.equal((await api.call("GET", SHOPS)).status, 404);
    assert.equal((await api.call("POST", DEFINITIONS, { body: shopDefinition() })).status, 201);
    assert.equal((await api.call("POST", SHOPS, { body: shop("one") })).status, 201);
    const listed = (await api.call("GET", "/apis/demo.test/v1/shops")).json;
    assert.deepEqual([at(listed, "kind"), at(listed, "items.0.metadata.name")], ["ShopList", "one"]);
    const resources = (await api.call("GET", "/apis/demo.test/v1")).json;
    assert.equal(at(resources, "resources.0.shortNames.0"), "sh");
    assert.equal(at(resources, "resources.1.name"), "shops/status");
    const document = (await api.call("GET", "/openapi/v3/apis/demo.test/v1")).json;
    assert.ok(JSON.stringify(document).includes("test.demo.v1.Shop"));
  });

  it("reports the conditions of a real cluster", async () => {
    await using api = await TestApi.open();
    await api.call("POST", DEFINITIONS, { body: shopDefinition() });
    const { json } = await api.call("GET", `${DEFINITIONS}/shops.demo.test`);
    const status = at(json, "status");
    assert.deepEqual(at(status, "storedVersions"), ["v1"]);
    assert.equal(at(status, "acceptedNames.listKind"), "ShopList");
    assert.equal(at(status, "conditions.0.reason"), "NoConflicts");
    assert.equal(at(status, "conditions.1.reason"), "InitialNamesAccepted");
  });

  it("does not serve a kind whose names are taken, until they are free", async () => {
    await using api = await TestApi.open();
    await api.call("POST", DEFINITIONS, { body: shopDefinition() });
    await api.call("POST", DEFINITIONS, { body: shopDefinition({ plural: "stores" }) });
    const before = (await api.call("GET", `${DEFINITIONS}/stores.demo.test`)).json;
    assert.equal(at(before, "status.conditions.0.message"), '"ShopList" is already in use');
    assert.equal(at(before, "status.conditions.1.reason"), "NotAccepted");
    assert.equal((await api.call("GET", "/apis/demo.test/v1/stores")).status, 404);
    await api.call("DELETE", `${DEFINITIONS}/shops.demo.test`);
    assert.equal((await api.call("GET", "/apis/demo.test/v1/stores")).status, 200);
  });

  it("deletes the objects with their definition, and waits for those that are held", async () => {
    await using api = await TestApi.open();
    await api.call("POST", DEFINITIONS, { body: shopDefinition() });
    await api.call("POST", SHOPS, { body: shop("one") });
    await api.call("POST", SHOPS, { body: shop("held", { finalizers: ["demo.test/hold"] }) });
    await api.call("DELETE", `${DEFINITIONS}/shops.demo.test`);
    const leaving = (await api.call("GET", `${DEFINITIONS}/shops.demo.test`)).json;
    assert.equal(at(leaving, "status.conditions.2.type"), "Terminating");
    const refused = await api.call("POST", SHOPS, { body: shop("late") });
    assert.equal(at(refused.json, "message"), "create not allowed while custom resource definition is terminating");
    const left = (await api.call("GET", SHOPS)).json;
    assert.deepEqual([at(left, "items.0.metadata.name"), at(left, "items.1")], ["held", undefined]);
    await merge(api, `${SHOPS}/held`, { metadata: { finalizers: null } });
    assert.equal((await api.call("GET", `${DEFINITIONS}/shops.demo.test`)).status, 404);
    assert.equal((await api.call("GET", SHOPS)).status, 404);
    await api.call("POST", DEFINITIONS, { body: shopDefinition() });
    assert.equal(at((await api.call("GET", SHOPS)).json, "items.0"), undefined);
  });

  it("leaves Lintel's own objects alone when a definition of their kind is deleted", async () => {
    await using api = await TestApi.open();
    const path = "/apis/cert-manager.io/v1/namespaces/default/issuers";
    const body = {
      apiVersion: "cert-manager.io/v1",
      kind: "Issuer",
      metadata: { name: "a" },
      spec: { selfSigned: {} },
    };
    assert.equal((await api.call("POST", path, { body })).status, 201);
    assert.equal((await api.call("DELETE", `${DEFINITIONS}/issuers.cert-manager.io`)).status, 200);
    assert.equal((await api.call("GET", `${path}/a`)).status, 200);
  });

  it("follows a changed definition at once", async () => {
    await using api = await TestApi.open();
    await api.call("POST", DEFINITIONS, { body: shopDefinition() });
    await api.call("POST", SHOPS, { body: shop("one") });
    const versions = [
      {
        name: "v1",
        served: true,
        storage: true,
        additionalPrinterColumns: [{ name: "Size", type: "string", jsonPath: ".spec.size" }],
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: { spec: { type: "object", properties: { size: { type: "string", default: "small" } } } },
          },
        },
      },
    ];
    assert.equal((await merge(api, `${DEFINITIONS}/shops.demo.test`, { spec: { versions } })).status, 200);
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const table = (await api.call("GET", SHOPS, { headers: { accept } })).json;
    assert.deepEqual(at(table, "rows.0.cells"), ["one", "small"]);
    assert.equal(at((await api.call("GET", `${SHOPS}/one`)).json, "spec.replicas"), undefined);
    assert.equal((await api.call("GET", `${SHOPS}/one/status`)).status, 404);
  });

  it("shows each object in every served version, and warns of a deprecated one", async () => {
    await using api = await TestApi.open();
    await api.call("POST", DEFINITIONS, { body: shopDefinition({ versions: ["v1", "v1beta1"] }) });
    await api.call("POST", SHOPS, { body: shop("one") });
    const beta = await api.call("GET", SHOPS.replace("/v1/", "/v1beta1/"));
    assert.equal(at(beta.json, "items.0.apiVersion"), "demo.test/v1beta1");
    assert.match(beta.headers.get("warning") ?? "", /demo\.test\/v1beta1 Shop is deprecated; use demo\.test\/v1 Shop/);
    const stored = (await api.call("GET", "/apis/demo.test")).json;
    assert.equal(at(stored, "preferredVersion.version"), "v1");
    assert.equal((await api.call("GET", SHOPS.replace("/v1/", "/v2/"))).status, 404);
  });

  it("knows definitions and their objects of an earlier run", async () => {
    await using api = await TestApi.open();
    await api.call("POST", DEFINITIONS, { body: shopDefinition() });
    await api.call("POST", SHOPS, { body: shop("one") });
    const again = new Definitions(api.store, api.clock);
    const served = (await again.current()).find("demo.test", "v1", "shops");
    assert.ok(served !== undefined);
    assert.equal((await again.store.list(served.kind)).items.length, 1);
  });

  it("writes nothing when everything is settled", async () => {
    await using api = await TestApi.open();
    await api.call("POST", DEFINITIONS, { body: shopDefinition() });
    const before = api.store.version();
    await api.call("GET", SHOPS);
    await new Definitions(api.store, api.clock).current();
    assert.equal(api.store.version(), before);
    assert.ok((await api.store.list(CUSTOM_RESOURCE_DEFINITION)).items.length > 1);
  });
});
