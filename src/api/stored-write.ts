import { recordAt, stringAt } from "../ground/json.ts";
import { CUSTOM_RESOURCE_DEFINITION, SERVICE, SIGNING_REQUEST, isSameResource } from "../resource/kind.ts";
import type { Kind } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { ADMIN } from "./access/identity.ts";
import { giveStandingStatus, noticeOf, noticeOfUpdate } from "./accepted.ts";
import { recordUpdate } from "./managed-fields/record-update.ts";
import { assertNamespaceIsOpen } from "./namespace-check.ts";
import type { ObjectContext } from "./read-objects.ts";
import type { ResourceRoute } from "./route.ts";
import { toApiStatusError } from "./status.ts";
import { admit } from "./validate/admit.ts";
import type { AdmitOptions, Admitted } from "./validate/admit.ts";
import { readServiceAllocation } from "./validate/service-allocation.ts";
import type { WriteChoices } from "./write-options.ts";

/** What is to be stored, as the client sent it or as its patch made it. */
export interface Draft {
  readonly input: Readonly<Record<string, unknown>>;
  readonly choices: WriteChoices;
  /** Fields that the text gave twice. */
  readonly duplicates?: readonly string[];
  /** The patch that made the input, in the words of a refusal. */
  readonly patch?: string;
}

/** What was stored, and what the client should hear besides. */
export interface Written {
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

/** Checks and stores a new object. Throws ApiStatusError. */
export async function storeNew(context: ObjectContext, route: ResourceRoute, draft: Draft): Promise<Written> {
  const { kind } = route.resource;
  const name = nameOf(draft.input);
  await assertNamespaceIsOpen(context.store, kind, route.namespace, name);
  if (isSameResource(kind, CUSTOM_RESOURCE_DEFINITION)) await context.definitions.assertRoom(name);
  const admitted = await admitDraft(context, route, draft, undefined);
  await context.guard(kind, admitted.object, true);
  const tracked = withManager(context, route, draft, undefined, withAsker(context, kind, admitted.object));
  const created = await attempt(route, tracked.metadata.name, () =>
    context.store.create(kind, tracked, { dryRun: draft.choices.dryRun }),
  );
  const { dryRun } = draft.choices;
  await followDefinition(context, kind, dryRun);
  const object = await giveStandingStatus(context.store, kind, created, { nowMs: context.clock.nowMs(), dryRun });
  const notice = noticeOf(kind, object);
  return { object, warnings: notice === undefined ? admitted.warnings : [...admitted.warnings, notice] };
}

/** Checks and stores the next state of `existing`, or only its status. Throws ApiStatusError. */
export async function storeNext(
  context: ObjectContext,
  route: ResourceRoute,
  existing: KubeObject,
  draft: Draft,
): Promise<Written> {
  const { kind } = route.resource;
  const admitted = await admitDraft(context, route, draft, existing);
  if (route.subresource !== "status") await context.guard(kind, admitted.object, false);
  const tracked = withManager(context, route, draft, existing, admitted.object);
  const options = { dryRun: draft.choices.dryRun };
  const object = await attempt(route, existing.metadata.name, () =>
    route.subresource === "status"
      ? context.store.updateStatus(kind, tracked, options)
      : context.store.update(kind, tracked, options),
  );
  await followDefinition(context, kind, options.dryRun);
  const notice = noticeOfUpdate(kind, object);
  return { object, warnings: notice === undefined ? admitted.warnings : [...admitted.warnings, notice] };
}

/** What a definition defines is served when its writer hears that it is stored. */
async function followDefinition(context: ObjectContext, kind: Kind, dryRun: boolean): Promise<void> {
  if (!dryRun && isSameResource(kind, CUSTOM_RESOURCE_DEFINITION)) await context.definitions.settle();
}

/** Returns what whoever makes this request should be told in Warning headers. */
export function warningsOf(route: ResourceRoute, written: Pick<Written, "warnings">): readonly string[] {
  const { deprecation } = route.resource;
  return deprecation === undefined ? written.warnings : [deprecation, ...written.warnings];
}

async function admitDraft(
  context: ObjectContext,
  route: ResourceRoute,
  draft: Draft,
  existing: KubeObject | undefined,
): Promise<Admitted> {
  const { kind, apiVersion } = route.resource;
  const options: AdmitOptions = {
    kind,
    apiVersion,
    validation: draft.choices.validation,
    duplicates: draft.duplicates ?? [],
    existing,
    subresource: route.subresource === "status" ? "status" : undefined,
    patch: draft.patch,
    ...(context.identity === ADMIN ? {} : { requester: context.identity }),
    ...(isSameResource(kind, SERVICE) ? { allocation: await readServiceAllocation(context.store) } : {}),
  };
  return admit(draft.input, options);
}

/** A request for a certificate says who made it, whatever it claims. */
function withAsker(context: ObjectContext, kind: Kind, object: KubeObject): KubeObject {
  if (kind !== SIGNING_REQUEST) return object;
  const { username, uid, groups, extra } = context.identity;
  const { uid: _uid, extra: _extra, ...spec } = recordAt(object, "spec");
  const asker = { username, groups, ...(uid === undefined ? {} : { uid }), ...(extra === undefined ? {} : { extra }) };
  return { ...object, spec: { ...spec, ...asker } };
}

async function attempt(route: ResourceRoute, name: string, write: () => Promise<KubeObject>): Promise<KubeObject> {
  try {
    return await write();
  } catch (error) {
    throw toApiStatusError(error, route.resource.kind, name);
  }
}

function nameOf(input: Readonly<Record<string, unknown>>): string {
  return stringAt(input["metadata"], "name") ?? "";
}

/** Writes down who set which fields. */
function withManager(
  context: ObjectContext,
  route: ResourceRoute,
  draft: Draft,
  live: KubeObject | undefined,
  updated: KubeObject,
): KubeObject {
  return recordUpdate({
    kind: route.resource.kind,
    live,
    updated,
    manager: draft.choices.manager,
    subresource: route.subresource === "status" ? "status" : undefined,
    nowMs: context.clock.nowMs(),
  });
}
