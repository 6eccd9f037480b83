import { isRecord, recordAt, stringAt } from "../../ground/json.ts";
import type { Kind } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { schemaOf } from "../../resource/schema/schema-of.ts";
import type { FieldSet } from "./field-set.ts";
import { NO_FIELDS } from "./field-set.ts";
import { trackedPart } from "./tracked-fields.ts";
import { appliedFields } from "./typed-value.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Where `kubectl apply` without `--server-side` keeps what it applied. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** The field manager of `kubectl apply --server-side`; only it may take over what kubectl applied from the client. */
const KUBECTL = "kubectl";

/** The fields that kubectl applied from the client's side before: no conflict for the kubectl that applies now. */
export function clientAppliedFields(live: KubeObject | undefined, manager: string, kind: Kind): FieldSet {
  const text = manager === KUBECTL ? live?.metadata.annotations?.[LAST_APPLIED] : undefined;
  const object = text === undefined ? undefined : parsed(text);
  return object === undefined ? NO_FIELDS : appliedFields(trackedPart(object, kind, ""), schemaOf(kind));
}

function parsed(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the object with its last-applied annotation, where it has one and kubectl applies, set to `configuration`: a
 * later `kubectl apply` from the client's side then removes what it should.
 */
export function withLastApplied(object: Fields, manager: string, configuration: Fields): Fields {
  const metadata = recordAt(object, "metadata");
  const annotations = recordAt(metadata, "annotations");
  const before = stringAt(annotations, LAST_APPLIED);
  if (manager !== KUBECTL || before === undefined) return object;
  if (recordAt(recordAt(configuration, "metadata"), "annotations")[LAST_APPLIED] !== undefined) return object;
  const text = `${JSON.stringify(sorted(configuration))}\n`;
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, [LAST_APPLIED]: text } } };
}

/** Go writes the keys of maps in order, and so does kubectl. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name])]),
  );
}
