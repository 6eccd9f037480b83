import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { skipWithout } from "../../ground/testing.ts";
import { tlsPairProblem } from "./tls-pair.ts";

/** A self-signed certificate and its key, as openssl makes them. */
function makePair(...algorithm: readonly string[]): { readonly certificate: string; readonly key: string } {
  const args = [
    "req",
    "-x509",
    "-nodes",
    "-subj",
    "/CN=a.example",
    "-newkey",
    ...algorithm,
    "-keyout",
    "-",
    "-out",
    "-",
  ];
  const text = execFileSync("openssl", args, { stdio: ["ignore", "pipe", "ignore"] }).toString();
  const at = text.indexOf("-----BEGIN CERTIFICATE");
  return { key: text.slice(0, at), certificate: text.slice(at) };
}

/** In the form that `openssl ec` and `openssl rsa -traditional` write. */
function inOlderForm(type: "ec" | "rsa", pem: string): string {
  const args = [type, ...(type === "rsa" ? ["-traditional"] : [])];
  return execFileSync("openssl", args, { input: pem, stdio: "pipe" }).toString();
}

describe("tlsPairProblem()", { skip: skipWithout("openssl") }, () => {
  const ec = makePair("ec", "-pkeyopt", "ec_paramgen_curve:P-256");
  const other = makePair("ec", "-pkeyopt", "ec_paramgen_curve:P-256");
  const rsa = makePair("rsa:2048");

  it("finds nothing to say of a pair, also in the older forms of keys", () => {
    assert.equal(tlsPairProblem(ec.certificate, ec.key), undefined);
    assert.equal(tlsPairProblem(ec.certificate, inOlderForm("ec", ec.key)), undefined);
    assert.equal(tlsPairProblem(rsa.certificate, inOlderForm("rsa", rsa.key)), undefined);
  });

  it("says what is wrong with a pair that cannot be used", () => {
    assert.equal(tlsPairProblem(ec.certificate, other.key), "tls: private key does not match public key");
    assert.equal(tlsPairProblem(ec.certificate, rsa.key), "tls: private key type does not match public key type");
  });

  it("says what is missing, and when the two have been switched", () => {
    assert.equal(tlsPairProblem("x", "x"), "tls: failed to find any PEM data in certificate input");
    assert.equal(tlsPairProblem(ec.certificate, ""), "tls: failed to find any PEM data in key input");
    assert.match(tlsPairProblem(ec.key, ec.certificate) ?? "", /may have been switched$/);
    assert.match(tlsPairProblem(ec.certificate, ec.certificate) ?? "", /^tls: found a certificate rather than a key/);
  });
});
