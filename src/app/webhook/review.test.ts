import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { apiVersionOf, CERTIFICATE, INGRESS, ISSUER, type Kind } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { answerReview, type ReviewFacts } from "./review.ts";

const FACTS: ReviewFacts = { objects: () => [], classes: { classes: ["lintel"], serveClassless: false } };
const AUTH = { "nginx.ingress.kubernetes.io/auth-url": "https://auth.example" };

function make(kind: Kind, spec: object, metadata: object = {}): KubeObject {
  const own = { name: "web", namespace: "shop", ...metadata };
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: own, spec };
}

function ingress(annotations: object = {}, metadata: object = {}): KubeObject {
  const backend = { service: { name: "web", port: { number: 80 } } };
  const rules = [{ host: "a.example", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }];
  return make(INGRESS, { ingressClassName: "lintel", rules }, { annotations, ...metadata });
}

function reviewOf(kind: Kind, object: KubeObject, oldObject?: KubeObject): unknown {
  const resource = { group: kind.group, version: kind.version, resource: kind.plural };
  return { request: { uid: "u", resource, object, oldObject, userInfo: { username: "jane" } } };
}

describe("answerReview()", () => {
  it("refuses a new Ingress that would not be served as written, and not an old one that was so before", () => {
    const refused = answerReview(reviewOf(INGRESS, ingress(AUTH)), FACTS, "validate");
    assert.equal(refused.allowed, false);
    assert.match(refused.status?.message ?? "", /auth-url/);
    const edited = answerReview(reviewOf(INGRESS, ingress(AUTH), ingress(AUTH)), FACTS, "validate");
    assert.equal(edited.allowed, true);
    assert.match((edited.warnings ?? []).join(), /auth-url/);
    assert.equal(answerReview(reviewOf(INGRESS, ingress(AUTH), ingress()), FACTS, "validate").allowed, false);
  });

  it("lets an Ingress of another controller be whatever it likes", () => {
    const facts = { ...FACTS, classes: { classes: [], serveClassless: false } };
    assert.equal(answerReview(reviewOf(INGRESS, ingress(AUTH)), facts, "validate").allowed, true);
  });

  it("lets an invalid object that was stored before be edited and deleted", () => {
    const broken = make(ISSUER, {}, { resourceVersion: "1" });
    assert.equal(answerReview(reviewOf(ISSUER, broken), FACTS, "validate").allowed, false);
    const edited = answerReview(reviewOf(ISSUER, broken, broken), FACTS, "validate");
    assert.equal(edited.allowed, true);
    assert.match((edited.warnings ?? []).join(), /as before this change/);
    const leaving = make(ISSUER, {}, { deletionTimestamp: "2026-01-01T00:00:00Z" });
    assert.equal(answerReview(reviewOf(ISSUER, leaving, make(ISSUER, { ca: {} })), FACTS, "validate").allowed, true);
  });

  it("changes nothing but new CertificateRequests", () => {
    const certificate = make(CERTIFICATE, { secretName: "s" });
    assert.deepEqual(answerReview(reviewOf(CERTIFICATE, certificate), FACTS, "mutate"), { uid: "u", allowed: true });
  });

  for (const review of [undefined, {}, { request: { uid: "x", resource: { resource: "pods" } } }, { request: [] }]) {
    it(`allows what it does not know: ${JSON.stringify(review) ?? "nothing"}`, () => {
      assert.equal(answerReview(review, FACTS, "validate").allowed, true);
    });
  }
});
