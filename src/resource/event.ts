import { rfc3339 } from "./condition.ts";
import type { KubeObject } from "./object.ts";

/** What happened to an object, before it becomes a core/v1 Event. */
export interface Happening {
  readonly object: KubeObject;
  readonly type: "Normal" | "Warning";
  /** One word in PascalCase; API. */
  readonly reason: string;
  readonly message: string;
}

/** The component that all our Events name. */
export const REPORTING_COMPONENT = "lintel";

/** Where Events of cluster-scoped objects live, as in Kubernetes. */
export const CLUSTER_EVENT_NAMESPACE = "default";

/** Kubernetes refuses longer ones. */
const MESSAGE_LENGTH_MAX = 1024;

/** Returns the Event for a happening that was seen for the first time. `suffix` makes the name unique. */
export function newEvent(
  happening: Happening,
  options: { readonly suffix: string; readonly nowMs: number },
): KubeObject {
  const { object } = happening;
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const home = namespace === undefined || namespace === "" ? CLUSTER_EVENT_NAMESPACE : namespace;
  const seen = rfc3339(options.nowMs);
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${name}.${options.suffix}`, namespace: home },
    involvedObject: {
      apiVersion: object.apiVersion,
      kind: object.kind,
      name,
      ...(namespace === undefined || namespace === "" ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    type: happening.type,
    reason: happening.reason,
    message: truncateMessage(happening.message),
    source: { component: REPORTING_COMPONENT },
    reportingComponent: REPORTING_COMPONENT,
    reportingInstance: "",
    firstTimestamp: seen,
    lastTimestamp: seen,
    count: 1,
  };
}

/** Returns `event` after the same thing was seen again: its count and last moment move on. */
export function repeatedEvent(event: KubeObject, times: number, nowMs: number): KubeObject {
  const count = typeof event["count"] === "number" ? event["count"] : 1;
  return { ...event, count: count + times, lastTimestamp: rfc3339(nowMs) };
}

/** Returns `message` cut to what an Event may carry. */
export function truncateMessage(message: string): string {
  return message.length <= MESSAGE_LENGTH_MAX ? message : `${message.slice(0, MESSAGE_LENGTH_MAX - 1)}…`;
}
