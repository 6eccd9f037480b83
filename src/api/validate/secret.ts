import { isRecord, jsonEqual, recordAt, stringAt } from "../../ground/json.ts";
import type { FieldError } from "./field-error.ts";
import { forbiddenField, invalidValue, required, tooLong } from "./field-error.ts";
import { configKey } from "./name-rules.ts";
import { tlsPairProblem } from "./tls-pair.ts";

/** Bytes of all entries of a Secret or ConfigMap together. */
const DATA_BYTES_MAX = 1_048_576;

const REDACTED = "<secret contents redacted>";

/** What a type of Secret has to contain: for each entry of the list, one of its keys. */
const KEYS_BY_TYPE: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
};

/** Returns the Secret as it is stored: type Opaque when absent, stringData written into data. */
export function withSecretDefaults(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const encoded = withEncodedData(object);
  return { ...encoded, type: (stringAt(object, "type") ?? "") === "" ? "Opaque" : object["type"] };
}

/** Returns the Secret with stringData written into data, whose entries it replaces. */
export function withEncodedData(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { stringData, ...rest } = object;
  if (!isRecord(stringData)) return rest;
  const added = Object.entries(stringData).map(([key, text]): [string, string] => [
    key,
    Buffer.from(String(text)).toString("base64"),
  ]);
  const data = Object.fromEntries([...Object.entries(recordAt(object, "data")), ...added]);
  return Object.keys(data).length === 0 ? rest : { ...rest, data };
}

/** Checks a Secret that has its defaults, core/v1. */
export function checkSecret(object: Readonly<Record<string, unknown>>): readonly FieldError[] {
  const data = recordAt(object, "data");
  const type = stringAt(object, "type") ?? "";
  const errors = [...checkKeys(data, "data")];
  let bytes = 0;
  for (const value of Object.values(data)) bytes += Buffer.byteLength(String(value), "base64");
  if (bytes > DATA_BYTES_MAX) errors.push(tooLong("data", DATA_BYTES_MAX));
  for (const key of KEYS_BY_TYPE[type] ?? []) {
    const value = stringAt(data, key);
    if (value === undefined) errors.push(required(`data[${key}]`));
    else if (key.startsWith(".") && !isJson(value))
      errors.push(invalidValue(`data[${key}]`, REDACTED, "must be valid JSON"));
  }
  if (type === "kubernetes.io/basic-auth" && data["username"] === undefined && data["password"] === undefined) {
    errors.push(required("data[username]"), required("data[password]"));
  }
  if (type === "kubernetes.io/service-account-token") errors.push(...checkServiceAccount(object));
  return errors;
}

/** Returns the warning that a TLS Secret deserves whose certificate and key cannot be used together. */
export function warnAboutSecret(object: Readonly<Record<string, unknown>>): readonly string[] {
  if (stringAt(object, "type") !== "kubernetes.io/tls") return [];
  const data = recordAt(object, "data");
  const pem = (key: string): string => Buffer.from(stringAt(data, key) ?? "", "base64").toString();
  const problem = tlsPairProblem(pem("tls.crt"), pem("tls.key"));
  return problem === undefined ? [] : [problem];
}

function isJson(base64: string): boolean {
  try {
    JSON.parse(Buffer.from(base64, "base64").toString());
    return true;
  } catch {
    return false;
  }
}

function checkServiceAccount(object: Readonly<Record<string, unknown>>): readonly FieldError[] {
  const annotations = recordAt(recordAt(object, "metadata"), "annotations");
  const name = "kubernetes.io/service-account.name";
  return (stringAt(annotations, name) ?? "") === "" ? [required(`metadata.annotations[${name}]`)] : [];
}

/** Checks what an update may not change in a Secret. */
export function checkSecretUpdate(
  object: Readonly<Record<string, unknown>>,
  existing: Readonly<Record<string, unknown>>,
): readonly FieldError[] {
  return [
    ...(object["type"] === existing["type"] ? [] : [invalidValue("type", object["type"], "field is immutable")]),
    ...checkImmutable(object, existing, ["data"]),
  ];
}

/** Checks a ConfigMap, core/v1. */
export function checkConfigMap(object: Readonly<Record<string, unknown>>): readonly FieldError[] {
  const data = recordAt(object, "data");
  const binary = recordAt(object, "binaryData");
  const errors = [...checkKeys(data, "data"), ...checkKeys(binary, "binaryData")];
  for (const key of Object.keys(data)) {
    if (binary[key] !== undefined) {
      errors.push(invalidValue(`data[${key}]`, key, "duplicate of key present in binaryData"));
    }
  }
  let bytes = 0;
  for (const text of Object.values(data)) bytes += Buffer.byteLength(String(text));
  for (const value of Object.values(binary)) bytes += Buffer.byteLength(String(value), "base64");
  if (bytes > DATA_BYTES_MAX) errors.push(tooLong("", DATA_BYTES_MAX));
  return errors;
}

/** Checks what an update may not change in a ConfigMap. */
export function checkConfigMapUpdate(
  object: Readonly<Record<string, unknown>>,
  existing: Readonly<Record<string, unknown>>,
): readonly FieldError[] {
  return checkImmutable(object, existing, ["data", "binaryData"]);
}

function checkKeys(data: Readonly<Record<string, unknown>>, path: string): readonly FieldError[] {
  return Object.keys(data).flatMap((key) =>
    configKey(key).map((reason) => invalidValue(`${path}[${key}]`, key, reason)),
  );
}

function checkImmutable(
  object: Readonly<Record<string, unknown>>,
  existing: Readonly<Record<string, unknown>>,
  fields: readonly string[],
): readonly FieldError[] {
  if (existing["immutable"] !== true) return [];
  const detail = "field is immutable when `immutable` is set";
  return [
    ...(object["immutable"] === true ? [] : [forbiddenField("immutable", detail)]),
    ...fields
      .filter((field) => !jsonEqual(object[field] ?? {}, existing[field] ?? {}))
      .map((field) => forbiddenField(field, detail)),
  ];
}
