import { isRecord, numberAt, recordAt, stringAt, stringMapAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import { encoded } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { contentTypeOf, objectOf, parseYamlBody } from "./body.ts";
import { storedObject } from "./read-objects.ts";
import type { ObjectContext } from "./read-objects.ts";
import type { ApiRequest } from "./request.ts";
import type { ResourceRoute } from "./route.ts";
import { ApiStatusError, badRequest, methodNotAllowed, unsupportedMediaType } from "./status.ts";
import { storeNext } from "./stored-write.ts";
import { labelsText } from "./table/column.ts";
import { parseWriteChoices } from "./write-options.ts";

const MERGE_PATCHES = ["application/merge-patch+json", "application/strategic-merge-patch+json"] as const;

/** Answers the `scale` subresource: how many replicas are wanted, read and set without the rest of the object. */
export async function answerScale(context: ObjectContext, route: ResourceRoute, request: ApiRequest): Promise<Answer> {
  const object = await storedObject(context, route);
  switch (request.method) {
    case "GET":
      return encoded(200, scaleOf(object, route));
    case "PATCH":
    case "PUT": {
      const isPatch = request.method === "PATCH";
      if (isPatch && !MERGE_PATCHES.some((type) => type === contentTypeOf(request))) {
        throw unsupportedMediaType(MERGE_PATCHES);
      }
      const asked = objectOf(parseYamlBody(await request.body()));
      const replicas = numberAt(recordAt(asked, "spec"), "replicas");
      if (replicas === undefined || replicas < 0) throw badRequest("spec.replicas must be a whole number, 0 or more");
      const draft = { input: withReplicas(object, replicasPath(route), replicas), choices: parseWriteChoices(request) };
      const written = await storeNext(context, { ...route, subresource: undefined }, object, draft);
      return encoded(200, scaleOf(written.object, route));
    }
    default:
      throw methodNotAllowed();
  }
}

function replicasPath(route: ResourceRoute): readonly string[] {
  return route.resource.kind.custom?.scale?.specReplicas ?? ["spec", "replicas"];
}

function withReplicas(value: unknown, path: readonly string[], replicas: number): Readonly<Record<string, unknown>> {
  const fields = isRecord(value) ? value : {};
  const [name, ...rest] = path;
  if (name === undefined) return fields;
  return { ...fields, [name]: rest.length === 0 ? replicas : withReplicas(fields[name], rest, replicas) };
}

function scaleOf(object: KubeObject, route: ResourceRoute): object {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const { replicas, current, selector } = countsOf(object, route);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas },
    status: { replicas: current, ...(selector === undefined ? {} : { selector }) },
  };
}

interface Counts {
  readonly replicas: number;
  readonly current: number;
  readonly selector: string | undefined;
}

function countsOf(object: KubeObject, route: ResourceRoute): Counts {
  const scale = route.resource.kind.custom?.scale;
  if (scale === undefined) {
    return {
      replicas: numberAt(object["spec"], "replicas") ?? 1,
      current: numberAt(object["status"], "replicas") ?? 0,
      selector: labelsText(stringMapAt(recordAt(object["spec"], "selector"), "matchLabels")),
    };
  }
  const replicas = numberAt(parentOf(object, scale.specReplicas), scale.specReplicas.at(-1) ?? "");
  if (replicas === undefined) {
    const path = `.${scale.specReplicas.join(".")}`;
    throw new ApiStatusError(
      500,
      "InternalError",
      `Internal error occurred: the spec replicas field "${path}" does not exist`,
    );
  }
  return {
    replicas,
    current: numberAt(parentOf(object, scale.statusReplicas), scale.statusReplicas.at(-1) ?? "") ?? 0,
    selector:
      scale.labelSelector === undefined
        ? undefined
        : stringAt(parentOf(object, scale.labelSelector), scale.labelSelector.at(-1) ?? ""),
  };
}

function parentOf(object: unknown, path: readonly string[]): unknown {
  return path.slice(0, -1).reduce<unknown>((value, name) => recordAt(value, name), object);
}
