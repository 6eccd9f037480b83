/** Says that a patch that has to be an object is none, as Go's JSON decoder does. */
export function notAnObject(patch: unknown): string {
  const found = Array.isArray(patch) ? "array" : typeof patch === "boolean" ? "bool" : typeof patch;
  return `json: cannot unmarshal ${found} into Go value of type map[string]interface {}`;
}
