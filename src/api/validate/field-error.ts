import type { StatusCause } from "../status.ts";

/** Why a field was refused: the cause that goes into the Status document. `field` is a path such as `spec.rules[0].host`. */
export type FieldError = StatusCause;

/** The field has to be given. */
export function required(field: string, detail: string = ""): FieldError {
  return { reason: "FieldValueRequired", message: withDetail("Required value", detail), field };
}

/** The value breaks a rule. */
export function invalidValue(field: string, value: unknown, detail: string): FieldError {
  return { reason: "FieldValueInvalid", message: withDetail(`Invalid value: ${shown(value)}`, detail), field };
}

/** The value is of the wrong type. */
export function wrongType(field: string, value: unknown, detail: string): FieldError {
  return { reason: "FieldValueTypeInvalid", message: withDetail(`Invalid value: ${shown(value)}`, detail), field };
}

/** The value is none of those there are. */
export function notSupported(field: string, value: unknown, supported: readonly unknown[]): FieldError {
  const list = supported
    .map((word) => JSON.stringify(typeof word === "string" ? word : JSON.stringify(word)))
    .join(", ");
  return {
    reason: "FieldValueNotSupported",
    message: `Unsupported value: ${shown(value)}: supported values: ${list}`,
    field,
  };
}

/** The value is there already. */
export function duplicate(field: string, value: unknown): FieldError {
  return { reason: "FieldValueDuplicate", message: `Duplicate value: ${shown(value)}`, field };
}

/** The field may not be used here. */
export function forbiddenField(field: string, detail: string): FieldError {
  return { reason: "FieldValueForbidden", message: withDetail("Forbidden", detail), field };
}

/** The value is longer than `bytesMax`. */
export function tooLong(field: string, bytesMax: number): FieldError {
  return { reason: "FieldValueTooLong", message: `Too long: may not be more than ${String(bytesMax)} bytes`, field };
}

/** The list has more than `itemsMax` items. */
export function tooMany(field: string, items: number, itemsMax: number): FieldError {
  return {
    reason: "FieldValueTooMany",
    message: `Too many: ${String(items)}: must have at most ${String(itemsMax)} items`,
    field,
  };
}

/** A value in the words of a Go program, for the kinds of value that our rules report as such. */
export class GoLiteral {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** `[]string{"a", "b"}`. */
export function goStrings(values: readonly string[]): GoLiteral {
  return new GoLiteral(`[]string{${values.map((value) => JSON.stringify(value)).join(", ")}}`);
}

function withDetail(text: string, detail: string): string {
  return detail === "" ? text : `${text}: ${detail}`;
}

function shown(value: unknown): string {
  if (value instanceof GoLiteral) return value.text;
  if (value === null || value === undefined) return '"null"';
  return JSON.stringify(value);
}
