import { recordAt, stringAt } from "../../ground/json.ts";
import { filled, within, withinEach, type Fields } from "./fill.ts";
import { withClaimSpecDefaults } from "./pod-defaults.ts";

const RBAC_GROUP = "rbac.authorization.k8s.io";
const WEBHOOK_SECONDS = 10;
const HTTPS_PORT = 443;

/** PersistentVolumeClaim. */
export function withClaimDefaults(object: Fields): Fields {
  const claim = withClaimSpecDefaults(object);
  return { ...claim, status: filled(recordAt(claim, "status"), { phase: "Pending" }) };
}

/** PersistentVolume. */
export function withVolumeDefaults(object: Fields): Fields {
  const standards = { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" };
  const volume = within(object, "spec", (spec) =>
    within(filled(spec, standards), "hostPath", (path) => filled(path, { type: "" })),
  );
  return { ...volume, status: filled(recordAt(volume, "status"), { phase: "Pending" }) };
}

/** StorageClass. */
export function withStorageClassDefaults(object: Fields): Fields {
  return filled(object, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" });
}

/** PriorityClass. */
export function withPriorityClassDefaults(object: Fields): Fields {
  return filled(object, { preemptionPolicy: "PreemptLowerPriority" });
}

/** RoleBinding and ClusterRoleBinding. */
export function withBindingDefaults(object: Fields): Fields {
  const referring = within(object, "roleRef", (role) =>
    stringAt(role, "apiGroup") === "" ? { ...role, apiGroup: RBAC_GROUP } : filled(role, { apiGroup: RBAC_GROUP }),
  );
  return withinEach(referring, "subjects", (subject) => {
    const { kind } = subject;
    const group = stringAt(subject, "apiGroup") ?? "";
    return group === "" && (kind === "User" || kind === "Group") ? { ...subject, apiGroup: RBAC_GROUP } : subject;
  });
}

/** NetworkPolicy. */
export function withNetworkPolicyDefaults(object: Fields): Fields {
  return within(object, "spec", (spec) => {
    const types = spec["egress"] === undefined ? ["Ingress"] : ["Ingress", "Egress"];
    const complete = filled(spec, { policyTypes: types });
    return withinEach(withinEach(complete, "ingress", withProtocols), "egress", withProtocols);
  });
}

function withProtocols(rule: Fields): Fields {
  return withinEach(rule, "ports", (port) => filled(port, { protocol: "TCP" }));
}

/** LimitRange: what a container may have at most is what it gets. */
export function withLimitRangeDefaults(object: Fields): Fields {
  return within(object, "spec", (spec) =>
    withinEach(spec, "limits", (item) => {
      if (item["type"] !== "Container") return item;
      const standard = { ...recordAt(item, "max"), ...recordAt(item, "default") };
      const request = { ...recordAt(item, "min"), ...standard, ...recordAt(item, "defaultRequest") };
      return {
        ...item,
        ...(Object.keys(standard).length === 0 ? {} : { default: standard }),
        ...(Object.keys(request).length === 0 ? {} : { defaultRequest: request }),
      };
    }),
  );
}

/** MutatingWebhookConfiguration. */
export function withMutatingWebhookDefaults(object: Fields): Fields {
  return withinEach(withValidatingWebhookDefaults(object), "webhooks", (webhook) =>
    filled(webhook, { reinvocationPolicy: "Never" }),
  );
}

/** ValidatingWebhookConfiguration. */
export function withValidatingWebhookDefaults(object: Fields): Fields {
  return withinEach(object, "webhooks", (webhook) => {
    const complete = filled(webhook, {
      failurePolicy: "Fail",
      matchPolicy: "Equivalent",
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: WEBHOOK_SECONDS,
    });
    const ruled = withinEach(complete, "rules", (rule) => filled(rule, { scope: "*" }));
    return within(ruled, "clientConfig", (config) =>
      within(config, "service", (service) => filled(service, { port: HTTPS_PORT })),
    );
  });
}
