/** The fields of the batch types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const BATCH_TYPES: Readonly<Record<string, string>> = {
  "batch.CronJob": "metadata 1 meta.ObjectMeta; spec 2 batch.CronJobSpec; status 3 batch.CronJobStatus",
  "batch.CronJobSpec":
    "schedule 1! string; timeZone 8* string; startingDeadlineSeconds 2* int64; concurrencyPolicy 3 string(v1.ConcurrencyPolicy); suspend 4* bool; jobTemplate 5! batch.JobTemplateSpec; successfulJobsHistoryLimit 6* int32; failedJobsHistoryLimit 7* int32",
  "batch.CronJobStatus":
    "active 1 []core.ObjectReference/list:atomic; lastScheduleTime 4* time; lastSuccessfulTime 5* time",
  "batch.Job": "metadata 1 meta.ObjectMeta; spec 2 batch.JobSpec; status 3 batch.JobStatus",
  "batch.JobCondition":
    "type 1! string(v1.JobConditionType); status 2! string(v1.ConditionStatus); lastProbeTime 3 time; lastTransitionTime 4 time; reason 5 string; message 6 string",
  "batch.JobSpec":
    "parallelism 1* int32; completions 2* int32; activeDeadlineSeconds 3* int64; podFailurePolicy 11* batch.PodFailurePolicy; successPolicy 16* batch.SuccessPolicy; backoffLimit 7* int32; backoffLimitPerIndex 12* int32; maxFailedIndexes 13* int32; selector 4* meta.LabelSelector; manualSelector 5* bool; template 6! core.PodTemplateSpec; ttlSecondsAfterFinished 8* int32; completionMode 9* string(v1.CompletionMode); suspend 10* bool; podReplacementPolicy 14* string(v1.PodReplacementPolicy); managedBy 15* string",
  "batch.JobStatus":
    "conditions 1 []batch.JobCondition/list:atomic/patch:merge(type); startTime 2* time; completionTime 3* time; active 4 int32; succeeded 5 int32; failed 6 int32; terminating 11* int32; completedIndexes 7 string; failedIndexes 10* string; uncountedTerminatedPods 8* batch.UncountedTerminatedPods; ready 9* int32",
  "batch.JobTemplateSpec": "metadata 1 meta.ObjectMeta; spec 2 batch.JobSpec",
  "batch.PodFailurePolicy": "rules 1! []batch.PodFailurePolicyRule/list:atomic",
  "batch.PodFailurePolicyOnExitCodesRequirement":
    "containerName 1* string; operator 2! string(v1.PodFailurePolicyOnExitCodesOperator); values 3! []int32/list:set",
  "batch.PodFailurePolicyOnPodConditionsPattern":
    "type 1! string(v1.PodConditionType); status 2! string(v1.ConditionStatus)",
  "batch.PodFailurePolicyRule":
    "action 1! string(v1.PodFailurePolicyAction); onExitCodes 2* batch.PodFailurePolicyOnExitCodesRequirement; onPodConditions 3 []batch.PodFailurePolicyOnPodConditionsPattern/list:atomic",
  "batch.SuccessPolicy": "rules 1! []batch.SuccessPolicyRule/list:atomic",
  "batch.SuccessPolicyRule": "succeededIndexes 1* string; succeededCount 2* int32",
  "batch.UncountedTerminatedPods": "succeeded 1 []string(types.UID)/list:set; failed 2 []string(types.UID)/list:set",
};
