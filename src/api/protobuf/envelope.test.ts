import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeKubernetesProtobuf, encodeKubernetesProtobuf } from "./envelope.ts";
import { messageOfKind } from "./kubernetes.ts";
import { encodeMessage, field, message } from "./message.ts";

const ENVELOPE = message({
  1: field("typeMeta", message({ 1: field("apiVersion", "string"), 2: field("kind", "string") })),
  2: field("raw", "bytes"),
  3: field("contentEncoding", "string"),
});

/** Returns an object as a Go client sends it. */
function sent(apiVersion: string, kind: string, object: Readonly<Record<string, unknown>>): Buffer {
  const table = messageOfKind(apiVersion, kind);
  assert.ok(table !== undefined);
  const raw = Buffer.from(encodeMessage(table, object)).toString("base64");
  return Buffer.concat([Buffer.from("k8s\0"), encodeMessage(ENVELOPE, { typeMeta: { apiVersion, kind }, raw })]);
}

describe("decodeKubernetesProtobuf()", () => {
  it("reads a secret with its bytes as base64", () => {
    const secret = { metadata: { name: "s", labels: { a: "b" } }, data: { key: "AAE=" }, type: "Opaque" };
    assert.deepEqual(decodeKubernetesProtobuf(sent("v1", "Secret", secret)), {
      apiVersion: "v1",
      kind: "Secret",
      ...secret,
    });
  });

  it("reads an ingress with the paths inside its rules", () => {
    const path = { path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } };
    const wire = sent("networking.k8s.io/v1", "Ingress", {
      spec: { ingressClassName: "", rules: [{ host: "a.test", http: { paths: [path] } }] },
    });
    assert.deepEqual(decodeKubernetesProtobuf(wire)["spec"], {
      ingressClassName: "",
      rules: [{ host: "a.test", http: { paths: [path] } }],
    });
  });

  it("reads the options of a deletion in any group's name for them", () => {
    const wire = sent("meta.k8s.io/v1", "DeleteOptions", { gracePeriodSeconds: 0, propagationPolicy: "Foreground" });
    assert.deepEqual(decodeKubernetesProtobuf(wire), {
      apiVersion: "meta.k8s.io/v1",
      kind: "DeleteOptions",
      gracePeriodSeconds: 0,
      propagationPolicy: "Foreground",
    });
  });

  it("throws UnsupportedMediaType when the kind is not read as protobuf", () => {
    const typeMeta = { apiVersion: "v1", kind: "Frob" };
    const wire = Buffer.concat([Buffer.from("k8s\0"), encodeMessage(ENVELOPE, { typeMeta, raw: "" })]);
    assert.throws(() => decodeKubernetesProtobuf(wire), /accepted media types include: application\/json/);
  });

  it("reads back what encodeKubernetesProtobuf() wrote, of every shape of field", () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p", uid: "u", creationTimestamp: "2026-03-08T14:27:12Z", labels: { a: "b" } },
      spec: {
        containers: [
          {
            name: "c",
            resources: { limits: { cpu: "500m" } },
            livenessProbe: { httpGet: { port: "http" }, initialDelaySeconds: 3 },
            ports: [{ containerPort: 80, protocol: "TCP" }],
          },
        ],
        volumes: [{ name: "v", configMap: { name: "x", defaultMode: 420 } }],
        automountServiceAccountToken: false,
      },
    };
    assert.deepEqual(decodeKubernetesProtobuf(encodeKubernetesProtobuf(pod)), pod);
  });

  it("throws BadRequest when the bytes are no such message", () => {
    const whole = sent("v1", "ConfigMap", { metadata: { name: "c" }, data: { k: "v" } });
    assert.throws(() => decodeKubernetesProtobuf(Buffer.from("{}")), /expected prefix 6b 38 73 00/);
    assert.throws(() => decodeKubernetesProtobuf(whole.subarray(0, whole.length - 3)), /cut short/);
  });
});
