import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readCertificateRequest, type CertificateRequest } from "../../resource/certificate-request.ts";
import { readChallenge, type Challenge } from "../../resource/challenge.ts";
import { CERTIFICATE_REQUEST, CHALLENGE, ORDER } from "../../resource/kind.ts";
import { readOrder, type Order } from "../../resource/order.ts";
import { make } from "../testing.ts";
import { rootCause, type CauseFacts } from "./root-cause.ts";

function request(reason: "Pending" | "Failed" | "Issued", message: string): CertificateRequest {
  const conditions = [
    { type: "Approved", status: "True" },
    { type: "Ready", status: reason === "Issued" ? "True" : "False", reason, message },
  ];
  const certificate = reason === "Issued" ? "QQ==" : undefined;
  return readCertificateRequest(make(CERTIFICATE_REQUEST, "web-1", { status: { conditions, certificate } }));
}

function requestTo(issuerRef: unknown): CertificateRequest {
  return readCertificateRequest(make(CERTIFICATE_REQUEST, "web-1", { spec: { issuerRef } }));
}

function order(reason: string): Order {
  return readOrder(make(ORDER, "web-1-1", { status: { state: "pending", reason } }));
}

function challenge(state: string, reason: string): Challenge {
  return readChallenge(make(CHALLENGE, "web-1-1-1", { status: { state, reason } }));
}

function cause(change: Partial<CauseFacts>): string | undefined {
  return rootCause({
    request: request("Pending", "request"),
    order: undefined,
    challenges: [],
    retryAtMs: undefined,
    ...change,
  });
}

describe("rootCause()", () => {
  it("says nothing before there is a request, and none once it is issued", () => {
    assert.equal(cause({ request: undefined }), undefined);
    assert.equal(cause({ request: request("Issued", "done"), order: order("order") }), undefined);
  });

  it("says who has to answer when it isn't Lintel", () => {
    assert.equal(cause({ request: requestTo({ name: "le" }) }), undefined);
    assert.match(cause({ request: requestTo({ name: "x", group: "other.example" }) }) ?? "", /group "other\.example"/);
    assert.match(
      cause({ request: requestTo({ name: "x", kind: "Isuer" }) }) ?? "",
      /"Isuer" is neither Issuer nor ClusterIssuer/,
    );
  });

  it("prefers the challenge to the order and the order to the request", () => {
    assert.equal(cause({}), "request");
    assert.equal(cause({ order: order("order") }), "order");
    assert.equal(cause({ order: order("order"), challenges: [challenge("pending", "challenge")] }), "challenge");
  });

  it("prefers a challenge that failed to one that waits", () => {
    const challenges = [challenge("pending", "waiting"), challenge("invalid", "refused"), challenge("valid", "old")];
    assert.equal(cause({ challenges }), "refused");
  });

  it("ignores waiting challenges once the request failed", () => {
    const facts = {
      request: request("Failed", "request"),
      order: order("order"),
      challenges: [challenge("pending", "waiting")],
    };
    assert.equal(cause(facts), "order");
  });

  it("adds when the next attempt begins", () => {
    const retryAtMs = Date.UTC(2026, 0, 1, 1);
    assert.match(
      cause({ request: request("Failed", "Port 80 is closed"), retryAtMs }) ?? "",
      /^Port 80 is closed\. Next attempt by itself at 2026-01-01T01:00:00Z/,
    );
  });
});
