import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ACCEPTED_KINDS } from "../../resource/kind.ts";
import { apiVersionOf } from "../../resource/kind.ts";
import { at } from "../testing.ts";
import { admit } from "./admit.ts";

/** What becomes of a new object of a kind with these fields. */
function admitted(kindName: string, fields: Readonly<Record<string, unknown>>): unknown {
  const kind = ACCEPTED_KINDS.find((candidate) => candidate.kind === kindName);
  assert.ok(kind !== undefined);
  const metadata = { name: "x", ...(kind.namespaced ? { namespace: "default" } : {}) };
  return admit({ apiVersion: apiVersionOf(kind), kind: kindName, metadata, ...fields }, { kind }).object;
}

const CONTAINER_DEFAULTS = {
  imagePullPolicy: "IfNotPresent",
  resources: {},
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
};

const POD_SPEC_DEFAULTS = {
  restartPolicy: "Always",
  dnsPolicy: "ClusterFirst",
  schedulerName: "default-scheduler",
  securityContext: {},
  terminationGracePeriodSeconds: 30,
};

describe("ACCEPTED_RULES", () => {
  it("give a Deployment the defaults of a real cluster", () => {
    const template = { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "nginx:1" }] } };
    const made = admitted("Deployment", { spec: { selector: { matchLabels: { app: "x" } }, template } });
    assert.deepEqual(at(made, "spec"), {
      selector: { matchLabels: { app: "x" } },
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
      template: {
        metadata: { labels: { app: "x" } },
        spec: { ...POD_SPEC_DEFAULTS, containers: [{ name: "c", image: "nginx:1", ...CONTAINER_DEFAULTS }] },
      },
    });
    assert.deepEqual(at(made, "status"), {});
  });

  it("keep what was said, zero and empty too", () => {
    const spec = { replicas: 0, revisionHistoryLimit: 0, strategy: { type: "Recreate" }, selector: {} };
    const made = admitted("Deployment", { spec: { ...spec, template: { spec: { containers: [] } } } });
    assert.equal(at(made, "spec.replicas"), 0);
    assert.equal(at(made, "spec.revisionHistoryLimit"), 0);
    assert.deepEqual(at(made, "spec.strategy"), { type: "Recreate" });
  });

  it("fill in the parts of containers and volumes", () => {
    const made = admitted("Pod", {
      spec: {
        containers: [
          {
            name: "c",
            image: "registry.example:5000/app",
            livenessProbe: { httpGet: { port: 80 } },
            ports: [{ containerPort: 80 }],
            resources: { limits: { cpu: 0.5, memory: "1024Mi" }, requests: { cpu: "500m", memory: "1Gi" } },
            env: [{ name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
          },
        ],
        volumes: [{ name: "e" }, { name: "s", secret: { secretName: "s" } }, { name: "h", hostPath: { path: "/" } }],
      },
    });
    const container = at(made, "spec.containers.0");
    assert.equal(at(container, "imagePullPolicy"), "Always");
    assert.deepEqual(at(container, "resources.limits"), { cpu: "500m", memory: "1Gi" });
    assert.deepEqual(at(container, "livenessProbe"), {
      httpGet: { port: 80, path: "/", scheme: "HTTP" },
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    });
    assert.deepEqual(at(container, "ports"), [{ containerPort: 80, protocol: "TCP" }]);
    assert.equal(at(container, "env.0.valueFrom.fieldRef.apiVersion"), "v1");
    assert.deepEqual(at(made, "spec.volumes"), [
      { name: "e", emptyDir: {} },
      { name: "s", secret: { secretName: "s", defaultMode: 420 } },
      { name: "h", hostPath: { path: "/", type: "" } },
    ]);
    assert.deepEqual(at(made, "status"), { phase: "Pending", qosClass: "Guaranteed" });
  });

  it("complete the others as a real cluster does", () => {
    const job = admitted("Job", { spec: { template: { spec: { containers: [] } } } });
    assert.deepEqual(
      ["completions", "parallelism", "backoffLimit", "completionMode"].map((name) => at(job, `spec.${name}`)),
      [1, 1, 6, "NonIndexed"],
    );
    const claim = admitted("PersistentVolumeClaim", { spec: { resources: { requests: { storage: "1.5Gi" } } } });
    assert.equal(at(claim, "spec.resources.requests.storage"), "1536Mi");
    assert.deepEqual(at(claim, "status"), { phase: "Pending" });
    const policy = admitted("NetworkPolicy", { spec: { podSelector: {}, egress: [{ ports: [{ port: 53 }] }] } });
    assert.deepEqual(at(policy, "spec.policyTypes"), ["Ingress", "Egress"]);
    assert.equal(at(policy, "spec.egress.0.ports.0.protocol"), "TCP");
    const binding = admitted("RoleBinding", {
      roleRef: { kind: "Role", name: "r" },
      subjects: [{ kind: "User", name: "u" }],
    });
    assert.equal(at(binding, "roleRef.apiGroup"), "rbac.authorization.k8s.io");
    assert.equal(at(binding, "subjects.0.apiGroup"), "rbac.authorization.k8s.io");
    const set = admitted("StatefulSet", { spec: { template: { spec: {} }, volumeClaimTemplates: [{ spec: {} }] } });
    assert.equal(at(set, "spec.volumeClaimTemplates.0.status.phase"), "Pending");
    assert.deepEqual(at(set, "spec.updateStrategy"), { type: "RollingUpdate", rollingUpdate: { partition: 0 } });
  });
});
