import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RequestFacts } from "../../pki/x509/request.ts";
import { readCertificateRequest } from "../../resource/certificate-request.ts";
import { readIssuer, type Issuer } from "../../resource/issuer.ts";
import { CERTIFICATE_REQUEST, ISSUER, ORDER } from "../../resource/kind.ts";
import { readOrder } from "../../resource/order.ts";
import { make } from "../testing.ts";
import { decide, type RequestDecision, type RequestFactsAround } from "./decide.ts";

const CSR = {
  commonName: "",
  dnsNames: ["shop.example"],
  ipAddresses: [],
  uris: [],
  emailAddresses: [],
  relativeNames: [],
  usages: [],
  statesCa: false,
  spkiSha256: "key-1",
} as unknown as RequestFacts;
const KEY_SECRET = { annotations: { "cert-manager.io/private-key-secret-name": "web-abcde" } };
const APPROVED = [{ type: "Approved", status: "True", reason: "cert-manager.io" }];

function issuer(spec: Readonly<Record<string, unknown>>, ready = true): Issuer {
  const conditions = [{ type: "Ready", status: ready ? "True" : "False", reason: "x", message: "key pair is missing" }];
  return readIssuer(make(ISSUER, "le", { spec, status: { conditions } }));
}

function annotatedIssuer(): Issuer {
  const annotations = { "lintel.dev/require-approval": "true" };
  return readIssuer(make(ISSUER, "le", { spec: { selfSigned: {} } }, { annotations }));
}

function decideFor(
  change: Partial<RequestFactsAround> & { readonly status?: Readonly<Record<string, unknown>> } = {},
): RequestDecision {
  const { status = { conditions: APPROVED }, ...rest } = change;
  return decide({
    request: readCertificateRequest(
      make(CERTIFICATE_REQUEST, "web-1", { spec: { issuerRef: { name: "le" } }, status }, KEY_SECRET),
    ),
    csr: CSR,
    csrSignatureValid: true,
    answerable: true,
    issuer: issuer({ acme: {} }),
    order: undefined,
    ownKey: undefined,
    ...rest,
  });
}

const SELF_SIGNED = issuer({ selfSigned: {} });

function keyOf(spkiSha256: string): RequestFactsAround["ownKey"] {
  return { kind: "found", spkiSha256 };
}

function nameless(): ReturnType<typeof make> {
  return make(CERTIFICATE_REQUEST, "web-1", { spec: { issuerRef: { name: "le" } }, status: { conditions: APPROVED } });
}

function orderIn(state: string, fields: Readonly<Record<string, unknown>> = {}): ReturnType<typeof readOrder> {
  return readOrder(make(ORDER, "web-1-1", { status: { state, ...fields } }));
}

describe("certificate-requests decide()", () => {
  const cases: readonly (readonly [string, Parameters<typeof decideFor>[0], RequestDecision["kind"]])[] = [
    ["the issuer is of a foreign kind", { answerable: false }, "ignore"],
    ["it is new", { status: {} }, "approve"],
    ["it is new and its issuer wants approval", { status: {}, issuer: annotatedIssuer() }, "wait"],
    ["it was denied", { status: { conditions: [{ type: "Denied", status: "True" }] } }, "deny"],
    [
      "it has failed",
      { status: { conditions: [...APPROVED, { type: "Ready", status: "False", reason: "Failed" }] } },
      "ignore",
    ],
    ["it can't be read", { csr: undefined }, "fail"],
    ["its signature is wrong", { csrSignatureValid: false }, "fail"],
    ["the issuer is missing", { issuer: undefined }, "wait"],
    ["the issuer is not ready", { issuer: issuer({ acme: {} }, false) }, "wait"],
    ["the issuer is a CA", { issuer: issuer({ ca: { secretName: "pair" } }) }, "signWithCa"],
    [
      "a CA is asked for something else than the request itself names",
      { issuer: issuer({ ca: { secretName: "pair" } }), csr: { ...CSR, usages: ["client auth"] } },
      "fail",
    ],
    [
      "a CA is asked for a leaf by a request for a CA",
      { issuer: issuer({ ca: { secretName: "pair" } }), csr: { ...CSR, statesCa: true, isCa: true } },
      "fail",
    ],
    ["the issuer is self-signed", { issuer: SELF_SIGNED, ownKey: keyOf("key-1") }, "signWithOwnKey"],
    ["the own key is another", { issuer: SELF_SIGNED, ownKey: keyOf("key-2") }, "fail"],
    ["the Secret of the own key is missing", { issuer: SELF_SIGNED, ownKey: { kind: "missing" } }, "wait"],
    ["the own key can't be read", { issuer: SELF_SIGNED, ownKey: { kind: "unreadable" } }, "wait"],
    [
      "no Secret of an own key is named",
      { issuer: SELF_SIGNED, request: readCertificateRequest(nameless()), ownKey: { kind: "missing" } },
      "fail",
    ],
    ["the issuer is ACME", {}, "createOrder"],
    ["the order is under way", { order: orderIn("pending") }, "wait"],
    ["the order is valid without a certificate", { order: orderIn("valid") }, "wait"],
    ["the order is valid", { order: orderIn("valid", { certificate: "QQ==" }) }, "issue"],
    ["the order failed", { order: orderIn("errored", { reason: "refused" }) }, "fail"],
    ["ACME is asked for a common name beside the names", { csr: { ...CSR, commonName: "other.example" } }, "fail"],
    ["ACME is asked for other names", { csr: { ...CSR, otherNames: [{ oid: "1.2.3", utf8Value: "u" }] } }, "fail"],
    ["ACME is asked for e-mail addresses", { csr: { ...CSR, emailAddresses: ["a@b.example"] } }, "fail"],
    ["ACME is asked for nothing", { csr: { ...CSR, dnsNames: [] } }, "fail"],
  ];
  for (const [when, change, expected] of cases) {
    it(`answers ${expected} when ${when}`, () => assert.equal(decideFor(change).kind, expected));
  }

  it("passes on why the issuer is not ready and why the order failed", () => {
    const waiting = decideFor({ issuer: issuer({ acme: {} }, false) });
    assert.match(waiting.kind === "wait" ? waiting.message : "", /Issuer "le" to become ready: key pair is missing/);
    const failed = decideFor({ order: orderIn("invalid", { reason: "Port 80 is closed" }) });
    assert.equal(failed.kind === "fail" ? failed.message : "", "Port 80 is closed");
  });
});
