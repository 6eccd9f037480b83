import { recordAt, stringAt } from "../../ground/json.ts";
import type { KubeObject } from "../../resource/object.ts";
import { SERVED_RESOURCES } from "../served-resource.ts";

/** Returns whether Lintel serves the resource of a definition itself. */
export function isBuiltIn(definition: KubeObject): boolean {
  const group = stringAt(definition["spec"], "group") ?? "";
  const plural = stringAt(recordAt(definition["spec"], "names"), "plural") ?? "";
  return SERVED_RESOURCES.some((resource) => resource.group === group && resource.kind.plural === plural);
}
