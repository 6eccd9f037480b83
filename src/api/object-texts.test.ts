import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { KubeObject } from "../resource/object.ts";
import { ObjectTexts } from "./object-texts.ts";

function named(name: string): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name } };
}

describe("ObjectTexts", () => {
  test("get() makes a text once for one object and form", () => {
    const texts = new ObjectTexts();
    const object = named("a");
    let made = 0;
    const make = (): string => `text ${String((made += 1))}`;
    assert.equal(texts.get(object, "one", make), "text 1");
    assert.equal(texts.get(object, "one", make), "text 1");
    assert.equal(texts.get(object, "other", make), "text 2");
    assert.equal(texts.get(named("a"), "one", make), "text 3");
  });

  test("get() keeps what is used and forgets the rest when there is more than may be kept", () => {
    const texts = new ObjectTexts(40);
    const used = named("used");
    const unused = named("unused");
    texts.get(used, "f", () => "used text");
    texts.get(unused, "f", () => "0123456789");
    for (let index = 0; index < 8; index++) {
      texts.get(named(String(index)), "f", () => "0123456789");
      assert.equal(
        texts.get(used, "f", () => "made again"),
        "used text",
      );
    }
    assert.equal(
      texts.get(unused, "f", () => "made again"),
      "made again",
    );
  });

  test("metadata() leaves out all but the metadata", () => {
    const texts = new ObjectTexts();
    const text = texts.metadata({ ...named("a"), data: { key: "secret" } }, "meta.k8s.io/v1");
    assert.equal(text, '{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a"}}');
  });
});
