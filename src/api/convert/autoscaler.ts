import { arrayAt, isRecord, numberAt, recordAt, stringAt } from "../../ground/json.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What the first version has no field for is kept in these annotations, as on a real server. */
const METRICS = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior";

/** Returns an autoscaling/v1 HorizontalPodAutoscaler as autoscaling/v2 has it. */
export function autoscalerToStored(object: Fields): Fields {
  const metadata = recordAt(object, "metadata");
  const { [METRICS]: others, [BEHAVIOR]: behavior, ...annotations } = recordAt(metadata, "annotations");
  const { targetCPUUtilizationPercentage: percent, ...spec } = recordAt(object, "spec");
  const metrics = [...parsedList(others), ...(typeof percent === "number" ? [cpuMetric(percent)] : [])];
  const { currentCPUUtilizationPercentage: _, ...status } = recordAt(object, "status");
  const { annotations: __, ...rest } = metadata;
  const parsed = parsedText(behavior);
  return {
    ...object,
    metadata: Object.keys(annotations).length === 0 ? rest : { ...rest, annotations },
    spec: {
      ...spec,
      ...(metrics.length === 0 ? {} : { metrics }),
      ...(isRecord(parsed) ? { behavior: parsed } : {}),
    },
    ...(object["status"] === undefined ? {} : { status }),
  };
}

/** Returns a stored HorizontalPodAutoscaler as autoscaling/v1 has it. */
export function autoscalerFromStored(object: Fields): Fields {
  const { metrics: _, behavior, ...spec } = recordAt(object, "spec");
  const { conditions: __, currentMetrics, ...status } = recordAt(object, "status");
  const all = arrayAt(object["spec"], "metrics");
  const percent = all.map(cpuPercent).find((found) => found !== undefined);
  const others = all.filter((metric) => cpuPercent(metric) === undefined);
  const current = arrayAt({ currentMetrics }, "currentMetrics")
    .map(currentCpu)
    .find((found) => found !== undefined);
  const metadata = recordAt(object, "metadata");
  const annotations = {
    ...recordAt(metadata, "annotations"),
    ...(others.length === 0 ? {} : { [METRICS]: JSON.stringify(others) }),
    ...(behavior === undefined ? {} : { [BEHAVIOR]: JSON.stringify(behavior) }),
  };
  return {
    ...object,
    metadata: Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations },
    spec: { ...spec, ...(percent === undefined ? {} : { targetCPUUtilizationPercentage: percent }) },
    status: {
      currentReplicas: 0,
      desiredReplicas: 0,
      ...status,
      ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }),
    },
  };
}

function cpuMetric(averageUtilization: number): object {
  return { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } };
}

function cpuPercent(metric: unknown): number | undefined {
  const resource = recordAt(metric, "resource");
  const target = recordAt(resource, "target");
  const isCpu = stringAt(metric, "type") === "Resource" && stringAt(resource, "name") === "cpu";
  return isCpu && stringAt(target, "type") === "Utilization" ? numberAt(target, "averageUtilization") : undefined;
}

function currentCpu(metric: unknown): number | undefined {
  const resource = recordAt(metric, "resource");
  return stringAt(resource, "name") === "cpu"
    ? numberAt(recordAt(resource, "current"), "averageUtilization")
    : undefined;
}

function parsedList(text: unknown): readonly unknown[] {
  const parsed = parsedText(text);
  return Array.isArray(parsed) ? parsed : [];
}

/** An annotation that somebody broke says nothing. */
function parsedText(text: unknown): unknown {
  try {
    return typeof text === "string" ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}
