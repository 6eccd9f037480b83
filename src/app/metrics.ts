import { Counter, Gauge, Registry } from "prom-client";
import { arrayAt, isRecord, numberAt, stringAt } from "../ground/json.ts";
import type { Snapshot } from "../routing/snapshot.ts";
import type { ProcessFacts } from "../supervisor/messages.ts";
import type { WorkerFacts } from "./edge-feed.ts";
import { BACKEND_TALLIES, ROUTE_TALLIES, type BackendTally, type RouteTally } from "./tallies.ts";
import { WorkerTotals } from "./worker-totals.ts";
import { DURATION_BOUNDS_MS, SIZE_BOUNDS } from "../proxy/counters.ts";

/** What the metrics are made from. */
export interface MetricsSources {
  readonly version: string;
  readonly generation: () => number;
  /** What workers are moved to. */
  readonly snapshot: () => Snapshot;
  readonly workers: () => readonly WorkerFacts[];
  /** Asks every worker for its numbers; see {@link STATS_MS_MAX}. */
  readonly stats: (timeoutMs: number) => Promise<readonly { readonly pid: number; readonly stats: unknown }[]>;
  readonly processes: () => readonly ProcessFacts[];
  /** The families of {@link CertificateMetrics}. */
  readonly certificates: () => Promise<string>;
  /** Alerts taken and given up; undefined: none are posted. */
  readonly alerts: () => { readonly delivered: number; readonly failed: number } | undefined;
}

/** How long workers have to answer; one that does not is left out of this reading. */
const STATS_MS_MAX = 500;

/**
 * The metrics of control and, asked at each reading, of every worker. Series of a worker carry the name of its slot, so
 * that they go on after a restart, from zero as counters do.
 */
export class Metrics {
  readonly #sources: MetricsSources;
  readonly #routes = new WorkerTotals(ROUTE_TALLIES);
  readonly #backends = new WorkerTotals(BACKEND_TALLIES);

  constructor(sources: MetricsSources) {
    this.#sources = sources;
  }

  /** Returns all metrics in Prometheus' exposition format. */
  async read(): Promise<{ readonly text: string; readonly mediaType: string }> {
    const { version, generation, workers, stats, processes, certificates, alerts } = this.#sources;
    const page = new Page();
    page.set("lintel_build_info", "Always 1; the version is a label.", { version }, 1);
    page.set("lintel_generation", "The generation of the snapshot that workers are moved to.", {}, generation());
    const names = new Map(processes().map((process) => [process.pid, process.slot]));
    const nameOf = (pid: number): string => names.get(pid) ?? String(pid);
    for (const process of processes()) {
      const help = "Unplanned restarts of a process since the start.";
      page.add("lintel_process_restarts_total", help, { process: process.slot }, process.restarts);
    }
    for (const { pid, generation } of workers()) {
      const help = "The generation that a worker serves.";
      page.set("lintel_worker_generation", help, { worker: nameOf(pid) }, generation ?? 0);
    }
    for (const [outcome, count] of Object.entries(alerts() ?? {})) {
      page.add("lintel_alerts_total", "Alerts about certificates by what became of them.", { outcome }, count);
    }
    const served = this.#sources.snapshot();
    addServedCertificates(page, served);
    for (const answer of await stats(STATS_MS_MAX)) {
      addWorker(page, nameOf(answer.pid), answer.stats);
      addEjected(page, nameOf(answer.pid), answer.stats);
      this.#routes.take(answer.pid, answer.stats);
      this.#backends.take(answer.pid, answer.stats);
    }
    const living = new Set(names.keys());
    addBackends(page, this.#backends.sum(living));
    addRoutes(page, this.#routes.sum(living), hostsByRoute(served));
    const { text, mediaType } = await page.text();
    return { text: `${text}${await certificates()}`, mediaType };
  }
}

/** Numbers that go down too. All others are totals. */
const GAUGES: ReadonlySet<string> = new Set([
  "connections_open",
  "connections_openHttp",
  "connections_openHttps",
  "connections_openHandshakes",
  "connections_openHttp1",
  "connections_openHttp2",
  "connections_openPassthrough",
  "connections_tunnels",
  "upstream_open",
  "memoryBytes",
]);

function addWorker(page: Page, worker: string, stats: unknown): void {
  for (const [name, value] of numbersOf(stats)) {
    if (name === "generation") continue;
    const metric = `lintel_worker_${snakeCase(name)}`;
    const help = `${name.replace("_", " ")} of a worker.`;
    if (GAUGES.has(name)) page.set(metric, help, { worker }, value);
    else page.add(`${metric}_total`, help, { worker }, value);
  }
}

function addEjected(page: Page, worker: string, stats: unknown): void {
  for (const entry of arrayAt(stats, "backends")) {
    const labels = { worker, backend: stringAt(entry, "backend") ?? "" };
    const help = "Endpoints of a backend that are set aside now.";
    page.set("lintel_worker_backend_endpoints_ejected", help, labels, numberAt(entry, "ejected") ?? 0);
  }
}

/** What all workers together counted of the backends. */
function addBackends(page: Page, backends: ReadonlyMap<string, BackendTally>): void {
  for (const [backend, { requests, failures, ejections }] of backends) {
    page.add("lintel_backend_requests_total", "Requests sent to a backend's endpoints.", { backend }, requests);
    page.add("lintel_backend_failures_total", "Requests that a backend's endpoints failed.", { backend }, failures);
    page.add("lintel_backend_ejections_total", "Endpoints of a backend set aside.", { backend }, ejections);
  }
}

/** When what is served expires, whoever made it; by the name that dashboards for ingress-nginx use as well. */
function addServedCertificates(page: Page, { tls, certificates }: Snapshot): void {
  for (const { host, certificates: ids } of tls.values()) {
    for (const id of ids) {
      const certificate = certificates.get(id);
      if (certificate === undefined || certificate.standIn) continue;
      const [namespace = "", secret = ""] = id.split("/");
      const labels = { host, namespace, secret_name: secret };
      const seconds = certificate.notAfterMs / 1000;
      const help = "When the certificate that is served for a host expires, in seconds since the Unix epoch.";
      page.set("lintel_served_certificate_expiration_timestamp_seconds", help, labels, seconds);
      page.set("nginx_ingress_controller_ssl_expire_time_seconds", help, labels, seconds);
    }
  }
}

function hostsByRoute({ hosts }: Snapshot): ReadonlyMap<string, string> {
  return new Map([...hosts.values()].flatMap(({ host, routes }) => routes.map(({ id }) => [id, host] as const)));
}

/** What all workers together counted of the routes, in both vocabularies. */
function addRoutes(page: Page, routes: ReadonlyMap<string, RouteTally>, hosts: ReadonlyMap<string, string>): void {
  for (const [route, tally] of routes) {
    const host = hosts.get(route) ?? "";
    const labels = { route, host };
    const [namespace = "", ingress = ""] = /^Ingress\/([^/#]+)\/([^/#]+)/.exec(route)?.slice(1) ?? [];
    for (let digit = 1; digit <= 5; digit++) {
      const count = tally.responses[digit] ?? 0;
      page.add(
        "lintel_responses_total",
        "Responses by route and class of status.",
        { ...labels, code: `${digit}xx` },
        count,
      );
      const help = "Responses by Ingress; the status is its class, such as 5xx.";
      page.add("nginx_ingress_controller_requests", help, { namespace, ingress, host, status: `${digit}xx` }, count);
    }
    page.add("lintel_request_bytes_total", "Bytes of request bodies.", labels, tally.requestBytes);
    page.add("lintel_response_bytes_total", "Bytes of response bodies.", labels, tally.responseBytes);
    for (const [name, ours, histogram] of histogramsOf(tally)) {
      page.observe(`lintel_${ours}`, labels, histogram);
      page.observe(`nginx_ingress_controller_${name}`, { namespace, ingress, host }, histogram);
    }
  }
}

/** With the name that dashboards for ingress-nginx use, and ours. */
function histogramsOf(tally: RouteTally): readonly (readonly [string, string, Histogram])[] {
  const duration = {
    help: "From the first byte of a request to the last of its response.",
    bounds: DURATION_BOUNDS_MS.map((ms) => ms / 1000),
    counts: tally.durations,
    sum: tally.durationMs / 1000,
  };
  const request = { help: "Bytes of request bodies.", bounds: SIZE_BOUNDS, counts: tally.requestSizes };
  const response = { help: "Bytes of response bodies.", bounds: SIZE_BOUNDS, counts: tally.responseSizes };
  return [
    ["request_duration_seconds", "request_duration_seconds", duration],
    ["request_size", "request_size_bytes", { ...request, sum: tally.requestBytes }],
    ["response_size", "response_size_bytes", { ...response, sum: tally.responseBytes }],
  ];
}

/** Counts by upper bound, not cumulative; one more than there are bounds. */
interface Histogram {
  readonly help: string;
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

/** The numbers of an object and, joined by `_`, of the objects in it. */
function numbersOf(value: unknown): readonly (readonly [string, number])[] {
  return Object.entries(isRecord(value) ? value : {}).flatMap(
    ([name, entry]): readonly (readonly [string, number])[] => {
      if (typeof entry === "number") return [[name, entry]];
      return isRecord(entry) ? numbersOf(entry).map(([inner, number]) => [`${name}_${inner}`, number]) : [];
    },
  );
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

type Labels = Readonly<Record<string, string>>;

/** One reading: a registry that makes each family when its first value comes. */
class Page {
  readonly #registry = new Registry();
  readonly #gauges = new Map<string, Gauge>();
  readonly #counters = new Map<string, Counter>();
  readonly #observed = new Map<string, Map<string, Histogram>>();

  set(name: string, help: string, labels: Labels, value: number): void {
    const family = this.#gauges.get(name) ?? new Gauge(this.#describe(name, help, labels));
    this.#gauges.set(name, family);
    family.set(labels, value);
  }

  add(name: string, help: string, labels: Labels, value: number): void {
    const family = this.#counters.get(name) ?? new Counter(this.#describe(name, help, labels));
    this.#counters.set(name, family);
    family.inc(labels, value);
  }

  /** Adds to a histogram; the same labels may come more than once. */
  observe(name: string, labels: Labels, histogram: Histogram): void {
    const family = this.#observed.get(name) ?? new Map<string, Histogram>();
    this.#observed.set(name, family);
    const key = Object.entries(labels)
      .map(([label, value]) => `${label}="${value.replaceAll(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`)
      .join(",");
    const known = family.get(key);
    family.set(key, {
      ...histogram,
      counts: histogram.counts.map((count, index) => count + (known?.counts[index] ?? 0)),
      sum: histogram.sum + (known?.sum ?? 0),
    });
  }

  /** The registry can only observe one value after the other, and the workers have counted already. */
  #histograms(): string {
    const lines: string[] = [];
    for (const [name, family] of this.#observed) {
      const [first] = family.values();
      lines.push(`# HELP ${name} ${first?.help ?? ""}`, `# TYPE ${name} histogram`);
      for (const [labels, { bounds, counts, sum }] of family) {
        let total = 0;
        counts.forEach((more, index) => {
          total += more;
          lines.push(`${name}_bucket{${labels},le="${bounds[index] ?? "+Inf"}"} ${total}`);
        });
        lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${total}`);
      }
    }
    return lines.map((line) => `${line}\n`).join("");
  }

  async text(): Promise<{ readonly text: string; readonly mediaType: string }> {
    return { text: `${await this.#registry.metrics()}${this.#histograms()}`, mediaType: this.#registry.contentType };
  }

  #describe(name: string, help: string, labels: Labels): MetricDescription {
    return { name, help, labelNames: Object.keys(labels), registers: [this.#registry] };
  }
}

interface MetricDescription {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: Registry[];
}
