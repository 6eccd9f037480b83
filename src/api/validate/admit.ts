import { isRecord, recordAt, stringAt } from "../../ground/json.ts";
import type { Kind } from "../../resource/kind.ts";
import { CERTIFICATE_REQUEST, SECRET, SERVICE, apiVersionOf, isSameResource } from "../../resource/kind.ts";
import type { KubeObject, ObjectMeta } from "../../resource/object.ts";
import { isCustomResource, schemaOf } from "../../resource/schema/schema-of.ts";
import { toStored } from "../convert/convert.ts";
import type { ApiStatusError } from "../status.ts";
import { ApiStatusError as StatusError, badRequest, invalid } from "../status.ts";
import type { Requester } from "./certificate-request.ts";
import { withRequester } from "./certificate-request.ts";
import { SchemaRules } from "../cel/schema-rules.ts";
import { BLOCKING, checkCustomResource } from "./custom-resource.ts";
import { decodeCustom } from "./decode-custom.ts";
import type { DecodeFindings } from "./decode-typed.ts";
import { decodeTyped } from "./decode-typed.ts";
import type { FieldError } from "./field-error.ts";
import { GoLiteral, invalidValue } from "./field-error.ts";
import type { KindRules } from "./kind-rules.ts";
import { rulesOf } from "./kind-rules.ts";
import { subdomain } from "./name-rules.ts";
import { checkObjectMeta, checkObjectMetaUpdate, checkSameUid, warnAboutFinalizers } from "./object-meta.ts";
import { withSchemaDefaults } from "./schema-defaults.ts";
import type { ServiceAllocation } from "./service-defaults.ts";
import { withServiceDefaults } from "./service-defaults.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What becomes of unknown and duplicate fields: an error, a warning, or nothing. They are never stored. */
export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** What the input is judged as, and against. */
export interface AdmitOptions {
  readonly kind: Kind;
  /** Version the input is in, `networking.k8s.io/v1beta1`. @default the stored version */
  readonly apiVersion?: string;
  /** @default "Strict" */
  readonly validation?: FieldValidation;
  /** Duplicate fields found while the text was parsed, as paths. */
  readonly duplicates?: readonly string[];
  /** The stored object that the input replaces; absent for a new one. */
  readonly existing?: KubeObject | undefined;
  /** Only the status is taken from the input. */
  readonly subresource?: "status" | undefined;
  /** The patch that the input is the result of; errors name it, as a real server's do. */
  readonly patch?: string | undefined;
  /** Who asks; recorded in new CertificateRequests. @default system:admin */
  readonly requester?: Requester;
  /** Addresses and node ports in use. @default none is */
  readonly allocation?: ServiceAllocation;
}

/** An object fit to be stored, in the stored version, and what the client should hear besides. */
export interface Admitted {
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

const REDACTED = "<secret contents redacted>";
const NOTHING_TAKEN: ServiceAllocation = { isAddressTaken: () => false, isNodePortTaken: () => false };
const ADMIN: Requester = { username: "system:admin", groups: ["system:masters", "system:authenticated"] };

/**
 * Judges an object that a client wants stored, as an API server with cert-manager would: decodes it (unknown, duplicate
 * and mistyped fields), converts it to the stored version, fills in defaults, and checks it by the rules of its kind and
 * against what is there. Pure: what it throws is an ApiStatusError that carries the answer for the client.
 *
 * The status of a new object is dropped where it is a subresource, and kept from `existing` on an update; an update of the
 * status keeps everything else. `metadata.uid`, `creationTimestamp` and the like are left to the store.
 */
export function admit(input: unknown, options: AdmitOptions): Admitted {
  const decoded = decode(input, options);
  const merged = withOwnedParts(decoded.object, options);
  const { warnings, object } = settle(merged, options);
  return { object: asKubeObject(object), warnings: [...decoded.warnings, ...warnings] };
}

function decode(input: unknown, options: AdmitOptions): { object: Fields; warnings: readonly string[] } {
  const { kind } = options;
  const apiVersion = options.apiVersion ?? apiVersionOf(kind);
  if (!isRecord(input))
    throw badRequest(`the object provided is unrecognized: it must be an object of kind ${kind.kind}`);
  checkTypeMeta(input, kind, apiVersion);
  const schema = schemaOf(kind, apiVersion);
  const findings: DecodeFindings = { unknown: [], typeError: undefined };
  const value = isCustomResource(kind) ? decodeCustom(input, schema, findings) : decodeTyped(input, schema, findings);
  if (findings.typeError !== undefined) throw undecodable(findings.typeError, options);
  const strict = [
    ...(options.duplicates ?? []).map((path) => `duplicate field "${path}"`),
    ...findings.unknown.map((path) => `unknown field "${path}"`),
  ];
  if (strict.length > 0 && (options.validation ?? "Strict") === "Strict") {
    throw undecodable(`strict decoding error: ${strict.join(", ")}`, options);
  }
  const warnings = options.validation === "Warn" ? strict : [];
  const object = { ...(isRecord(value) ? value : {}), apiVersion, kind: kind.kind };
  return { object: toStored(kind, object), warnings };
}

function checkTypeMeta(input: Fields, kind: Kind, apiVersion: string): void {
  const found = stringAt(input, "apiVersion") ?? "";
  const foundKind = stringAt(input, "kind") ?? "";
  if (foundKind !== "" && foundKind !== kind.kind) {
    const version = found.slice(found.indexOf("/") + 1);
    throw badRequest(
      `${foundKind} in version "${version}" cannot be handled as a ${kind.kind}: converting (${version}.${foundKind}) to (${kind.kind}): unknown conversion`,
    );
  }
  if (found !== "" && found !== apiVersion) {
    throw badRequest(`the API version in the data (${found}) does not match the expected API version (${apiVersion})`);
  }
}

function undecodable(problem: string, options: AdmitOptions): ApiStatusError {
  const { kind, patch } = options;
  if (patch !== undefined) {
    // The answer may be logged, and what it would repeat may be a key.
    const shown = isSameResource(kind, SECRET) ? REDACTED : patch;
    return invalid({ group: "", kind: "", plural: "" }, "", [invalidValue("patch", shown, problem)]);
  }
  const apiVersion = options.apiVersion ?? apiVersionOf(kind);
  const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
  return badRequest(`${kind.kind} in version "${version}" cannot be handled as a ${kind.kind}: ${problem}`);
}

/** Puts together what the client may set here and what it may not. */
function withOwnedParts(object: Fields, options: AdmitOptions): Fields {
  const { existing, kind, subresource } = options;
  if (existing === undefined) return kind.hasStatus ? withStatus(object, undefined) : object;
  if (subresource === "status") {
    const { managedFields, resourceVersion } = recordAt(object, "metadata");
    const metadata = {
      ...existing.metadata,
      ...(managedFields === undefined ? {} : { managedFields }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    return withStatus({ ...existing, metadata }, object["status"]);
  }
  return kind.hasStatus ? withStatus(object, existing["status"]) : object;
}

function withStatus(object: Fields, status: unknown): Fields {
  const { status: _, ...rest } = object;
  return status === undefined ? rest : { ...rest, status };
}

function settle(object: Fields, options: AdmitOptions): { object: Fields; warnings: readonly string[] } {
  const { kind, existing } = options;
  const rules = rulesOf(kind);
  const complete = withDefaults(object, rules, options);
  const found = errorsOf(complete, rules, options);
  const errors = found.length > 0 ? found : (rules.checkLast?.(complete) ?? []);
  const name = stringAt(recordAt(complete, "metadata"), "name") ?? "";
  if (errors.length > 0) throw invalid(kind, name, errors);
  const refusals = [
    ...(rules.webhook?.(complete) ?? []),
    ...(existing === undefined ? [] : (rules.webhookUpdate?.(complete, existing) ?? [])),
  ];
  if (refusals.length > 0) throw deniedByWebhook(refusals);
  return {
    object: complete,
    warnings: [
      ...(isCustomResource(kind) ? warnAboutFinalizers(complete) : []),
      ...(rules.warn?.(complete) ?? []),
      ...(existing === undefined ? (rules.warnNew?.(complete) ?? []) : []),
    ],
  };
}

function withDefaults(object: Fields, rules: KindRules, options: AdmitOptions): Fields {
  const { kind, existing } = options;
  const schema = schemaOf(kind);
  const filled = withSchemaDefaults(object, schema);
  const complete = rules.defaults?.(isRecord(filled) ? filled : object) ?? (isRecord(filled) ? filled : object);
  if (isSameResource(kind, SERVICE))
    return withServiceDefaults(complete, existing, options.allocation ?? NOTHING_TAKEN);
  if (isSameResource(kind, CERTIFICATE_REQUEST) && existing === undefined) {
    return withRequester(complete, options.requester ?? ADMIN);
  }
  return complete;
}

function errorsOf(object: Fields, rules: KindRules, options: AdmitOptions): readonly FieldError[] {
  const { kind, existing } = options;
  const isCustom = isCustomResource(kind);
  const metaErrors = checkObjectMeta(object, { nameRule: rules.nameRule ?? subdomain, isCustom });
  const schemaErrors = isCustom ? checkCustomResource(object, schemaOf(kind)) : [];
  // The rules of Lintel's own kinds are checked by its code, in the words of their webhook.
  const brokenRules =
    kind.custom === undefined || schemaErrors.some((error) => BLOCKING.has(error.reason))
      ? []
      : SchemaRules.of(kind.custom.schema).check(object, existing);
  // Other rules rely on the types being right.
  const ruleErrors = schemaErrors.length > 0 ? [] : (rules.check?.(object) ?? []);
  const timeErrors =
    existing === undefined
      ? (rules.checkNew?.(object) ?? [])
      : [
          ...checkVersion(object, isCustom),
          ...checkObjectMetaUpdate(object, existing),
          ...(options.patch === undefined ? [] : checkSameUid(object, existing)),
          ...(options.subresource === "status" ? (rules.checkStatus?.(object) ?? []) : []),
          ...(rules.checkUpdate?.(object, existing) ?? []),
        ];
  return [...metaErrors, ...schemaErrors, ...checkScale(object, kind), ...brokenRules, ...ruleErrors, ...timeErrors];
}

/** What the scale subresource shows must make sense. */
function checkScale(object: Fields, kind: Kind): readonly FieldError[] {
  const path = kind.custom?.scale?.specReplicas;
  if (path === undefined) return [];
  const replicas = path.reduce<unknown>((value, name) => (isRecord(value) ? value[name] : undefined), object);
  if (typeof replicas !== "number" || replicas >= 0) return [];
  return [invalidValue(`.${path.join(".")}`, replicas, "should be a non-negative integer")];
}

/** Custom resources are only replaced by someone who has seen what is there. */
function checkVersion(object: Fields, isCustom: boolean): readonly FieldError[] {
  const version = stringAt(recordAt(object, "metadata"), "resourceVersion") ?? "";
  return isCustom && version === ""
    ? [invalidValue("metadata.resourceVersion", new GoLiteral("0x0"), "must be specified for an update")]
    : [];
}

/** cert-manager refuses through its webhook, whose name clients such as cmctl look for. */
function deniedByWebhook(errors: readonly FieldError[]): ApiStatusError {
  const sentences = errors.map((error) => `${error.field}: ${error.message}`);
  const list = sentences.length === 1 ? sentences.join("") : `[${sentences.join(", ")}]`;
  const message = `admission webhook "webhook.cert-manager.io" denied the request: ${list}`;
  return new StatusError(403, "Forbidden", message, { causes: errors });
}

function asKubeObject(object: Fields): KubeObject {
  const metadata = recordAt(object, "metadata");
  return {
    ...object,
    apiVersion: stringAt(object, "apiVersion") ?? "",
    kind: stringAt(object, "kind") ?? "",
    metadata: withName(metadata),
  };
}

function withName(metadata: Fields): ObjectMeta {
  return { ...metadata, name: stringAt(metadata, "name") ?? "" };
}
