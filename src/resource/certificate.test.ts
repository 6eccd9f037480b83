import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readCertificateRequest, requestState } from "./certificate-request.ts";
import { readCertificate, usagesOrDefault } from "./certificate.ts";
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
    assert.deepEqual(usagesOrDefault(spec.usages), ["digital signature", "key encipherment"]);
    assert.equal(spec.revisionHistoryLimit, 1);
    assert.equal(spec.durationMs, undefined);
  });

  for (const [what, change, problem] of [
    ["no secretName", { secretName: "" }, "spec.secretName is required"],
    ["no issuer", { issuerRef: {} }, "spec.issuerRef.name is required"],
    [
      "no names",
      { dnsNames: [] },
      "spec needs at least one of commonName, a CN in literalSubject, dnsNames, ipAddresses, uris, emailAddresses, otherNames",
    ],
    [
      "a long common name",
      { commonName: "x".repeat(65) },
      "the common name is longer than 64 bytes; use dnsNames instead",
    ],
    [
      "a name with a space",
      { dnsNames: ["*.shop.example", "_dmarc.shop.example", "a b"] },
      'spec.dnsNames[2] "a b" is not a DNS name; write an international one in its xn-- form',
    ],
    [
      "a URI with a space",
      { uris: ["spiffe://shop/a", "not a uri"] },
      'spec.uris[1] "not a uri" has a space, a control character or one outside ASCII; percent-encode it',
    ],
    [
      "an international e-mail address",
      { emailAddresses: ["a@bücher.example"] },
      'spec.emailAddresses[0] "a@bücher.example" has a space, a control character or one outside ASCII; write an international domain in its xn-- form',
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
    [
      "a literalSubject beside commonName",
      { literalSubject: "CN=x", commonName: "y" },
      "spec.literalSubject excludes spec.commonName and spec.subject",
    ],
    [
      "a literalSubject with an unknown key",
      { literalSubject: "CN=x,XY=z" },
      'spec.literalSubject is not a distinguished name such as "CN=shop.example,O=Shop": Literal subject contains unrecognized key with value [z]',
    ],
    ["an IP address", { ipAddresses: ["10.0.0.300"] }, 'spec.ipAddresses "10.0.0.300" is not an IP address'],
    [
      "an otherName",
      { otherNames: [{ oid: "1.2.x", utf8Value: "u" }] },
      'spec.otherNames[0].oid "1.2.x" is not a dotted object identifier',
    ],
    [
      "nameConstraints of a leaf",
      { nameConstraints: { permitted: { dnsDomains: ["example"] } } },
      "spec.nameConstraints is set and spec.isCA is not: only a CA's certificate has constraints",
    ],
    [
      "a constrained range",
      { isCA: true, nameConstraints: { excluded: { ipRanges: ["10.0.0.0/33"] } } },
      'spec.nameConstraints.excluded.ipRanges "10.0.0.0/33" is not an address range such as "10.0.0.0/8"',
    ],
    [
      "a signatureAlgorithm of another kind of key",
      { signatureAlgorithm: "ECDSAWithSHA256" },
      'spec.signatureAlgorithm "ECDSAWithSHA256" is not for RSA keys, which sign by one of SHA256WithRSA, SHA384WithRSA, SHA512WithRSA',
    ],
    [
      "a keystore without a password",
      { keystores: { jks: { create: true } } },
      "spec.keystores.jks needs exactly one of passwordSecretRef and password",
    ],
    [
      "windows of a certificate that is never renewed",
      { renewal: { policy: "Disabled", windows: [{ cron: "* * * * *", windowDuration: "1h" }] } },
      "spec.renewal.windows cannot be set when spec.renewal.policy is Disabled",
    ],
    [
      "a cron expression of four fields",
      { renewal: { policy: "RenewBefore", windows: [{ cron: "* * * *", windowDuration: "1h" }] } },
      "spec.renewal.windows[0].cron: expected exactly 5 fields, found 4: [* * * *]",
    ],
  ] as const) {
    it(`names the problem of ${what}`, () => {
      assert.deepEqual(readCertificate(objectOf({ ...MINIMAL, ...change })).problems, [problem]);
    });
  }
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
