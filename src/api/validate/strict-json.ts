/** How deep values may nest; deeper input is refused before it can exhaust the stack. */
const DEPTH_MAX = 512;

/** How many duplicate fields are reported. */
const DUPLICATES_MAX = 100;

/** A parsed document and the fields that it gave twice, as paths (`spec.rules[0].host`); the last one counts. */
export interface StrictJson {
  readonly value: unknown;
  readonly duplicates: readonly string[];
}

/**
 * Parses JSON and reports duplicate fields, which JSON.parse does not. Throws SyntaxError for text that is not JSON,
 * and for nesting deeper than 512.
 */
export function parseStrictJson(text: string): StrictJson {
  const value: unknown = JSON.parse(text);
  const duplicates: string[] = [];
  scan(text, duplicates);
  return { value, duplicates };
}

interface Frame {
  readonly path: string;
  /** Names seen, for an object; undefined for a list. */
  readonly names: Set<string> | undefined;
  index: number;
  name: string;
}

/** Walks text that is known to be JSON: only structure and strings matter. */
function scan(text: string, duplicates: string[]): void {
  const frames: Frame[] = [];
  let expectsName = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    const frame = frames.at(-1);
    if (character === '"') {
      const end = endOfString(text, at);
      if (expectsName && frame?.names !== undefined) {
        frame.name = nameIn(text, at, end);
        if (frame.names.has(frame.name) && duplicates.length < DUPLICATES_MAX) duplicates.push(pathOf(frame));
        frame.names.add(frame.name);
        expectsName = false;
      }
      at = end;
    } else if (character === "{" || character === "[") {
      if (frames.length >= DEPTH_MAX) throw new SyntaxError("exceeded max depth");
      expectsName = character === "{";
      frames.push({
        path: frame === undefined ? "" : pathOf(frame),
        names: expectsName ? new Set() : undefined,
        index: 0,
        name: "",
      });
    } else if (character === "}" || character === "]") {
      frames.pop();
      expectsName = false;
    } else if (character === "," && frame !== undefined) {
      frame.index++;
      expectsName = frame.names !== undefined;
    }
  }
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

function nameIn(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  if (!raw.includes("\\")) return raw;
  const value: unknown = JSON.parse(`"${raw}"`);
  return String(value);
}

function pathOf(frame: Frame): string {
  if (frame.names === undefined) return `${frame.path}[${String(frame.index)}]`;
  return frame.path === "" ? frame.name : `${frame.path}.${frame.name}`;
}
