import type { IngressClass } from "../../resource/ingress-class.ts";
import type { Ingress } from "../../resource/ingress.ts";
import { quoted } from "../../resource/parse-problem.ts";
import type { Finding } from "../annotations/ingress-policy.ts";

/** The `spec.controller` of IngressClasses that are Lintel's own. */
export const LINTEL_CONTROLLER = "lintel.dev/ingress";
/** The `spec.controller` of ingress-nginx, whose classes are taken over when the options name them. */
export const NGINX_CONTROLLER = "k8s.io/ingress-nginx";
/** How classes were named before IngressClass existed; still takes precedence over `spec.ingressClassName`. */
export const CLASS_ANNOTATION = "kubernetes.io/ingress.class";

/** Which Ingresses are ours. */
export interface ClassOptions {
  /** Names of the classes to serve. */
  readonly classes: readonly string[];
  /** Whether an Ingress that names no class is served. */
  readonly serveClassless: boolean;
}

/**
 * Returns whether an Ingress is ours. A class whose controller is Lintel always is; one of ingress-nginx, or one without
 * an IngressClass object, when the options name it, so that a cluster can keep both controllers until it has moved.
 */
export function servesClass(
  ingress: Ingress,
  classes: ReadonlyMap<string, IngressClass>,
  options: ClassOptions,
): { readonly served: boolean; readonly finding?: Finding } {
  const name = className(ingress);
  if (name === undefined) return { served: options.serveClassless };
  const known = classes.get(name);
  if (known === undefined) {
    if (options.classes.includes(name)) return { served: true };
    const message = `Ingress class ${quoted(name)} does not exist, so nothing serves this Ingress`;
    const hint = options.classes[0] === undefined ? undefined : `Set "ingressClassName: ${options.classes[0]}"`;
    return {
      served: false,
      finding: { severity: "warning", code: "IngressClassNotFound", message, ...(hint === undefined ? {} : { hint }) },
    };
  }
  if (known.controller === LINTEL_CONTROLLER) return { served: true };
  return { served: known.controller === NGINX_CONTROLLER && options.classes.includes(name) };
}

function className(ingress: Ingress): string | undefined {
  const annotation = ingress.annotations[CLASS_ANNOTATION];
  if (annotation !== undefined && annotation !== "") return annotation;
  return ingress.className === "" ? undefined : ingress.className;
}
