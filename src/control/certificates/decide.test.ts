import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CertificateFacts } from "../../pki/x509/certificate.ts";
import type { RequestFacts } from "../../pki/x509/request.ts";
import { readCertificateRequest } from "../../resource/certificate-request.ts";
import { readCertificate } from "../../resource/certificate.ts";
import { CERTIFICATE, CERTIFICATE_REQUEST } from "../../resource/kind.ts";
import { make } from "../testing.ts";
import { decide, judgeReadiness, type Step } from "./decide.ts";
import type { Facts, KnownRequest, StoredSecret } from "./facts.ts";

const NOW = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
const HOUR = 3_600_000;
const SIGNER = { name: "le", kind: "Issuer", group: "cert-manager.io" };

const SPEC = { secretName: "web-tls", dnsNames: ["shop.example"], issuerRef: { name: "le" } };

const LEAF: CertificateFacts = {
  commonName: "shop.example",
  dnsNames: ["shop.example"],
  ipAddresses: [],
  uris: [],
  emailAddresses: [],
  notBeforeMs: NOW - 10 * DAY,
  notAfterMs: NOW + 80 * DAY,
  spkiSha256: "key-1",
} as unknown as CertificateFacts;

const AT_NIGHT = { cron: "0 2 * * *", windowDuration: "2h" };

const SECRET: StoredSecret = {
  annotations: {
    "cert-manager.io/certificate-name": "web",
    "cert-manager.io/issuer-name": "le",
    "cert-manager.io/issuer-kind": "Issuer",
    "cert-manager.io/issuer-group": "cert-manager.io",
  },
  hasKey: true,
  hasCertificate: true,
  key: { spkiSha256: "key-1", matchesWish: true },
  certificate: LEAF,
  keystores: { kind: "current" },
};

function requestFor(
  key: string,
  options: {
    readonly status?: Readonly<Record<string, unknown>>;
    readonly keySecret?: string;
    readonly dnsNames?: readonly string[];
    readonly annotations?: Readonly<Record<string, string>>;
    readonly duration?: string;
    readonly usages?: readonly string[];
  } = {},
): KnownRequest {
  const { keySecret = "web-abcde", dnsNames = ["shop.example"], status = {}, duration = "2160h" } = options;
  const { usages = ["digital signature", "key encipherment"] } = options;
  const object = make(
    CERTIFICATE_REQUEST,
    "web-1",
    { spec: { issuerRef: SIGNER, usages, duration }, status },
    { annotations: { "cert-manager.io/private-key-secret-name": keySecret, ...options.annotations } },
  );
  return { request: readCertificateRequest(object), csr: csrOf(key, dnsNames) };
}

function csrOf(key: string, dnsNames: readonly string[] = ["shop.example"]): RequestFacts {
  const usages = ["digital signature", "key encipherment"];
  const names = { commonName: "", dnsNames, ipAddresses: [], uris: [], emailAddresses: [], subject: {} };
  return { ...names, relativeNames: [], usages, spkiSha256: key } as unknown as RequestFacts;
}

function facts(
  change: Partial<Facts> & {
    readonly spec?: Readonly<Record<string, unknown>>;
    readonly status?: Readonly<Record<string, unknown>>;
  } = {},
): Facts {
  const { spec = {}, status = {}, ...rest } = change;
  return {
    nowMs: NOW,
    certificate: readCertificate(make(CERTIFICATE, "web", { spec: { ...SPEC, ...spec }, status })),
    signer: SIGNER,
    secret: SECRET,
    otherOwner: undefined,
    nextKey: undefined,
    currentRequest: requestFor("key-1"),
    nextRequest: undefined,
    ...rest,
  };
}

function reasonOf(step: Step): string {
  return step.kind === "begin" ? step.reason : step.kind;
}

describe("certificates decide(): whether to issue", () => {
  const changed: readonly (readonly [string, Partial<Facts> & { spec?: Record<string, unknown> }, string])[] = [
    ["nothing is wrong", {}, "keep"],
    ["the Secret does not exist", { secret: undefined }, "DoesNotExist"],
    ["the Secret has no key", { secret: { ...SECRET, hasKey: false, key: undefined } }, "MissingData"],
    ["the Secret has no certificate", { secret: { ...SECRET, hasCertificate: false } }, "MissingData"],
    ["the key can't be read", { secret: { ...SECRET, key: undefined } }, "InvalidKeyPair"],
    ["the certificate can't be read", { secret: { ...SECRET, certificate: undefined } }, "InvalidCertificate"],
    [
      "key and certificate don't belong together",
      { secret: { ...SECRET, key: { spkiSha256: "other", matchesWish: true } } },
      "InvalidKeyPair",
    ],
    ["another issuer signed it", { signer: { ...SIGNER, name: "other" } }, "IncorrectIssuer"],
    ["an issuer of another kind signed it", { signer: { ...SIGNER, kind: "ClusterIssuer" } }, "IncorrectIssuer"],
    ["nobody knows who signed it", { secret: { ...SECRET, annotations: {} } }, "IncorrectIssuer"],
    [
      "it was issued for a Certificate that is gone",
      { secret: { ...SECRET, annotations: { ...SECRET.annotations, "cert-manager.io/certificate-name": "gone" } } },
      "IncorrectCertificate",
    ],
    [
      "the key is of another size",
      { secret: { ...SECRET, key: { spkiSha256: "key-1", matchesWish: false } } },
      "SecretMismatch",
    ],
    ["the last request was for another key", { currentRequest: requestFor("key-0") }, "SecretMismatch"],
    ["a name was added", { spec: { dnsNames: ["shop.example", "www.shop.example"] } }, "RequestChanged"],
    [
      "the order of names changed only",
      { currentRequest: requestFor("key-1", { dnsNames: ["SHOP.example"] }) },
      "keep",
    ],
    [
      "cert-manager asked, which writes no usages down",
      { currentRequest: requestFor("key-1", { usages: [] }) },
      "keep",
    ],
    ["an other name was added", { spec: { otherNames: [{ oid: "1.2.3", utf8Value: "u" }] } }, "RequestChanged"],
    ["a literal subject was added", { spec: { literalSubject: "CN=shop.example" } }, "RequestChanged"],
    ["usages shall no longer be in the request", { spec: { encodeUsagesInRequest: false } }, "RequestChanged"],
    ["the signature shall be another", { spec: { signatureAlgorithm: "SHA512WithRSA" } }, "RequestChanged"],
    [
      "the CA shall be constrained",
      { spec: { isCA: true, nameConstraints: { permitted: { dnsDomains: ["shop.example"] } } } },
      "RequestChanged",
    ],
    [
      "an address is written in another way",
      {
        currentRequest: { ...requestFor("key-1"), csr: { ...csrOf("key-1"), ipAddresses: ["2001:db8::1"] } },
        spec: { ipAddresses: ["2001:0db8:0:0::1"] },
      },
      "keep",
    ],
    [
      "the password of a keystore is missing",
      { secret: { ...SECRET, keystores: { kind: "blocked", message: "create it" } } },
      "keep",
    ],
    [
      "renewal is due and the policy is Disabled",
      { spec: { renewal: { policy: "Disabled" } }, nowMs: NOW + 79 * DAY },
      "keep",
    ],
    [
      "renewal is due and no window is open",
      { spec: { renewal: { policy: "RenewBefore", windows: [AT_NIGHT] } }, nowMs: NOW + 50 * DAY },
      "keep",
    ],
    [
      "renewal is due and a window opens",
      { spec: { renewal: { policy: "RenewBefore", windows: [AT_NIGHT] } }, nowMs: NOW + 50 * DAY + 2 * HOUR },
      "Renewing",
    ],
    ["the duration changed", { spec: { duration: "24h" } }, "RequestChanged"],
    ["the subject changed", { spec: { subject: { organizations: ["Shop"] } } }, "RequestChanged"],
    [
      "the request is gone and the certificate lacks a name",
      { currentRequest: undefined, spec: { dnsNames: ["shop.example", "www.shop.example"] } },
      "SecretMismatch",
    ],
    ["the request is gone and the certificate fits", { currentRequest: undefined }, "keep"],
    ["two thirds of its life are over", { nowMs: NOW + 50 * DAY }, "Renewing"],
    ["one day less than two thirds are over", { nowMs: NOW + 49 * DAY }, "keep"],
    ["renewBefore is reached", { spec: { renewBefore: "1800h" }, nowMs: NOW + 5 * DAY }, "Renewing"],
    ["renewBeforePercentage is reached", { spec: { renewBeforePercentage: 50 }, nowMs: NOW + 35 * DAY }, "Renewing"],
    ["the spec can't be honoured", { secret: undefined, spec: { duration: "1m" } }, "refuse"],
    ["another Certificate has the Secret", { otherOwner: "other" }, "refuse"],
  ];
  for (const [when, change, expected] of changed) {
    it(`answers ${expected} when ${when}`, () => assert.equal(reasonOf(decide(facts(change))), expected));
  }

  it("asks to be called again at expiry alone when the policy is Disabled", () => {
    const step = decide(facts({ spec: { renewal: { policy: "Disabled" } } }));
    assert.deepEqual(step, { kind: "keep", atMs: NOW + 80 * DAY });
    const after = decide(facts({ spec: { renewal: { policy: "Disabled" } }, nowMs: NOW + 81 * DAY }));
    assert.deepEqual(after, { kind: "keep", atMs: undefined });
  });

  it("asks to be called again when renewal is due, and after that at expiry", () => {
    assert.deepEqual(decide(facts()), { kind: "keep", atMs: NOW + 50 * DAY });
  });

  it("backs off one hour after the first failure, doubling up to 32 hours", () => {
    for (const [attempts, hours] of [
      [1, 1],
      [2, 2],
      [5, 16],
      [6, 32],
      [60, 32],
    ] as const) {
      const status = { lastFailureTime: "2026-01-01T00:00:00Z", failedIssuanceAttempts: attempts };
      const step = decide(facts({ secret: undefined, status, nextRequest: requestFor("key-2") }));
      assert.deepEqual(step, { kind: "backOff", untilMs: NOW + hours * 3_600_000 });
    }
  });

  it("does not back off when the failed request was for another spec", () => {
    const status = { lastFailureTime: "2026-01-01T00:00:00Z", failedIssuanceAttempts: 3 };
    const nextRequest = requestFor("key-2", { dnsNames: ["wrong.example"] });
    assert.equal(reasonOf(decide(facts({ secret: undefined, status, nextRequest }))), "DoesNotExist");
  });
});

describe("certificates decide(): the steps of an issuance", () => {
  const issuing = {
    conditions: [{ type: "Issuing", status: "True", reason: "DoesNotExist" }],
    nextPrivateKeySecretName: "web-abcde",
  };
  const nextKey = { spkiSha256: "key-2", matchesWish: true };
  const pending = { conditions: [{ type: "Approved", status: "True" }] };
  const issued = { conditions: [{ type: "Ready", status: "True" }], certificate: "Q0hBSU4=", ca: "Q0E=" };
  const steps: readonly (readonly [string, Parameters<typeof facts>[0] & {}, Step["kind"]])[] = [
    ["there is no key yet", { status: { conditions: issuing.conditions } }, "makeKey"],
    ["the key's Secret is gone", { status: issuing }, "makeKey"],
    [
      "the key is not what the spec asks for now",
      { status: issuing, nextKey: { ...nextKey, matchesWish: false } },
      "makeKey",
    ],
    ["there is no request yet", { status: issuing, nextKey }, "request"],
    [
      "the request is of an earlier attempt",
      { status: issuing, nextKey, nextRequest: requestFor("key-2", { keySecret: "web-older" }) },
      "discardRequest",
    ],
    [
      "the request is for another key",
      { status: issuing, nextKey, nextRequest: requestFor("key-1") },
      "discardRequest",
    ],
    [
      "the request is for other names",
      { status: issuing, nextKey, nextRequest: requestFor("key-2", { dnsNames: ["old.example"] }) },
      "discardRequest",
    ],
    [
      "the request was answered by the embedded CA and Lintel is online again",
      {
        status: issuing,
        nextKey,
        nextRequest: requestFor("key-2", { annotations: { "lintel.dev/answered-by": "ClusterIssuer/lintel-local" } }),
      },
      "discardRequest",
    ],
    ["the request waits", { status: issuing, nextKey, nextRequest: requestFor("key-2", { status: pending }) }, "await"],
    [
      "the request is answered",
      { status: issuing, nextKey, nextRequest: requestFor("key-2", { status: issued }) },
      "store",
    ],
    [
      "the request failed",
      {
        status: issuing,
        nextKey,
        nextRequest: requestFor("key-2", {
          status: { conditions: [{ type: "Ready", status: "False", reason: "Failed" }] },
        }),
      },
      "fail",
    ],
    [
      "the request was denied",
      {
        status: issuing,
        nextKey,
        nextRequest: requestFor("key-2", { status: { conditions: [{ type: "Denied", status: "True" }] } }),
      },
      "fail",
    ],
    [
      "the key must stay and is of another size",
      {
        status: { conditions: issuing.conditions },
        spec: { privateKey: { rotationPolicy: "Never" } },
        secret: { ...SECRET, key: { spkiSha256: "key-1", matchesWish: false } },
      },
      "keepWrongKey",
    ],
  ];
  for (const [when, change, expected] of steps) {
    it(`answers ${expected} when ${when}`, () => assert.equal(decide(facts(change)).kind, expected));
  }
});

describe("judgeReadiness()", () => {
  it("says that all is well when the stored certificate is fit for use", () => {
    assert.deepEqual(judgeReadiness(facts(), undefined), {
      status: "True",
      reason: "Ready",
      message: "Certificate is up to date and has not expired",
    });
  });

  it("stays True while a renewal is due and turns False at expiry", () => {
    assert.equal(judgeReadiness(facts({ nowMs: NOW + 79 * DAY }), undefined).status, "True");
    const expired = judgeReadiness(facts({ nowMs: NOW + 80 * DAY }), undefined);
    assert.deepEqual([expired.status, expired.reason], ["False", "Expired"]);
  });

  it("gives the cause instead of the symptom when it is known", () => {
    const judged = judgeReadiness(facts({ secret: undefined }), "Port 80 is closed");
    assert.deepEqual(judged, { status: "False", reason: "DoesNotExist", message: "Port 80 is closed" });
  });

  it("names every problem of a spec that can't be honoured", () => {
    const judged = judgeReadiness(facts({ spec: { secretName: "", dnsNames: [] } }), undefined);
    assert.equal(judged.reason, "InvalidConfig");
    assert.match(judged.message, /secretName is required; spec needs at least one of/);
  });
});
