/** The fields of the autoscaling types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const AUTOSCALING_TYPES: Readonly<Record<string, string>> = {
  "autoscaling.ContainerResourceMetricSource":
    "name 1! string(v1.ResourceName); target 2! autoscaling.MetricTarget; container 3! string",
  "autoscaling.ContainerResourceMetricStatus":
    "name 1! string(v1.ResourceName); current 2! autoscaling.MetricValueStatus; container 3! string",
  "autoscaling.CrossVersionObjectReference": "kind 1! string; name 2! string; apiVersion 3 string",
  "autoscaling.ExternalMetricSource": "metric 1! autoscaling.MetricIdentifier; target 2! autoscaling.MetricTarget",
  "autoscaling.ExternalMetricStatus":
    "metric 1! autoscaling.MetricIdentifier; current 2! autoscaling.MetricValueStatus",
  "autoscaling.HPAScalingPolicy": "type 1! string(v1.HPAScalingPolicyType); value 2! int32; periodSeconds 3! int32",
  "autoscaling.HPAScalingRules":
    "stabilizationWindowSeconds 3* int32; selectPolicy 1* string(v1.ScalingPolicySelect); policies 2 []autoscaling.HPAScalingPolicy/list:atomic; tolerance 4* quantity",
  "autoscaling.HorizontalPodAutoscaler":
    "metadata 1 meta.ObjectMeta; spec 2 autoscaling.HorizontalPodAutoscalerSpec; status 3 autoscaling.HorizontalPodAutoscalerStatus",
  "autoscaling.HorizontalPodAutoscalerBehavior":
    "scaleUp 1* autoscaling.HPAScalingRules; scaleDown 2* autoscaling.HPAScalingRules",
  "autoscaling.HorizontalPodAutoscalerCondition":
    "type 1! string(v1.HorizontalPodAutoscalerConditionType); status 2! string(v1.ConditionStatus); lastTransitionTime 3 time; reason 4 string; message 5 string",
  "autoscaling.HorizontalPodAutoscalerSpec":
    "scaleTargetRef 1! autoscaling.CrossVersionObjectReference; minReplicas 2* int32; maxReplicas 3! int32; metrics 4 []autoscaling.MetricSpec/list:atomic; behavior 5* autoscaling.HorizontalPodAutoscalerBehavior",
  "autoscaling.HorizontalPodAutoscalerStatus":
    "observedGeneration 1* int64; lastScaleTime 2* time; currentReplicas 3 int32; desiredReplicas 4! int32; currentMetrics 5? []autoscaling.MetricStatus/list:atomic; conditions 6 []autoscaling.HorizontalPodAutoscalerCondition/list:map(type)/patch:merge(type)",
  "autoscaling.MetricIdentifier": "name 1! string; selector 2* meta.LabelSelector",
  "autoscaling.MetricSpec":
    "type 1! string(v1.MetricSourceType); object 2* autoscaling.ObjectMetricSource; pods 3* autoscaling.PodsMetricSource; resource 4* autoscaling.ResourceMetricSource; containerResource 7* autoscaling.ContainerResourceMetricSource; external 5* autoscaling.ExternalMetricSource",
  "autoscaling.MetricStatus":
    "type 1! string(v1.MetricSourceType); object 2* autoscaling.ObjectMetricStatus; pods 3* autoscaling.PodsMetricStatus; resource 4* autoscaling.ResourceMetricStatus; containerResource 7* autoscaling.ContainerResourceMetricStatus; external 5* autoscaling.ExternalMetricStatus",
  "autoscaling.MetricTarget":
    "type 1! string(v1.MetricTargetType); value 2* quantity; averageValue 3* quantity; averageUtilization 4* int32",
  "autoscaling.MetricValueStatus": "value 1* quantity; averageValue 2* quantity; averageUtilization 3* int32",
  "autoscaling.ObjectMetricSource":
    "describedObject 1! autoscaling.CrossVersionObjectReference; target 2! autoscaling.MetricTarget; metric 3! autoscaling.MetricIdentifier",
  "autoscaling.ObjectMetricStatus":
    "metric 1! autoscaling.MetricIdentifier; current 2! autoscaling.MetricValueStatus; describedObject 3! autoscaling.CrossVersionObjectReference",
  "autoscaling.PodsMetricSource": "metric 1! autoscaling.MetricIdentifier; target 2! autoscaling.MetricTarget",
  "autoscaling.PodsMetricStatus": "metric 1! autoscaling.MetricIdentifier; current 2! autoscaling.MetricValueStatus",
  "autoscaling.ResourceMetricSource": "name 1! string(v1.ResourceName); target 2! autoscaling.MetricTarget",
  "autoscaling.ResourceMetricStatus": "name 1! string(v1.ResourceName); current 2! autoscaling.MetricValueStatus",
};
