import { numberAt } from "../ground/json.ts";
import { rfc3339 } from "../resource/condition.ts";
import {
  ACCEPTED_KINDS,
  CONFIG_MAP,
  CUSTOM_RESOURCE_DEFINITION,
  DEPLOYMENT,
  JOB,
  SERVICE,
  isSameResource,
  resourceName,
} from "../resource/kind.ts";
import type { Kind } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import { isBuiltIn } from "./definitions/built-in-definition.ts";

/** Products whose manifests people apply out of habit, and why they need not. */
const NOT_NEEDED: ReadonlyMap<string, string> = new Map([
  ["cert-manager", "not needed here, Lintel issues certificates itself"],
  ["ingress-nginx", "not needed here, Lintel serves ingresses itself"],
]);

const RUNS_NOTHING = "stored, but this edge runs no workloads";
const NO_VOLUMES = "stored, but this edge provides no volumes";
const NO_WEBHOOKS = "stored, but no webhook is called here";

const NOTICES: ReadonlyMap<string, string> = new Map([
  ["pods", RUNS_NOTHING],
  ["podtemplates", RUNS_NOTHING],
  ["replicationcontrollers", RUNS_NOTHING],
  ["controllerrevisions.apps", RUNS_NOTHING],
  ["daemonsets.apps", RUNS_NOTHING],
  ["deployments.apps", RUNS_NOTHING],
  ["replicasets.apps", RUNS_NOTHING],
  ["statefulsets.apps", RUNS_NOTHING],
  ["jobs.batch", RUNS_NOTHING],
  ["cronjobs.batch", RUNS_NOTHING],
  ["horizontalpodautoscalers.autoscaling", RUNS_NOTHING],
  ["poddisruptionbudgets.policy", RUNS_NOTHING],
  ["persistentvolumeclaims", NO_VOLUMES],
  ["persistentvolumes", NO_VOLUMES],
  ["storageclasses.storage.k8s.io", NO_VOLUMES],
  ["mutatingwebhookconfigurations.admissionregistration.k8s.io", NO_WEBHOOKS],
  ["validatingwebhookconfigurations.admissionregistration.k8s.io", NO_WEBHOOKS],
  ["networkpolicies.networking.k8s.io", "stored, but this edge filters no traffic between pods"],
]);

/** The API itself goes by these. */
const ACTED_ON: ReadonlySet<string> = new Set([
  "componentstatuses",
  "serviceaccounts",
  "certificatesigningrequests.certificates.k8s.io",
  "roles.rbac.authorization.k8s.io",
  "rolebindings.rbac.authorization.k8s.io",
  "clusterroles.rbac.authorization.k8s.io",
  "clusterrolebindings.rbac.authorization.k8s.io",
]);

/**
 * Returns the sentence that whoever creates `object` should read because nothing here acts on it, or undefined when
 * something does.
 */
export function noticeOf(kind: Kind, object: KubeObject): string | undefined {
  const why = reason(kind, object);
  return why === undefined ? undefined : `${object.kind} ${JSON.stringify(object.metadata.name)}: ${why}`;
}

/**
 * Returns what whoever changes `object` should read, or undefined: definitions of Lintel's own kinds are there from the
 * start, so applying one changes it.
 */
export function noticeOfUpdate(kind: Kind, object: KubeObject): string | undefined {
  return isSameResource(kind, CUSTOM_RESOURCE_DEFINITION) ? noticeOf(kind, object) : undefined;
}

function reason(kind: Kind, object: KubeObject): string | undefined {
  const isAccepted = ACCEPTED_KINDS.includes(kind);
  const isOfProduct = isAccepted || kind === SERVICE || kind === CONFIG_MAP;
  if (isSameResource(kind, CUSTOM_RESOURCE_DEFINITION)) {
    return isBuiltIn(object) ? "accepted: already served by Lintel" : undefined;
  }
  const product = isOfProduct ? NOT_NEEDED.get(productOf(object)) : undefined;
  if (product !== undefined) return product;
  if (ACTED_ON.has(resourceName(kind))) return undefined;
  return isAccepted ? (NOTICES.get(resourceName(kind)) ?? "stored, but nothing here acts on it") : undefined;
}

/** The product an object says it is a part of, by the labels that manifests and charts carry. */
function productOf(object: KubeObject): string {
  const labels = object.metadata.labels ?? {};
  const named = [
    labels["app.kubernetes.io/instance"],
    labels["app.kubernetes.io/name"],
    labels["app.kubernetes.io/part-of"],
    labels["helm.sh/chart"]?.replace(/-v?\d.*$/, ""),
  ];
  return named.find((name) => name !== undefined && NOT_NEEDED.has(name)) ?? "";
}

/**
 * Gives a new object whose work is done here without it the status that scripts wait for, and returns it. Other objects
 * are returned as they are.
 */
export async function giveStandingStatus(
  store: Store,
  kind: Kind,
  created: KubeObject,
  options: { readonly nowMs: number; readonly dryRun: boolean },
): Promise<KubeObject> {
  const status = kind.hasStatus ? standingStatus(kind, created, options.nowMs) : undefined;
  if (status === undefined) return created;
  const next: KubeObject = { ...created, status };
  return options.dryRun ? next : store.updateStatus(kind, next);
}

/** The status of a Deployment or Job that is not needed. */
function standingStatus(kind: Kind, object: KubeObject, nowMs: number): unknown {
  const why = NOT_NEEDED.get(productOf(object));
  if (why === undefined) return undefined;
  if (isSameResource(kind, DEPLOYMENT)) {
    const replicas = numberAt(object["spec"], "replicas") ?? 1;
    return {
      observedGeneration: object.metadata.generation ?? 1,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
      conditions: [condition("Available", "True", "NotNeeded", why, nowMs)],
    };
  }
  if (isSameResource(kind, JOB)) {
    const now = rfc3339(nowMs);
    return {
      startTime: now,
      completionTime: now,
      succeeded: 1,
      conditions: [condition("Complete", "True", "NotNeeded", why, nowMs)],
    };
  }
  return undefined;
}

function condition(type: string, status: "True" | "False", reason: string, message: string, nowMs: number): object {
  return { type, status, reason, message, lastTransitionTime: rfc3339(nowMs), lastUpdateTime: rfc3339(nowMs) };
}
