import type { FramingProblem } from "./header-section.ts";
import type { RequestParser } from "./request-parser.ts";
import { normalisePath } from "../request-path.ts";
import { parseHost } from "../request-host.ts";
import { methodOf, sameLatin1 } from "./request-method.ts";

const BAD_HOST: FramingProblem = { status: 400, text: "the Host header is not a host name or address" };
const BAD_FORM: FramingProblem = { status: 400, text: "the request target is neither a path nor an http URL" };

/** What a request is for: its authority and path, read from a parsed head. Used again for the next request of a connection. */
export class RequestTarget {
  /** As the client wrote it: from the Host header, or from an absolute target. */
  authority = "";
  /** As routes know it. */
  host = "";
  /** For matching, and as it is sent on (`request-path.ts`). */
  path = "/";
  forwardPath = "/";
  /** Whether the target can be sent on as the bytes it came in. */
  asItCame = true;
  #known: string | undefined = "";

  /** Returns what is wrong with the target, if anything. */
  read(parser: RequestParser): FramingProblem | undefined {
    const { bytes, targetStart, targetEnd } = parser;
    if (bytes[targetStart] !== 0x2f) return this.#readAbsolute(parser);
    if (parser.hostIndex >= 0) {
      const start = parser.headers.valueStart(parser.hostIndex);
      const end = parser.headers.valueEnd(parser.hostIndex);
      // Nearly always the same as before on this connection: then no text is made.
      if (!sameLatin1(bytes, start, end, this.authority)) this.#setAuthority(bytes.toString("latin1", start, end));
    } else this.#setAuthority("");
    if (this.#known === undefined) return BAD_HOST;
    this.host = this.#known;
    const path = bytes.toString("latin1", targetStart, parser.queryStart < 0 ? targetEnd : parser.queryStart);
    return this.#setPath(path, parser.pathIsPlain);
  }

  /** Forgets the path of a request that could not be read, so that it is not logged as another's. */
  clear(): void {
    this.host = "";
    this.path = "";
    this.forwardPath = "";
  }

  /** RFC 9112 section 3.2.2: the authority of an absolute target replaces the Host header. */
  #readAbsolute(parser: RequestParser): FramingProblem | undefined {
    const text = parser.bytes.toString("latin1", parser.targetStart, parser.targetEnd);
    const found = /^https?:\/\/([^/?]*)([^?]*)/i.exec(text);
    // CONNECT has a form of its own, and is refused as a method.
    if (found === null && methodOf(parser) !== "CONNECT") return BAD_FORM;
    const [all = "", authority = "", path = ""] = found ?? [];
    this.#setAuthority(authority);
    if (this.#known === undefined || (authority === "" && found !== null)) return BAD_HOST;
    this.host = this.#known;
    parser.queryStart = all.length < text.length ? parser.targetStart + all.length : -1;
    return this.#setPath(path === "" ? "/" : path, false);
  }

  #setAuthority(authority: string): void {
    if (authority === this.authority) return;
    this.authority = authority;
    this.#known = parseHost(authority);
  }

  #setPath(path: string, plain: boolean): FramingProblem | undefined {
    this.asItCame = plain;
    this.path = path;
    this.forwardPath = path;
    if (plain) return undefined;
    const normal = normalisePath(path);
    if (normal.kind === "refused") return { status: 400, text: normal.text };
    this.path = normal.match;
    this.forwardPath = normal.forward;
    return undefined;
  }
}
