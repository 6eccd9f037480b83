import { isRecord, jsonEqual, recordAt, stringAt } from "../ground/json.ts";
import type { Kind } from "../resource/kind.ts";
import { resourceName, SECRET, SERVICE, isSameResource } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { isCustomResource, schemaOf } from "../resource/schema/schema-of.ts";
import type { Store } from "../store/contract.ts";
import { giveStandingStatus, noticeOf, noticeOfUpdate } from "./accepted.ts";
import { toStored } from "./convert/convert.ts";
import { applyFields } from "./managed-fields/apply-fields.ts";
import { withLastApplied } from "./managed-fields/last-applied.ts";
import { typedErrors } from "./managed-fields/typed-errors.ts";
import { withManagedFields } from "./managed-fields/record-update.ts";
import { assertNamespaceIsOpen } from "./namespace-check.ts";
import type { Catalog } from "./catalog.ts";
import { BUILT_IN } from "./catalog.ts";
import { ApiStatusError, badRequest, notFound, toApiStatusError } from "./status.ts";
import type { AdmitOptions, FieldValidation } from "./validate/admit.ts";
import { admit } from "./validate/admit.ts";
import type { Requester } from "./validate/certificate-request.ts";
import { decodeCustom } from "./validate/decode-custom.ts";
import type { DecodeFindings } from "./validate/decode-typed.ts";
import { decodeTyped } from "./validate/decode-typed.ts";
import { withEncodedData } from "./validate/secret.ts";
import { readServiceAllocation } from "./validate/service-allocation.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Who applies and how. */
export interface ApplyOptions {
  /** Who applies; owns what it applies. */
  readonly fieldManager: string;
  /** Whether to take fields that other managers own. */
  readonly force: boolean;
  readonly nowMs: number;
  /** @default false */
  readonly dryRun?: boolean;
  /** @default "Strict" */
  readonly validation?: FieldValidation;
  /** Fields that the text gave twice, as paths. */
  readonly duplicates?: readonly string[];
  readonly subresource?: "status" | undefined;
  /** What is served. @default Lintel's own kinds */
  readonly catalog?: Catalog;
  /** Throws when whoever applies may not store the result. @default nobody is asked */
  readonly guard?: (kind: Kind, object: KubeObject, isNew: boolean) => Promise<void>;
  /** Recorded in new CertificateRequests. @default system:admin */
  readonly requester?: Requester;
}

/** What came of applying. */
export interface Applied {
  /** As stored, in the stored version. */
  readonly object: KubeObject;
  /** "unchanged": neither the object nor who owns it is different, and nothing was written. */
  readonly outcome: "created" | "configured" | "unchanged";
  readonly warnings: readonly string[];
}

/** How often a write that loses a race is worked out anew. */
const ATTEMPTS_MAX = 5;

/**
 * Server-side apply of one object, as PATCH with `application/apply-patch+yaml` and as manifests from files: creates it
 * when there is none, merges it into what is there otherwise, and records who owns which field. Applying the same twice
 * changes nothing. Throws ApiStatusError, 409 with every conflict when another manager owns a field that would change.
 */
export async function applyObject(store: Store, object: KubeObject, options: ApplyOptions): Promise<Applied> {
  const decoded = decode(object, options);
  for (let attempt = 1; ; attempt++) {
    try {
      return await applyOnce(store, decoded, options);
    } catch (error) {
      if (attempt >= ATTEMPTS_MAX || !isLostRace(error, decoded)) throw error;
    }
  }
}

/** A configuration of a known kind in its stored version, without defaults. */
interface Decoded {
  readonly kind: Kind;
  /** As it came. */
  readonly configuration: Fields;
  readonly applied: Fields;
  /** `applied` with its empty values. */
  readonly said: Fields;
  readonly namespace: string;
  readonly name: string;
  readonly warnings: readonly string[];
}

function decode(object: KubeObject, options: ApplyOptions): Decoded {
  const kind = kindOf(object, options.catalog ?? BUILT_IN);
  const metadata = recordAt(object, "metadata");
  const name = stringAt(metadata, "name") ?? "";
  if (name === "") throw badRequest("name is required");
  if (metadata["managedFields"] !== undefined) throw badRequest("metadata.managedFields must be nil");
  const schema = schemaOf(kind, object.apiVersion);
  const mistyped = typedErrors(object, schema);
  if (mistyped.length > 0) throw untypable(object, mistyped);
  const findings: DecodeFindings = { unknown: [], typeError: undefined };
  const value = isCustomResource(kind) ? decodeCustom(object, schema, findings) : decodeTyped(object, schema, findings);
  if (findings.typeError !== undefined) throw untypable(object, [findings.typeError]);
  const { duplicates = [], validation = "Strict" } = options;
  if (duplicates.length > 0 && validation === "Strict") {
    throw untypable(
      object,
      duplicates.map((path) => `.${path}: field set twice`),
    );
  }
  const decoded = { ...(isRecord(value) ? value : {}), apiVersion: object.apiVersion, kind: kind.kind };
  // stringData is never stored: owned as such, it would look changed every time.
  const isSecret = isSameResource(kind, SECRET);
  const applied = toStored(kind, isSecret ? withEncodedData(decoded) : decoded);
  const said = isSecret ? applied : toStored(kind, object);
  const warnings = validation === "Warn" ? duplicates.map((path) => `duplicate field "${path}"`) : [];
  const namespace = kind.namespaced ? (stringAt(metadata, "namespace") ?? "") : "";
  return { kind, configuration: object, applied, said, namespace, name, warnings };
}

function kindOf(object: KubeObject, catalog: Catalog): Kind {
  const served = catalog.findKind(object.apiVersion, object.kind);
  if (served !== undefined) return served.kind;
  throw new ApiStatusError(
    404,
    "NotFound",
    `no matches for kind ${JSON.stringify(object.kind)} in version ${JSON.stringify(object.apiVersion)}`,
  );
}

/** The server's words for a configuration with fields or types that the schema does not have; it gives no reason with them. */
function untypable(object: KubeObject, problems: readonly string[]): ApiStatusError {
  const { namespace = "", name } = object.metadata;
  const version = object.apiVersion.includes("/") ? object.apiVersion : `/${object.apiVersion}`;
  const [only = ""] = problems;
  const problem = problems.length === 1 ? only : ["errors:", ...problems].join("\n  ");
  return new ApiStatusError(
    500,
    "",
    `failed to create typed patch object (${namespace}/${name}; ${version}, Kind=${object.kind}): ${problem}`,
  );
}

async function applyOnce(store: Store, decoded: Decoded, options: ApplyOptions): Promise<Applied> {
  const { kind, applied, said, namespace, name } = decoded;
  const live = await store.get(kind, namespace, name);
  const uid = stringAt(recordAt(applied, "metadata"), "uid") ?? "";
  if (live === undefined && uid !== "") throw goneBefore(kind, name, uid);
  if (live === undefined && options.subresource !== undefined) throw notFound(kind, name);
  if (live === undefined) await assertNamespaceIsOpen(store, kind, namespace, name);
  const merged = applyFields({ ...options, kind, applied, said, live, manager: options.fieldManager });
  const annotated = withLastApplied(merged.object, options.fieldManager, decoded.configuration);
  const admitted = admit(annotated, await admitOptions(store, decoded, live, options));
  if (options.subresource === undefined) await options.guard?.(kind, admitted.object, live === undefined);
  const next = withManagedFields(admitted.object, merged.managers);
  const warnings = [...decoded.warnings, ...admitted.warnings];
  const writing = { dryRun: options.dryRun ?? false };
  try {
    if (live === undefined) {
      const created = await store.create(kind, next, writing);
      const object = await giveStandingStatus(store, kind, created, { nowMs: options.nowMs, ...writing });
      const notice = noticeOf(kind, object);
      return { object, outcome: "created", warnings: notice === undefined ? warnings : [...warnings, notice] };
    }
    if (isUnchanged(live, next)) return { object: live, outcome: "unchanged", warnings };
    const stored =
      options.subresource === "status"
        ? await store.updateStatus(kind, next, writing)
        : await store.update(kind, next, writing);
    const notice = noticeOfUpdate(kind, stored);
    return { object: stored, outcome: "configured", warnings: notice === undefined ? warnings : [...warnings, notice] };
  } catch (error) {
    throw toApiStatusError(error, kind, name);
  }
}

/** Who names the object by its uid wants to change that one, not to make another. */
function goneBefore(kind: Kind, name: string, uid: string): ApiStatusError {
  const what = `${resourceName(kind)} ${JSON.stringify(name)}`;
  const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
  return new ApiStatusError(409, "Conflict", `Operation cannot be fulfilled on ${what}: ${why}`);
}

async function admitOptions(
  store: Store,
  { kind }: Decoded,
  live: KubeObject | undefined,
  options: ApplyOptions,
): Promise<AdmitOptions> {
  return {
    kind,
    existing: live,
    subresource: options.subresource,
    // Unknown fields are gone by now; what the merge kept of the live object is not the applier's doing.
    validation: "Ignore",
    ...(options.requester === undefined ? {} : { requester: options.requester }),
    ...(kind === SERVICE ? { allocation: await readServiceAllocation(store) } : {}),
  };
}

/** Fields that a store may write in another way than they were handed in. */
function isUnchanged(live: KubeObject, next: KubeObject): boolean {
  return jsonEqual(withoutVersion(live), withoutVersion(next));
}

function withoutVersion(object: KubeObject): Fields {
  const { resourceVersion: _, ...metadata } = recordAt(object, "metadata");
  return { ...object, metadata };
}

/** A write lost against another one is tried again, unless the applier itself named the version it wants to replace. */
function isLostRace(error: unknown, { applied }: Decoded): boolean {
  if (!(error instanceof ApiStatusError)) return false;
  if (stringAt(recordAt(applied, "metadata"), "resourceVersion") !== undefined) return false;
  const { reason, details } = error.status;
  return reason === "AlreadyExists" || (reason === "Conflict" && details?.causes === undefined);
}
