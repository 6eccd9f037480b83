import { arrayAt, numberAt, recordAt, stringAt } from "../../ground/json.ts";
import type { FieldError } from "./field-error.ts";
import { invalidValue } from "./field-error.ts";
import { qualifiedName } from "./name-rules.ts";

type Fields = Readonly<Record<string, unknown>>;

const NAME_LABEL = "kubernetes.io/metadata.name";

/** Returns the Namespace with its name as a label, the finalizer that real ones have, and the phase Active. */
export function withNamespaceDefaults(object: Fields): Fields {
  const metadata = recordAt(object, "metadata");
  const name = stringAt(metadata, "name") ?? "";
  const spec = recordAt(object, "spec");
  const status = recordAt(object, "status");
  return {
    ...object,
    metadata: name === "" ? metadata : { ...metadata, labels: { ...recordAt(metadata, "labels"), [NAME_LABEL]: name } },
    spec: { ...spec, finalizers: spec["finalizers"] ?? ["kubernetes"] },
    status: { ...status, phase: status["phase"] ?? "Active" },
  };
}

/** Checks a Namespace, core/v1. */
export function checkNamespace(object: Fields): readonly FieldError[] {
  return arrayAt(recordAt(object, "spec"), "finalizers").flatMap((finalizer, index) =>
    qualifiedName(String(finalizer)).map((reason) =>
      invalidValue(`spec.finalizers[${String(index)}]`, finalizer, reason),
    ),
  );
}

/** Checks a Lease, coordination.k8s.io/v1. */
export function checkLease(object: Fields): readonly FieldError[] {
  const spec = recordAt(object, "spec");
  const seconds = numberAt(spec, "leaseDurationSeconds");
  const transitions = numberAt(spec, "leaseTransitions");
  return [
    ...(seconds !== undefined && seconds <= 0
      ? [invalidValue("spec.leaseDurationSeconds", seconds, "must be greater than 0")]
      : []),
    ...(transitions !== undefined && transitions < 0
      ? [invalidValue("spec.leaseTransitions", transitions, "must be greater than or equal to 0")]
      : []),
  ];
}

/** Where events about objects without a namespace live. */
const EVENT_NAMESPACES: ReadonlySet<string> = new Set(["default", "kube-system"]);

/** Checks an Event, core/v1: it lives with the object it is about. */
export function checkEvent(object: Fields): readonly FieldError[] {
  const namespace = stringAt(recordAt(object, "metadata"), "namespace") ?? "";
  const about = stringAt(recordAt(object, "involvedObject"), "namespace") ?? "";
  if (about === namespace || (about === "" && EVENT_NAMESPACES.has(namespace))) return [];
  return [invalidValue("involvedObject.namespace", about, "does not match event.namespace")];
}

/** Returns the IngressClass with the default scope of its parameters. */
export function withIngressClassDefaults(object: Fields): Fields {
  const spec = recordAt(object, "spec");
  const parameters = spec["parameters"];
  if (parameters === undefined) return object;
  return { ...object, spec: { ...spec, parameters: { scope: "Cluster", ...recordAt(spec, "parameters") } } };
}
