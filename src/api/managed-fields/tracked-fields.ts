import { isRecord } from "../../ground/json.ts";
import { NAMESPACE, SERVICE, isSameResource } from "../../resource/kind.ts";
import type { Kind } from "../../resource/kind.ts";
import { isCustomResource } from "../../resource/schema/schema-of.ts";
import type { Schema } from "../../resource/schema/schema.ts";
import { withSchemaDefaults } from "../validate/schema-defaults.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Metadata that belongs to the server. */
const SERVER_METADATA: ReadonlySet<string> = new Set([
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "name",
  "namespace",
  "resourceVersion",
  "selfLink",
  "uid",
]);

/** Returns the part of an object whose fields have owners: all but its identity, and either the status or the rest. */
export function trackedPart(object: Fields, kind: Kind, subresource: string): Fields {
  const { apiVersion: _, kind: __, metadata, status, ...rest } = object;
  if (subresource === "status") return status === undefined ? {} : { status };
  const own = isRecord(metadata)
    ? Object.fromEntries(Object.entries(metadata).filter(([name]) => !SERVER_METADATA.has(name)))
    : {};
  return { metadata: own, ...rest, ...(kind.hasStatus || status === undefined ? {} : { status }) };
}

/**
 * Returns the tracked `part` without what the server assigned, which has no owner: the finalizers of Namespaces, and the
 * addresses and node ports of Services; only a headless Service chooses for itself.
 */
export function withoutAssigned(part: Fields, kind: Kind): Fields {
  if (isSameResource(kind, NAMESPACE))
    return Object.fromEntries(Object.entries(part).filter(([name]) => name !== "spec"));
  if (!isSameResource(kind, SERVICE)) return part;
  if (!isRecord(part["spec"])) return part;
  const { clusterIP, clusterIPs: _, ipFamilies: __, ipFamilyPolicy: ___, ports, ...spec } = part["spec"];
  const own = Array.isArray(ports)
    ? ports.map((port: unknown) => {
        if (!isRecord(port)) return port;
        const { nodePort: _port, ...kept } = port;
        return kept;
      })
    : ports;
  return {
    ...part,
    spec: {
      ...spec,
      ...(own === undefined ? {} : { ports: own }),
      ...(clusterIP === "None" ? { clusterIP } : {}),
    },
  };
}

/**
 * What a new object is compared with: for built-in kinds the structs that are always there, for custom resources bare
 * metadata. So the owner of a new Ingress owns `spec.rules` and not `spec`.
 */
export function emptyObject(kind: Kind, schema: Schema): Fields {
  if (isCustomResource(kind)) return { metadata: {} };
  const filled = withSchemaDefaults({}, schema);
  return isRecord(filled) ? filled : {};
}
