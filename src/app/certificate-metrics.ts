import { Counter, Registry, Summary } from "prom-client";
import type { AcmeRequestSample } from "../acme/client/request-sample.ts";
import type { CertificateObjects } from "../control/control-plane.ts";
import type { SyncCounts } from "../control/work-queue.ts";
import type { Clock } from "../ground/clock.ts";
import { numberAt } from "../ground/json.ts";
import { momentAt, readIssuerReference } from "../resource/certificate.ts";
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

/** The lines of one family, made one after the other: ten thousand Certificates have ninety thousand of them. */
function family(name: string, kind: "counter" | "gauge", help: string, lines: Iterable<Sample>): string {
  let text = `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;
  for (const [labels, value] of lines) text += `${name}${labels === "" ? "" : `{${labels}}`} ${String(value)}\n`;
  return text;
}

type Sample = readonly [labels: string, value: number];

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",");
}

function escaped(value: string): string {
  return value.replaceAll(/["\\]/g, "\\$&").replaceAll("\n", "\\n");
}

const TIMES = [
  ["not_before", "notBefore", "When the certificate becomes valid, in seconds since the Unix epoch."],
  ["not_after", "notAfter", "When the certificate expires, in seconds since the Unix epoch."],
  ["expiration", "notAfter", "When the certificate expires, in seconds since the Unix epoch; 0 before the first one."],
  ["renewal", "renewalTime", "When the certificate is renewed, in seconds since the Unix epoch."],
] as const;

/** Of each object, since objects are replaced and never changed: most are the same at the next reading. */
const LABELS = new WeakMap<KubeObject, string>();

function labelsOf(object: KubeObject): string {
  const known = LABELS.get(object);
  if (known !== undefined) return known;
  const { name, namespace = "" } = object.metadata;
  const issuer = readIssuerReference(object["spec"]);
  const labels = labelText({
    name,
    namespace,
    issuer_name: issuer.name,
    issuer_kind: issuer.kind,
    issuer_group: issuer.group,
  });
  LABELS.set(object, labels);
  return labels;
}

function certificateFamilies(objects: readonly KubeObject[]): string {
  const failed = "Attempts at the certificate that failed in a row; 0 when the last one went well.";
  const ready = "1 for the status that the Ready condition has.";
  return [
    family("lintel_certificate_failed_attempts", "gauge", failed, valuesOf(objects, failedAttempts)),
    family("certmanager_certificate_ready_status", "gauge", ready, readySamples(objects, labelsOf)),
    ...TIMES.map(([word, field, help]) => {
      const samples = valuesOf(objects, (object) => secondsAt(object, field));
      return family(`certmanager_certificate_${word}_timestamp_seconds`, "gauge", help, samples);
    }),
  ].join("");
}

function* valuesOf(objects: readonly KubeObject[], value: (object: KubeObject) => number): Iterable<Sample> {
  for (const object of objects) yield [labelsOf(object), value(object)];
}

function failedAttempts(object: KubeObject): number {
  return numberAt(object["status"], "failedIssuanceAttempts") ?? 0;
}

function secondsAt(object: KubeObject, field: string): number {
  const ms = momentAt(object["status"], field);
  return ms === undefined ? 0 : Math.floor(ms / 1000);
}

function* readySamples(objects: readonly KubeObject[], labels: (object: KubeObject) => string): Iterable<Sample> {
  for (const object of objects) {
    const state = readyStateOf(object);
    for (const one of CONDITION_STATES) yield [`condition="${one}",${labels(object)}`, one === state ? 1 : 0];
  }
}

function readyFamily(name: string, kind: string, objects: readonly KubeObject[]): string {
  const help = `1 for the status that the Ready condition of the ${kind} has.`;
  return family(name, "gauge", help, readySamples(objects, nameLabels));
}

function nameLabels({ metadata: { name, namespace } }: KubeObject): string {
  return labelText({ name, ...(namespace === undefined ? {} : { namespace }) });
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
