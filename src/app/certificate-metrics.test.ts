import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../ground/testing.ts";
import type { KubeObject } from "../resource/object.ts";
import { CertificateMetrics } from "./certificate-metrics.ts";

function object(kind: string, name: string, fields: Readonly<Record<string, unknown>>): KubeObject {
  return { apiVersion: "cert-manager.io/v1", kind, metadata: { name, namespace: "shop" }, ...fields };
}

const READY = { conditions: [{ type: "Ready", status: "True", reason: "Ready", message: "" }] };
const WEB = 'name="web",namespace="shop",issuer_name="le",issuer_kind="ClusterIssuer",issuer_group="cert-manager.io"';

test("CertificateMetrics.read() shows everything under cert-manager's names", async () => {
  const clock = new ManualClock();
  const metrics = new CertificateMetrics(clock);
  const sample = {
    scheme: "https",
    host: "ca.example",
    action: "get_order",
    method: "POST",
    status: 200,
    seconds: 0.5,
  };
  metrics.observe(sample);
  metrics.observe(sample);
  const times = {
    notBefore: "2026-01-01T00:00:00Z",
    notAfter: "2026-02-01T00:00:00Z",
    renewalTime: "2026-01-20T00:00:00Z",
  };
  const text = await metrics.read({
    certificateObjects: {
      certificates: [
        object("Certificate", "web", {
          spec: { issuerRef: { name: "le", kind: "ClusterIssuer" } },
          status: { ...READY, ...times },
        }),
        object("Certificate", "new", { spec: { issuerRef: { name: "le" } } }),
      ],
      issuers: [object("Issuer", "le", { status: READY })],
      clusterIssuers: [{ ...object("ClusterIssuer", "le", {}), metadata: { name: "le" } }],
      challenges: [
        object("Challenge", "web-1", {
          spec: { dnsName: "shop.example", type: "HTTP-01" },
          status: { state: "pending", reason: 'it said "no"', processing: true },
        }),
      ],
    },
    syncCounts: [{ controller: "orders", calls: 7, errors: 1 }],
  });
  for (const line of [
    `certmanager_certificate_ready_status{condition="True",${WEB}} 1`,
    `certmanager_certificate_ready_status{condition="False",${WEB}} 0`,
    `certmanager_certificate_ready_status{condition="Unknown",${WEB.replaceAll('"web"', '"new"').replace("ClusterIssuer", "Issuer")}} 1`,
    `certmanager_certificate_expiration_timestamp_seconds{${WEB}} 1769904000`,
    `certmanager_certificate_not_after_timestamp_seconds{${WEB}} 1769904000`,
    `certmanager_certificate_not_before_timestamp_seconds{${WEB}} 1767225600`,
    `certmanager_certificate_renewal_timestamp_seconds{${WEB}} 1768867200`,
    `lintel_certificate_failed_attempts{${WEB}} 0`,
    'certmanager_issuer_ready_status{condition="True",name="le",namespace="shop"} 1',
    'certmanager_clusterissuer_ready_status{condition="Unknown",name="le"} 1',
    'certmanager_certificate_challenge_status{status="pending",domain="shop.example",reason="it said \\"no\\"",processing="true",name="web-1",namespace="shop",type="HTTP-01"} 1',
    'certmanager_controller_sync_call_count{controller="orders"} 7',
    'certmanager_controller_sync_error_count{controller="orders"} 1',
    'certmanager_http_acme_client_request_count{scheme="https",host="ca.example",action="get_order",method="POST",status="200"} 2',
    'certmanager_http_acme_client_request_duration_seconds_sum{scheme="https",host="ca.example",action="get_order",method="POST",status="200"} 1',
    `certmanager_clock_time_seconds ${Math.floor(clock.nowMs() / 1000)}`,
    `certmanager_clock_time_seconds_gauge ${Math.floor(clock.nowMs() / 1000)}`,
  ]) {
    assert.ok(text.split("\n").includes(line), `${line}\nis not in\n${text}`);
  }
});
