import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics, type MetricsSources } from "./metrics.ts";

const SOURCES: MetricsSources = {
  version: "1.2.3",
  generation: () => 7,
  workers: () => [{ pid: 11, generation: 6, problems: [] }],
  processes: () => [{ slot: "worker-1", role: "worker", pid: 11, state: "ready", startedAtMs: 0, restarts: 2 }],
  certificates: () =>
    Promise.resolve([
      {
        namespace: "shop",
        name: "web-tls",
        names: ["shop.example"],
        issuer: "ClusterIssuer le",
        ready: "True",
        reason: "Ready",
        message: "",
        notAfter: "2026-02-01T00:00:00Z",
      },
    ]),
  stats: () =>
    Promise.resolve([
      {
        pid: 11,
        stats: {
          generation: 6,
          connections: { accepted: 5, open: 3 },
          malformed: 1,
          routes: [
            {
              route: "Ingress/a/b#0/0",
              responses: [0, 0, 4, 0, 1, 0],
              requestBytes: 10,
              responseBytes: 20,
              durationMs: 30,
            },
          ],
        },
      },
    ]),
};

test("Metrics.read() shows control's numbers and every worker's under the name of its slot", async () => {
  const { text, mediaType } = await new Metrics(SOURCES).read();
  assert.match(mediaType, /^text\/plain/);
  for (const line of [
    'lintel_build_info{version="1.2.3"} 1',
    "lintel_generation 7",
    'lintel_worker_generation{worker="worker-1"} 6',
    'lintel_process_restarts_total{process="worker-1"} 2',
    'certmanager_certificate_ready_status{condition="True",name="web-tls",namespace="shop",issuer_name="le",issuer_kind="ClusterIssuer",issuer_group="cert-manager.io"} 1',
    'certmanager_certificate_expiration_timestamp_seconds{name="web-tls",namespace="shop",issuer_name="le",issuer_kind="ClusterIssuer",issuer_group="cert-manager.io"} 1769904000',
    'lintel_worker_connections_open{worker="worker-1"} 3',
    'lintel_worker_connections_accepted_total{worker="worker-1"} 5',
    'lintel_worker_malformed_total{worker="worker-1"} 1',
    'lintel_responses_total{worker="worker-1",route="Ingress/a/b#0/0",code="2xx"} 4',
    'lintel_responses_total{worker="worker-1",route="Ingress/a/b#0/0",code="4xx"} 1',
    'lintel_response_bytes_total{worker="worker-1",route="Ingress/a/b#0/0"} 20',
  ]) {
    assert.ok(text.split("\n").includes(line), `${line}\nis not in\n${text}`);
  }
});

test("Metrics.read() gives the same numbers again when read twice", async () => {
  const metrics = new Metrics(SOURCES);
  assert.deepEqual(await metrics.read(), await metrics.read());
});
