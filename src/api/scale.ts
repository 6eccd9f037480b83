import { isRecord, numberAt, recordAt, stringAt, stringMapAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import { encoded } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { contentTypeOf, objectOf, parseYamlBody, readObjectBody } from "./body.ts";
import { STRATEGIC_MERGE_PATCH } from "./openapi/paths.ts";
import { applyJsonPatch } from "./patch/json-patch.ts";
import { applyMergePatch } from "./patch/merge-patch.ts";
import { storedObject } from "./read-objects.ts";
import type { ObjectContext } from "./read-objects.ts";
import type { ApiRequest } from "./request.ts";
import type { ResourceRoute } from "./route.ts";
import {
  ApiStatusError,
  badRequest,
  conflict,
  methodNotAllowed,
  toApiStatusError,
  unsupportedMediaType,
} from "./status.ts";
import { storeNext } from "./stored-write.ts";
import { labelsText } from "./table/column.ts";
import { parseWriteChoices } from "./write-options.ts";

const PATCHES = ["application/json-patch+json", "application/merge-patch+json", STRATEGIC_MERGE_PATCH] as const;

/** A scale is set anew from what is there now when somebody else wrote in between, so many times. */
const ATTEMPTS_MAX = 5;

/** Answers the `scale` subresource: how many replicas are wanted, read and set without the rest of the object. */
export async function answerScale(context: ObjectContext, route: ResourceRoute, request: ApiRequest): Promise<Answer> {
  switch (request.method) {
    case "GET":
      return encoded(200, scaleOf(await storedObject(context, route), route));
    case "PUT": {
      const asked = objectOf(await readObjectBody(request));
      return setScale(context, route, request, () => asked);
    }
    case "PATCH": {
      const type = contentTypeOf(request);
      if (!PATCHES.some((known) => known === type)) throw unsupportedMediaType(PATCHES);
      const body = parseYamlBody(await request.body());
      // No field of a Scale is a list, so that both ways of merging mean the same.
      return setScale(context, route, request, (scale) =>
        type === "application/json-patch+json" ? applyJsonPatch(scale, body.value) : applyMergePatch(scale, body.value),
      );
    }
    default:
      throw methodNotAllowed();
  }
}

async function setScale(
  context: ObjectContext,
  route: ResourceRoute,
  request: ApiRequest,
  next: (scale: object) => unknown,
): Promise<Answer> {
  const choices = parseWriteChoices(request);
  for (let attempt = 1; ; attempt++) {
    const object = await storedObject(context, route);
    const asked = next(scaleOf(object, route));
    const replicas = numberAt(recordAt(asked, "spec"), "replicas") ?? 0;
    if (replicas < 0) throw badRequest("spec.replicas must be a whole number, 0 or more");
    const version = stringAt(recordAt(asked, "metadata"), "resourceVersion") ?? "";
    if (version !== "" && version !== object.metadata.resourceVersion) {
      throw conflict(route.resource.kind, object.metadata.name);
    }
    try {
      const draft = { input: withReplicas(object, replicasPath(route), replicas), choices };
      const written = await storeNext(context, { ...route, subresource: undefined }, object, draft);
      return encoded(200, scaleOf(written.object, route));
    } catch (error) {
      const status = toApiStatusError(error);
      if (status.httpStatus !== 409 || attempt >= ATTEMPTS_MAX) throw status;
    }
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
