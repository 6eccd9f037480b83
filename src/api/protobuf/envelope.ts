import { Writer } from "protobufjs/minimal.js";
import { isRecord, stringAt } from "../../ground/json.ts";
import { badRequest, unsupportedMediaType } from "../status.ts";
import { messageOfKind, messageOfType } from "./kubernetes.ts";
import { decodeMessage, encodeMessage, field, message } from "./message.ts";

/** Four bytes that start every Kubernetes protobuf body. */
const MAGIC = Buffer.from("k8s\0", "latin1");

const TYPE_META = message({ 1: field("apiVersion", "string"), 2: field("kind", "string") });

const UNKNOWN = message({
  1: field("typeMeta", TYPE_META),
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

/** Anything that says what it is: an object, or a Status. */
export interface Typed {
  readonly apiVersion: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** Returns whether objects of a kind can be sent as protobuf. */
export function hasProtobuf(apiVersion: string, kind: string): boolean {
  return messageOfKind(apiVersion, kind) !== undefined;
}

/** Returns an object as the body of an answer. Its kind must have a message ({@link hasProtobuf}). */
export function encodeKubernetesProtobuf(object: Typed): Uint8Array {
  return protobufEnvelope(object, encodeProtobufMessage(object));
}

/** Returns the message of an object alone, as it stands in lists and envelopes. */
export function encodeProtobufMessage(object: Typed): Uint8Array {
  const table = messageOfKind(object.apiVersion, object.kind);
  return table === undefined ? new Uint8Array() : encodeMessage(table, object);
}

/** Returns a message of `apiVersion` and `kind` as the body of an answer. */
export function protobufEnvelope(
  { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
  raw: Uint8Array,
): Uint8Array {
  const writer = Writer.create();
  const typeMeta = encodeMessage(TYPE_META, { apiVersion, kind });
  writer.uint32(FIRST).bytes(typeMeta).uint32(SECOND).bytes(raw);
  return Buffer.concat([MAGIC, writer.finish()]);
}

/** Returns a list as the body of an answer, of messages of `apiVersion` and `kind`. */
export function encodeProtobufList(
  messages: Iterable<Uint8Array>,
  metadata: Readonly<Record<string, unknown>>,
  of: { readonly apiVersion: string; readonly kind: string },
): Uint8Array {
  const writer = Writer.create();
  writer.uint32(FIRST).bytes(encodeMessage(messageOfType("meta.ListMeta"), metadata));
  for (const item of messages) writer.uint32(SECOND).bytes(item);
  return protobufEnvelope({ apiVersion: of.apiVersion, kind: `${of.kind}List` }, writer.finish());
}

/** Returns one event of a watch (`meta.WatchEvent`), with its length before it. `object` is the body of an answer. */
export function encodeProtobufEvent(type: string, object: Uint8Array): Uint8Array {
  const extension = Writer.create().uint32(FIRST).bytes(object).finish();
  const event = Writer.create().uint32(FIRST).string(type).uint32(SECOND).bytes(extension).finish();
  const frame = Buffer.alloc(LENGTH_BYTES + event.length);
  frame.writeUInt32BE(event.length);
  frame.set(event, LENGTH_BYTES);
  return frame;
}

/** The tags of field 1 and field 2, both with a length. */
const FIRST = 10;
const SECOND = 18;
const LENGTH_BYTES = 4;

function decode(read: () => Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    const decoded = read();
    return isRecord(decoded) ? decoded : {};
  } catch {
    throw badRequest("unable to decode the protobuf message: it is cut short or no message of its kind");
  }
}
