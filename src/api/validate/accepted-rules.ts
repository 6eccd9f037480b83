import {
  withBindingDefaults,
  withClaimDefaults,
  withLimitRangeDefaults,
  withMutatingWebhookDefaults,
  withNetworkPolicyDefaults,
  withPriorityClassDefaults,
  withStorageClassDefaults,
  withValidatingWebhookDefaults,
  withVolumeDefaults,
} from "./accepted-defaults.ts";
import type { KindRules } from "./kind-rules.ts";
import { pathSegment } from "./name-rules.ts";
import { withPodDefaults } from "./pod-defaults.ts";
import {
  withAutoscalerDefaults,
  withCronJobDefaults,
  withDaemonSetDefaults,
  withDeploymentDefaults,
  withJobDefaults,
  withPodTemplateDefaults,
  withReplicaSetDefaults,
  withReplicationControllerDefaults,
  withStatefulSetDefaults,
} from "./workload-defaults.ts";

/** The rules of kinds that are stored and not acted on: they get the defaults of a real cluster, and nothing is checked but their types. */
export const ACCEPTED_RULES: Readonly<Record<string, KindRules>> = {
  Pod: { defaults: withPodDefaults },
  PodTemplate: { defaults: withPodTemplateDefaults },
  ReplicationController: { defaults: withReplicationControllerDefaults },
  PersistentVolumeClaim: { defaults: withClaimDefaults },
  PersistentVolume: { defaults: withVolumeDefaults },
  LimitRange: { defaults: withLimitRangeDefaults },
  Deployment: { defaults: withDeploymentDefaults },
  DaemonSet: { defaults: withDaemonSetDefaults },
  StatefulSet: { defaults: withStatefulSetDefaults },
  ReplicaSet: { defaults: withReplicaSetDefaults },
  Job: { defaults: withJobDefaults },
  CronJob: { defaults: withCronJobDefaults },
  HorizontalPodAutoscaler: { defaults: withAutoscalerDefaults },
  NetworkPolicy: { defaults: withNetworkPolicyDefaults },
  PriorityClass: { defaults: withPriorityClassDefaults },
  StorageClass: { defaults: withStorageClassDefaults },
  MutatingWebhookConfiguration: { defaults: withMutatingWebhookDefaults },
  ValidatingWebhookConfiguration: { defaults: withValidatingWebhookDefaults },
  Role: { nameRule: pathSegment },
  ClusterRole: { nameRule: pathSegment },
  RoleBinding: { nameRule: pathSegment, defaults: withBindingDefaults },
  ClusterRoleBinding: { nameRule: pathSegment, defaults: withBindingDefaults },
};
