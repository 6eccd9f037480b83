import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ManualClock } from "../ground/testing.ts";
import { Counters, NONE_OPEN } from "../proxy/counters.ts";
import { EMPTY_SNAPSHOT, type Snapshot } from "../routing/snapshot.ts";
import { TEST_POLICY } from "../routing/testing.ts";
import { CertificateMetrics } from "./certificate-metrics.ts";
import { Metrics, type MetricsSources } from "./metrics.ts";

const NOTHING = { certificates: [], issuers: [], clusterIssuers: [], challenges: [] };

const NOTHING_NOW = { ejected: () => 0, open: NONE_OPEN };

const ROUTE = {
  id: "Ingress/a/b#0/0",
  source: { kind: "Ingress", namespace: "a", name: "b" },
  path: { type: "prefix", value: "/" },
  action: { kind: "reject", status: 503, code: "x", reason: "y" },
  policy: TEST_POLICY,
} as const;

const SNAPSHOT: Snapshot = {
  ...EMPTY_SNAPSHOT,
  hosts: new Map([["a.example", { host: "a.example", routes: [ROUTE] }]]),
  tls: new Map([
    ["a.example", { host: "a.example", certificates: ["a/by-hand"], minVersion: "TLSv1.2" }],
    ["b.example", { host: "b.example", certificates: ["stand-in/b.example"], minVersion: "TLSv1.2" }],
  ]),
  certificates: new Map([
    ["a/by-hand", { id: "a/by-hand", chain: "", key: "", notAfterMs: 1_769_904_000_000, standIn: false }],
    ["stand-in/b.example", { id: "stand-in/b.example", chain: "", key: "", notAfterMs: 1, standIn: true }],
  ]),
};

const SOURCES: MetricsSources = {
  snapshot: () => SNAPSHOT,
  version: "1.2.3",
  generation: () => 7,
  workers: () => [{ pid: 11, generation: 6, problems: [] }],
  processes: () => [
    {
      slot: "worker-1",
      role: "worker",
      pid: 11,
      state: "ready",
      startedAtMs: 0,
      restarts: 2,
      failures: 0,
      lastDeath: "",
    },
  ],
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
    'lintel_responses_total{route="Ingress/a/b#0/0",host="a.example",code="2xx"} 4',
    'lintel_responses_total{route="Ingress/a/b#0/0",host="a.example",code="4xx"} 1',
    'lintel_responses_total{route="Ingress/a/b#0/0",host="a.example",code="5xx"} 0',
    'nginx_ingress_controller_requests{namespace="a",ingress="b",host="a.example",status="2xx"} 4',
    'lintel_request_duration_seconds_bucket{route="Ingress/a/b#0/0",host="a.example",le="0.005"} 3',
    'nginx_ingress_controller_request_duration_seconds_bucket{namespace="a",ingress="b",host="a.example",le="0.025"} 5',
    'nginx_ingress_controller_request_duration_seconds_bucket{namespace="a",ingress="b",host="a.example",le="+Inf"} 5',
    'nginx_ingress_controller_request_duration_seconds_sum{namespace="a",ingress="b",host="a.example"} 0.03',
    'lintel_response_bytes_total{route="Ingress/a/b#0/0",host="a.example"} 20',
    'lintel_request_size_bytes_bucket{route="Ingress/a/b#0/0",host="a.example",le="0"} 4',
    'lintel_request_size_bytes_sum{route="Ingress/a/b#0/0",host="a.example"} 10',
    'nginx_ingress_controller_response_size_bucket{namespace="a",ingress="b",host="a.example",le="100"} 5',
    'nginx_ingress_controller_response_size_count{namespace="a",ingress="b",host="a.example"} 5',
    'lintel_served_certificate_expiration_timestamp_seconds{host="a.example",namespace="a",secret_name="by-hand"} 1769904000',
    'nginx_ingress_controller_ssl_expire_time_seconds{host="a.example",namespace="a",secret_name="by-hand"} 1769904000',
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
    processes: () => [
      {
        slot: "worker-1",
        role: "worker",
        pid,
        state: "ready",
        startedAtMs: 0,
        restarts: 0,
        failures: 0,
        lastDeath: "",
      },
    ],
    stats: () => {
      const counters = new Counters(10);
      for (const route of routes) counters.route(route).responses[2] = 5;
      return Promise.resolve([{ pid, stats: counters.stats(1, NOTHING_NOW) }]);
    },
  });
  await metrics.read();
  pid = 12;
  routes = ["kept"];
  const { text } = await metrics.read();
  assert.ok(text.includes('lintel_responses_total{route="kept",host="",code="2xx"} 10\n'), text);
  assert.doesNotMatch(text, /dropped/);
});

test("Metrics.read() adds what workers counted of a backend, dead ones included", async () => {
  let pid = 11;
  const metrics = new Metrics({
    ...SOURCES,
    processes: () => [
      {
        slot: "worker-1",
        role: "worker",
        pid,
        state: "ready",
        startedAtMs: 0,
        restarts: 0,
        failures: 0,
        lastDeath: "",
      },
    ],
    stats: () => {
      const counters = new Counters(10);
      counters.keepBackends(new Map([["a/web:80", undefined]]));
      counters.backend("a/web:80").failures = 3;
      return Promise.resolve([{ pid, stats: counters.stats(1, NOTHING_NOW) }]);
    },
  });
  await metrics.read();
  pid = 12;
  const { text } = await metrics.read();
  assert.ok(text.includes('lintel_backend_failures_total{backend="a/web:80"} 6\n'), text);
  assert.ok(text.includes('lintel_backend_requests_total{backend="a/web:80"} 0\n'), text);
});

test("Metrics.read() shows exactly the metrics that docs/metrics.md lists", async () => {
  const counters = new Counters(10);
  counters.keepRoutes(new Set(["Ingress/a/b#0/0"]));
  counters.keepBackends(new Map([["a/web:80", undefined]]));
  const stats = { ...counters.stats(1, NOTHING_NOW), memoryBytes: 1, cpuMs: 1, accessLog: { written: 0, dropped: 0 } };
  const { text } = await new Metrics({ ...SOURCES, stats: () => Promise.resolve([{ pid: 11, stats }]) }).read();
  const page = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  const listed = [...page.matchAll(/^\| `(\w+)`/gm)].map((found) => found[1]);
  const shown = [...text.matchAll(/^# TYPE (\w+)/gm)].map((found) => found[1] ?? "");
  assert.deepEqual(
    listed,
    shown.sort((left, right) => (left < right ? -1 : 1)),
  );
});
