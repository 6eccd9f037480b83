import { isRecord, numberAt, recordAt, stringMapAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import { encoded } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { contentTypeOf, objectOf, parseYamlBody } from "./body.ts";
import { storedObject } from "./read-objects.ts";
import type { ObjectContext } from "./read-objects.ts";
import type { ApiRequest } from "./request.ts";
import type { ResourceRoute } from "./route.ts";
import { badRequest, methodNotAllowed, unsupportedMediaType } from "./status.ts";
import { storeNext } from "./stored-write.ts";
import { labelsText } from "./table/column.ts";
import { parseWriteChoices } from "./write-options.ts";

const MERGE_PATCHES = ["application/merge-patch+json", "application/strategic-merge-patch+json"] as const;

/** Answers the `scale` subresource: how many replicas are wanted, read and set without the rest of the object. */
export async function answerScale(context: ObjectContext, route: ResourceRoute, request: ApiRequest): Promise<Answer> {
  const object = await storedObject(context, route);
  switch (request.method) {
    case "GET":
      return encoded(200, scaleOf(object));
    case "PATCH":
    case "PUT": {
      const isPatch = request.method === "PATCH";
      if (isPatch && !MERGE_PATCHES.some((type) => type === contentTypeOf(request))) {
        throw unsupportedMediaType(MERGE_PATCHES);
      }
      const asked = objectOf(parseYamlBody(await request.body()));
      const replicas = numberAt(recordAt(asked, "spec"), "replicas");
      if (replicas === undefined || replicas < 0) throw badRequest("spec.replicas must be a whole number, 0 or more");
      const spec = { ...recordAt(object, "spec"), replicas };
      const draft = { input: { ...object, spec }, choices: parseWriteChoices(request) };
      const written = await storeNext(context, { ...route, subresource: undefined }, object, draft);
      return encoded(200, scaleOf(written.object));
    }
    default:
      throw methodNotAllowed();
  }
}

function scaleOf(object: KubeObject): object {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = stringMapAt(recordAt(object["spec"], "selector"), "matchLabels");
  const status = isRecord(object["status"]) ? object["status"] : {};
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberAt(object["spec"], "replicas") ?? 1 },
    status: { replicas: numberAt(status, "replicas") ?? 0, selector: labelsText(selector) },
  };
}
