import { LintelError } from "../../ground/errors.ts";

/** The numbers of the record types that ACME needs (RFC 1035 section 3.2.2, RFC 8659, RFC 8945). */
export const DNS_TYPE = { a: 1, ns: 2, cname: 5, soa: 6, txt: 16, aaaa: 28, tsig: 250, any: 255, caa: 257 } as const;
/** Classes: the internet's, none (RFC 2136 section 2.4), any. */
export const DNS_CLASS = { internet: 1, none: 254, any: 255 } as const;

/** One question, or the zone of an update. */
export interface DnsQuestion {
  readonly name: string;
  readonly type: number;
  readonly dnsClass: number;
}

/** One resource record. Names inside `data` of NS, CNAME and SOA records are read into `target`. */
export interface DnsRecord {
  /** Lower case, without the dot at its end. */
  readonly name: string;
  readonly type: number;
  readonly dnsClass: number;
  readonly ttl: number;
  readonly data: Uint8Array;
  /** Of NS, CNAME and SOA records: the first name in the data. */
  readonly target?: string;
}

/** A DNS message (RFC 1035 section 4). */
export interface DnsMessage {
  readonly id: number;
  /** The second word of the header as it stands: QR, opcode, AA, TC, RD, RA, rcode. */
  readonly flags: number;
  readonly questions: readonly DnsQuestion[];
  /** Answers; the prerequisites of an update. */
  readonly answers: readonly DnsRecord[];
  /** Authorities; what an update changes. */
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** Bits of {@link DnsMessage.flags}. */
export const DNS_FLAG = { response: 0x8000, update: 0x2800, authoritative: 0x0400, truncated: 0x0200, recurse: 0x0100 };

const HEADER_BYTES = 12;
/** Pointers followed for one name: more can only be a trap. */
const POINTERS_MAX = 32;
const NAME_BYTES_MAX = 255;

/** Returns the lower four bits of the flags: 0 no error, 2 server failure, 3 no such name, 5 refused, 9 not authenticated. */
export function rcodeOf(message: DnsMessage): number {
  return message.flags & 0x0f;
}

/** Returns the bytes of a message; names are not compressed. Throws BadConfig for a name that does not fit in DNS. */
export function encodeDnsMessage(message: DnsMessage): Buffer {
  const counts = [message.questions, message.answers, message.authorities, message.additionals].map(
    (section) => section.length,
  );
  return Buffer.concat([
    words(message.id, message.flags, ...counts),
    ...message.questions.map((question) =>
      Buffer.concat([encodeDnsName(question.name), words(question.type, question.dnsClass)]),
    ),
    ...[...message.answers, ...message.authorities, ...message.additionals].map(encodeRecord),
  ]);
}

/** Returns a name as DNS writes it: labels with their lengths. Throws BadConfig when it does not fit. */
export function encodeDnsName(name: string): Buffer {
  const bare = name.toLowerCase().replace(/\.$/, "");
  const labels = bare === "" ? [] : bare.split(".");
  const parts = labels.map((label) => {
    const bytes = Buffer.from(label, "latin1");
    if (bytes.length === 0 || bytes.length > 63) throw badName(name);
    return Buffer.concat([Buffer.of(bytes.length), bytes]);
  });
  const encoded = Buffer.concat([...parts, Buffer.of(0)]);
  if (encoded.length > NAME_BYTES_MAX) throw badName(name);
  return encoded;
}

/** Returns the message in `bytes`. Throws Unreachable, as for any useless answer, when they are malformed. */
export function decodeDnsMessage(bytes: Buffer): DnsMessage {
  if (bytes.length < HEADER_BYTES) throw malformed();
  const [questionCount, answerCount, authorityCount, additionalCount] = [4, 6, 8, 10].map((at) =>
    bytes.readUInt16BE(at),
  );
  const reader = new Reader(bytes);
  return {
    id: bytes.readUInt16BE(0),
    flags: bytes.readUInt16BE(2),
    questions: Array.from({ length: questionCount ?? 0 }, () => reader.question()),
    answers: Array.from({ length: answerCount ?? 0 }, () => reader.record()),
    authorities: Array.from({ length: authorityCount ?? 0 }, () => reader.record()),
    additionals: Array.from({ length: additionalCount ?? 0 }, () => reader.record()),
  };
}

/** Returns the data of a TXT record with `text` (RFC 1035 section 3.3.14): strings of at most 255 bytes. */
export function txtData(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += 255) {
    const part = bytes.subarray(at, at + 255);
    parts.push(Buffer.of(part.length), part);
  }
  return Buffer.concat(parts);
}

/** Returns the text of a TXT record, its strings joined. */
export function txtOf(record: DnsRecord): string {
  const data = Buffer.from(record.data);
  const parts: Buffer[] = [];
  for (let at = 0; at < data.length; at += 1 + (data[at] ?? 0))
    parts.push(data.subarray(at + 1, at + 1 + (data[at] ?? 0)));
  return Buffer.concat(parts).toString("utf8");
}

/** Returns 16-bit numbers in network order. */
export function words(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 2);
  numbers.forEach((number, at) => bytes.writeUInt16BE(number, at * 2));
  return bytes;
}

function encodeRecord(record: DnsRecord): Buffer {
  const ttl = Buffer.alloc(4);
  ttl.writeUInt32BE(record.ttl);
  return Buffer.concat([
    encodeDnsName(record.name),
    words(record.type, record.dnsClass),
    ttl,
    words(record.data.length),
    record.data,
  ]);
}

/** Reads a message from its header's end on. */
class Reader {
  readonly #bytes: Buffer;
  #at = HEADER_BYTES;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  question(): DnsQuestion {
    return { name: this.#name(), type: this.#word(), dnsClass: this.#word() };
  }

  record(): DnsRecord {
    const name = this.#name();
    const [type, dnsClass] = [this.#word(), this.#word()];
    const ttl = this.#word() * 65_536 + this.#word();
    const length = this.#word();
    const start = this.#at;
    const data = this.#bytes.subarray(start, start + length);
    if (data.length < length) throw malformed();
    const named: readonly number[] = [DNS_TYPE.ns, DNS_TYPE.cname, DNS_TYPE.soa];
    const target = named.includes(type) && length > 0 ? this.#name() : undefined;
    this.#at = start + length;
    return { name, type, dnsClass, ttl, data, ...(target === undefined ? {} : { target }) };
  }

  #word(): number {
    if (this.#at + 2 > this.#bytes.length) throw malformed();
    this.#at += 2;
    return this.#bytes.readUInt16BE(this.#at - 2);
  }

  #name(): string {
    const labels: string[] = [];
    let at = this.#at;
    let end: number | undefined;
    let pointers = 0;
    let length = 0;
    for (;;) {
      const size = this.#bytes[at];
      if (size === undefined) throw malformed();
      if (size >= 0xc0) {
        const low = this.#bytes[at + 1];
        pointers += 1;
        if (low === undefined || pointers > POINTERS_MAX) throw malformed();
        end ??= at + 2;
        at = (size & 0x3f) * 256 + low;
        continue;
      }
      at += 1 + size;
      length += 1 + size;
      if (size > 63 || at > this.#bytes.length || length > NAME_BYTES_MAX) throw malformed();
      if (size === 0) break;
      labels.push(this.#bytes.toString("latin1", at - size, at).toLowerCase());
    }
    this.#at = end ?? at;
    return labels.join(".");
  }
}

function badName(name: string): LintelError {
  return new LintelError(`Cannot use "${name.slice(0, 300)}" in DNS: a name has at most 253 characters, a part 63`, {
    code: "BadConfig",
    fault: "user",
  });
}

function malformed(): LintelError {
  return new LintelError("Cannot read the answer of a DNS server: it is malformed", {
    code: "Unreachable",
    fault: "upstream",
  });
}
