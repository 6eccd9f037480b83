import { isRecord, stringAt } from "../../ground/json.ts";
import { badRequest, unsupportedMediaType } from "../status.ts";
import { messageOfKind } from "./kubernetes.ts";
import { decodeMessage, field, message } from "./message.ts";

/** Four bytes that start every Kubernetes protobuf body. */
const MAGIC = Buffer.from("k8s\0", "latin1");

const UNKNOWN = message({
  1: field("typeMeta", message({ 1: field("apiVersion", "string"), 2: field("kind", "string") })),
  2: field("raw", "bytes"),
  3: field("contentEncoding", "string"),
});

/**
 * Returns the object in a body of type `application/vnd.kubernetes.protobuf`, as JSON would have it. Throws BadRequest
 * for bytes that are none, UnsupportedMediaType for a kind that is read as JSON or YAML only.
 */
export function decodeKubernetesProtobuf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw badRequest("provided data does not appear to be a protobuf message, expected prefix 6b 38 73 00");
  }
  const envelope = decode(() => decodeMessage(UNKNOWN, body.subarray(MAGIC.length)));
  const typeMeta = envelope["typeMeta"];
  const apiVersion = stringAt(typeMeta, "apiVersion") ?? "";
  const kind = stringAt(typeMeta, "kind") ?? "";
  const table = messageOfKind(apiVersion, kind);
  if (table === undefined || envelope["contentEncoding"] !== undefined) {
    throw unsupportedMediaType(["application/json", "application/yaml"]);
  }
  const raw = Buffer.from(stringAt(envelope, "raw") ?? "", "base64");
  return { apiVersion, kind, ...decode(() => decodeMessage(table, raw)) };
}

function decode(read: () => Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    const decoded = read();
    return isRecord(decoded) ? decoded : {};
  } catch {
    throw badRequest("unable to decode the protobuf message: it is cut short or no message of its kind");
  }
}
