import { isRecord, recordAt, stringAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import { ADMIN } from "./access/identity.ts";
import { warningHeaders } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { applyObject } from "./apply.ts";
import { objectOf, parseYamlBody } from "./body.ts";
import { objectAnswer } from "./object-answer.ts";
import { presentationOf } from "./read-objects.ts";
import type { ObjectContext } from "./read-objects.ts";
import type { ApiRequest } from "./request.ts";
import type { ResourceRoute } from "./route.ts";
import { badRequest, invalid } from "./status.ts";
import { warningsOf } from "./stored-write.ts";
import { parseWriteChoices } from "./write-options.ts";
import { inNamespace, named } from "./write-objects.ts";

/** Answers PATCH of type `application/apply-patch+yaml`: server-side apply. */
export async function applyObjectPatch(
  context: ObjectContext,
  route: ResourceRoute,
  request: ApiRequest,
): Promise<Answer> {
  const choices = parseWriteChoices(request);
  if ((request.query.get("fieldManager") ?? "") === "") throw managerIsRequired();
  const presentation = presentationOf(context, route, request);
  const body = parseYamlBody(await request.body());
  const object = appliedObject(route, objectOf(body));
  const applied = await applyObject(context.store, object, {
    fieldManager: choices.manager,
    force: choices.force,
    nowMs: context.clock.nowMs(),
    dryRun: choices.dryRun,
    validation: choices.validation,
    duplicates: body.duplicates,
    subresource: route.subresource === "status" ? "status" : undefined,
    catalog: await context.definitions.current(),
    guard: context.guard,
    ...(context.identity === ADMIN ? {} : { requester: context.identity }),
  });
  const isNew = applied.outcome === "created";
  const headers = warningHeaders(warningsOf(route, applied));
  return objectAnswer(isNew ? 201 : 200, applied.object, presentation, headers);
}

function appliedObject(route: ResourceRoute, input: Readonly<Record<string, unknown>>): KubeObject {
  const { resource } = route;
  const apiVersion = stringAt(input, "apiVersion") ?? "";
  const kind = stringAt(input, "kind") ?? "";
  if (apiVersion !== resource.apiVersion || kind !== resource.kind.kind) {
    throw badRequest(
      `Invalid value: the object applied is ${apiVersion}, Kind=${kind}, and the URL is that of ${resource.apiVersion}, Kind=${resource.kind.kind}`,
    );
  }
  const placed = named(inNamespace(input, route), route);
  const metadata = recordAt(placed, "metadata");
  return {
    ...placed,
    apiVersion,
    kind,
    metadata: { ...(isRecord(metadata) ? metadata : {}), name: route.name ?? "" },
  };
}

function managerIsRequired(): Error {
  const options = { group: "meta.k8s.io", plural: "patchoptions", kind: "PatchOptions" } as const;
  const cause = {
    reason: "FieldValueRequired",
    message: "Required value: is required for apply patch",
    field: "fieldManager",
  };
  return invalid(options, "", [cause]);
}
