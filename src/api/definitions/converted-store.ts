import { isRecord, jsonEqual } from "../../ground/json.ts";
import { apiVersionOf } from "../../resource/kind.ts";
import type { Kind } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import type {
  DeleteOptions,
  ListOptions,
  ObjectList,
  VersionedStore,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "../../store/contract.ts";
import { decodeCustom } from "../validate/decode-custom.ts";
import { withSchemaDefaults } from "../validate/schema-defaults.ts";

/**
 * A store that shows objects of users' kinds in the version of the kind they are asked by (conversion strategy `None`:
 * only the apiVersion differs) and as today's schema has them: without fields it lacks, with its defaults. Other kinds
 * pass through.
 */
export class ConvertedStore implements VersionedStore {
  readonly #inner: VersionedStore;
  /** Stored objects never change, so neither does what becomes of them under a kind. */
  readonly #converted = new WeakMap<Kind, WeakMap<KubeObject, KubeObject>>();

  constructor(inner: VersionedStore) {
    this.#inner = inner;
  }

  async get(kind: Kind, namespace: string, name: string): Promise<KubeObject | undefined> {
    const found = await this.#inner.get(kind, namespace, name);
    return found === undefined ? undefined : this.#shown(kind, found);
  }

  async list(kind: Kind, options?: ListOptions): Promise<ObjectList> {
    return this.#shownList(kind, await this.#inner.list(kind, options));
  }

  async listAt(kind: Kind, version: string, options?: ListOptions): Promise<ObjectList> {
    return this.#shownList(kind, await this.#inner.listAt(kind, version, options));
  }

  version(): string {
    return this.#inner.version();
  }

  async create(kind: Kind, object: KubeObject, options?: WriteOptions): Promise<KubeObject> {
    return this.#shown(kind, await this.#inner.create(kind, toStored(kind, object), options));
  }

  async update(kind: Kind, object: KubeObject, options?: WriteOptions): Promise<KubeObject> {
    return this.#shown(kind, await this.#inner.update(kind, toStored(kind, object), options));
  }

  async updateStatus(kind: Kind, object: KubeObject, options?: WriteOptions): Promise<KubeObject> {
    return this.#shown(kind, await this.#inner.updateStatus(kind, toStored(kind, object), options));
  }

  async delete(kind: Kind, namespace: string, name: string, options?: DeleteOptions): Promise<KubeObject> {
    return this.#shown(kind, await this.#inner.delete(kind, namespace, name, options));
  }

  watch(kind: Kind, options: WatchOptions): AsyncIterable<WatchEvent> {
    const events = this.#inner.watch(kind, options);
    return kind.custom === undefined ? events : this.#shownEvents(kind, events);
  }

  async *#shownEvents(kind: Kind, events: AsyncIterable<WatchEvent>): AsyncGenerator<WatchEvent> {
    for await (const event of events) yield { type: event.type, object: this.#shown(kind, event.object) };
  }

  #shownList(kind: Kind, list: ObjectList): ObjectList {
    if (kind.custom === undefined) return list;
    return { ...list, items: list.items.map((object) => this.#shown(kind, object)) };
  }

  #shown(kind: Kind, object: KubeObject): KubeObject {
    if (kind.custom === undefined) return object;
    const known = this.#converted.get(kind) ?? new WeakMap<KubeObject, KubeObject>();
    this.#converted.set(kind, known);
    const converted = known.get(object) ?? convert(kind, object);
    known.set(object, converted);
    return converted;
  }
}

function convert(kind: Kind, object: KubeObject): KubeObject {
  const { schema } = kind.custom ?? {};
  if (schema === undefined) return object;
  const { metadata, ...rest } = object;
  const pruned = decodeCustom(rest, schema, { unknown: [], typeError: undefined });
  const filled = withSchemaDefaults(pruned, schema);
  const fields = isRecord(filled) ? filled : {};
  const converted: KubeObject = { ...fields, apiVersion: apiVersionOf(kind), kind: object.kind, metadata };
  return jsonEqual(converted, object) ? object : converted;
}

function toStored(kind: Kind, object: KubeObject): KubeObject {
  const stored = kind.custom?.storedApiVersion;
  return stored === undefined || stored === object.apiVersion ? object : { ...object, apiVersion: stored };
}
