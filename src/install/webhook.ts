import type { KubeObject } from "../resource/object.ts";
import { labels, selector, type InstallOptions } from "./install-options.ts";

/** The API server waits for an answer as long as this, and goes on without one. */
const TIMEOUT_SECONDS = 5;

const rule = (group: string, resources: readonly string[], operations: readonly string[]): unknown => ({
  apiGroups: [group],
  apiVersions: ["v1"],
  resources,
  operations,
});

const WRITES = ["CREATE", "UPDATE"] as const;

/** What is judged before it is stored. */
const JUDGED: readonly unknown[] = [
  rule("networking.k8s.io", ["ingresses"], WRITES),
  rule(
    "cert-manager.io",
    ["certificates", "issuers", "clusterissuers", "certificaterequests", "certificaterequests/status"],
    WRITES,
  ),
  rule("acme.cert-manager.io", ["orders", "challenges"], ["UPDATE"]),
];
/** What gets the user who asked for it. */
const CHANGED: readonly unknown[] = [rule("cert-manager.io", ["certificaterequests"], ["CREATE"])];

/**
 * Returns the objects of the admission webhook; none unless it is wanted. `caBundle` is Lintel's to fill in. Nothing
 * depends on it: an API server that gets no answer stores what it was given.
 */
export function webhookObjects(options: InstallOptions): readonly KubeObject[] {
  if (!options.webhook) return [];
  const { name, namespace } = options;
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: `${name}-webhook`, namespace, labels: labels(options) },
    spec: {
      type: "ClusterIP",
      selector: selector(options),
      ports: [{ name: "webhook", port: 443, targetPort: "webhook" }],
    },
  };
  return [
    service,
    configuration(options, "Mutating", "mutate", CHANGED),
    configuration(options, "Validating", "validate", JUDGED),
  ];
}

function configuration(
  options: InstallOptions,
  kind: "Mutating" | "Validating",
  act: string,
  rules: readonly unknown[],
): KubeObject {
  const { name, namespace } = options;
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: `${kind}WebhookConfiguration`,
    metadata: { name, labels: labels(options) },
    webhooks: [
      {
        name: `${act}.lintel.dev`,
        admissionReviewVersions: ["v1"],
        clientConfig: { service: { name: `${name}-webhook`, namespace, path: `/${act}`, port: 443 } },
        failurePolicy: "Ignore",
        matchPolicy: "Equivalent",
        sideEffects: "None",
        timeoutSeconds: TIMEOUT_SECONDS,
        rules,
      },
    ],
  };
}
