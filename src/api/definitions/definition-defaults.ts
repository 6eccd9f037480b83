import { arrayAt, isRecord, recordAt, stringAt } from "../../ground/json.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Returns a CustomResourceDefinition with what a server fills in: the singular, the kind of lists, and the conversion. */
export function withDefinitionDefaults(object: Fields): Fields {
  const spec = recordAt(object, "spec");
  const names = recordAt(spec, "names");
  const kind = stringAt(names, "kind") ?? "";
  const isNamed = kind !== "";
  const filledNames = {
    ...(isNamed && (stringAt(names, "singular") ?? "") === "" ? { singular: kind.toLowerCase() } : {}),
    ...(isNamed && (stringAt(names, "listKind") ?? "") === "" ? { listKind: `${kind}List` } : {}),
  };
  return {
    ...object,
    spec: {
      ...spec,
      names: { ...names, ...filledNames },
      conversion: spec["conversion"] ?? { strategy: "None" },
      ...(Array.isArray(spec["versions"]) ? { versions: arrayAt(spec, "versions").map(completeVersion) } : {}),
    },
  };
}

/** `served` and `storage` are always there. */
function completeVersion(version: unknown): unknown {
  return isRecord(version) ? { served: false, storage: false, ...version } : version;
}
