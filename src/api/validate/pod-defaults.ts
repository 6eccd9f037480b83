import { arrayAt, isRecord, recordAt, stringAt } from "../../ground/json.ts";
import { filled, within, withinEach, type Fields } from "./fill.ts";

/** Octal 0644. */
const FILE_MODE = 420;
const TOKEN_SECONDS = 3600;
const TERMINATION_SECONDS = 30;

/** A Pod stays on a node in trouble for so long, unless it says something else. */
const TROUBLE_SECONDS = 300;
const TROUBLES: readonly string[] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/** What a Pod is given besides what any template of one is. */
export function withPodDefaults(pod: Fields): Fields {
  const complete = withOwnSpec(pod);
  const { spec } = complete;
  const status = filled(recordAt(complete, "status"), {
    phase: "Pending",
    qosClass: qosClassOf(isRecord(spec) ? spec : {}),
  });
  return { ...complete, status };
}

function withOwnSpec(pod: Fields): Fields {
  return within(withPodSpecDefaults(pod), "spec", (spec) => {
    const complete = filled(spec, { enableServiceLinks: true, preemptionPolicy: "PreemptLowerPriority", priority: 0 });
    const own = withTolerations(withRequests(withRequests(complete, "containers"), "initContainers"));
    return own["hostNetwork"] === true ? withHostPorts(own) : own;
  });
}

function withTolerations(spec: Fields): Fields {
  const given = arrayAt(spec, "tolerations");
  const added = TROUBLES.filter((key) => !given.some((toleration) => tolerates(toleration, key))).map((key) => ({
    effect: "NoExecute",
    key,
    operator: "Exists",
    tolerationSeconds: TROUBLE_SECONDS,
  }));
  return added.length === 0 ? spec : { ...spec, tolerations: [...given, ...added] };
}

function tolerates(toleration: unknown, key: string): boolean {
  const keys = stringAt(toleration, "key") ?? "";
  const effect = stringAt(toleration, "effect") ?? "";
  return (keys === key || keys === "") && (effect === "NoExecute" || effect === "");
}

/** How well a Pod says what it needs: all it may have, some of it, or nothing. */
function qosClassOf(spec: Fields): string {
  const containers = [...arrayAt(spec, "containers"), ...arrayAt(spec, "initContainers")];
  const resources = containers.map((container) => recordAt(container, "resources"));
  const says = (part: string): boolean => resources.some((entry) => Object.keys(recordAt(entry, part)).length > 0);
  if (!says("limits") && !says("requests")) return "BestEffort";
  const isGuaranteed = resources.every((entry) => {
    const limits = recordAt(entry, "limits");
    const requests = recordAt(entry, "requests");
    return ["cpu", "memory"].every((name) => limits[name] !== undefined && limits[name] === requests[name]);
  });
  return isGuaranteed ? "Guaranteed" : "Burstable";
}

/** Fills in the `spec` of a Pod or of a template of one. */
export function withPodSpecDefaults(template: Fields): Fields {
  return within(template, "spec", (spec) => {
    const complete = filled(spec, {
      restartPolicy: "Always",
      dnsPolicy: "ClusterFirst",
      schedulerName: "default-scheduler",
      securityContext: {},
      terminationGracePeriodSeconds: TERMINATION_SECONDS,
    });
    return ["containers", "initContainers", "ephemeralContainers"].reduce(
      (result, name) => withinEach(result, name, withContainerDefaults),
      withinEach(complete, "volumes", withVolumeDefaults),
    );
  });
}

function withContainerDefaults(container: Fields): Fields {
  const complete = filled(container, {
    imagePullPolicy: pullPolicyOf(stringAt(container, "image") ?? ""),
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  });
  const probed = ["livenessProbe", "readinessProbe", "startupProbe"].reduce(
    (result, name) => within(result, name, withProbeDefaults),
    withinEach(complete, "env", withFieldVersion),
  );
  return within(probed, "lifecycle", (lifecycle) =>
    ["postStart", "preStop"].reduce((result, name) => within(result, name, withHttpDefaults), lifecycle),
  );
}

/** An image without a tag means its latest, which changes; a digest never does. */
function pullPolicyOf(image: string): string {
  if (image.includes("@")) return "IfNotPresent";
  const name = image.slice(image.lastIndexOf("/") + 1);
  const tag = name.includes(":") ? name.slice(name.indexOf(":") + 1) : "latest";
  return tag === "latest" ? "Always" : "IfNotPresent";
}

function withProbeDefaults(probe: Fields): Fields {
  const times = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
  return within(withHttpDefaults(filled(probe, times)), "grpc", (grpc) => filled(grpc, { service: "" }));
}

function withHttpDefaults(handler: Fields): Fields {
  return within(handler, "httpGet", (get) => filled(get, { path: "/", scheme: "HTTP" }));
}

function withFieldVersion(variable: Fields): Fields {
  return within(variable, "valueFrom", withFieldRef);
}

function withFieldRef(holder: Fields): Fields {
  return within(holder, "fieldRef", (field) => filled(field, { apiVersion: "v1" }));
}

function withVolumeDefaults(volume: Fields): Fields {
  const hasSource = Object.keys(volume).some((name) => name !== "name");
  const sourced = hasSource ? volume : { ...volume, emptyDir: {} };
  const moded = ["configMap", "secret", "downwardAPI", "projected"].reduce(
    (result, name) => within(result, name, (source) => filled(source, { defaultMode: FILE_MODE })),
    within(sourced, "hostPath", (path) => filled(path, { type: "" })),
  );
  const dressed = within(moded, "downwardAPI", (source) => withinEach(source, "items", withFieldRef));
  return within(within(dressed, "projected", withProjectedDefaults), "ephemeral", (source) =>
    within(source, "volumeClaimTemplate", withClaimSpecDefaults),
  );
}

function withProjectedDefaults(projected: Fields): Fields {
  return withinEach(projected, "sources", (source) =>
    within(
      within(source, "serviceAccountToken", (token) => filled(token, { expirationSeconds: TOKEN_SECONDS })),
      "downwardAPI",
      (downward) => withinEach(downward, "items", withFieldRef),
    ),
  );
}

/** Fills in the `spec` of a PersistentVolumeClaim or of a template of one. */
export function withClaimSpecDefaults(claim: Fields): Fields {
  return within(claim, "spec", (spec) => filled(spec, { volumeMode: "Filesystem" }));
}

/** Who says how much is the most is taken to need that much. */
function withRequests(spec: Fields, name: string): Fields {
  return withinEach(spec, name, (container) =>
    within(container, "resources", (resources) => {
      const limits = resources["limits"];
      if (!isRecord(limits)) return resources;
      return { ...resources, requests: { ...limits, ...recordAt(resources, "requests") } };
    }),
  );
}

function withHostPorts(spec: Fields): Fields {
  return withinEach(withinEach(spec, "containers", withOwnHostPorts), "initContainers", withOwnHostPorts);
}

function withOwnHostPorts(container: Fields): Fields {
  return withinEach(container, "ports", (port) => filled(port, { hostPort: port["containerPort"] }));
}
