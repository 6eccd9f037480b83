import type { Dice } from "./dice.ts";

/** One conversation: the pieces a client writes, one after the other, each byte a character. */
export type Conversation = readonly string[];

/** Makes a conversation of one to four requests, most of them nearly right: that is where readings differ. */
export function makeConversation(dice: Dice): Conversation {
  const count = 1 + dice.below(4);
  const strange = dice.below(count);
  let text = "";
  for (let index = 0; index < count; index++) text += makeRequest(dice, index === strange, index);
  if (dice.once(6)) text = dice.damage(text);
  if (dice.once(12)) text = text.slice(0, dice.below(text.length));
  return dice.cut(text);
}

function makeRequest(dice: Dice, strange: boolean, index: number): string {
  const quirk = (times: number): boolean => strange && dice.once(times);
  const method = quirk(6) ? dice.pick(METHODS) : dice.pick(["GET", "POST", "POST", "PUT", "HEAD", "DELETE", "OPTIONS"]);
  const target = quirk(4) ? dice.pick(TARGETS) : `/p${index}?q=${dice.below(10)}`;
  const version = quirk(8) ? dice.pick(VERSIONS) : "HTTP/1.1";
  const host = quirk(6) ? dice.pick(HOSTS) : "Host: shop.example";
  const lines = [host, ...dice.list(strange ? 3 : 1, () => dice.pick(strange ? HEADERS : PLAIN_HEADERS))];
  const withBody = dice.pick([false, true, true]);
  const body = withBody ? makeBody(dice, strange) : { lines: [], text: "" };
  const all = dice.once(2) ? [...lines, ...body.lines] : [...body.lines, ...lines];
  const lineEnd = quirk(15) ? dice.pick(["\n", "\r", "\r\r\n", "\n\r\n"]) : "\r\n";
  const first = quirk(25)
    ? dice.pick([
        `${method}  ${target} ${version}`,
        ` ${method} ${target} ${version}`,
        `${method}\t${target} ${version}`,
        `${method} ${target}  ${version}`,
        `${method} ${target} ${version} `,
      ])
    : `${method} ${target} ${version}`;
  const before = quirk(15) ? dice.pick(["\r\n", "\n", "\r\n\r\n", "\r", " "]) : "";
  return before + [first, ...all, "", ""].join(lineEnd) + body.text;
}

interface Body {
  readonly lines: readonly string[];
  readonly text: string;
}

function makeBody(dice: Dice, strange: boolean): Body {
  const data = dice.pick(DATA);
  const chunked = makeChunks(dice, data, strange);
  if (!strange || dice.once(3)) {
    return dice.once(2)
      ? { lines: [`Content-Length: ${data.length}`], text: data }
      : { lines: ["Transfer-Encoding: chunked"], text: chunked };
  }
  const length = dice.pick([
    `${data.length}`,
    `${chunked.length}`,
    "0",
    "3",
    `${data.length + 2}`,
    `00${data.length}`,
    `+${data.length}`,
    `-${data.length}`,
    `${data.length} `,
    `${data.length}, ${data.length}`,
    `${data.length},`,
    `0x${data.length.toString(16)}`,
    `${data.length}.0`,
    `1e1`,
    "",
    `"${data.length}"`,
    "99999999999999999999",
    "18446744073709551616",
  ]);
  const lengthLine = dice.pick(LENGTH_NAMES) + length;
  const codingLine = dice.pick(CODING_NAMES) + dice.pick(CODINGS);
  const text = dice.pick([data, chunked, chunked, data + dice.pick(SMUGGLED), chunked + dice.pick(SMUGGLED), ""]);
  const lines = dice.pick<readonly string[]>([
    [lengthLine],
    [codingLine],
    [lengthLine, codingLine],
    [codingLine, lengthLine],
    [lengthLine, `Content-Length: ${data.length}`],
    [codingLine, "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", codingLine],
    ["Transfer-Encoding: chunked"],
    ["Connection: content-length", lengthLine],
    ["Connection: close, transfer-encoding", codingLine],
    ["Expect: 100-continue", lengthLine],
    ["Connection: Upgrade", "Upgrade: websocket", lengthLine],
    ["Connection: Upgrade", "Upgrade: websocket"],
  ]);
  return { lines, text };
}

function makeChunks(dice: Dice, data: string, strange: boolean): string {
  let text = "";
  let at = 0;
  const quirk = (times: number): boolean => strange && dice.once(times);
  while (at < data.length) {
    const size = 1 + dice.below(data.length - at);
    const digits = size.toString(16);
    const shown = quirk(8)
      ? dice.pick([
          `0${digits}`,
          `000000000000000${digits}`,
          `0x${digits}`,
          `${digits} `,
          ` ${digits}`,
          `+${digits}`,
          `-${digits}`,
          digits.toUpperCase(),
          `${digits}g`,
          "",
          `${digits}\t`,
          `ffffffffffffffff${digits}`,
        ])
      : digits;
    const extension = quirk(6) ? dice.pick(EXTENSIONS) : "";
    const after = quirk(10) ? dice.pick(["\n", "", "X\r\n", "\r", "\r\n\r\n", "\r\r\n"]) : "\r\n";
    const lineEnd = quirk(12) ? dice.pick(["\n", "\r", "\r\r\n", " \r\n"]) : "\r\n";
    text += `${shown}${extension}${lineEnd}${data.slice(at, at + size)}${after}`;
    at += size;
  }
  const last = quirk(8) ? dice.pick(["0", "00", "000000000000", "-0", "0x0", "0 ", "0;a=b", "0;\n", ""]) : "0";
  const trailers = quirk(5) ? dice.pick(TRAILERS) : "";
  const end = quirk(12) ? dice.pick(["\n", "", "\r", "\r\n\r\n"]) : "\r\n";
  return `${text}${last}\r\n${trailers}${end}`;
}

const METHODS: readonly [string, ...string[]] = [
  "GET",
  "get",
  "CONNECT",
  "TRACE",
  "PATCH",
  "G=T",
  "PRI",
  "GET\0",
  "G E",
  "",
  "PROPFIND",
  "M-SEARCH",
  "A".repeat(300),
];
const TARGETS: readonly [string, ...string[]] = [
  "/",
  "//",
  "/a//b",
  "/a/../b",
  "/a/./b",
  "/../x",
  "/%2e%2e/x",
  "/a/%2E%2E%2fx",
  "/a%00b",
  "/a%0d%0aX:y",
  "/a%zz",
  "/a%2fb",
  "/%61dmin",
  "/a\\b",
  "/a;b=c/..;/x",
  "/a b",
  "/a\tb",
  "/é",
  "/\xc3\xa9",
  "/\xff",
  "/a?b#c",
  "/a#b",
  "*",
  "a",
  "",
  "http://shop.example/abs",
  "http://other.example/abs",
  "HTTP://shop.example",
  "http://shop.example?x=1",
  "https://shop.example:443/abs",
  "http://user@shop.example/",
  "http:///abs",
  "http://[::1]/abs",
  "ftp://shop.example/",
  "shop.example:443",
  '/?a=b?c=d&"<>',
  "/?\\",
  "/?\xff",
  "/?a=%0d%0a",
  `/${"a".repeat(3000)}`,
];
const VERSIONS: readonly [string, ...string[]] = [
  "HTTP/1.0",
  "HTTP/1.0",
  "HTTP/1.0",
  "HTTP/1.2",
  "HTTP/2.0",
  "HTTP/0.9",
  "http/1.1",
  "HTTP/1.10",
  "HTTP/01.1",
  "HTTP/1,1",
  "HTTP/1.",
  "HTTP/1.1 x",
  "",
];
const HOSTS: readonly [string, ...string[]] = [
  "Host: shop.example:80",
  "Host: SHOP.example",
  "Host: shop.example.",
  "Host: www.shop.example",
  "Host: other.example",
  "Host:shop.example",
  "Host:\tshop.example \t",
  "Host:",
  "Host: shop.example\r\nHost: shop.example",
  "Host: shop.example\r\nHost: other.example",
  "Host : shop.example",
  "X-No-Host: 1",
  "Host: a@shop.example",
  "Host: shop.example/x",
  "Host: shop.example, other.example",
  "Host: shop.example:80:90",
  "Host: shop.example:port",
  "Host: [::1]",
  "Host: [::1",
  "Host: shop_example",
  "Host: sh\0op.example",
  " Host: shop.example",
  "hOsT: shop.example",
  "X: y\r\n Host: shop.example",
];
const PLAIN_HEADERS: readonly [string, ...string[]] = [
  "Accept: */*",
  "User-Agent: fuzz",
  "Connection: keep-alive",
  "X-A: b",
  "Cookie: a=b; c=d",
];
const HEADERS: readonly [string, ...string[]] = [
  ...PLAIN_HEADERS,
  "Connection: close",
  "Connection: close, keep-alive",
  "Connection: x-a, host, content-length, x-forwarded-for",
  "Connection: ,,, ,",
  "Connection:",
  "Keep-Alive: timeout=5",
  "TE: trailers",
  "TE: gzip, chunked",
  "Trailer: X-T",
  "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
  "Upgrade: websocket\r\nConnection: Upgrade",
  "Upgrade: websocket",
  "Expect: 100-continue",
  "Expect: 200-ok",
  "Proxy: http://evil",
  "Proxy-Connection: keep-alive",
  "X-Forwarded-For: 6.6.6.6",
  "X_Forwarded_For: 6.6.6.6",
  "X-Forwarded-Proto: https",
  "X-Real-IP: 6.6.6.6",
  "Forwarded: for=6.6.6.6",
  "Content_Length: 5",
  "Content-Length : 5",
  "Transfer_Encoding: chunked",
  "Transfer-Encoding : chunked",
  "X-Empty:",
  "X-Tab:\ta\tb\t",
  "X-Fold: a\r\n b",
  "X-Fold: a\r\n\tTransfer-Encoding: chunked",
  " X-Lead: a",
  "X Space: a",
  "X-Nul: a\0b",
  "X-Cr: a\rb",
  "X-Lf: a\nb",
  "X-Lf: a\nTransfer-Encoding: chunked",
  "X-Del: \x7f",
  "X-High: \xff\x80",
  "X\x80: a",
  ":",
  ": a",
  "no colon",
  "X-(a): b",
  "X-!#$%&'*+.^_`|~: b",
  `X-Long: ${"a".repeat(5000)}`,
  "Range: bytes=0-1",
  "X-HTTP-Method-Override: DELETE",
  "Content-Encoding: gzip",
];
const LENGTH_NAMES: readonly [string, ...string[]] = [
  "Content-Length: ",
  "Content-Length: ",
  "Content-Length: ",
  "content-length:",
  "Content-Length:\t",
  "Content-Length : ",
  "Content_Length: ",
  "Content-Length\t: ",
  " Content-Length: ",
  "Content-Length:\x0b",
  "Content-Length:\0",
  "Content Length: ",
];
const CODING_NAMES: readonly [string, ...string[]] = [
  "Transfer-Encoding: ",
  "Transfer-Encoding: ",
  "Transfer-Encoding: ",
  "transfer-encoding:",
  "Transfer-Encoding:\t",
  "Transfer-Encoding : ",
  "Transfer_Encoding: ",
  "Transfer-Encoding\t: ",
  " Transfer-Encoding: ",
  "X: y\nTransfer-Encoding: ",
  "Transfer-Encoding:\x0b",
  "Transfer-Encoding\0: ",
];
const CODINGS: readonly [string, ...string[]] = [
  "chunked",
  "chunked",
  "Chunked",
  "CHUNKED",
  "chunked ",
  "\tchunked",
  "xchunked",
  "chunkedx",
  "chunk",
  "identity",
  "gzip, chunked",
  "chunked, gzip",
  "chunked, identity",
  "identity, chunked",
  ", chunked",
  "chunked,",
  "chunked, chunked",
  '"chunked"',
  "'chunked'",
  "chunked;q=1",
  "",
  "\x0bchunked",
  "chunked\0",
  "cow",
];
const EXTENSIONS: readonly [string, ...string[]] = [
  ";a=b",
  ";",
  ';a="b"',
  ';a="\r\n',
  ";a\n",
  " ;a=b",
  ";\0",
  `;${"x".repeat(300)}`,
  ";a=b;c=d",
];
const TRAILERS: readonly [string, ...string[]] = [
  "X-T: 1\r\n",
  "Content-Length: 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Host: other.example\r\n",
  "X-Forwarded-For: 6.6.6.6\r\n",
  "no colon\r\n",
  "X-T : 1\r\n",
  "X-T: a\nb\r\n",
  " fold: 1\r\n",
  "A: 1\r\nB: 2\r\n",
];
const SMUGGLED: readonly [string, ...string[]] = [
  "GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n",
  "GET /smuggled HTTP/1.1\r\nX: ",
  "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n",
];
const DATA: readonly [string, ...string[]] = [
  "a",
  "hello",
  "0\r\n\r\n",
  "GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n",
  "5\r\nhello\r\n0\r\n\r\n",
  "x".repeat(100),
  "y".repeat(5000),
];
