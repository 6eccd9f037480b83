import { arrayAt, isRecord, numberAt, stringAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import { readCertificate } from "../resource/certificate.ts";
import { conditionsOf } from "../resource/condition.ts";
import type { Snapshot } from "../routing/snapshot.ts";
import { parseClusterSummary, type ClusterSummary } from "./cluster-summary.ts";
import { STABLE_AFTER_MS } from "../supervisor/backoff.ts";
import type { ProcessFacts } from "../supervisor/messages.ts";

/** What an instance serves and how it stands: what `lintel status` shows, and the table at the end of a start. */
export interface InstanceSummary {
  readonly version: string;
  readonly generation: number;
  readonly routes: readonly RouteSummary[];
  readonly certificates: readonly CertificateSummary[];
  readonly processes: readonly ProcessSummary[];
  /** Undefined where the API is its own. */
  readonly cluster?: ClusterSummary | undefined;
}

/** One path of one host as the workers have it. */
export interface RouteSummary {
  /** `*` when any host matches. */
  readonly host: string;
  readonly path: string;
  /** `namespace/service:port`; empty when the edge answers itself. */
  readonly backend: string;
  readonly endpoints: number;
  /** The object that made it: `Ingress shop/web`. */
  readonly source: string;
  /** `valid`, `stand-in` (of the local CA, while the real certificate is missing), `passthrough` (the endpoints' own), or `none`. */
  readonly tls: string;
  /** Why requests fail, when they do. */
  readonly problem: string;
}

/** One Certificate object. */
export interface CertificateSummary {
  readonly namespace: string;
  readonly name: string;
  readonly names: readonly string[];
  /** `ClusterIssuer lintel-local` */
  readonly issuer: string;
  /** The status of the `Ready` condition. */
  readonly ready: string;
  readonly reason: string;
  readonly message: string;
  /** RFC 3339; empty before the first issuance. */
  readonly notAfter: string;
  /** Attempts that failed in a row. */
  readonly failedAttempts: number;
}

/** One process of the instance. */
export interface ProcessSummary {
  readonly name: string;
  /** 0 while it waits to be started again. */
  readonly pid: number;
  readonly state: string;
  /** Of that state's process, RFC 3339; of its death while it waits. */
  readonly since: string;
  readonly restarts: number;
  /** Why it is not there, when it keeps dying; empty when nothing is wrong. */
  readonly problem: string;
}

/** One death is an accident, and the restart says so already. */
const FAILURES_TOLD_MIN = 2;

/** Returns the summary of what is served and stored. */
export function summarize(facts: {
  readonly version: string;
  readonly snapshot: Snapshot;
  readonly certificates: readonly KubeObject[];
  readonly processes: readonly ProcessFacts[];
  readonly nowMs: number;
  readonly cluster?: ClusterSummary;
}): InstanceSummary {
  return {
    version: facts.version,
    generation: facts.snapshot.generation,
    routes: routesOf(facts.snapshot),
    certificates: facts.certificates.map(certificateOf),
    processes: facts.processes.map((process) => ({
      name: process.slot,
      pid: process.pid,
      state: process.state,
      since: new Date(process.startedAtMs).toISOString(),
      restarts: process.restarts,
      problem: problemOf(process, facts.nowMs),
    })),
    ...(facts.cluster === undefined ? {} : { cluster: facts.cluster }),
  };
}

/** A process that dies again soon after each start; one that has lived for a while is well again. */
function problemOf({ state, startedAtMs, failures, lastDeath }: ProcessFacts, nowMs: number): string {
  const isWell = state === "ready" && nowMs - startedAtMs >= STABLE_AFTER_MS;
  if (failures < FAILURES_TOLD_MIN || isWell) return "";
  return `It died ${failures} times in a row, last of: ${lastDeath}. It is started again after longer and longer waits`;
}

function routesOf(snapshot: Snapshot): readonly RouteSummary[] {
  return [...snapshot.hosts.values()].flatMap((host) =>
    host.routes.map((route) => {
      const { action, source, path } = route;
      const ids = action.kind === "forward" ? action.targets.map((target) => target.backend) : [];
      const backends = ids.flatMap((id) => snapshot.backends.get(id) ?? []);
      const endpoints = backends.reduce((sum, backend) => sum + backend.endpoints.length, 0);
      const reason =
        action.kind === "reject" ? action.reason : (backends.find((one) => one.problem !== undefined)?.problem ?? "");
      return {
        host: host.host,
        path: path.type === "regex" ? `~ ${path.value}` : path.value,
        backend: ids.join(", "),
        endpoints,
        source: `${source.kind} ${source.namespace}/${source.name}`,
        tls: tlsOf(snapshot, host.host),
        problem: endpoints > 0 ? "" : reason,
      };
    }),
  );
}

/** Returns how TLS is answered for one host key of the snapshot. */
export function tlsOf(snapshot: Snapshot, host: string): "valid" | "stand-in" | "passthrough" | "none" {
  const entry = snapshot.tls.get(host);
  if (entry?.passthrough !== undefined) return "passthrough";
  const ids = entry?.certificates ?? [];
  const certificates = ids.flatMap((id) => snapshot.certificates.get(id) ?? []);
  if (certificates.length === 0) return "none";
  return certificates.some((certificate) => !certificate.standIn) ? "valid" : "stand-in";
}

function certificateOf(object: KubeObject): CertificateSummary {
  const { spec } = readCertificate(object);
  const ready = conditionsOf(object["status"]).find((condition) => condition.type === "Ready");
  return {
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
    names: [...spec.dnsNames, ...spec.ipAddresses],
    issuer: `${spec.issuerRef.kind} ${spec.issuerRef.name}`,
    ready: ready?.status ?? "Unknown",
    reason: ready?.reason ?? "",
    message: ready?.message ?? "",
    notAfter: stringAt(object["status"], "notAfter") ?? "",
    failedAttempts: numberAt(object["status"], "failedIssuanceAttempts") ?? 0,
  };
}

/** Returns the summary in a JSON value that came from another process of this program; what is missing is left empty. */
export function parseSummary(value: unknown): InstanceSummary {
  const cluster = parseClusterSummary(isRecord(value) ? value["cluster"] : undefined);
  return {
    ...(cluster === undefined ? {} : { cluster }),
    version: stringAt(value, "version") ?? "",
    generation: numberAt(value, "generation") ?? 0,
    routes: arrayAt(value, "routes").map((entry) => ({
      host: text(entry, "host"),
      path: text(entry, "path"),
      backend: text(entry, "backend"),
      endpoints: numberAt(entry, "endpoints") ?? 0,
      source: text(entry, "source"),
      tls: text(entry, "tls"),
      problem: text(entry, "problem"),
    })),
    certificates: arrayAt(value, "certificates").map((entry) => ({
      namespace: text(entry, "namespace"),
      name: text(entry, "name"),
      names: arrayAt(entry, "names").filter((name): name is string => typeof name === "string"),
      issuer: text(entry, "issuer"),
      ready: text(entry, "ready"),
      reason: text(entry, "reason"),
      message: text(entry, "message"),
      notAfter: text(entry, "notAfter"),
      failedAttempts: numberAt(entry, "failedAttempts") ?? 0,
    })),
    processes: arrayAt(value, "processes").map((entry) => ({
      name: text(entry, "name"),
      pid: numberAt(entry, "pid") ?? 0,
      state: text(entry, "state"),
      since: text(entry, "since"),
      restarts: numberAt(entry, "restarts") ?? 0,
      problem: text(entry, "problem"),
    })),
  };
}

function text(value: unknown, key: string): string {
  return stringAt(value, key) ?? "";
}
