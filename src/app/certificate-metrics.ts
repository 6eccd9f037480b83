import { Counter, Registry, Summary } from "prom-client";
import type { AcmeRequestSample } from "../acme/client/request-sample.ts";
import type { CertificateObjects } from "../control/control-plane.ts";
import type { SyncCounts } from "../control/work-queue.ts";
import type { Clock } from "../ground/clock.ts";
import { readCertificate, readIssuerReference } from "../resource/certificate.ts";
import { readChallenge } from "../resource/challenge.ts";
import { conditionsOf } from "../resource/condition.ts";
import type { KubeObject } from "../resource/object.ts";

/** Over this time the quantiles of requests to CAs are taken. */
const QUANTILES_OVER_SECONDS = 600;
const REQUEST_LABELS = ["scheme", "host", "action", "method", "status"] as const;
/** The states a challenge can be in, as cert-manager's metrics list them. */
const CHALLENGE_STATES = ["", "ready", "valid", "expired", "pending", "processing", "invalid", "errored"] as const;
const CONDITION_STATES = ["True", "False", "Unknown"] as const;

/** Where the numbers of one reading come from. */
export interface CertificateMetricsSources {
  readonly certificateObjects: CertificateObjects;
  readonly syncCounts: readonly SyncCounts[];
}

/** The metrics of cert-manager: same names, labels and kinds, so that its dashboards and alerts go on working. */
export class CertificateMetrics {
  readonly #clock: Clock;
  readonly #registry = new Registry();
  readonly #requests: Counter;
  readonly #durations: Summary;

  constructor(clock: Clock) {
    this.#clock = clock;
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: "certmanager_http_acme_client_request_count",
      help: "Requests to ACME servers.",
      labelNames: REQUEST_LABELS,
      registers,
    });
    this.#durations = new Summary({
      name: "certmanager_http_acme_client_request_duration_seconds",
      help: "How long requests to ACME servers took.",
      labelNames: REQUEST_LABELS,
      percentiles: [0.5, 0.9, 0.99],
      maxAgeSeconds: QUANTILES_OVER_SECONDS,
      ageBuckets: 5,
      pruneAgedBuckets: true,
      registers,
    });
  }

  /** Counts a request to a CA. */
  observe({ scheme, host, action, method, status, seconds }: AcmeRequestSample): void {
    const labels = { scheme, host, action, method, status: String(status) };
    this.#requests.inc(labels);
    this.#durations.observe(labels, seconds);
  }

  /** Returns the families in Prometheus' exposition format. */
  async read({ certificateObjects, syncCounts }: CertificateMetricsSources): Promise<string> {
    const { certificates, issuers, clusterIssuers, challenges } = certificateObjects;
    return [
      certificateFamilies(certificates),
      readyFamily("certmanager_issuer_ready_status", "Issuer", issuers),
      readyFamily("certmanager_clusterissuer_ready_status", "ClusterIssuer", clusterIssuers),
      challengeFamily(challenges),
      this.#clockFamilies(),
      syncFamilies(syncCounts),
      await this.#registry.metrics(),
    ].join("");
  }

  #clockFamilies(): string {
    const seconds = Math.floor(this.#clock.nowMs() / 1000);
    return [
      family("certmanager_clock_time_seconds", "counter", "Seconds since the Unix epoch, here.", [["", seconds]]),
      family("certmanager_clock_time_seconds_gauge", "gauge", "Seconds since the Unix epoch, here.", [["", seconds]]),
    ].join("");
  }
}

type Sample = readonly [labels: string, value: number];

/** Written by hand: ten thousand Certificates have eighty thousand samples, and a registry takes its time over each. */
function family(name: string, kind: "counter" | "gauge", help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `${name}${labels === "" ? "" : `{${labels}}`} ${String(value)}`);
  return `${[`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...lines].join("\n")}\n`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",");
}

function escaped(value: string): string {
  return value.replaceAll(/["\\]/g, "\\$&").replaceAll("\n", "\\n");
}

const TIMES = [
  ["not_before", "notBeforeMs", "When the certificate becomes valid, in seconds since the Unix epoch."],
  ["not_after", "notAfterMs", "When the certificate expires, in seconds since the Unix epoch."],
  [
    "expiration",
    "notAfterMs",
    "When the certificate expires, in seconds since the Unix epoch; 0 before the first one.",
  ],
  ["renewal", "renewalTimeMs", "When the certificate is renewed, in seconds since the Unix epoch."],
] as const;

function certificateFamilies(objects: readonly KubeObject[]): string {
  const rows = objects.map((object) => {
    const { name, namespace = "" } = object.metadata;
    const issuer = readIssuerReference(object["spec"]);
    const [issuerName, issuerKind, issuerGroup] = [issuer.name, issuer.kind, issuer.group];
    const own = labelText({ name, namespace });
    const issuerLabels = labelText({ issuer_name: issuerName, issuer_kind: issuerKind, issuer_group: issuerGroup });
    return { own, issuerLabels, object, times: readCertificate(object).status };
  });
  const ready = rows.flatMap(({ own, issuerLabels, object }) =>
    CONDITION_STATES.map((state): Sample => {
      return [`condition="${state}",${own},${issuerLabels}`, readyStateOf(object) === state ? 1 : 0];
    }),
  );
  const failed = rows.map(({ own, issuerLabels, times }): Sample => {
    return [`${own},${issuerLabels}`, times.failedIssuanceAttempts];
  });
  const help = "1 for the status that the Ready condition has.";
  return [
    family("lintel_certificate_failed_attempts", "gauge", "Attempts that failed in a row.", failed),
    family("certmanager_certificate_ready_status", "gauge", help, ready),
    ...TIMES.map(([word, field, about]) => {
      const samples = rows.map(({ own, issuerLabels, times }): Sample => {
        return [`${own},${issuerLabels}`, Math.floor((times[field] ?? 0) / 1000)];
      });
      return family(`certmanager_certificate_${word}_timestamp_seconds`, "gauge", about, samples);
    }),
  ].join("");
}

function readyFamily(name: string, kind: string, objects: readonly KubeObject[]): string {
  const samples = objects.flatMap((object) => {
    const { namespace } = object.metadata;
    const own = labelText({ name: object.metadata.name, ...(namespace === undefined ? {} : { namespace }) });
    return CONDITION_STATES.map((state): Sample => {
      return [`condition="${state}",${own}`, readyStateOf(object) === state ? 1 : 0];
    });
  });
  return family(name, "gauge", `1 for the status that the Ready condition of the ${kind} has.`, samples);
}

function readyStateOf(object: KubeObject): string {
  return conditionsOf(object["status"]).find(({ type }) => type === "Ready")?.status ?? "Unknown";
}

function challengeFamily(objects: readonly KubeObject[]): string {
  const samples = objects.flatMap((object) => {
    const { name, namespace, spec, status } = readChallenge(object);
    const own = labelText({
      domain: spec.dnsName,
      reason: status.reason,
      processing: String(status.processing),
      name,
      namespace,
      type: spec.type,
    });
    return CHALLENGE_STATES.map((state): Sample => {
      return [`status="${state}",${own}`, (status.state ?? "") === state ? 1 : 0];
    });
  });
  return family("certmanager_certificate_challenge_status", "gauge", "1 for the state of the challenge.", samples);
}

function syncFamilies(counts: readonly SyncCounts[]): string {
  const samples = (field: "calls" | "errors"): readonly Sample[] =>
    counts.map((count) => [labelText({ controller: count.controller }), count[field]]);
  return [
    family(
      "certmanager_controller_sync_call_count",
      "counter",
      "Looks of a controller at an object.",
      samples("calls"),
    ),
    family("certmanager_controller_sync_error_count", "counter", "Those of them that failed.", samples("errors")),
  ].join("");
}
