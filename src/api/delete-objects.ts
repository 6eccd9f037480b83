import { arrayAt, isRecord, recordAt, stringAt } from "../ground/json.ts";
import { CUSTOM_RESOURCE_DEFINITION, NAMESPACE, isSameResource } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { DeleteOptions } from "../store/contract.ts";
import { encoded } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { readObjectBody } from "./body.ts";
import { parseSelection } from "./object-filter.ts";
import { listAnswer, objectAnswer } from "./object-answer.ts";
import { presentationOf, storedObject } from "./read-objects.ts";
import type { ObjectContext } from "./read-objects.ts";
import { isTrue } from "./request.ts";
import type { ApiRequest } from "./request.ts";
import type { ResourceRoute } from "./route.ts";
import { conflict, deletedStatus, forbidden, toApiStatusError } from "./status.ts";
import { notSupported } from "./validate/field-error.ts";
import { invalidOptions, parseDryRun } from "./write-options.ts";

const PROPAGATION_POLICIES = ["Foreground", "Background", "Orphan"] as const;

/** A cluster without them is none. */
const KEPT_NAMESPACES: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public"]);

/** Answers DELETE of one object: a Status when it is gone, the object when something holds it. */
export async function deleteObject(context: ObjectContext, route: ResourceRoute, request: ApiRequest): Promise<Answer> {
  const presentation = presentationOf(context, route, request);
  const { kind } = route.resource;
  const options = await readDeleteOptions(request);
  const before = await storedObject(context, route);
  assertPreconditions(route, before, options);
  if (isSameResource(kind, NAMESPACE) && KEPT_NAMESPACES.has(before.metadata.name)) {
    throw forbidden(kind, before.metadata.name, "this namespace may not be deleted");
  }
  const deleted = await remove(context, route, before, options);
  const current =
    options.dryRun === true ? undefined : await context.store.get(kind, route.namespace, before.metadata.name);
  const isHeld = current !== undefined && current.metadata.uid === before.metadata.uid;
  // A namespace is always shown on its way out, as it goes in the background on a real cluster.
  if (isHeld || isSameResource(kind, NAMESPACE)) {
    return objectAnswer(200, current ?? deleted, presentation);
  }
  return encoded(200, deletedStatus(kind, before.metadata.name, before.metadata.uid), presentation.form.encoding);
}

/** Answers DELETE of a collection with the objects that were deleted. */
export async function deleteCollection(
  context: ObjectContext,
  route: ResourceRoute,
  request: ApiRequest,
): Promise<Answer> {
  const presentation = presentationOf(context, route, request);
  const selection = parseSelection(route, request.query);
  const options = await readDeleteOptions(request);
  const list = await context.store.list(route.resource.kind, { namespace: route.namespace });
  const deleted: KubeObject[] = [];
  for (const object of list.items.filter(selection.matches)) {
    const target = { ...route, namespace: object.metadata.namespace ?? "", name: object.metadata.name };
    try {
      deleted.push(await remove(context, target, object, { ...options, uid: object.metadata.uid }));
    } catch (error) {
      const status = toApiStatusError(error, route.resource.kind, object.metadata.name);
      // Somebody else was faster; that object is not ours to report.
      if (status.httpStatus !== 404 && status.httpStatus !== 409) throw status;
    }
  }
  const metadata = { resourceVersion: list.resourceVersion };
  return listAnswer(deleted, metadata, presentation);
}

async function remove(
  context: ObjectContext,
  route: ResourceRoute,
  object: KubeObject,
  options: DeleteOptions,
): Promise<KubeObject> {
  const { kind } = route.resource;
  const isDefinition = isSameResource(kind, CUSTOM_RESOURCE_DEFINITION);
  if (isDefinition && options.dryRun !== true) await context.definitions.holdForInstances(object);
  try {
    return await context.store.delete(
      kind,
      object.metadata.namespace ?? "",
      object.metadata.name,
      isDefinition ? { ...options, resourceVersion: undefined } : options,
    );
  } catch (error) {
    throw toApiStatusError(error, kind, object.metadata.name);
  }
}

function assertPreconditions(route: ResourceRoute, object: KubeObject, options: DeleteOptions): void {
  const { kind } = route.resource;
  // A real server names the kind here where it names the resource elsewhere.
  const named = { ...kind, plural: kind.kind };
  const { uid = "", resourceVersion = "", name } = object.metadata;
  if (options.uid !== undefined && options.uid !== uid) {
    const why = `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw conflict(named, name, why);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw conflict(named, name, why);
  }
}

async function readDeleteOptions(request: ApiRequest): Promise<DeleteOptions> {
  const body = await readObjectBody(request);
  const asked = isRecord(body.value) ? body.value : {};
  const preconditions = recordAt(asked, "preconditions");
  const dryRun = [...arrayAt(asked, "dryRun"), ...request.query.getAll("dryRun")];
  const isOrphaning = asked["orphanDependents"] === true || isTrueParameter(request.query, "orphanDependents");
  const policy = stringAt(asked, "propagationPolicy") ?? request.query.get("propagationPolicy") ?? undefined;
  return {
    dryRun: parseDryRun(dryRun, "DeleteOptions"),
    uid: stringAt(preconditions, "uid"),
    resourceVersion: stringAt(preconditions, "resourceVersion"),
    propagation: isOrphaning ? "Orphan" : parsePropagation(policy),
  };
}

function isTrueParameter(query: URLSearchParams, name: string): boolean {
  return query.has(name) && isTrue(query, name);
}

function parsePropagation(policy: string | undefined): DeleteOptions["propagation"] {
  if (policy === undefined || policy === "") return undefined;
  const known = PROPAGATION_POLICIES.find((word) => word === policy);
  if (known !== undefined) return known;
  throw invalidOptions("DeleteOptions", notSupported("propagationPolicy", policy, [...PROPAGATION_POLICIES, "nil"]));
}
