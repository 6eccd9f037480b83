/** What a TLS ClientHello says that the edge acts on, or that it is none, or that it is not complete yet. */
export type ClientHello =
  | {
      readonly kind: "hello";
      /** Lower case; empty without SNI. */ readonly serverName: string;
      readonly protocols: readonly string[];
    }
  | { readonly kind: "incomplete" }
  | { readonly kind: "not-tls" };

const INCOMPLETE: ClientHello = { kind: "incomplete" };
const NOT_TLS: ClientHello = { kind: "not-tls" };

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const ALPN = 16;
/** RFC 8446 section 5.1. */
const RECORD_BYTES_MAX = 16_384;

/**
 * Reads the ClientHello at the start of `bytes` (RFC 8446 section 4.1.2, RFC 6066 section 3, RFC 7301), which may be
 * spread over several records. Nothing is trusted: every length is checked against what is there.
 */
export function readClientHello(bytes: Uint8Array): ClientHello {
  const message = handshakeMessage(bytes);
  if (!(message instanceof Uint8Array)) return message;
  const reader = new Reader(message);
  // legacy_version and random, then session id, cipher suites and compression methods.
  reader.skip(34);
  reader.skip(reader.number(1));
  reader.skip(reader.number(2));
  reader.skip(reader.number(1));
  if (reader.failed) return NOT_TLS;
  if (reader.left === 0) return { kind: "hello", serverName: "", protocols: [] };
  return readExtensions(reader.vector(2));
}

function readExtensions(extensions: Reader): ClientHello {
  let serverName = "";
  let protocols: readonly string[] = [];
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const content = extensions.vector(2);
    if (extensions.failed) return NOT_TLS;
    if (type === SERVER_NAME) serverName = readServerName(content);
    else if (type === ALPN) protocols = readProtocols(content);
    if (content.failed) return NOT_TLS;
  }
  return extensions.failed ? NOT_TLS : { kind: "hello", serverName, protocols };
}

function readServerName(content: Reader): string {
  const list = content.vector(2);
  while (list.left > 0 && !list.failed) {
    const type = list.number(1);
    const name = list.vector(2).text();
    if (type === 0) return name.toLowerCase().replace(/\.$/, "");
  }
  return "";
}

function readProtocols(content: Reader): readonly string[] {
  const list = content.vector(2);
  const protocols: string[] = [];
  while (list.left > 0 && !list.failed) protocols.push(list.vector(1).text());
  return protocols;
}

/** Returns the body of the first handshake message, put together from as many records as it takes. */
function handshakeMessage(bytes: Uint8Array): Uint8Array | ClientHello {
  const parts: Uint8Array[] = [];
  let collected = 0;
  let at = 0;
  for (;;) {
    if (bytes.length > at && bytes[at] !== HANDSHAKE_RECORD) return NOT_TLS;
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) return NOT_TLS;
    if (bytes.length < at + 5) return INCOMPLETE;
    const length = ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0);
    if (length === 0 || length > RECORD_BYTES_MAX) return NOT_TLS;
    const part = bytes.subarray(at + 5, at + 5 + length);
    if (parts.length === 0 && part.length > 0 && part[0] !== CLIENT_HELLO) return NOT_TLS;
    parts.push(part);
    collected += part.length;
    if (collected >= 4) {
      const message = Buffer.concat(parts);
      const messageLength = message.readUIntBE(1, 3);
      if (message.length >= 4 + messageLength) return message.subarray(4, 4 + messageLength);
    }
    if (part.length < length) return INCOMPLETE;
    at += 5 + length;
  }
}

/** Reads numbers and vectors; past the end it fails and stays failed, and gives zeros. */
class Reader {
  failed = false;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  number(size: number): number {
    let value = 0;
    for (let index = 0; index < size; index++) value = value * 256 + (this.#bytes[this.#at + index] ?? 0);
    this.skip(size);
    return this.failed ? 0 : value;
  }

  skip(size: number): void {
    if (size > this.left) {
      this.failed = true;
      this.#at = this.#bytes.length;
    } else this.#at += size;
  }

  /** A vector with its length before it. */
  vector(lengthSize: number): Reader {
    const size = this.number(lengthSize);
    const start = this.#at;
    this.skip(size);
    const reader = new Reader(this.#bytes.subarray(start, this.#at));
    reader.failed = this.failed;
    return reader;
  }

  text(): string {
    return Buffer.from(this.#bytes).toString("latin1");
  }
}
