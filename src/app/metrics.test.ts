import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ManualClock } from "../ground/testing.ts";
import { Counters } from "../proxy/counters.ts";
import { CertificateMetrics } from "./certificate-metrics.ts";
import { Metrics, type MetricsSources } from "./metrics.ts";

const NOTHING = { certificates: [], issuers: [], clusterIssuers: [], challenges: [] };

const SOURCES: MetricsSources = {
  version: "1.2.3",
  generation: () => 7,
  workers: () => [{ pid: 11, generation: 6, problems: [] }],
  processes: () => [{ slot: "worker-1", role: "worker", pid: 11, state: "ready", startedAtMs: 0, restarts: 2 }],
  certificates: () => new CertificateMetrics(new ManualClock()).read({ certificateObjects: NOTHING, syncCounts: [] }),
  alerts: () => ({ delivered: 3, failed: 1 }),
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
              requestSizes: [4, 1, 0, 0, 0, 0, 0, 0, 0],
              responseSizes: [0, 5, 0, 0, 0, 0, 0, 0, 0],
              durations: [3, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0],
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
    'lintel_worker_connections_open{worker="worker-1"} 3',
    'lintel_worker_connections_accepted_total{worker="worker-1"} 5',
    'lintel_worker_malformed_total{worker="worker-1"} 1',
    'lintel_responses_total{route="Ingress/a/b#0/0",code="2xx"} 4',
    'lintel_responses_total{route="Ingress/a/b#0/0",code="4xx"} 1',
    'lintel_responses_total{route="Ingress/a/b#0/0",code="5xx"} 0',
    'nginx_ingress_controller_requests{namespace="a",ingress="b",status="2xx"} 4',
    'lintel_request_duration_seconds_bucket{route="Ingress/a/b#0/0",le="0.005"} 3',
    'nginx_ingress_controller_request_duration_seconds_bucket{namespace="a",ingress="b",le="0.025"} 5',
    'nginx_ingress_controller_request_duration_seconds_bucket{namespace="a",ingress="b",le="+Inf"} 5',
    'nginx_ingress_controller_request_duration_seconds_sum{namespace="a",ingress="b"} 0.03',
    'lintel_response_bytes_total{route="Ingress/a/b#0/0"} 20',
    'lintel_request_size_bytes_bucket{route="Ingress/a/b#0/0",le="0"} 4',
    'lintel_request_size_bytes_sum{route="Ingress/a/b#0/0"} 10',
    'nginx_ingress_controller_response_size_bucket{namespace="a",ingress="b",le="100"} 5',
    'nginx_ingress_controller_response_size_count{namespace="a",ingress="b"} 5',
  ]) {
    assert.ok(text.split("\n").includes(line), `${line}\nis not in\n${text}`);
  }
});

test("Metrics.read() gives the same numbers again when read twice", async () => {
  const metrics = new Metrics(SOURCES);
  assert.deepEqual(await metrics.read(), await metrics.read());
});

test("Metrics.read() keeps what a worker counted that is gone, and forgets a route that nobody counts", async () => {
  let pid = 11;
  let routes = ["kept", "dropped"];
  const metrics = new Metrics({
    ...SOURCES,
    processes: () => [{ slot: "worker-1", role: "worker", pid, state: "ready", startedAtMs: 0, restarts: 0 }],
    stats: () => {
      const counters = new Counters(10);
      for (const route of routes) counters.route(route).responses[2] = 5;
      return Promise.resolve([{ pid, stats: counters.stats(1, () => 0) }]);
    },
  });
  await metrics.read();
  pid = 12;
  routes = ["kept"];
  const { text } = await metrics.read();
  assert.ok(text.includes('lintel_responses_total{route="kept",code="2xx"} 10\n'), text);
  assert.doesNotMatch(text, /dropped/);
});

test("Metrics.read() shows exactly the metrics that docs/metrics.md lists", async () => {
  const counters = new Counters(10);
  counters.keepRoutes(new Set(["Ingress/a/b#0/0"]));
  counters.keepBackends(new Map([["a/web:80", undefined]]));
  const stats = { ...counters.stats(1, () => 0), memoryBytes: 1, cpuMs: 1, accessLog: { written: 0, dropped: 0 } };
  const { text } = await new Metrics({ ...SOURCES, stats: () => Promise.resolve([{ pid: 11, stats }]) }).read();
  const page = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  const listed = [...page.matchAll(/^\| `(\w+)`/gm)].map((found) => found[1]);
  const shown = [...text.matchAll(/^# TYPE (\w+)/gm)].map((found) => found[1] ?? "");
  assert.deepEqual(
    listed,
    shown.sort((left, right) => (left < right ? -1 : 1)),
  );
});
