import { builtInTypeName } from "../../resource/schema/built-in-schema.ts";
import {
  builtInType,
  type BuiltInField,
  type BuiltInFieldType,
  type BuiltInScalar,
} from "../../resource/schema/built-in-types.ts";
import { field, type Field, type Message } from "./message.ts";

const MESSAGES = new Map<string, Message>();

/** Returns the message of `kind` in `apiVersion`, or undefined when it has none: custom resources are JSON or YAML. */
export function messageOfKind(apiVersion: string, kind: string): Message | undefined {
  // Every group has its own name for the one DeleteOptions.
  const name = kind === "DeleteOptions" || kind === "Status" ? `meta.${kind}` : builtInTypeName(apiVersion, kind);
  return name === undefined || builtInType(name) === undefined ? undefined : messageOfType(name);
}

/** Returns the message of a type by its name in the tables: `meta.ListMeta`. */
export function messageOfType(name: string): Message {
  const known = MESSAGES.get(name);
  if (known !== undefined) return known;
  const fields = [...(builtInType(name)?.fields ?? [])].sort((left, right) => left.number - right.number);
  const made = { fields: new Map(fields.map((entry) => [entry.number, fieldOf(entry)])) };
  MESSAGES.set(name, made);
  return made;
}

function fieldOf(entry: BuiltInField): Field {
  const { isPointer, isInline, name, type } = entry;
  if (type.is === "list") return field(name, typeOf(type.of), { shape: "list" });
  if (type.is === "map") return field(name, typeOf(type.of), { shape: "map" });
  return field(name, typeOf(type), { isPointer, isInline });
}

function typeOf(type: BuiltInFieldType): Field["type"] {
  switch (type.is) {
    case "scalar":
      return SCALARS[type.scalar];
    case "struct":
      return messageOfType(type.name);
    case "list":
    case "map":
      // The one list that is a value of a map: what else is known of a user.
      return "stringList";
    default:
      return type satisfies never;
  }
}

const SCALARS: Readonly<Record<BuiltInScalar, Exclude<Field["type"], Message>>> = {
  string: "string",
  bool: "bool",
  int32: "int",
  int64: "int",
  double: "double",
  bytes: "bytes",
  time: "time",
  microTime: "time",
  duration: "duration",
  raw: "rawJson",
  intOrString: "intOrString",
  quantity: "quantity",
};
