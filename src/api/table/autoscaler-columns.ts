import { arrayAt, numberAt, recordAt, stringAt } from "../../ground/json.ts";
import type { KubeObject } from "../../resource/object.ts";
import { AGE, NAME, column, type Column } from "./column.ts";

/** So many measures are shown. */
const SHOWN_MAX = 2;
const UNKNOWN = "<unknown>";

function reference(object: KubeObject): string {
  const target = recordAt(object["spec"], "scaleTargetRef");
  return `${stringAt(target, "kind") ?? ""}/${stringAt(target, "name") ?? ""}`;
}

/** `cpu: <unknown>/50%`: what is, and what is wanted. */
function targets(object: KubeObject): string {
  const metrics = arrayAt(object["spec"], "metrics");
  const shown = metrics.slice(0, SHOWN_MAX).map((metric, index) => target(object, metric, index));
  if (shown.length === 0) return "<none>";
  const more = metrics.length - shown.length;
  return more > 0 ? `${shown.join(", ")} + ${String(more)} more...` : shown.join(", ");
}

function target(object: KubeObject, metric: unknown, index: number): string {
  const type = stringAt(metric, "type") ?? "";
  const field = `${type.charAt(0).toLowerCase()}${type.slice(1)}`;
  const source = recordAt(metric, field);
  const wanted = recordAt(source, "target");
  const found = arrayAt(object["status"], "currentMetrics")[index];
  const current = recordAt(recordAt(found, field), "current");
  const percent = numberAt(wanted, "averageUtilization");
  const name = type === "Resource" || type === "ContainerResource" ? `${stringAt(source, "name") ?? ""}: ` : "";
  if (percent !== undefined) {
    const is = numberAt(current, "averageUtilization");
    return `${name}${is === undefined ? UNKNOWN : `${String(is)}%`}/${String(percent)}%`;
  }
  const average = stringAt(wanted, "averageValue");
  const which = average === undefined ? "value" : "averageValue";
  const suffix = average !== undefined && type !== "Resource" ? " (avg)" : "";
  return `${name}${stringAt(current, which) ?? UNKNOWN}/${stringAt(wanted, which) ?? "<auto>"}${suffix}`;
}

function minimum(object: KubeObject): string {
  const least = numberAt(object["spec"], "minReplicas");
  return least === undefined ? "<unset>" : String(least);
}

/** HorizontalPodAutoscaler, autoscaling/v2 and v1. */
export const AUTOSCALER_COLUMNS: readonly Column[] = [
  NAME,
  column("Reference", "What is scaled.", reference),
  column("Targets", "What is, and what is wanted.", targets),
  column("MinPods", "The fewest replicas.", minimum),
  column("MaxPods", "The most replicas.", (object) => numberAt(object["spec"], "maxReplicas") ?? 0),
  column("Replicas", "How many there are.", (object) => numberAt(object["status"], "currentReplicas") ?? 0),
  AGE,
];
