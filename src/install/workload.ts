import type { JsonObject } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import { labels, selector, usesHostPorts, type InstallOptions } from "./install-options.ts";

/** The ports of the Pod, as `lintel controller` has them. */
const POD_PORTS = { http: 8080, https: 8443, admin: 9254 } as const;
const WEBHOOK_PORT = 9443;
const HOST_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** Returns the ports of the Pod with their names. */
export function portsOf(options: Pick<InstallOptions, "webhook">): readonly (readonly [string, number])[] {
  return [...Object.entries(POD_PORTS), ...(options.webhook ? [["webhook", WEBHOOK_PORT] as const] : [])];
}

/** Any user that is not root; the one that distroless images call nonroot. */
const USER = 65_532;
/** `lintel controller` finishes requests for 25 s after a balancer had 5 s to notice. */
const TERMINATION_SECONDS = 35;

/** Returns the DaemonSet where each node's own ports 80 and 443 are the way in, else the Deployment. */
export function workload(options: InstallOptions): KubeObject {
  const { name, namespace, replicas } = options;
  const metadata = { name, namespace, labels: labels(options) };
  const template = { metadata: { labels: labels(options) }, spec: podSpec(options) };
  const matching = { selector: { matchLabels: selector(options) }, template };
  if (usesHostPorts(options.flavor)) {
    // A node's port 80 can't be taken by two Pods, so the new one comes after the old one has gone.
    const updateStrategy = { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } };
    return { apiVersion: "apps/v1", kind: "DaemonSet", metadata, spec: { ...matching, updateStrategy } };
  }
  const strategy = { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata, spec: { replicas, ...matching, strategy } };
}

function podSpec(options: InstallOptions): JsonObject {
  const { flavor, name, priorityClass } = options;
  return {
    serviceAccountName: name,
    ...(priorityClass === "" ? {} : { priorityClassName: priorityClass }),
    terminationGracePeriodSeconds: TERMINATION_SECONDS,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [container(options)],
    volumes: [
      { name: "state", emptyDir: {} },
      { name: "tmp", emptyDir: {} },
    ],
    nodeSelector: { "kubernetes.io/os": "linux", ...(flavor === "kind" ? { "ingress-ready": "true" } : {}) },
    ...(usesHostPorts(flavor)
      ? { tolerations: [{ key: "node-role.kubernetes.io/control-plane", operator: "Exists", effect: "NoSchedule" }] }
      : {
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "ScheduleAnyway",
              labelSelector: { matchLabels: selector(options) },
            },
          ],
        }),
  };
}

function container(options: InstallOptions): JsonObject {
  const host = usesHostPorts(options.flavor);
  return {
    name: "lintel",
    image: options.image,
    args: [
      "controller",
      "--state=/var/lib/lintel",
      ...options.classes.map((name) => `--ingress-class=${name}`),
      ...(host ? [] : [`--publish-service=${options.namespace}/${options.name}`]),
      ...(options.webhook ? [`--webhook=${options.name}`] : []),
      ...options.arguments,
    ],
    env: [
      field("POD_NAME", "metadata.name"),
      field("POD_NAMESPACE", "metadata.namespace"),
      field("POD_IP", "status.podIP"),
      // Only where clients come to the node itself is its address theirs to know.
      ...(host ? [field("HOST_IP", "status.hostIP")] : []),
    ],
    ports: portsOf(options).map(([name, containerPort]) => {
      const hostPort = host ? HOST_PORTS[name] : undefined;
      return { name, containerPort, ...(hostPort === undefined ? {} : { hostPort }) };
    }),
    startupProbe: probe("/healthz", { periodSeconds: 1, failureThreshold: 60 }),
    livenessProbe: probe("/healthz", { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }),
    readinessProbe: probe("/readyz", { periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 2 }),
    // Balancers take a moment to stop sending: until then every connection is still accepted.
    lifecycle: { preStop: { sleep: { seconds: 5 } } },
    resources: { requests: { cpu: "100m", memory: "256Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [
      { name: "state", mountPath: "/var/lib/lintel" },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}

function probe(path: string, more: JsonObject): JsonObject {
  return { httpGet: { path, port: "admin" }, ...more };
}

function field(name: string, fieldPath: string): JsonObject {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}
