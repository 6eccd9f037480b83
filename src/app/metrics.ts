import { Gauge, Registry } from "prom-client";
import { isRecord } from "../ground/json.ts";
import type { ProcessFacts } from "../supervisor/messages.ts";
import type { EdgeFeed } from "./edge-feed.ts";

/** What the metrics are made from. */
export interface MetricsOptions {
  readonly version: string;
  readonly feed: EdgeFeed;
  readonly processes: () => readonly ProcessFacts[];
}

const STATS_TIMEOUT_MS = 500;

/** The metrics of control and, asked at each reading, of every worker. */
export class Metrics {
  readonly #options: MetricsOptions;

  constructor(options: MetricsOptions) {
    this.#options = options;
  }

  /** Returns all metrics in Prometheus' exposition format. */
  async read(): Promise<{ readonly text: string; readonly mediaType: string }> {
    const registry = new Registry();
    const gauge = (name: string, help: string, labels: readonly string[] = []): Gauge =>
      new Gauge({ name, help, labelNames: [...labels], registers: [registry] });
    const { feed, processes, version } = this.#options;
    gauge("lintel_build_info", "Always 1; the version is a label.", ["version"]).set({ version }, 1);
    gauge("lintel_generation", "The generation of the snapshot that workers are moved to.").set(feed.generation);
    const served = gauge("lintel_worker_generation", "The generation a worker serves.", ["pid"]);
    for (const worker of feed.workers()) served.set({ pid: String(worker.pid) }, worker.generation ?? 0);
    const restarts = gauge("lintel_process_restarts", "Unplanned restarts of a process since the start.", ["process"]);
    for (const process of processes()) restarts.set({ process: process.slot }, process.restarts);
    for (const { pid, stats } of await feed.stats(STATS_TIMEOUT_MS)) {
      for (const [name, value] of Object.entries(isRecord(stats) ? stats : {})) {
        if (typeof value !== "number") continue;
        const metric = `lintel_worker_${snakeCase(name)}`;
        const known = registry.getSingleMetric(metric);
        const family = known instanceof Gauge ? known : gauge(metric, `${name} of a worker.`, ["pid"]);
        family.set({ pid: String(pid) }, value);
      }
    }
    return { text: await registry.metrics(), mediaType: registry.contentType };
  }
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
