import type { KubeObject } from "../resource/object.ts";
import { served } from "./present.ts";
import type { ServedResource } from "./served-resource.ts";

/** So many objects are remembered as text: enough for watches that are at the same event at about the same time. */
const REMEMBERED_MAX = 256;

/** Writes the objects of watch events as JSON, once for all the watches that send the same event. */
export class EventLines {
  readonly #byVersion = new Map<string, Map<KubeObject, string>>();

  /** Returns `object` as JSON in the version of `resource`. */
  json(object: KubeObject, resource: ServedResource): string {
    const lines = this.#byVersion.get(resource.apiVersion) ?? new Map<KubeObject, string>();
    this.#byVersion.set(resource.apiVersion, lines);
    const known = lines.get(object);
    if (known !== undefined) return known;
    const text = JSON.stringify(served(object, resource));
    lines.set(object, text);
    for (const oldest of lines.keys()) {
      if (lines.size <= REMEMBERED_MAX) break;
      lines.delete(oldest);
    }
    return text;
  }
}
