import type { Dice } from "./dice.ts";

/** Words that only an endpoint's attack would make the client hear as a response of its own. */
export const SMUGGLED_MARK = "X-Smuggled: yes";

/** What a hostile endpoint says to one request: the pieces it writes, and whether it closes then. */
export interface HostileAnswer {
  readonly pieces: readonly string[];
  readonly closes: "no" | "end" | "reset";
}

/** Makes an answer, most of them nearly right, many of them with another answer hidden inside. */
export function makeAnswer(dice: Dice): HostileAnswer {
  let text = makeResponse(dice);
  if (dice.once(4)) text += dice.pick([HIDDEN, HIDDEN.slice(0, 30), "\r\n", "x"]);
  if (dice.once(4)) text = dice.damage(text);
  if (dice.once(10)) text = text.slice(0, dice.below(text.length));
  return { pieces: dice.cut(text), closes: dice.pick(["no", "no", "end", "end", "reset"]) };
}

const HIDDEN = `HTTP/1.1 200 OK\r\n${SMUGGLED_MARK}\r\nContent-Length: 2\r\n\r\nno`;

function makeResponse(dice: Dice): string {
  const informational = dice.once(6) ? dice.pick(INFORMATIONAL) : "";
  const start = dice.once(3) ? dice.pick(START_LINES) : "HTTP/1.1 200 OK";
  const data = dice.pick(DATA);
  const chunked = makeChunks(dice, data);
  const lines = [
    ...dice.list(2, () => dice.pick(HEADERS)),
    ...dice.pick<readonly string[]>([
      [`Content-Length: ${data.length}`],
      [`Content-Length: ${data.length}`],
      ["Transfer-Encoding: chunked"],
      ["Transfer-Encoding: chunked"],
      [],
      ["Content-Length: 0"],
      [`Content-Length: ${dice.pick(["+3", "3, 3", "0x3", "-1", "", "99999999999999999999", "003", "3 ", "\t3"])}`],
      [`Content-Length: ${data.length}`, "Transfer-Encoding: chunked"],
      ["Transfer-Encoding: chunked", `Content-Length: ${data.length}`],
      [`Content-Length: ${data.length}`, "Content-Length: 1"],
      [`Transfer-Encoding: ${dice.pick(["gzip, chunked", "chunked, gzip", "identity", "xchunked", "\tchunked", ""])}`],
      [`Transfer-Encoding : chunked`],
      [`Connection: content-length, transfer-encoding`, `Content-Length: ${data.length}`],
    ]),
  ];
  const lineEnd = dice.once(20) ? dice.pick(["\n", "\r", "\r\r\n"]) : "\r\n";
  return `${informational}${[start, ...lines, "", ""].join(lineEnd)}${dice.pick([data, data, chunked, chunked, ""])}`;
}

function makeChunks(dice: Dice, data: string): string {
  const size = data.length.toString(16);
  const shown = dice.once(6) ? dice.pick([`0x${size}`, ` ${size}`, `${size};a=b`, `${size};\n`, "", `-${size}`]) : size;
  const trailers = dice.once(5)
    ? dice.pick(["X-T: 1\r\n", "Content-Length: 3\r\n", "Set-Cookie: a=b\r\n", "x\r\n"])
    : "";
  return `${data === "" ? "" : `${shown}\r\n${data}\r\n`}0\r\n${trailers}\r\n`;
}

const DATA: readonly [string, ...string[]] = ["", "hello", HIDDEN, "0\r\n\r\n", "x".repeat(70_000), `5\r\n${HIDDEN}`];
const INFORMATIONAL: readonly [string, ...string[]] = [
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
  "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n",
  "HTTP/1.1 102 Processing\r\nTransfer-Encoding: chunked\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
];
const START_LINES: readonly [string, ...string[]] = [
  "HTTP/1.0 200 OK",
  "HTTP/1.1 204 No Content",
  "HTTP/1.1 304 Not Modified",
  "HTTP/1.1 205 Reset Content",
  "HTTP/1.1 200",
  "HTTP/1.1 200 ",
  "HTTP/1.1 99 x",
  "HTTP/1.1 1000 x",
  "HTTP/1.1 099 x",
  "HTTP/1.1 600 x",
  "HTTP/2 200",
  "HTTP/1.2 200 OK",
  "http/1.1 200 OK",
  "HTTP/1.1  200 OK",
  "HTTP/1.1 200 O\nK",
  "HTTP/1.1 200 \xff",
  "ICY 200 OK",
  "",
  " HTTP/1.1 200 OK",
  "\r\nHTTP/1.1 200 OK",
];
const HEADERS: readonly [string, ...string[]] = [
  "Connection: close",
  "Connection: keep-alive",
  "Connection: x-a",
  "X-A: b",
  "X : b",
  " X: b",
  "X: a\r\n b",
  "X: a\rb",
  "X: a\nb",
  `X: a\n${SMUGGLED_MARK}`,
  "X: a\0b",
  "X\x80: b",
  "no colon",
  "Keep-Alive: timeout=5",
  "Upgrade: h2c",
  "Trailer: X-T",
  "Content-Encoding: gzip",
  `X-Long: ${"a".repeat(5000)}`,
];
