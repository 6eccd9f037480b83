import type { KubeObject } from "../resource/object.ts";
import { served } from "./present.ts";
import { encodeProtobufMessage } from "./protobuf/envelope.ts";
import type { ServedResource } from "./served-resource.ts";
import { partialMetadata } from "./table/table.ts";

/** So much JSON is kept, in characters: some 60,000 objects of usual size. Beyond it what was longest unused goes. */
const KEPT_CHARACTERS_MAX = 64 * 1024 * 1024;

type Texts = Map<string, WeakMap<KubeObject, string>>;

/**
 * The JSON and protobuf of stored objects, written once for all the answers, lists and watches that send it. Objects never change, so
 * a text is right for as long as its object is there; the text of an object that is gone goes with it.
 */
export class ObjectTexts {
  readonly #keptMax: number;
  /** Texts live in two generations: what is used moves to the young one, and the old one is dropped whole. */
  #young: Texts = new Map();
  #old: Texts = new Map();
  #youngCharacters = 0;
  /** Rows show ages, so they are right for a second. */
  #rows: Texts = new Map();
  #rowsSecond = 0;

  /** @param keptCharactersMax @default 64 Mi */
  constructor(keptCharactersMax: number = KEPT_CHARACTERS_MAX) {
    this.#keptMax = keptCharactersMax;
  }

  /** Returns `object` as it is served under `resource`. */
  object(object: KubeObject, resource: ServedResource): string {
    return this.get(object, resource.apiVersion, () => JSON.stringify(served(object, resource)));
  }

  /** Returns the protobuf message of `object` as it is served under `resource`; kept as text of one byte a character. */
  protobuf(object: KubeObject, resource: ServedResource): Uint8Array {
    const text = this.get(object, `protobuf ${resource.apiVersion}`, () =>
      Buffer.from(encodeProtobufMessage(served(object, resource))).toString("latin1"),
    );
    return Buffer.from(text, "latin1");
  }

  /** Returns the metadata of `object` alone, as a PartialObjectMetadata of `metaVersion`. */
  metadata(object: KubeObject, metaVersion: string): string {
    return this.get(object, `metadata ${metaVersion}`, () => JSON.stringify(partialMetadata(object, metaVersion)));
  }

  /** Returns a text that is right in this second only, made by `make` unless it is kept. */
  row(object: KubeObject, form: string, nowMs: number, make: () => string): string {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#rowsSecond) {
      this.#rowsSecond = second;
      this.#rows = new Map();
    }
    const rows = this.#rows.get(form) ?? new WeakMap<KubeObject, string>();
    this.#rows.set(form, rows);
    const text = rows.get(object) ?? make();
    rows.set(object, text);
    return text;
  }

  /** Returns the text of `object` in the form named `form`, made by `make` unless it is kept. */
  get(object: KubeObject, form: string, make: () => string): string {
    const known = this.#young.get(form)?.get(object);
    if (known !== undefined) return known;
    const text = this.#old.get(form)?.get(object) ?? make();
    this.#keep(object, form, text);
    return text;
  }

  #keep(object: KubeObject, form: string, text: string): void {
    if (this.#youngCharacters + text.length > this.#keptMax / 2) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngCharacters = 0;
    }
    const texts = this.#young.get(form) ?? new WeakMap<KubeObject, string>();
    texts.set(object, text);
    this.#young.set(form, texts);
    this.#youngCharacters += text.length;
  }
}
