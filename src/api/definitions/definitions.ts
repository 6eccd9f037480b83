import type { Clock } from "../../ground/clock.ts";
import { isLintelError } from "../../ground/errors.ts";
import { jsonEqual, recordAt, stringAt, stringsAt } from "../../ground/json.ts";
import { CUSTOM_RESOURCE_DEFINITION } from "../../resource/kind.ts";
import type { Kind } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { parseDefinition } from "../../resource/definition/parse-definition.ts";
import type { VersionedStore } from "../../store/contract.ts";
import { BUILT_IN, Catalog } from "../catalog.ts";
import { forbidden } from "../status.ts";
import { SERVED_RESOURCES, serveDefined } from "../served-resource.ts";
import type { ServedResource } from "../served-resource.ts";
import { isBuiltIn } from "./built-in-definition.ts";
import { ConvertedStore } from "./converted-store.ts";
import { definitionStatus, isTrueOf } from "./definition-status.ts";

/** Holds a definition until the objects of its kind are gone. */
const CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io";
/** A status follows from the definitions before it, so it takes a few rounds until all are settled. */
const ROUNDS_MAX = 8;
/** Each definition costs memory and a part of every discovery document. */
const DEFINITIONS_MAX = 1_000;

interface Parsed {
  /** The definition this was made of; its status aside, which changes nothing here. */
  readonly generation: number | undefined;
  readonly isTerminating: boolean;
  readonly resources: readonly ServedResource[];
}

/**
 * Follows the CustomResourceDefinitions in a store: what they define is served as soon as they are there, changes with them,
 * and goes with them. Does the work of the controllers that a real cluster has for this: accepts names, reports
 * conditions, and deletes the objects of a kind that is being deleted.
 */
export class Definitions {
  /** The store as objects of users' kinds should be read and written: each in the version of the kind it is asked by. */
  readonly store: VersionedStore;
  readonly #inner: VersionedStore;
  readonly #clock: Clock;
  readonly #parsed = new Map<string, Parsed>();
  #seen: readonly KubeObject[] | undefined;
  #catalog: Catalog = BUILT_IN;
  #isEmptying = false;
  #settling: Promise<void> = Promise.resolve();

  constructor(store: VersionedStore, clock: Clock) {
    this.#inner = store;
    this.#clock = clock;
    this.store = new ConvertedStore(store);
  }

  /** Returns what is served now. Costs next to nothing where no definition has changed. */
  async current(): Promise<Catalog> {
    const { items } = await this.#inner.list(CUSTOM_RESOURCE_DEFINITION);
    if (items !== this.#seen || this.#isEmptying) await this.settle();
    return this.#catalog;
  }

  /** Resolves when everything that follows from the definitions as they are now is done. */
  settle(): Promise<void> {
    this.#settling = this.#settling.catch(() => undefined).then(() => this.#settle());
    return this.#settling;
  }

  /** Throws Forbidden when there are as many definitions as may be. */
  async assertRoom(name: string): Promise<void> {
    const { items } = await this.#inner.list(CUSTOM_RESOURCE_DEFINITION);
    if (items.length < DEFINITIONS_MAX) return;
    throw forbidden(
      CUSTOM_RESOURCE_DEFINITION,
      name,
      `there are ${String(DEFINITIONS_MAX)} definitions, which is the most`,
    );
  }

  /** Makes a definition that is about to be deleted wait for the objects of its kind. */
  async holdForInstances(definition: KubeObject): Promise<void> {
    const finalizers = definition.metadata.finalizers ?? [];
    if (isBuiltIn(definition) || finalizers.includes(CLEANUP_FINALIZER)) return;
    if (definition.metadata.deletionTimestamp !== undefined || !(await this.#hasInstances(definition))) return;
    const metadata = { ...definition.metadata, finalizers: [...finalizers, CLEANUP_FINALIZER] };
    await this.#inner.update(CUSTOM_RESOURCE_DEFINITION, { ...definition, metadata });
  }

  async #settle(): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const { items } = await this.#inner.list(CUSTOM_RESOURCE_DEFINITION);
      if (items === this.#seen && !this.#isEmptying) return;
      await this.#serve(items);
      this.#isEmptying = items.some((one) => one.metadata.deletionTimestamp !== undefined && !isBuiltIn(one));
      let isChanged = false;
      for (const definition of inOrderOfAge(items)) isChanged = (await this.#advance(definition, items)) || isChanged;
      if (!isChanged) return;
    }
  }

  /** Brings what is served in line with the definitions. */
  async #serve(items: readonly KubeObject[]): Promise<void> {
    const left = new Set(this.#parsed.keys());
    const resources: ServedResource[] = [];
    for (const definition of items) {
      const uid = definition.metadata.uid ?? "";
      left.delete(uid);
      if (isBuiltIn(definition) || !isTrueOf(definition, "Established")) continue;
      const parsed = this.#parse(uid, definition);
      resources.push(...parsed.resources);
      // The store learns of the kind, so that what is left of an earlier run follows its namespace and its owners.
      const [first] = parsed.resources;
      if (first !== undefined) await this.#inner.list(first.kind);
    }
    this.#catalog = resources.length === 0 ? BUILT_IN : new Catalog(resources);
    this.#seen = items;
    for (const uid of left) {
      const [first] = this.#parsed.get(uid)?.resources ?? [];
      this.#parsed.delete(uid);
      // A definition that went without being held leaves nothing behind either.
      if (
        first !== undefined &&
        !resources.some((one) => one.kind.plural === first.kind.plural && one.group === first.group)
      ) {
        await this.#deleteInstances(first.kind);
      }
    }
  }

  #parse(uid: string, definition: KubeObject): Parsed {
    const known = this.#parsed.get(uid);
    const { generation, deletionTimestamp } = definition.metadata;
    const isTerminating = deletionTimestamp !== undefined;
    if (known !== undefined && known.generation === generation && known.isTerminating === isTerminating) return known;
    const parsed = { generation, isTerminating, resources: parseDefinition(definition).map(serveDefined) };
    this.#parsed.set(uid, parsed);
    return parsed;
  }

  /** Writes the status that a definition should have, and lets it go when nothing is left. Returns whether it changed. */
  async #advance(definition: KubeObject, items: readonly KubeObject[]): Promise<boolean> {
    const isDeleting = definition.metadata.deletionTimestamp !== undefined && !isBuiltIn(definition);
    if (isDeleting) {
      const kind = this.#kindOf(definition);
      if (kind !== undefined) await this.#deleteInstances(kind);
      if (!(await this.#hasInstances(definition))) return this.#letGo(definition);
    }
    const status = definitionStatus(definition, {
      isBuiltIn: isBuiltIn(definition),
      ...taken(definition, items),
      nowMs: this.#clock.nowMs(),
    });
    if (jsonEqual(status, definition["status"])) return false;
    return this.#write(() => this.#inner.updateStatus(CUSTOM_RESOURCE_DEFINITION, { ...definition, status }));
  }

  #letGo(definition: KubeObject): Promise<boolean> {
    const finalizers = (definition.metadata.finalizers ?? []).filter((one) => one !== CLEANUP_FINALIZER);
    if (finalizers.length === (definition.metadata.finalizers ?? []).length) return Promise.resolve(false);
    const metadata = { ...definition.metadata, finalizers };
    return this.#write(() => this.#inner.update(CUSTOM_RESOURCE_DEFINITION, { ...definition, metadata }));
  }

  /** Somebody who was faster is followed in the next round. */
  async #write(write: () => Promise<unknown>): Promise<boolean> {
    try {
      await write();
    } catch (error) {
      if (!isLintelError(error, "Conflict") && !isLintelError(error, "NotFound")) throw error;
    }
    return true;
  }

  #kindOf(definition: KubeObject): Kind | undefined {
    return this.#parsed.get(definition.metadata.uid ?? "")?.resources[0]?.kind ?? parseDefinition(definition)[0]?.kind;
  }

  async #hasInstances(definition: KubeObject): Promise<boolean> {
    const kind = this.#kindOf(definition);
    return kind !== undefined && (await this.#inner.list(kind)).items.length > 0;
  }

  async #deleteInstances(kind: Kind): Promise<void> {
    for (const { metadata } of (await this.#inner.list(kind)).items) {
      if (metadata.deletionTimestamp !== undefined) continue;
      await this.#write(() => this.#inner.delete(kind, metadata.namespace ?? "", metadata.name));
    }
  }
}

/** Who came first keeps a name. */
function inOrderOfAge(items: readonly KubeObject[]): readonly KubeObject[] {
  return [...items].sort((left, right) => (age(left) < age(right) ? -1 : age(left) > age(right) ? 1 : 0));
}

function age({ metadata }: KubeObject): string {
  return metadata.creationTimestamp ?? "";
}

/** The names that others of the group have. */
function taken(
  definition: KubeObject,
  items: readonly KubeObject[],
): { readonly takenNames: ReadonlySet<string>; readonly takenKinds: ReadonlySet<string> } {
  const group = stringAt(definition["spec"], "group") ?? "";
  const names = new Set<string>();
  const kinds = new Set<string>();
  for (const other of items) {
    if (other.metadata.uid === definition.metadata.uid || stringAt(other["spec"], "group") !== group) continue;
    const accepted = recordAt(other["status"], "acceptedNames");
    for (const field of ["plural", "singular"]) names.add(stringAt(accepted, field) ?? "");
    for (const name of stringsAt(accepted, "shortNames")) names.add(name);
    for (const field of ["kind", "listKind"]) kinds.add(stringAt(accepted, field) ?? "");
  }
  for (const { kind } of SERVED_RESOURCES) {
    if (kind.group !== group) continue;
    for (const name of [kind.plural, kind.singular, ...kind.shortNames]) names.add(name);
    for (const name of [kind.kind, `${kind.kind}List`]) kinds.add(name);
  }
  names.delete("");
  kinds.delete("");
  return { takenNames: names, takenKinds: kinds };
}
