import { field, message } from "./message.ts";
import type { Message } from "./message.ts";

/**
 * The field numbers of the messages that `kubectl` and Go clients send, as Kubernetes publishes them. Fields that no
 * client of an edge sends are left out, and skipped when they come.
 */

const LIST = { shape: "list" } as const;
const MAP = { shape: "map" } as const;
const POINTER = { isPointer: true } as const;

const OWNER_REFERENCE = message({
  1: field("kind", "string"),
  3: field("name", "string"),
  4: field("uid", "string"),
  5: field("apiVersion", "string"),
  6: field("controller", "bool", POINTER),
  7: field("blockOwnerDeletion", "bool", POINTER),
});

const MANAGED_FIELDS_ENTRY = message({
  1: field("manager", "string"),
  2: field("operation", "string"),
  3: field("apiVersion", "string"),
  4: field("time", "time"),
  6: field("fieldsType", "string"),
  7: field("fieldsV1", "rawJson"),
  8: field("subresource", "string"),
});

const OBJECT_META = message({
  1: field("name", "string"),
  2: field("generateName", "string"),
  3: field("namespace", "string"),
  5: field("uid", "string"),
  6: field("resourceVersion", "string"),
  7: field("generation", "int"),
  8: field("creationTimestamp", "time"),
  9: field("deletionTimestamp", "time"),
  10: field("deletionGracePeriodSeconds", "int"),
  11: field("labels", "string", MAP),
  12: field("annotations", "string", MAP),
  13: field("ownerReferences", OWNER_REFERENCE, LIST),
  14: field("finalizers", "string", LIST),
  17: field("managedFields", MANAGED_FIELDS_ENTRY, LIST),
});

const META = { 1: field("metadata", OBJECT_META) } as const;

const CONFIG_MAP = message({
  ...META,
  2: field("data", "string", MAP),
  3: field("binaryData", "bytes", MAP),
  4: field("immutable", "bool", POINTER),
});

const SECRET = message({
  ...META,
  2: field("data", "bytes", MAP),
  3: field("type", "string"),
  4: field("stringData", "string", MAP),
  5: field("immutable", "bool", POINTER),
});

const NAMESPACE = message({
  ...META,
  2: field("spec", message({ 1: field("finalizers", "string", LIST) })),
  3: field("status", message({ 1: field("phase", "string") })),
});

const SERVICE_PORT = message({
  1: field("name", "string"),
  2: field("protocol", "string"),
  3: field("port", "int"),
  4: field("targetPort", "intOrString"),
  5: field("nodePort", "int"),
  6: field("appProtocol", "string", POINTER),
});

const SERVICE = message({
  ...META,
  2: field(
    "spec",
    message({
      1: field("ports", SERVICE_PORT, LIST),
      2: field("selector", "string", MAP),
      3: field("clusterIP", "string"),
      4: field("type", "string"),
      5: field("externalIPs", "string", LIST),
      7: field("sessionAffinity", "string"),
      8: field("loadBalancerIP", "string"),
      9: field("loadBalancerSourceRanges", "string", LIST),
      10: field("externalName", "string"),
      11: field("externalTrafficPolicy", "string"),
      12: field("healthCheckNodePort", "int"),
      13: field("publishNotReadyAddresses", "bool"),
      17: field("ipFamilyPolicy", "string", POINTER),
      18: field("clusterIPs", "string", LIST),
      19: field("ipFamilies", "string", LIST),
      20: field("allocateLoadBalancerNodePorts", "bool", POINTER),
      21: field("loadBalancerClass", "string", POINTER),
      22: field("internalTrafficPolicy", "string", POINTER),
    }),
  ),
});

const TYPED_REFERENCE = message({
  1: field("apiGroup", "string", POINTER),
  2: field("kind", "string"),
  3: field("name", "string"),
});

const INGRESS_BACKEND = message({
  3: field("resource", TYPED_REFERENCE, POINTER),
  4: field(
    "service",
    message({
      1: field("name", "string"),
      2: field("port", message({ 1: field("name", "string"), 2: field("number", "int") })),
    }),
    POINTER,
  ),
});

const HTTP_INGRESS_PATH = message({
  1: field("path", "string"),
  2: field("backend", INGRESS_BACKEND),
  3: field("pathType", "string", POINTER),
});

const INGRESS_RULE = message({
  1: field("host", "string"),
  2: field("value", message({ 1: field("http", message({ 1: field("paths", HTTP_INGRESS_PATH, LIST) }), POINTER) }), {
    isInline: true,
  }),
});

const INGRESS = message({
  ...META,
  2: field(
    "spec",
    message({
      1: field("defaultBackend", INGRESS_BACKEND, POINTER),
      2: field("tls", message({ 1: field("hosts", "string", LIST), 2: field("secretName", "string") }), LIST),
      3: field("rules", INGRESS_RULE, LIST),
      4: field("ingressClassName", "string", POINTER),
    }),
  ),
});

const OBJECT_REFERENCE = message({
  1: field("kind", "string"),
  2: field("namespace", "string"),
  3: field("name", "string"),
  4: field("uid", "string"),
  5: field("apiVersion", "string"),
  6: field("resourceVersion", "string"),
  7: field("fieldPath", "string"),
});

const EVENT = message({
  ...META,
  2: field("involvedObject", OBJECT_REFERENCE),
  3: field("reason", "string"),
  4: field("message", "string"),
  5: field("source", message({ 1: field("component", "string"), 2: field("host", "string") })),
  6: field("firstTimestamp", "time"),
  7: field("lastTimestamp", "time"),
  8: field("count", "int"),
  9: field("type", "string"),
  10: field("eventTime", "time"),
  12: field("action", "string"),
  13: field("related", OBJECT_REFERENCE, POINTER),
  14: field("reportingComponent", "string"),
  15: field("reportingInstance", "string"),
});

const LEASE = message({
  ...META,
  2: field(
    "spec",
    message({
      1: field("holderIdentity", "string", POINTER),
      2: field("leaseDurationSeconds", "int", POINTER),
      3: field("acquireTime", "time"),
      4: field("renewTime", "time"),
      5: field("leaseTransitions", "int", POINTER),
    }),
  ),
});

const LOCAL_REFERENCE = message({ 1: field("name", "string") });

const SERVICE_ACCOUNT = message({
  ...META,
  2: field("secrets", OBJECT_REFERENCE, LIST),
  3: field("imagePullSecrets", LOCAL_REFERENCE, LIST),
  4: field("automountServiceAccountToken", "bool", POINTER),
});

const CONTAINER = message({
  1: field("name", "string"),
  2: field("image", "string"),
  3: field("command", "string", LIST),
  4: field("args", "string", LIST),
  5: field("workingDir", "string"),
  6: field(
    "ports",
    message({
      1: field("name", "string"),
      2: field("hostPort", "int"),
      3: field("containerPort", "int"),
      4: field("protocol", "string"),
      5: field("hostIP", "string"),
    }),
    LIST,
  ),
  7: field("env", message({ 1: field("name", "string"), 2: field("value", "string") }), LIST),
  8: field("resources", message({ 1: field("limits", "quantity", MAP), 2: field("requests", "quantity", MAP) })),
  14: field("imagePullPolicy", "string"),
});

const POD_SPEC = message({
  2: field("containers", CONTAINER, LIST),
  3: field("restartPolicy", "string"),
  4: field("terminationGracePeriodSeconds", "int", POINTER),
  6: field("dnsPolicy", "string"),
  7: field("nodeSelector", "string", MAP),
  8: field("serviceAccountName", "string"),
  10: field("nodeName", "string"),
  15: field("imagePullSecrets", LOCAL_REFERENCE, LIST),
});

const POD_TEMPLATE = message({ ...META, 2: field("spec", POD_SPEC) });
const LABEL_SELECTOR = message({ 1: field("matchLabels", "string", MAP) });

const JOB_SPEC = message({
  1: field("parallelism", "int", POINTER),
  2: field("completions", "int", POINTER),
  3: field("activeDeadlineSeconds", "int", POINTER),
  4: field("selector", LABEL_SELECTOR, POINTER),
  5: field("manualSelector", "bool", POINTER),
  6: field("template", POD_TEMPLATE),
  7: field("backoffLimit", "int", POINTER),
  8: field("ttlSecondsAfterFinished", "int", POINTER),
});

const JOB = message({ ...META, 2: field("spec", JOB_SPEC) });

const CRON_JOB = message({
  ...META,
  2: field(
    "spec",
    message({
      1: field("schedule", "string"),
      2: field("startingDeadlineSeconds", "int", POINTER),
      3: field("concurrencyPolicy", "string"),
      4: field("suspend", "bool", POINTER),
      5: field("jobTemplate", JOB),
      6: field("successfulJobsHistoryLimit", "int", POINTER),
      7: field("failedJobsHistoryLimit", "int", POINTER),
      8: field("timeZone", "string", POINTER),
    }),
  ),
});

const DISRUPTION_BUDGET = message({
  ...META,
  2: field(
    "spec",
    message({
      1: field("minAvailable", "intOrString", POINTER),
      2: field("selector", LABEL_SELECTOR, POINTER),
      3: field("maxUnavailable", "intOrString", POINTER),
    }),
  ),
});

const RESOURCE_QUOTA = message({
  ...META,
  2: field("spec", message({ 1: field("hard", "quantity", MAP), 2: field("scopes", "string", LIST) })),
});

const PRIORITY_CLASS = message({
  ...META,
  2: field("value", "int", POINTER),
  3: field("globalDefault", "bool"),
  4: field("description", "string"),
  5: field("preemptionPolicy", "string", POINTER),
});

const DEPLOYMENT = message({
  ...META,
  2: field(
    "spec",
    message({
      1: field("replicas", "int", POINTER),
      2: field("selector", LABEL_SELECTOR, POINTER),
      3: field("template", POD_TEMPLATE),
      4: field("strategy", message({ 1: field("type", "string") })),
      5: field("minReadySeconds", "int"),
      6: field("revisionHistoryLimit", "int", POINTER),
      7: field("paused", "bool"),
      9: field("progressDeadlineSeconds", "int", POINTER),
    }),
  ),
});

const POLICY_RULE = message({
  1: field("verbs", "string", LIST),
  2: field("apiGroups", "string", LIST),
  3: field("resources", "string", LIST),
  4: field("resourceNames", "string", LIST),
  5: field("nonResourceURLs", "string", LIST),
});

const ROLE = message({ ...META, 2: field("rules", POLICY_RULE, LIST) });

const ROLE_BINDING = message({
  ...META,
  2: field(
    "subjects",
    message({
      1: field("kind", "string"),
      2: field("apiGroup", "string"),
      3: field("name", "string"),
      4: field("namespace", "string"),
    }),
    LIST,
  ),
  3: field(
    "roleRef",
    message({ 1: field("apiGroup", "string"), 2: field("kind", "string"), 3: field("name", "string") }),
  ),
});

const DELETE_OPTIONS = message({
  1: field("gracePeriodSeconds", "int", POINTER),
  2: field(
    "preconditions",
    message({ 1: field("uid", "string", POINTER), 2: field("resourceVersion", "string", POINTER) }),
  ),
  3: field("orphanDependents", "bool", POINTER),
  4: field("propagationPolicy", "string", POINTER),
  5: field("dryRun", "string", LIST),
});

const SELF_SUBJECT_ACCESS_REVIEW = message({
  ...META,
  2: field(
    "spec",
    message({
      1: field(
        "resourceAttributes",
        message({
          1: field("namespace", "string"),
          2: field("verb", "string"),
          3: field("group", "string"),
          4: field("version", "string"),
          5: field("resource", "string"),
          6: field("subresource", "string"),
          7: field("name", "string"),
        }),
        POINTER,
      ),
      2: field("nonResourceAttributes", message({ 1: field("path", "string"), 2: field("verb", "string") }), POINTER),
    }),
  ),
});

const SELF_SUBJECT_RULES_REVIEW = message({
  ...META,
  2: field("spec", message({ 1: field("namespace", "string") })),
});

/** Messages by `apiVersion/kind` as the envelope names them. */
const MESSAGES: ReadonlyMap<string, Message> = new Map([
  ["v1/ConfigMap", CONFIG_MAP],
  ["v1/Secret", SECRET],
  ["v1/Namespace", NAMESPACE],
  ["v1/Service", SERVICE],
  ["v1/ServiceAccount", SERVICE_ACCOUNT],
  ["v1/Event", EVENT],
  ["networking.k8s.io/v1/Ingress", INGRESS],
  ["coordination.k8s.io/v1/Lease", LEASE],
  ["apps/v1/Deployment", DEPLOYMENT],
  ["batch/v1/Job", JOB],
  ["batch/v1/CronJob", CRON_JOB],
  ["policy/v1/PodDisruptionBudget", DISRUPTION_BUDGET],
  ["v1/ResourceQuota", RESOURCE_QUOTA],
  ["scheduling.k8s.io/v1/PriorityClass", PRIORITY_CLASS],
  ["rbac.authorization.k8s.io/v1/Role", ROLE],
  ["rbac.authorization.k8s.io/v1/ClusterRole", ROLE],
  ["rbac.authorization.k8s.io/v1/RoleBinding", ROLE_BINDING],
  ["rbac.authorization.k8s.io/v1/ClusterRoleBinding", ROLE_BINDING],
  ["authorization.k8s.io/v1/SelfSubjectAccessReview", SELF_SUBJECT_ACCESS_REVIEW],
  ["authorization.k8s.io/v1/SelfSubjectRulesReview", SELF_SUBJECT_RULES_REVIEW],
  ["authentication.k8s.io/v1/SelfSubjectReview", message(META)],
]);

/** Returns the message of `kind` in `apiVersion`, or undefined when this API does not read it as protobuf. */
export function messageOfKind(apiVersion: string, kind: string): Message | undefined {
  // Every group has its own name for the one DeleteOptions.
  return kind === "DeleteOptions" ? DELETE_OPTIONS : MESSAGES.get(`${apiVersion}/${kind}`);
}
