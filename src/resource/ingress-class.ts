import { stringAt, stringMapAt } from "../ground/json.ts";
import type { KubeObject } from "./object.ts";

/** A `networking.k8s.io/v1` IngressClass. */
export interface IngressClass {
  readonly name: string;
  /** Who serves it, such as `lintel.dev/ingress`; empty when the object does not say. */
  readonly controller: string;
  /** Whether the API server gives it to new Ingresses that name no class. */
  readonly isDefault: boolean;
}

/** Returns what an IngressClass says. Never throws. */
export function parseIngressClass(object: KubeObject): IngressClass {
  const annotations = stringMapAt(object.metadata, "annotations");
  return {
    name: object.metadata.name,
    controller: stringAt(object["spec"], "controller") ?? "",
    isDefault: annotations["ingressclass.kubernetes.io/is-default-class"] === "true",
  };
}
