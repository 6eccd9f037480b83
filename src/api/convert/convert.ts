import { isRecord, recordAt } from "../../ground/json.ts";
import type { Kind } from "../../resource/kind.ts";
import { AUTOSCALER, EVENT, INGRESS, apiVersionOf } from "../../resource/kind.ts";
import { OLDER_VERSIONS, olderApiVersion } from "../../resource/older-versions.ts";
import type { KubeObject } from "../../resource/object.ts";
import { autoscalerFromStored, autoscalerToStored } from "./autoscaler.ts";
import { olderFromStored, olderToStored } from "./cert-manager.ts";
import { eventFromStored, eventToStored } from "./event.ts";
import { ingressFromStored, ingressToStored } from "./ingress.ts";

interface Conversion {
  readonly toStored: (object: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
  readonly fromStored: (object: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
}

const INGRESS_BETA: Conversion = { toStored: ingressToStored, fromStored: ingressFromStored };

/** By kind and served apiVersion; versions that are stored as they are have no entry. */
const CONVERSIONS: Readonly<Record<string, Readonly<Record<string, Conversion>>>> = {
  ...olderConversions(),
  [INGRESS.kind]: { "networking.k8s.io/v1beta1": INGRESS_BETA, "extensions/v1beta1": INGRESS_BETA },
  [AUTOSCALER.kind]: {
    "autoscaling/v1": { toStored: autoscalerToStored, fromStored: autoscalerFromStored },
  },
  [EVENT.kind]: { "events.k8s.io/v1": { toStored: eventToStored, fromStored: eventFromStored } },
};

function olderConversions(): Record<string, Record<string, Conversion>> {
  const conversions: Record<string, Record<string, Conversion>> = {};
  for (const older of OLDER_VERSIONS) {
    conversions[older.kind.kind] = {
      ...conversions[older.kind.kind],
      [olderApiVersion(older)]: {
        toStored: (object) => olderToStored(object, older),
        fromStored: (object) => olderFromStored(object, older),
      },
    };
  }
  return conversions;
}

/**
 * Returns `object`, which is in the served version its `apiVersion` names, in the stored version of `kind`. An object
 * without an apiVersion counts as stored. Fields are only moved: defaults that the older version had are filled in,
 * values are not judged.
 */
export function toStored(kind: Kind, object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const from = object["apiVersion"];
  const conversion = typeof from === "string" ? CONVERSIONS[kind.kind]?.[from] : undefined;
  return conversion === undefined ? object : { ...conversion.toStored(object), apiVersion: apiVersionOf(kind) };
}

/** Returns the stored `object` as it looks in `apiVersion`; the same object when that is the stored version. */
export function fromStored(kind: Kind, object: KubeObject, apiVersion: string): KubeObject {
  const conversion = CONVERSIONS[kind.kind]?.[apiVersion];
  if (conversion === undefined) return object;
  const converted = conversion.fromStored(object);
  const metadata = { ...recordAt(converted, "metadata"), name: object.metadata.name };
  return { ...(isRecord(converted) ? converted : {}), apiVersion, kind: object.kind, metadata };
}
