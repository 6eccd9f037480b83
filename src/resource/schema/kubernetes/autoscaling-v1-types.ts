/** The fields of the autoscalingV1 types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const AUTOSCALING_V1_TYPES: Readonly<Record<string, string>> = {
  "autoscalingV1.CrossVersionObjectReference": "@atomic; kind 1! string; name 2! string; apiVersion 3 string",
  "autoscalingV1.HorizontalPodAutoscaler":
    "metadata 1 meta.ObjectMeta; spec 2 autoscalingV1.HorizontalPodAutoscalerSpec; status 3 autoscalingV1.HorizontalPodAutoscalerStatus",
  "autoscalingV1.HorizontalPodAutoscalerSpec":
    "scaleTargetRef 1! autoscalingV1.CrossVersionObjectReference; minReplicas 2* int32; maxReplicas 3! int32; targetCPUUtilizationPercentage 4* int32",
  "autoscalingV1.HorizontalPodAutoscalerStatus":
    "observedGeneration 1* int64; lastScaleTime 2* time; currentReplicas 3! int32; desiredReplicas 4! int32; currentCPUUtilizationPercentage 5* int32",
  "autoscalingV1.Scale":
    "metadata 1 meta.ObjectMeta; spec 2 autoscalingV1.ScaleSpec; status 3 autoscalingV1.ScaleStatus",
  "autoscalingV1.ScaleSpec": "replicas 1 int32/default:0",
  "autoscalingV1.ScaleStatus": "replicas 1! int32; selector 2 string",
};
