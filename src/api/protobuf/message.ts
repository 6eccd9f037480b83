import { Reader, Writer } from "protobufjs/minimal.js";
import { isRecord, numberAt, stringAt } from "../../ground/json.ts";

/** Scalars of the wire, and the few messages that have a JSON form of their own. */
type Scalar =
  | "string"
  | "bytes"
  | "bool"
  | "int"
  | "double"
  | "time"
  | "duration"
  | "intOrString"
  | "quantity"
  | "rawJson"
  | "stringList";

/** How one field is read and written. */
export interface Field {
  readonly name: string;
  readonly type: Scalar | Message;
  readonly shape: "one" | "list" | "map";
  /** A pointer in Go: what is on the wire counts even when it is empty or zero. */
  readonly isPointer: boolean;
  /** The message's fields are written into the parent, as embedded structs are in JSON. */
  readonly isInline: boolean;
}

/** A protobuf message by field number. */
export interface Message {
  readonly fields: ReadonlyMap<number, Field>;
}

interface FieldOptions {
  readonly shape?: Field["shape"];
  readonly isPointer?: boolean;
  readonly isInline?: boolean;
}

/** Describes one field: `field("ports", "int", { shape: "list" })`. */
export function field(name: string, type: Field["type"], options: FieldOptions = {}): Field {
  return {
    name,
    type,
    shape: options.shape ?? "one",
    isPointer: options.isPointer ?? false,
    isInline: options.isInline ?? false,
  };
}

/** Describes a message by its field numbers. */
export function message(fields: Readonly<Record<number, Field>>): Message {
  return { fields: new Map(Object.entries(fields).map(([number, entry]) => [Number(number), entry])) };
}

type Decoded = Record<string, unknown>;

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;

/**
 * Returns the JSON form of `bytes`: empty strings, zeros and empty messages are left out unless their field is a
 * pointer, bytes become base64, times RFC 3339. Fields the table does not know are skipped. Throws RangeError or
 * TypeError for bytes that are no such message.
 */
export function decodeMessage(table: Message, bytes: Uint8Array): Decoded {
  const reader = Reader.create(bytes);
  return decodeFields(table, reader, reader.len);
}

function decodeFields(table: Message, reader: Reader, end: number): Decoded {
  const result: Decoded = {};
  while (reader.pos < end) {
    const tag = reader.uint32();
    const entry = table.fields.get(tag >>> 3);
    if (entry === undefined) reader.skipType(tag & 7);
    else decodeField(entry, tag & 7, reader, result);
    if (reader.pos > end) throw new RangeError("A field reaches past the end of its message");
  }
  return result;
}

function decodeField(entry: Field, wireType: number, reader: Reader, into: Decoded): void {
  if (entry.shape === "map") {
    const target = into[entry.name];
    const map: Decoded = isRecord(target) ? target : {};
    decodeMapEntry(entry, wireType, reader, map);
    into[entry.name] = map;
    return;
  }
  const value = decodeValue(entry.type, wireType, reader);
  if (entry.shape === "list") {
    const target = into[entry.name];
    if (Array.isArray(target)) target.push(value);
    else into[entry.name] = [value];
  } else if (entry.isInline && isRecord(value)) {
    Object.assign(into, value);
  } else if (entry.isPointer || !isZero(value)) {
    into[entry.name] = value;
  }
}

function decodeMapEntry(entry: Field, wireType: number, reader: Reader, map: Decoded): void {
  expectWire(wireType, DELIMITED);
  const end = reader.uint32() + reader.pos;
  let key = "";
  let value: unknown;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) key = reader.string();
    else if (tag >>> 3 === 2) value = decodeValue(entry.type, tag & 7, reader);
    else reader.skipType(tag & 7);
  }
  // A key of that name would change the object's prototype instead of adding a member.
  if (key !== "__proto__") map[key] = value ?? "";
}

function decodeValue(type: Field["type"], wireType: number, reader: Reader): unknown {
  if (type === "int") {
    expectWire(wireType, VARINT);
    return exactInteger(reader.int64());
  }
  if (type === "bool") {
    expectWire(wireType, VARINT);
    return reader.bool();
  }
  if (type === "double") {
    expectWire(wireType, FIXED64);
    return reader.double();
  }
  expectWire(wireType, DELIMITED);
  if (type === "string") return reader.string();
  if (type === "bytes") return Buffer.from(reader.bytes()).toString("base64");
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError("A message reaches past the end of the body");
  if (typeof type !== "string") return decodeFields(type, reader, end);
  return decodeSpecial(type, reader, end);
}

/** The reader gives two halves where a package for long integers happens to be installed, else a number. */
function exactInteger(value: unknown): number {
  const number =
    typeof value === "number"
      ? value
      : (numberAt(value, "high") ?? Number.NaN) * 2 ** 32 + ((numberAt(value, "low") ?? 0) >>> 0);
  if (!Number.isSafeInteger(number)) throw new RangeError("An integer is too long to be exact");
  return number;
}

function decodeSpecial(type: keyof typeof SPECIAL, reader: Reader, end: number): unknown {
  const parts = decodeFields(SPECIAL[type], reader, end);
  switch (type) {
    case "time": {
      const seconds = Number(parts["seconds"] ?? 0);
      if (seconds === 0) return undefined;
      const iso = new Date(seconds * 1_000).toISOString();
      const micros = Math.floor(Number(parts["nanos"] ?? 0) / 1_000);
      return micros === 0 ? `${iso.slice(0, 19)}Z` : `${iso.slice(0, 19)}.${String(micros).padStart(6, "0")}Z`;
    }
    case "intOrString":
      return parts["type"] === 1 ? (parts["text"] ?? "") : (parts["number"] ?? 0);
    case "quantity":
      return parts["text"] ?? "0";
    case "rawJson": {
      const json: unknown = JSON.parse(Buffer.from(stringAt(parts, "raw") ?? "e30=", "base64").toString("utf8"));
      return json;
    }
    case "duration":
      return `${String(Number(parts["nanos"] ?? 0) / 1_000_000_000)}s`;
    case "stringList":
      return parts["items"] ?? [];
    default:
      return type satisfies never;
  }
}

const SPECIAL = {
  duration: message({ 1: field("nanos", "int") }),
  stringList: message({ 1: field("items", "string", { shape: "list" }) }),
  time: message({ 1: field("seconds", "int"), 2: field("nanos", "int") }),
  intOrString: message({ 1: field("type", "int"), 2: field("number", "int"), 3: field("text", "string") }),
  quantity: message({ 1: field("text", "string") }),
  rawJson: message({ 1: field("raw", "bytes") }),
} as const;

function expectWire(actual: number, wanted: number): void {
  if (actual !== wanted) throw new TypeError(`Wire type ${String(actual)} where ${String(wanted)} belongs`);
}

function isZero(value: unknown): boolean {
  if (value === undefined || value === "" || value === 0 || value === false) return true;
  return isRecord(value) && Object.keys(value).length === 0;
}

/**
 * Returns the wire form of `value`, which is as JSON has it. Fields the table does not know, nulls, and values of another
 * type than the table says are left out.
 */
export function encodeMessage(table: Message, value: Readonly<Record<string, unknown>>): Uint8Array {
  const writer = Writer.create();
  encodeFields(table, value, writer);
  return writer.finish();
}

function encodeFields(table: Message, value: Readonly<Record<string, unknown>>, writer: Writer): void {
  for (const [number, entry] of table.fields) {
    if (entry.isInline && typeof entry.type !== "string") {
      encodeValue(number, entry.type, value, writer);
      continue;
    }
    const member = value[entry.name];
    if (member === undefined || member === null) continue;
    if (entry.shape === "list") {
      if (Array.isArray(member)) for (const item of member) encodeValue(number, entry.type, item, writer);
    } else if (entry.shape === "map") {
      if (isRecord(member)) encodeMap(number, entry.type, member, writer);
    } else {
      encodeValue(number, entry.type, member, writer);
    }
  }
}

function encodeMap(
  number: number,
  type: Field["type"],
  entries: Readonly<Record<string, unknown>>,
  writer: Writer,
): void {
  for (const [key, item] of Object.entries(entries)) {
    writer.uint32((number << 3) | DELIMITED).fork();
    encodeValue(1, "string", key, writer);
    encodeValue(2, type, item, writer);
    writer.ldelim();
  }
}

function encodeValue(number: number, type: Field["type"], value: unknown, writer: Writer): void {
  if (typeof type !== "string") {
    if (!isRecord(value)) return;
    writer.uint32((number << 3) | DELIMITED).fork();
    encodeFields(type, value, writer);
    writer.ldelim();
  } else if (type === "int") {
    if (typeof value === "number") writer.uint32((number << 3) | VARINT).int64(value);
  } else if (type === "bool") {
    if (typeof value === "boolean") writer.uint32((number << 3) | VARINT).bool(value);
  } else if (type === "double") {
    if (typeof value === "number") writer.uint32((number << 3) | FIXED64).double(value);
  } else if (type === "string") {
    if (typeof value === "string") writer.uint32((number << 3) | DELIMITED).string(value);
  } else if (type === "bytes") {
    if (typeof value === "string") writer.uint32((number << 3) | DELIMITED).bytes(Buffer.from(value, "base64"));
  } else {
    encodeValue(number, SPECIAL[type], partsOf(type, value), writer);
  }
}

/** What the message of a special scalar holds. */
function partsOf(type: keyof typeof SPECIAL, value: unknown): Readonly<Record<string, unknown>> {
  switch (type) {
    case "time": {
      const millis = typeof value === "string" ? Date.parse(value) : Number.NaN;
      const fraction = typeof value === "string" ? (/\.(\d{1,9})/.exec(value)?.[1] ?? "") : "";
      return Number.isNaN(millis)
        ? {}
        : { seconds: Math.floor(millis / 1_000), nanos: Number(fraction.padEnd(9, "0")) };
    }
    case "intOrString":
      return typeof value === "string" ? { type: 1, text: value } : { type: 0, number: value };
    case "quantity":
      return { text: String(value) };
    case "rawJson":
      return { raw: Buffer.from(JSON.stringify(value)).toString("base64") };
    case "duration":
      return { nanos: typeof value === "string" ? Math.round(Number.parseFloat(value) * 1_000_000_000) : 0 };
    case "stringList":
      return { items: value };
    default:
      return type satisfies never;
  }
}
