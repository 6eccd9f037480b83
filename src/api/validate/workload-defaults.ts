import { isRecord, recordAt, stringAt } from "../../ground/json.ts";
import { filled, within, withinEach, type Fields } from "./fill.ts";
import { withClaimSpecDefaults, withPodSpecDefaults } from "./pod-defaults.ts";

const HISTORY = 10;
const QUARTER = "25%";
const PROGRESS_SECONDS = 600;
const CPU_PERCENT = 80;

/** Deployment. */
export function withDeploymentDefaults(object: Fields): Fields {
  return within(object, "spec", (spec) =>
    within(
      withTemplate(
        filled(spec, {
          replicas: 1,
          revisionHistoryLimit: HISTORY,
          progressDeadlineSeconds: PROGRESS_SECONDS,
          strategy: {},
        }),
      ),
      "strategy",
      (strategy) => rolling(strategy, { maxUnavailable: QUARTER, maxSurge: QUARTER }),
    ),
  );
}

/** Older versions of the kind counted the changes of the template, and the count is still shown. */
const TEMPLATE_GENERATION = { "deprecated.daemonset.template.generation": "1" } as const;

/** DaemonSet. */
export function withDaemonSetDefaults(object: Fields): Fields {
  const counted = within(object, "metadata", (metadata) => ({
    ...metadata,
    annotations: filled(recordAt(metadata, "annotations"), TEMPLATE_GENERATION),
  }));
  return within(counted, "spec", (spec) =>
    within(withTemplate(filled(spec, { revisionHistoryLimit: HISTORY })), "updateStrategy", (strategy) =>
      rolling(strategy, { maxUnavailable: 1, maxSurge: 0 }),
    ),
  );
}

/** StatefulSet. */
export function withStatefulSetDefaults(object: Fields): Fields {
  return within(object, "spec", (spec) => {
    const complete = filled(spec, {
      replicas: 1,
      revisionHistoryLimit: HISTORY,
      persistentVolumeClaimRetentionPolicy: {},
      ...(stringAt(spec, "podManagementPolicy") === undefined ? { podManagementPolicy: "OrderedReady" } : {}),
    });
    const claimed = withinEach(withTemplate(complete), "volumeClaimTemplates", (claim) => {
      const named = { apiVersion: "v1", kind: "PersistentVolumeClaim", ...withClaimSpecDefaults(claim) };
      return within(named, "status", (status) => filled(status, { phase: "Pending" }));
    });
    const kept = within(claimed, "persistentVolumeClaimRetentionPolicy", (policy) =>
      filled(policy, { whenDeleted: "Retain", whenScaled: "Retain" }),
    );
    return within(kept, "updateStrategy", (strategy) => {
      const isNamed = stringAt(strategy, "type") !== undefined;
      const typed = filled(strategy, { type: "RollingUpdate", ...(isNamed ? {} : { rollingUpdate: {} }) });
      if (typed["type"] !== "RollingUpdate") return typed;
      return within(typed, "rollingUpdate", (update) => filled(update, { partition: 0 }));
    });
  });
}

/** ReplicaSet. */
export function withReplicaSetDefaults(object: Fields): Fields {
  return within(object, "spec", (spec) => withTemplate(filled(spec, { replicas: 1 })));
}

/** ReplicationController: its template says whom it means. */
export function withReplicationControllerDefaults(object: Fields): Fields {
  const complete = withReplicaSetDefaults(object);
  const labels = recordAt(recordAt(recordAt(complete["spec"], "template"), "metadata"), "labels");
  if (Object.keys(labels).length === 0) return complete;
  const selecting = within(complete, "spec", (spec) => filled(spec, { selector: labels }));
  return within(selecting, "metadata", (metadata) => filled(metadata, { labels }));
}

/** Job. */
export function withJobDefaults(object: Fields): Fields {
  const labels = recordAt(recordAt(recordAt(object["spec"], "template"), "metadata"), "labels");
  const labelled =
    Object.keys(labels).length === 0 ? object : within(object, "metadata", (metadata) => filled(metadata, { labels }));
  return within(labelled, "spec", withJobSpecDefaults);
}

function withJobSpecDefaults(spec: Fields): Fields {
  const isCounted = spec["completions"] !== undefined || spec["parallelism"] !== undefined;
  return withTemplate(
    filled(spec, {
      ...(isCounted ? {} : { completions: 1 }),
      parallelism: 1,
      backoffLimit: spec["backoffLimitPerIndex"] === undefined ? 6 : 2_147_483_647,
      completionMode: "NonIndexed",
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: spec["podFailurePolicy"] === undefined ? "TerminatingOrFailed" : "Failed",
    }),
  );
}

/** CronJob; the Jobs it makes get their defaults when they are made, their Pods' templates here. */
export function withCronJobDefaults(object: Fields): Fields {
  return within(object, "spec", (spec) =>
    within(
      filled(spec, {
        concurrencyPolicy: "Allow",
        suspend: false,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 1,
      }),
      "jobTemplate",
      (template) => within(template, "spec", withTemplate),
    ),
  );
}

/** PodTemplate. */
export function withPodTemplateDefaults(object: Fields): Fields {
  return withTemplate(object);
}

/** HorizontalPodAutoscaler, autoscaling/v2. */
export function withAutoscalerDefaults(object: Fields): Fields {
  const target = { type: "Utilization", averageUtilization: CPU_PERCENT };
  const metrics = [{ type: "Resource", resource: { name: "cpu", target } }];
  return within(object, "spec", (spec) =>
    within(filled(spec, { minReplicas: 1, metrics }), "behavior", (behavior) =>
      filled(
        within(
          within(behavior, "scaleUp", (rules) => filled(rules, SCALE_UP)),
          "scaleDown",
          (rules) => filled(rules, SCALE_DOWN),
        ),
        { scaleUp: SCALE_UP, scaleDown: SCALE_DOWN },
      ),
    ),
  );
}

const SCALE_UP = {
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [
    { type: "Pods", value: 4, periodSeconds: 15 },
    { type: "Percent", value: 100, periodSeconds: 15 },
  ],
} as const;

const SCALE_DOWN = { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] } as const;

function withTemplate(spec: Fields): Fields {
  return within(spec, "template", withPodSpecDefaults);
}

function rolling(strategy: Fields, standards: Fields): Fields {
  const typed = filled(strategy, { type: "RollingUpdate" });
  if (typed["type"] !== "RollingUpdate") return typed;
  const update = isRecord(typed["rollingUpdate"]) ? typed["rollingUpdate"] : {};
  return { ...typed, rollingUpdate: filled(update, standards) };
}
