import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CertificateFacts } from "../../pki/x509/certificate.ts";
import { readIssuer } from "../../resource/issuer.ts";
import { ISSUER } from "../../resource/kind.ts";
import { make } from "../testing.ts";
import { decide, type IssuerDecision, type IssuerFacts } from "./decide.ts";

const NOW = Date.UTC(2026, 0, 1);
const ACME = { server: "https://ca.example/directory", privateKeySecretRef: { name: "account" }, solvers: [] };
const REGISTERED = {
  acme: { uri: "https://ca.example/account/1", lastPrivateKeyHash: "hash" },
  conditions: [{ type: "Ready", status: "True", reason: "ACMEAccountRegistered" }],
};

function decideFor(
  spec: Readonly<Record<string, unknown>>,
  change: Partial<IssuerFacts> = {},
  status: Readonly<Record<string, unknown>> = {},
): IssuerDecision {
  return decide({
    nowMs: NOW,
    issuer: readIssuer(make(ISSUER, "le", { spec, status })),
    secretNamespace: "shop",
    accountKey: { kind: "found", hash: "hash" },
    keyPair: undefined,
    directoryUrl: "https://ca.example/directory",
    offline: false,
    accountLost: false,
    ...change,
  });
}

function caFacts(change: Partial<CertificateFacts> = {}): CertificateFacts {
  return { isCa: true, spkiSha256: "key", notAfterMs: NOW + 1000, ...change } as unknown as CertificateFacts;
}

describe("issuers decide() for ACME", () => {
  for (const [when, expected, spec, change, status] of [
    ["there is no account key", "makeAccountKey", {}, { accountKey: { kind: "missing" } }, {}],
    ["the key was never registered", "register", {}, {}, {}],
    ["the account is known", "useAccount", {}, {}, REGISTERED],
    ["the key is another one", "register", {}, { accountKey: { kind: "found", hash: "new" } }, REGISTERED],
    ["the e-mail address changed", "register", { email: "new@shop.example" }, {}, REGISTERED],
    ["another server answers", "register", {}, { directoryUrl: "https://127.0.0.1:9/directory" }, REGISTERED],
    [
      "another directory of the same host answers",
      "register",
      {},
      { directoryUrl: "https://ca.example/other" },
      { ...REGISTERED, acme: { ...REGISTERED.acme, directory: "https://ca.example/directory" } },
    ],
    ["the CA forgot the account", "register", {}, { accountLost: true }, REGISTERED],
  ] as const) {
    it(`answers ${expected} when ${when}`, () => {
      assert.equal(decideFor({ acme: { ...ACME, ...spec } }, change, status).kind, expected);
    });
  }

  for (const [when, reason, spec, change] of [
    ["the server is no URL", "InvalidURL", { server: "letsencrypt" }, {}],
    ["no Secret is named for the key", "InvalidConfig", { privateKeySecretRef: {} }, {}],
    ["a solver is of no type", "InvalidSolver", { solvers: [{}] }, {}],
    ["the key can't be read", "ErrVerifyACMEAccount", {}, { accountKey: { kind: "unreadable" } }],
    [
      "there is no key and none may be made",
      "ErrVerifyACMEAccount",
      { disableAccountKeyGeneration: true },
      { accountKey: { kind: "missing" } },
    ],
  ] as const) {
    it(`refuses with ${reason} when ${when}`, () => {
      const decision = decideFor({ acme: { ...ACME, ...spec } }, change);
      assert.equal(decision.kind === "refuse" ? decision.reason : decision.kind, reason);
    });
  }

  it("says that the embedded CA answers while offline", () => {
    const decision = decideFor({ acme: ACME }, { offline: true }, REGISTERED);
    assert.match(
      decision.kind === "useAccount" ? decision.message : "",
      /answered by the embedded CA because of --offline/,
    );
  });
});

describe("issuers decide() for the others", () => {
  it("is ready for self-signed", () => {
    assert.deepEqual(decideFor({ selfSigned: {} }), {
      kind: "ready",
      reason: "IsReady",
      message: "Self-signed issuer is ready",
    });
  });

  for (const [when, reason, keyPair] of [
    ["the key pair is good", "KeyPairVerified", { certificate: caFacts(), keySpkiSha256: "key" }],
    ["the Secret is missing", "ErrGetKeyPair", undefined],
    ["the certificate can't be read", "ErrGetKeyPair", { certificate: undefined, keySpkiSha256: "key" }],
    ["the key can't be read", "ErrGetKeyPair", { certificate: caFacts(), keySpkiSha256: undefined }],
    ["the key is not the certificate's", "ErrInvalidKeyPair", { certificate: caFacts(), keySpkiSha256: "other" }],
    ["it is no CA", "ErrInvalidKeyPair", { certificate: caFacts({ isCa: false }), keySpkiSha256: "key" }],
    ["it has expired", "ErrInvalidKeyPair", { certificate: caFacts({ notAfterMs: NOW }), keySpkiSha256: "key" }],
  ] as const) {
    it(`gives ${reason} for a CA when ${when}`, () => {
      const decision = decideFor({ ca: { secretName: "pair" } }, { keyPair });
      assert.equal("reason" in decision ? decision.reason : decision.kind, reason);
    });
  }

  for (const spec of [{ venafi: {} }, { venafi: {} }, {}]) {
    it(`refuses ${JSON.stringify(spec)} with a sentence`, () => {
      const decision = decideFor(spec);
      assert.equal(decision.kind === "refuse" ? decision.reason : "", "InvalidConfig");
    });
  }
});
