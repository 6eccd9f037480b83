import { reportLeases } from "../control/leadership/lease-report.ts";
import { isLintelError } from "../ground/errors.ts";
import { stringAt } from "../ground/json.ts";
import { systemClock, systemRandom } from "../ground/system-clock.ts";
import { CERTIFICATE, LEASE } from "../resource/kind.ts";
import { EMPTY_SNAPSHOT } from "../routing/snapshot.ts";
import { ClusterStore } from "../store/cluster/cluster-store.ts";
import { findAccess } from "../store/cluster/find-access.ts";
import { KubeClient } from "../store/cluster/kube-client.ts";
import { clusterIngresses, type ClusterIngresses } from "./cluster-ingresses.ts";
import { clusterSummary, type ClusterSummary } from "./cluster-summary.ts";
import { summarize, type CertificateSummary } from "./instance-summary.ts";

/** A person waits for it. */
const ANSWER_MS_MAX = 10_000;

/** What a cluster's API server says of the replicas that run there. */
export interface AskedCluster {
  readonly cluster: ClusterSummary;
  /** How long the server took to list the Leases. */
  readonly answerMs: number;
  readonly certificates: readonly CertificateSummary[];
  readonly ingresses: ClusterIngresses;
}

/** Asks the API server for the Leases in `namespace`, for Certificates, and for what Ingresses of `classes` lead to. Throws what the store throws. */
export async function askCluster(options: {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly namespace: string;
  readonly classes: readonly string[];
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}): Promise<AskedCluster> {
  const access = await findAccess({ ...options, clock: systemClock });
  const userAgent = `lintel/${options.version}`;
  const common = { access, clock: systemClock, userAgent, answerMsMax: ANSWER_MS_MAX };
  await using store = new ClusterStore({ ...common, random: systemRandom });
  const client = new KubeClient(common);
  try {
    const said = await client.request({ method: "GET", path: "/version" });
    const beganMs = systemClock.monotonicMs();
    const leases = await store.list(LEASE, { namespace: options.namespace });
    const answerMs = systemClock.monotonicMs() - beganMs;
    const facts = { server: access.server, version: stringAt(said, "gitVersion") ?? "", identity: "", problems: [] };
    const { certificates } = summarize({
      version: options.version,
      snapshot: EMPTY_SNAPSHOT,
      certificates: await certificatesOf(store),
      processes: [],
      nowMs: systemClock.nowMs(),
    });
    const ingresses = await clusterIngresses({ store, classes: options.classes, nowMs: systemClock.nowMs() });
    const cluster = clusterSummary(reportLeases(leases.items, systemClock.nowMs()), facts);
    return { cluster, answerMs, certificates, ingresses };
  } finally {
    client.close();
  }
}

/** None where the cluster does not know them. */
async function certificatesOf(store: ClusterStore): Promise<Awaited<ReturnType<ClusterStore["list"]>>["items"]> {
  try {
    return (await store.list(CERTIFICATE)).items;
  } catch (error) {
    if (isLintelError(error, "NotFound")) return [];
    throw error;
  }
}
