import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readCertificateRequest, requestState } from "./certificate-request.ts";
import { readCertificate } from "./certificate.ts";
import { readChallenge } from "./challenge.ts";
import { readIssuer } from "./issuer.ts";
import type { KubeObject } from "./object.ts";
import { readOrder } from "./order.ts";

function objectOf(spec: unknown, status: unknown = {}): KubeObject {
  return { apiVersion: "v1", kind: "Any", metadata: { name: "x", namespace: "shop" }, spec, status };
}

function conditions(...list: readonly (readonly [string, string, string])[]): unknown {
  return {
    certificate: "QQ==",
    conditions: list.map(([type, status, reason]) => ({ type, status, reason, message: reason })),
  };
}

const MINIMAL = { secretName: "web-tls", dnsNames: ["shop.example"], issuerRef: { name: "le" } };

describe("readCertificate()", () => {
  it("applies cert-manager's defaults", () => {
    const { spec, problems } = readCertificate(objectOf(MINIMAL));
    assert.deepEqual(problems, []);
    assert.deepEqual(spec.issuerRef, { name: "le", kind: "Issuer", group: "cert-manager.io" });
    assert.deepEqual(spec.privateKey, { algorithm: "RSA", size: 2048, encoding: "PKCS1", rotationPolicy: "Always" });
    assert.deepEqual(spec.usages, ["digital signature", "key encipherment"]);
    assert.equal(spec.revisionHistoryLimit, 1);
    assert.equal(spec.durationMs, undefined);
  });

  for (const [what, change, problem] of [
    ["no secretName", { secretName: "" }, "spec.secretName is required"],
    ["no issuer", { issuerRef: {} }, "spec.issuerRef.name is required"],
    [
      "no names",
      { dnsNames: [] },
      "spec needs at least one of commonName, dnsNames, ipAddresses, uris, emailAddresses",
    ],
    [
      "a long common name",
      { commonName: "x".repeat(65) },
      "spec.commonName is longer than 64 bytes; use dnsNames instead",
    ],
    [
      "a name with a space",
      { dnsNames: ["*.shop.example", "_dmarc.shop.example", "a b"] },
      'spec.dnsNames[2] "a b" is not a DNS name; write an international one in its xn-- form',
    ],
    ["a short duration", { duration: "30m" }, "spec.duration is shorter than 1h"],
    ["a short renewBefore", { renewBefore: "1m" }, "spec.renewBefore is shorter than 5m"],
    [
      "renewBefore beyond duration",
      { duration: "1h", renewBefore: "1h" },
      "spec.renewBefore is not shorter than spec.duration",
    ],
    ["a percentage of 100", { renewBeforePercentage: 100 }, "spec.renewBeforePercentage is not between 1 and 99"],
    [
      "an unknown algorithm",
      { privateKey: { algorithm: "DSA" } },
      'spec.privateKey.algorithm "DSA" is none of RSA, ECDSA, Ed25519',
    ],
    [
      "an odd key size",
      { privateKey: { size: 1024 } },
      "spec.privateKey.size 1024 is none of 2048, 3072, 4096, 8192 for RSA",
    ],
    ["a literalSubject", { literalSubject: "CN=x" }, "spec.literalSubject is not supported by Lintel yet; remove it"],
  ] as const) {
    it(`names the problem of ${what}`, () => {
      assert.deepEqual(readCertificate(objectOf({ ...MINIMAL, ...change })).problems, [problem]);
    });
  }
});

describe("readCertificate().shortfalls", () => {
  it("names what the Secret will lack", () => {
    const { problems, shortfalls } = readCertificate(objectOf({ ...MINIMAL, keystores: { jks: { create: true } } }));
    assert.deepEqual(problems, []);
    assert.deepEqual(shortfalls, [
      "spec.keystores.jks is not supported by Lintel yet: the Secret gets tls.crt and tls.key only",
    ]);
  });
});

describe("requestState()", () => {
  for (const [expected, status] of [
    ["unapproved", {}],
    ["pending", conditions(["Approved", "True", ""])],
    ["issued", conditions(["Approved", "True", ""], ["Ready", "True", "Issued"])],
    ["failed", conditions(["Approved", "True", ""], ["Ready", "False", "Failed"])],
    ["failed", conditions(["InvalidRequest", "True", ""])],
    ["denied", conditions(["Ready", "True", "Issued"], ["Denied", "True", ""])],
    [
      "pending",
      {
        conditions: [
          { type: "Approved", status: "True" },
          { type: "Ready", status: "True" },
        ],
      },
    ],
  ] as const) {
    it(`is ${expected} for ${JSON.stringify(status)}`, () => {
      assert.equal(requestState(readCertificateRequest(objectOf({}, status))).kind, expected);
    });
  }
});

describe("the certificate parsers", () => {
  it("are total: any JSON gives a value, never an exception", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (spec, status) => {
        const object = objectOf(spec, status);
        for (const read of [readCertificate, readCertificateRequest, readIssuer, readOrder, readChallenge])
          read(object);
      }),
    );
  });

  it("are total for fields of the right names and the wrong types", () => {
    const names = ["acme", "ca", "solvers", "dnsNames", "privateKey", "issuerRef", "duration", "request", "conditions"];
    const tree = fc.dictionary(fc.constantFrom(...names), fc.jsonValue());
    fc.assert(
      fc.property(tree, tree, (spec, status) => {
        const object = objectOf({ ...spec, acme: spec }, status);
        for (const read of [readCertificate, readCertificateRequest, readIssuer, readOrder, readChallenge])
          read(object);
      }),
    );
  });
});
