import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { KubeObject } from "../../resource/object.ts";
import { asObject, GOLDEN_NOW_MS } from "../testing.ts";
import { readServedSecret, servingFault, type SecretReading } from "./served-secret.ts";

function pem(name: string): string {
  return readFileSync(new URL(`../../../test/golden/pem/${name}`, import.meta.url), "utf8");
}

function secretOf(certificate: string, key: string): KubeObject {
  const stringData = { "tls.crt": `@${certificate}.crt`, "tls.key": `@${key}.key` };
  return asObject({ kind: "Secret", metadata: { name: "shop-tls" }, stringData }, pem);
}

function codeOf(reading: SecretReading): string {
  return reading.kind === "usable" ? reading.keyType : reading.code;
}

function faultOf(certificate: string, host: string, nowMs = GOLDEN_NOW_MS): string | undefined {
  const reading = readServedSecret(secretOf(certificate, certificate), undefined);
  return reading.kind === "usable" ? servingFault(reading, host, nowMs)?.code : reading.code;
}

function answer(matches: boolean): SecretReading {
  return readServedSecret(secretOf("shop-ed25519", "shop-ed25519"), () => matches);
}

function notAsked(): boolean {
  return assert.fail("asked");
}

describe("readServedSecret()", () => {
  const pairs: readonly (readonly [string, string, string])[] = [
    ["shop-ecdsa", "shop-ecdsa", "ECDSA"],
    ["shop-ecdsa-2", "shop-ecdsa-2", "ECDSA"],
    ["shop-rsa", "shop-rsa", "RSA"],
    ["common-name-only", "common-name-only", "RSA"],
    ["shop-ecdsa", "wildcard", "KeyMismatch"],
    ["shop-rsa", "common-name-only", "KeyMismatch"],
    ["shop-rsa", "shop-ecdsa", "KeyMismatch"],
    ["shop-ecdsa", "shop-rsa", "KeyMismatch"],
  ];
  for (const [certificate, key, expected] of pairs) {
    test(`readServedSecret() says ${expected} when ${certificate}.crt is with ${key}.key`, () => {
      assert.equal(codeOf(readServedSecret(secretOf(certificate, key), notAsked)), expected);
    });
  }

  test("readServedSecret() asks about a key that does not tell its public half", () => {
    assert.equal(codeOf(answer(true)), "Ed25519");
    assert.equal(codeOf(answer(false)), "KeyMismatch");
  });

  test("readServedSecret() reads a Secret once", () => {
    const secret = secretOf("shop-ecdsa", "shop-ecdsa");
    assert.equal(readServedSecret(secret, undefined), readServedSecret(secret, undefined));
  });
});

describe("servingFault()", () => {
  test("servingFault() lets a certificate serve the names it has, a wildcard for one label", () => {
    assert.equal(faultOf("shop-ecdsa", "www.shop.example"), undefined);
    assert.equal(faultOf("shop-ecdsa", "m.shop.example"), "CertificateNotForHost");
    assert.equal(faultOf("wildcard", "m.shop.example"), undefined);
    assert.equal(faultOf("wildcard", "*.shop.example"), undefined);
    assert.equal(faultOf("wildcard", "shop.example"), "CertificateNotForHost");
    assert.equal(faultOf("wildcard", "a.m.shop.example"), "CertificateNotForHost");
    assert.equal(faultOf("common-name-only", "minikube.me"), undefined);
  });

  test("servingFault() knows when a certificate is over and when it has not begun", () => {
    assert.equal(faultOf("expired", "shop.example"), "CertificateExpired");
    assert.equal(faultOf("shop-ecdsa", "shop.example", Date.UTC(2024, 11, 31)), "CertificateNotYetValid");
  });
});
