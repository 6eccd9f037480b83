/** The fields of the apps types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const APPS_TYPES: Readonly<Record<string, string>> = {
  "apps.ControllerRevision": "metadata 1 meta.ObjectMeta; data 2 raw; revision 3! int64",
  "apps.DaemonSet": "metadata 1 meta.ObjectMeta; spec 2 apps.DaemonSetSpec; status 3 apps.DaemonSetStatus",
  "apps.DaemonSetCondition":
    "type 1! string(v1.DaemonSetConditionType); status 2! string(v1.ConditionStatus); lastTransitionTime 3 time; reason 4 string; message 5 string",
  "apps.DaemonSetSpec":
    "selector 1*! meta.LabelSelector; template 2! core.PodTemplateSpec; updateStrategy 3 apps.DaemonSetUpdateStrategy; minReadySeconds 4 int32; revisionHistoryLimit 6* int32",
  "apps.DaemonSetStatus":
    "currentNumberScheduled 1! int32; numberMisscheduled 2! int32; desiredNumberScheduled 3! int32; numberReady 4! int32; observedGeneration 5 int64; updatedNumberScheduled 6 int32; numberAvailable 7 int32; numberUnavailable 8 int32; collisionCount 9* int32; conditions 10 []apps.DaemonSetCondition/list:map(type)/patch:merge(type)",
  "apps.DaemonSetUpdateStrategy":
    "type 1 string(v1.DaemonSetUpdateStrategyType); rollingUpdate 2* apps.RollingUpdateDaemonSet",
  "apps.Deployment": "metadata 1 meta.ObjectMeta; spec 2 apps.DeploymentSpec; status 3 apps.DeploymentStatus",
  "apps.DeploymentCondition":
    "type 1! string(v1.DeploymentConditionType); status 2! string(v1.ConditionStatus); lastUpdateTime 6 time; lastTransitionTime 7 time; reason 4 string; message 5 string",
  "apps.DeploymentSpec":
    "replicas 1* int32; selector 2*! meta.LabelSelector; template 3! core.PodTemplateSpec; strategy 4 apps.DeploymentStrategy/patch:retainKeys; minReadySeconds 5 int32; revisionHistoryLimit 6* int32; paused 7 bool; progressDeadlineSeconds 9* int32",
  "apps.DeploymentStatus":
    "observedGeneration 1 int64; replicas 2 int32; updatedReplicas 3 int32; readyReplicas 7 int32; availableReplicas 4 int32; unavailableReplicas 5 int32; terminatingReplicas 9* int32; conditions 6 []apps.DeploymentCondition/list:map(type)/patch:merge(type); collisionCount 8* int32",
  "apps.DeploymentStrategy": "type 1 string(v1.DeploymentStrategyType); rollingUpdate 2* apps.RollingUpdateDeployment",
  "apps.ReplicaSet": "metadata 1 meta.ObjectMeta; spec 2 apps.ReplicaSetSpec; status 3 apps.ReplicaSetStatus",
  "apps.ReplicaSetCondition":
    "type 1! string(v1.ReplicaSetConditionType); status 2! string(v1.ConditionStatus); lastTransitionTime 3 time; reason 4 string; message 5 string",
  "apps.ReplicaSetSpec":
    "replicas 1* int32; minReadySeconds 4 int32; selector 2*! meta.LabelSelector; template 3 core.PodTemplateSpec",
  "apps.ReplicaSetStatus":
    "replicas 1! int32; fullyLabeledReplicas 2 int32; readyReplicas 4 int32; availableReplicas 5 int32; terminatingReplicas 7* int32; observedGeneration 3 int64; conditions 6 []apps.ReplicaSetCondition/list:map(type)/patch:merge(type)",
  "apps.RollingUpdateDaemonSet": "maxUnavailable 1* intOrString; maxSurge 2* intOrString",
  "apps.RollingUpdateDeployment": "maxUnavailable 1* intOrString; maxSurge 2* intOrString",
  "apps.RollingUpdateStatefulSetStrategy": "partition 1* int32; maxUnavailable 2* intOrString",
  "apps.StatefulSet": "metadata 1 meta.ObjectMeta; spec 2 apps.StatefulSetSpec; status 3 apps.StatefulSetStatus",
  "apps.StatefulSetCondition":
    "type 1! string(v1.StatefulSetConditionType); status 2! string(v1.ConditionStatus); lastTransitionTime 3 time; reason 4 string; message 5 string",
  "apps.StatefulSetOrdinals": "start 1? int32",
  "apps.StatefulSetPersistentVolumeClaimRetentionPolicy":
    "whenDeleted 1 string(v1.PersistentVolumeClaimRetentionPolicyType); whenScaled 2 string(v1.PersistentVolumeClaimRetentionPolicyType)",
  "apps.StatefulSetSpec":
    "replicas 1* int32; selector 2*! meta.LabelSelector; template 3! core.PodTemplateSpec; volumeClaimTemplates 4 []core.PersistentVolumeClaim/list:atomic; serviceName 5? string; podManagementPolicy 6 string(v1.PodManagementPolicyType); updateStrategy 7 apps.StatefulSetUpdateStrategy; revisionHistoryLimit 8* int32; minReadySeconds 9 int32; persistentVolumeClaimRetentionPolicy 10* apps.StatefulSetPersistentVolumeClaimRetentionPolicy; ordinals 11* apps.StatefulSetOrdinals",
  "apps.StatefulSetStatus":
    "observedGeneration 1 int64; replicas 2! int32; readyReplicas 3 int32; currentReplicas 4 int32; updatedReplicas 5 int32; currentRevision 6 string; updateRevision 7 string; collisionCount 9* int32; conditions 10 []apps.StatefulSetCondition/list:map(type)/patch:merge(type); availableReplicas 11? int32",
  "apps.StatefulSetUpdateStrategy":
    "type 1 string(v1.StatefulSetUpdateStrategyType); rollingUpdate 2* apps.RollingUpdateStatefulSetStrategy",
};
