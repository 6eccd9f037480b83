import { parse } from "yaml";
import { messageOf } from "../ground/errors.ts";
import { isRecord } from "../ground/json.ts";
import { parseAccept } from "./accept.ts";
import { decodeKubernetesProtobuf } from "./protobuf/envelope.ts";
import type { ApiRequest } from "./request.ts";
import { badRequest, unsupportedMediaType } from "./status.ts";
import { parseStrictJson } from "./validate/strict-json.ts";

/** A body as it was sent: any JSON value, and the fields it gave twice. */
export interface Body {
  readonly value: unknown;
  readonly duplicates: readonly string[];
  readonly isEmpty: boolean;
}

/** YAML aliases expand; more than this many in one document is an attack. */
const YAML_ALIASES_MAX = 100;

const READABLE = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"] as const;

/** Returns the media type of the body, without parameters; JSON when none is given. */
export function contentTypeOf(request: ApiRequest): string {
  const header = request.header("content-type") ?? "";
  return header === "" ? "application/json" : (parseAccept(header)[0]?.type ?? "");
}

/** Reads an object in JSON, YAML or protobuf. Throws BadRequest or UnsupportedMediaType. */
export async function readObjectBody(request: ApiRequest): Promise<Body> {
  const type = contentTypeOf(request);
  const bytes = await request.body();
  switch (type) {
    case "application/json":
    case "text/json":
    case "text/plain":
    case "application/x-www-form-urlencoded":
      return parseJsonBody(bytes);
    case "application/yaml":
    case "text/yaml":
    case "application/x-yaml":
      return parseYamlBody(bytes);
    case "application/vnd.kubernetes.protobuf":
      return bytes.length === 0 ? EMPTY : { value: decodeKubernetesProtobuf(bytes), duplicates: [], isEmpty: false };
    default:
      throw unsupportedMediaType(READABLE);
  }
}

const EMPTY: Body = { value: undefined, duplicates: [], isEmpty: true };

/** Returns the JSON in `bytes`. Throws BadRequest when it is none. */
export function parseJsonBody(bytes: Buffer): Body {
  const text = bytes.toString("utf8");
  if (text.trim() === "") return EMPTY;
  try {
    return { ...parseStrictJson(text), isEmpty: false };
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${messageOf(error)}`);
  }
}

/** Returns the YAML (or JSON) in `bytes` as JSON would have it. Throws BadRequest when it is neither. */
export function parseYamlBody(bytes: Buffer): Body {
  const text = bytes.toString("utf8");
  if (text.trimStart().startsWith("{")) return parseJsonBody(bytes);
  if (text.trim() === "") return EMPTY;
  try {
    const value: unknown = parse(text, { maxAliasCount: YAML_ALIASES_MAX });
    const json: unknown = value === undefined ? null : JSON.parse(JSON.stringify(value));
    return { value: json, duplicates: [], isEmpty: false };
  } catch (error) {
    throw badRequest(`error decoding YAML: ${messageOf(error).split("\n")[0] ?? ""}`);
  }
}

/** Returns the body as an object's fields. Throws BadRequest when it is something else. */
export function objectOf(body: Body): Readonly<Record<string, unknown>> {
  if (isRecord(body.value)) return body.value;
  throw badRequest("the object provided is unrecognized: it is no JSON object");
}
