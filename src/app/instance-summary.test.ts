import assert from "node:assert/strict";
import { test } from "node:test";
import { TEST_POLICY } from "../routing/testing.ts";
import { EMPTY_SNAPSHOT, type Snapshot } from "../routing/snapshot.ts";
import { parseSummary, summarize, tlsOf } from "./instance-summary.ts";

const SNAPSHOT: Snapshot = {
  ...EMPTY_SNAPSHOT,
  generation: 4,
  hosts: new Map([
    [
      "shop.example",
      {
        host: "shop.example",
        routes: [
          {
            id: "Ingress/shop/web#0/0",
            source: { kind: "Ingress", namespace: "shop", name: "web" },
            path: { type: "prefix", value: "/" },
            action: { kind: "forward", targets: [{ backend: "shop/web:80", weight: 1 }] },
            policy: TEST_POLICY,
          },
          {
            id: "Ingress/shop/web#0/1",
            source: { kind: "Ingress", namespace: "shop", name: "web" },
            path: { type: "regex", value: "/admin.*", ignoreCase: true },
            action: { kind: "reject", status: 503, code: "AuthUnavailable", reason: "auth-secret does not exist" },
            policy: TEST_POLICY,
          },
        ],
      },
    ],
  ]),
  backends: new Map([
    [
      "shop/web:80",
      {
        id: "shop/web:80",
        protocol: "http",
        endpoints: [],
        problem: 'Service "shop/web" does not exist',
        balance: "round-robin",
      },
    ],
  ]),
  tls: new Map([["shop.example", { host: "shop.example", certificates: ["one", "two"], minVersion: "TLSv1.2" }]]),
  certificates: new Map([
    ["one", { id: "one", chain: "", key: "", notAfterMs: 0, standIn: true }],
    ["two", { id: "two", chain: "", key: "", notAfterMs: 0, standIn: false }],
  ]),
};

const CERTIFICATE = {
  apiVersion: "cert-manager.io/v1",
  kind: "Certificate",
  metadata: { namespace: "shop", name: "web-tls" },
  spec: { secretName: "web-tls", dnsNames: ["shop.example"], issuerRef: { name: "ca" } },
  status: {
    conditions: [{ type: "Ready", status: "False", reason: "DoesNotExist", message: "Issuing" }],
  },
};

test("summarize() says why a route cannot be served, and survives the way to another process", () => {
  const summary = summarize({
    version: "1.0.0",
    snapshot: SNAPSHOT,
    certificates: [CERTIFICATE],
    processes: [
      {
        slot: "control",
        role: "control",
        pid: 1,
        state: "ready",
        startedAtMs: 0,
        restarts: 0,
        failures: 0,
        lastDeath: "",
      },
    ],
    nowMs: 0,
  });
  assert.deepEqual(
    summary.routes.map(({ path, backend, endpoints, tls, problem }) => [path, backend, endpoints, tls, problem]),
    [
      ["/", "shop/web:80", 0, "valid", 'Service "shop/web" does not exist'],
      ["~ /admin.*", "", 0, "valid", "auth-secret does not exist"],
    ],
  );
  assert.deepEqual(
    summary.certificates.map(({ name, issuer, ready, reason, notAfter }) => [name, issuer, ready, reason, notAfter]),
    [["web-tls", "Issuer ca", "False", "DoesNotExist", ""]],
  );
  assert.deepEqual(parseSummary(JSON.parse(JSON.stringify(summary))), summary);
});

test("tlsOf() tells a stand-in from the real certificate, from none, and from TLS that is not ours", () => {
  const standIn: Snapshot = {
    ...SNAPSHOT,
    tls: new Map([
      ["a", { host: "a", certificates: ["one"], minVersion: "TLSv1.2" }],
      ["c", { host: "c", certificates: [], minVersion: "TLSv1.2", passthrough: { backend: "a/b:443" } }],
    ]),
  };
  assert.equal(tlsOf(SNAPSHOT, "shop.example"), "valid");
  assert.equal(tlsOf(standIn, "a"), "stand-in");
  assert.equal(tlsOf(standIn, "b"), "none");
  assert.equal(tlsOf(standIn, "c"), "passthrough");
});

test("summarize() says of what a process keeps dying, until it has lived for a while", () => {
  const facts = {
    slot: "worker-1",
    role: "worker",
    pid: 9,
    startedAtMs: 50_000,
    restarts: 7,
    lastDeath: "exit code 7",
  };
  const problemOf = (state: "ready" | "waiting", failures: number, nowMs: number): string | undefined =>
    summarize({
      version: "1",
      snapshot: SNAPSHOT,
      certificates: [],
      processes: [{ ...facts, state, failures }],
      nowMs,
    }).processes[0]?.problem;
  const sentence = "It died 3 times in a row, last of: exit code 7. It is started again after longer and longer waits";
  assert.equal(problemOf("waiting", 3, 90_000), sentence);
  assert.equal(problemOf("ready", 3, 51_000), sentence);
  assert.equal(problemOf("ready", 3, 60_000), "");
  assert.equal(problemOf("waiting", 1, 51_000), "");
});
