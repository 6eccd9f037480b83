import { isLintelError } from "../../ground/errors.ts";
import { arrayAt, jsonEqual, stringAt } from "../../ground/json.ts";
import { CERTIFICATE, INGRESS } from "../../resource/kind.ts";
import { objectKey, type KubeObject } from "../../resource/object.ts";
import { BY_OWNER, ownerName } from "../caches.ts";
import { splitKey } from "../object-name.ts";
import { removeObject } from "../status-writer.ts";
import { WorkQueue, type Recheck } from "../work-queue.ts";
import type { World } from "../world.ts";
import { decide, type ShimAction } from "./decide.ts";

/** Keeps a Certificate for each `tls` entry of Ingresses that name an issuer. Keys are those of Ingresses. */
export function openIngressShim(world: World): WorkQueue {
  const queue = new WorkQueue({ ...world, name: "ingress-shim", reconcile: (key) => reconcile(world, key) });
  world.caches.ingresses.subscribe(({ before, after }) => {
    // The status is written for every Ingress when the edge's address changes: nothing here follows from it.
    if (after !== undefined && !isSameWish(before, after)) queue.add(objectKey(after));
  });
  world.caches.certificates.subscribe(({ before, after }) => {
    const certificate = after ?? before;
    const owner = certificate === undefined ? undefined : ownerName(certificate, INGRESS.kind);
    if (owner !== undefined) queue.add(`${certificate?.metadata.namespace ?? ""}/${owner}`);
    // A name that becomes free may be waited for by an Ingress that doesn't own it.
    if (after === undefined && before !== undefined) wakeUsersOf(world, before, (key) => queue.add(key));
  });
  return queue;
}

function isSameWish(before: KubeObject | undefined, after: KubeObject): boolean {
  if (before === undefined) return false;
  const { resourceVersion: _, ...was } = before.metadata;
  const { resourceVersion: __, ...is } = after.metadata;
  return jsonEqual(was, is) && jsonEqual(before["spec"], after["spec"]);
}

function wakeUsersOf(world: World, certificate: KubeObject, add: (key: string) => void): void {
  for (const ingress of world.caches.ingresses.list()) {
    if (ingress.metadata.namespace !== certificate.metadata.namespace) continue;
    const names = arrayAt(ingress["spec"], "tls").map((entry) => stringAt(entry, "secretName"));
    if (names.includes(certificate.metadata.name)) add(objectKey(ingress));
  }
}

async function reconcile(world: World, key: string): Promise<Recheck> {
  const { store, events } = world;
  const { namespace, name } = splitKey(key);
  const ingress = await store.get(INGRESS, namespace, name);
  if (ingress === undefined || ingress.metadata.deletionTimestamp !== undefined) return undefined;
  const certificates = await certificatesOf(world, ingress);
  const { actions, problems } = decide({ ingress, certificates, defaultIssuer: world.defaultIssuer });
  for (const problem of problems) events.warning(ingress, "BadConfig", problem);
  for (const action of actions) await act(world, ingress, action);
  return undefined;
}

async function certificatesOf(world: World, ingress: KubeObject): Promise<readonly KubeObject[]> {
  const namespace = ingress.metadata.namespace ?? "";
  const names = new Set(arrayAt(ingress["spec"], "tls").flatMap((entry) => stringAt(entry, "secretName") ?? []));
  for (const owned of world.caches.certificates.find(BY_OWNER, ingress.metadata.uid ?? ""))
    names.add(owned.metadata.name);
  const found = await Promise.all([...names].map((name) => world.store.get(CERTIFICATE, namespace, name)));
  return found.filter((certificate) => certificate !== undefined);
}

async function act(world: World, ingress: KubeObject, action: ShimAction): Promise<void> {
  const { store, events } = world;
  const name = action.certificate.metadata.name;
  switch (action.kind) {
    case "create":
      try {
        await store.create(CERTIFICATE, action.certificate);
      } catch (error) {
        // Somebody made it meanwhile: the change of that Certificate brings this key here again.
        if (isLintelError(error, "AlreadyExists")) return;
        throw error;
      }
      events.normal(ingress, "CreateCertificate", `Successfully created Certificate "${name}"`);
      return;
    case "update":
      await store.update(CERTIFICATE, action.certificate);
      events.normal(ingress, "UpdateCertificate", `Successfully updated Certificate "${name}"`);
      return;
    case "delete":
      await removeObject(store, CERTIFICATE, action.certificate);
      events.normal(ingress, "DeleteCertificate", `Successfully deleted unrequired Certificate "${name}"`);
      return;
    default:
      return action satisfies never;
  }
}
