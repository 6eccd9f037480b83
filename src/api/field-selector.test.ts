import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EVENT, SECRET } from "../resource/kind.ts";
import { parseFieldSelector } from "./field-selector.ts";

const EVENT_OBJECT = {
  apiVersion: "v1",
  kind: "Event",
  metadata: { name: "web.1", namespace: "demo" },
  type: "Warning",
  involvedObject: { kind: "Ingress", name: "web", namespace: "demo", uid: "u-1" },
} as const;

describe("parseFieldSelector()", () => {
  it("selects the events of an object when kubectl describe asks", () => {
    const selector = parseFieldSelector(
      "involvedObject.name=web,involvedObject.namespace=demo,involvedObject.kind=Ingress,involvedObject.uid=u-1",
      EVENT,
    );
    assert.equal(selector?.matches(EVENT_OBJECT), true);
    const other = parseFieldSelector("involvedObject.name=web,involvedObject.uid=u-2", EVENT);
    assert.equal(other?.matches(EVENT_OBJECT), false);
  });

  it("negates when the operator is !=", () => {
    assert.equal(parseFieldSelector("type!=Normal", EVENT)?.matches(EVENT_OBJECT), true);
    assert.equal(parseFieldSelector("type!=Warning", EVENT)?.matches(EVENT_OBJECT), false);
  });

  it("says which name is asked for", () => {
    assert.equal(parseFieldSelector("metadata.name=web.1", EVENT)?.name, "web.1");
    assert.equal(parseFieldSelector("type=Warning", EVENT)?.name, undefined);
  });

  it("throws BadRequest when the kind does not let select by the field", () => {
    assert.throws(() => parseFieldSelector("involvedObject.name=web", SECRET), /field label not supported/);
    assert.throws(() => parseFieldSelector("constructor=x", SECRET), /field label not supported/);
    assert.throws(() => parseFieldSelector("metadata.name", SECRET), /invalid selector/);
  });
});
