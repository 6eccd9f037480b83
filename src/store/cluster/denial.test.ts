import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "../../ground/testing.ts";
import { actOfRequest, denialRemedy, denialSentence, parseDenial } from "./denial.ts";
import { Denials, type AccessChange } from "./denials.ts";

const SAID =
  'secrets "web-tls" is forbidden: User "system:serviceaccount:lintel:lintel" cannot update resource "secrets" in API group "" in the namespace "shop"';

describe("a denial", () => {
  it("names who may not do what where, the consequence, the rule that is missing and the command that asks for it", () => {
    const denial = parseDenial(SAID);
    assert.ok(denial !== undefined);
    assert.equal(
      denialSentence(denial),
      'ServiceAccount "lintel/lintel" may not update secrets in namespace "shop": certificates and keys are not stored, so none is issued or renewed',
    );
    assert.equal(
      denialRemedy(denial),
      'Apply the roles that "lintel manifests" prints, or add the rule {"apiGroups":[""],"resources":["secrets"],"verbs":["update"]}; ' +
        '"kubectl auth can-i update secrets --namespace=shop --as=system:serviceaccount:lintel:lintel" tells whether it is there',
    );
    assert.equal(parseDenial("x is forbidden: unable to create new content in namespace y"), undefined);
  });

  it("is of the same act as the request that was denied", () => {
    const certificates = "/apis/cert-manager.io/v1/certificates";
    const inShop = "/apis/cert-manager.io/v1/namespaces/shop/certificates";
    const acts = [
      actOfRequest("GET", `${certificates}?limit=500`),
      actOfRequest("GET", `${certificates}?watch=true&limit=5`),
      actOfRequest("GET", `${inShop}/web`),
      actOfRequest("PATCH", `${inShop}/web/status?fieldManager=lintel`),
      actOfRequest("POST", "/api/v1/namespaces/shop/secrets"),
      actOfRequest("DELETE", "/api/v1/namespaces/shop"),
    ].map(({ verb, group, resource, namespace }) => [verb, group, resource, namespace].join(","));
    assert.deepEqual(acts, [
      "list,cert-manager.io,certificates,",
      "watch,cert-manager.io,certificates,",
      "get,cert-manager.io,certificates,shop",
      "patch,cert-manager.io,certificates/status,shop",
      "create,,secrets,shop",
      "delete,,namespaces,",
    ]);
  });

  it("is told of once, again when it is allowed, and forgotten when nobody tries any more", async () => {
    const clock = new ManualClock();
    const told: AccessChange[] = [];
    const denials = new Denials({ clock, tell: (change) => told.push(change) });
    const denial = parseDenial(SAID);
    assert.ok(denial !== undefined);
    denials.refused(denial);
    denials.refused(denial);
    assert.equal(denials.sentences.length, 1);
    denials.allowed({ ...denial, namespace: "other" });
    denials.allowed(denial);
    denials.allowed(denial);
    assert.deepEqual(
      told.map(({ act, sentence }) => [act, sentence === undefined]),
      [
        ['update secrets in namespace "shop"', false],
        ['update secrets in namespace "shop"', true],
      ],
    );
    denials.refused(denial);
    await clock.advance(600_001);
    assert.deepEqual(denials.sentences, []);
  });
});
