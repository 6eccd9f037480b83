import { isRecord, stringAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import { schemaOf } from "../resource/schema/schema-of.ts";
import { warningHeaders } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { applyObjectPatch } from "./apply-objects.ts";
import { contentTypeOf, parseJsonBody, parseYamlBody } from "./body.ts";
import { PATCH_TYPES, STRATEGIC_MERGE_PATCH } from "./openapi/paths.ts";
import { applyPatch } from "./patch/apply-patch.ts";
import type { PatchType } from "./patch/apply-patch.ts";
import { objectAnswer } from "./object-answer.ts";
import { served } from "./present.ts";
import { presentationOf, storedObject } from "./read-objects.ts";
import type { ObjectContext } from "./read-objects.ts";
import type { ApiRequest } from "./request.ts";
import type { ResourceRoute } from "./route.ts";
import { badRequest, conflict, toApiStatusError, unsupportedMediaType } from "./status.ts";
import { storeNext, warningsOf } from "./stored-write.ts";
import type { Draft, Written } from "./stored-write.ts";
import { parseWriteChoices } from "./write-options.ts";
import { inNamespace, named } from "./write-objects.ts";

/** A patch is computed anew from what is there now when somebody else wrote in between, so many times. */
const ATTEMPTS_MAX = 5;

/** Answers PATCH to an object or its status, by the media type of the patch. */
export async function patchObject(context: ObjectContext, route: ResourceRoute, request: ApiRequest): Promise<Answer> {
  const type = contentTypeOf(request);
  if (type === "application/apply-patch+yaml") {
    return applyObjectPatch(context, route, request);
  }
  if (!isPatchType(type) || (type === STRATEGIC_MERGE_PATCH && route.resource.isCustom)) {
    throw unsupportedMediaType(patchTypesOf(route));
  }
  const choices = parseWriteChoices(request);
  const presentation = presentationOf(context, route, request);
  const body =
    type === "application/json-patch+json" ? parseJsonBody(await request.body()) : parseYamlBody(await request.body());
  if (body.isEmpty) throw badRequest("error decoding patch: the body is empty");
  const draft = { choices, duplicates: body.duplicates };
  const written = await patchRepeatedly(context, route, { type, patch: body.value }, draft);
  const headers = warningHeaders(warningsOf(route, written));
  return objectAnswer(200, written.object, presentation, headers);
}

interface Patch {
  readonly type: PatchType;
  readonly patch: unknown;
}

async function patchRepeatedly(
  context: ObjectContext,
  route: ResourceRoute,
  patch: Patch,
  draft: Omit<Draft, "input" | "patch">,
): Promise<Written> {
  for (let attempt = 1; ; attempt++) {
    const existing = await storedObject(context, route);
    const { input, shown } = patched(route, existing, patch);
    const version = stringAt(input["metadata"], "resourceVersion");
    // A patch that names a version means that one and no other.
    const isPinned = version !== undefined && version !== existing.metadata.resourceVersion;
    if (isPinned) throw conflict(route.resource.kind, existing.metadata.name);
    try {
      return await storeNext(context, route, existing, { ...draft, input, patch: shown });
    } catch (error) {
      const status = toApiStatusError(error);
      if (status.httpStatus !== 409 || attempt >= ATTEMPTS_MAX) throw status;
    }
  }
}

function patched(
  route: ResourceRoute,
  existing: KubeObject,
  { type, patch }: Patch,
): { readonly input: Readonly<Record<string, unknown>>; readonly shown: string } {
  const { resource } = route;
  const before = served(existing, resource);
  const { result, shown } = applyPatch(type, before, patch, schemaOf(resource.kind, resource.apiVersion));
  if (!isRecord(result)) throw badRequest("error decoding patch: what it makes is no object");
  const { resourceVersion } = existing.metadata;
  const input = named(inNamespace(result, route), route);
  const metadata = { resourceVersion, ...(isRecord(input["metadata"]) ? input["metadata"] : {}) };
  return { input: { ...input, metadata }, shown };
}

function isPatchType(type: string): type is PatchType {
  return (
    type === "application/json-patch+json" || type === "application/merge-patch+json" || type === STRATEGIC_MERGE_PATCH
  );
}

function patchTypesOf(route: ResourceRoute): readonly string[] {
  return route.resource.isCustom
    ? PATCH_TYPES
    : [PATCH_TYPES[0], PATCH_TYPES[1], STRATEGIC_MERGE_PATCH, PATCH_TYPES[2]];
}
