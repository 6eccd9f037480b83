import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { negotiate } from "./accept.ts";

describe("negotiate()", () => {
  it("chooses a Table when kubectl get asks", () => {
    const header =
      "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
    assert.deepEqual(negotiate(header), { encoding: "json", as: "Table", metaVersion: "meta.k8s.io/v1" });
  });

  it("falls back to JSON when protobuf is preferred", () => {
    assert.equal(negotiate("application/vnd.kubernetes.protobuf,application/json").as, "Object");
  });

  it("skips a form it cannot make when there is another", () => {
    const form = negotiate("application/json;as=Frob;v=v1;g=meta.k8s.io,application/yaml");
    assert.deepEqual([form.encoding, form.as], ["yaml", "Object"]);
  });

  it("honours quality values when they say otherwise than the order", () => {
    assert.equal(negotiate("application/yaml;q=0.1, application/json").encoding, "json");
  });

  it("chooses JSON when the header is missing or accepts anything", () => {
    assert.equal(negotiate(undefined).encoding, "json");
    assert.equal(negotiate("*/*").encoding, "json");
  });

  it("throws NotAcceptable when nothing fits", () => {
    assert.throws(
      () => negotiate("application/vnd.kubernetes.protobuf"),
      /only the following media types are accepted/,
    );
    assert.throws(() => negotiate("application/json;q=0"), /only the following/);
  });
});
