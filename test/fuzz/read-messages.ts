/**
 * A second reading of HTTP/1.1, written against RFC 9112 alone and over whole strings (one character a byte), so that it
 * shares nothing with the parsers it judges. Slow and strict.
 */

/** One header line as it stands. */
export type Line = readonly [name: string, value: string];

/** One message, complete. */
export interface Message {
  /** The request or status line. */
  readonly start: string;
  readonly headers: readonly Line[];
  readonly body: string;
  readonly trailers: readonly Line[];
  readonly framing: "none" | "length" | "chunked" | "until-close";
}

/** What a stream of bytes holds: complete messages, and what is left and why it is no message. */
export interface Reading {
  readonly messages: readonly Message[];
  readonly rest: string;
  /** Undefined when `rest` is only incomplete, or empty. */
  readonly problem: string | undefined;
}

type Step =
  | { readonly kind: "message"; readonly message: Message; readonly end: number }
  | { readonly kind: "incomplete" }
  | { readonly kind: "broken"; readonly problem: string };

const INCOMPLETE: Step = { kind: "incomplete" };
const broken = (problem: string): Step => ({ kind: "broken", problem });

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const REQUEST_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [\x21-\x7e\x80-\xff]+ HTTP\/1\.[01]$/;
const STATUS_LINE = /^HTTP\/1\.[01] [1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?$/;

/** Reads requests one after the other. */
export function readRequests(text: string): Reading {
  return readAll(text, (from) => readOne(text, from, { request: true, bodiless: false, ended: false }));
}

/**
 * Reads responses one after the other. `methods` are those of the requests, in order: the answer to a HEAD has no body.
 * `ended` says whether the connection was closed in an orderly way, which ends a body that has no other end.
 */
export function readResponses(text: string, methods: readonly string[], ended: boolean): Reading {
  let final = 0;
  return readAll(text, (from) => {
    const step = readOne(text, from, { request: false, bodiless: methods[final] === "HEAD", ended });
    if (step.kind === "message" && !/ 1\d\d/.test(step.message.start.slice(8))) final++;
    return step;
  });
}

function readAll(text: string, next: (from: number) => Step): Reading {
  const messages: Message[] = [];
  let at = 0;
  while (at < text.length) {
    const step = next(at);
    if (step.kind === "message") {
      messages.push(step.message);
      at = step.end;
      continue;
    }
    return { messages, rest: text.slice(at), problem: step.kind === "broken" ? step.problem : undefined };
  }
  return { messages, rest: "", problem: undefined };
}

interface Expected {
  readonly request: boolean;
  readonly bodiless: boolean;
  readonly ended: boolean;
}

function readOne(text: string, from: number, expected: Expected): Step {
  // RFC 9112 section 2.2: a server should pass over at least one empty line before a request.
  const begin = expected.request && text.startsWith("\r\n", from) ? from + 2 : from;
  const headEnd = text.indexOf("\r\n\r\n", begin);
  const head = text.slice(begin, headEnd < 0 ? undefined : headEnd);
  if (headEnd < 0) return INCOMPLETE;
  const [start = "", ...lines] = head.split("\r\n");
  if (!(expected.request ? REQUEST_LINE : STATUS_LINE).test(start)) return broken(`bad start line ${start}`);
  const headers = readLines(lines);
  if (typeof headers === "string") return broken(headers);
  const bodyStart = headEnd + 4;
  const lengths = valuesOf(headers, "content-length");
  const codings = valuesOf(headers, "transfer-encoding");
  if (lengths.length > 1) return broken("two lengths");
  if (lengths[0] !== undefined && !/^[0-9]+$/.test(lengths[0])) return broken("bad length");
  if (codings.length > 0 && lengths.length > 0) return broken("length and coding");
  if (codings.length > 0 && codings.join(",").toLowerCase() !== "chunked") return broken("unknown coding");
  if (codings.length > 0 && start.endsWith(" HTTP/1.0")) return broken("coding in HTTP/1.0");
  if (expected.request && start.endsWith(" HTTP/1.1") && valuesOf(headers, "host").length !== 1) return broken("hosts");
  if (!expected.request && isBodiless(start, expected.bodiless)) {
    return complete({ start, headers, body: "", trailers: [], framing: "none" }, bodyStart);
  }
  if (codings.length > 0) return readChunks(text, bodyStart, start, headers);
  if (lengths[0] === undefined) {
    if (expected.request) return complete({ start, headers, body: "", trailers: [], framing: "none" }, bodyStart);
    if (!expected.ended) return INCOMPLETE;
    const body = text.slice(bodyStart);
    return complete({ start, headers, body, trailers: [], framing: "until-close" }, text.length);
  }
  const end = bodyStart + Number(lengths[0]);
  if (end > text.length) return INCOMPLETE;
  return complete({ start, headers, body: text.slice(bodyStart, end), trailers: [], framing: "length" }, end);
}

function isBodiless(statusLine: string, toHead: boolean): boolean {
  return toHead || /^HTTP\/1\.[01] (?:1\d\d|204|304)/.test(statusLine);
}

function complete(message: Message, end: number): Step {
  return { kind: "message", message, end };
}

function readChunks(text: string, from: number, start: string, headers: readonly Line[]): Step {
  let at = from;
  let body = "";
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return INCOMPLETE;
    const found = /^([0-9A-Fa-f]+)(?:;[\t\x20-\x7e\x80-\xff]*)?$/.exec(text.slice(at, lineEnd));
    if (found === null) return broken("bad chunk size");
    const size = Number.parseInt(found[1] ?? "", 16);
    at = lineEnd + 2;
    if (size === 0) break;
    if (at + size + 2 > text.length) return INCOMPLETE;
    body += text.slice(at, at + size);
    at += size;
    if (!text.startsWith("\r\n", at)) return broken("bad chunk end");
    at += 2;
  }
  if (text.startsWith("\r\n", at)) {
    return complete({ start, headers, body, trailers: [], framing: "chunked" }, at + 2);
  }
  const end = text.indexOf("\r\n\r\n", at);
  if (end < 0) return INCOMPLETE;
  const trailers = readLines(text.slice(at, end).split("\r\n"));
  if (typeof trailers === "string") return broken(`trailer: ${trailers}`);
  return complete({ start, headers, body, trailers, framing: "chunked" }, end + 4);
}

function readLines(lines: readonly string[]): readonly Line[] | string {
  const headers: Line[] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replaceAll(/^[ \t]+|[ \t]+$/g, "");
    if (colon < 0 || !TOKEN.test(name)) return `bad name in ${line}`;
    if (!VALUE.test(value)) return `bad value in ${line}`;
    headers.push([name.toLowerCase(), value]);
  }
  return headers;
}

/** Returns the values of all headers of a name (lower case). */
export function valuesOf(headers: readonly Line[], name: string): readonly string[] {
  return headers.filter(([other]) => other === name).map(([, value]) => value);
}
