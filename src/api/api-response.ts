import type { EventEmitter } from "node:events";
import type { OutgoingHttpHeaders } from "node:http";

/** What is used here of a response, be it one of HTTP/1.1 or a stream of HTTP/2. */
export interface ApiResponse extends EventEmitter {
  readonly headersSent: boolean;
  setHeader(name: string, value: string | readonly string[]): unknown;
  writeHead(httpStatus: number, headers: OutgoingHttpHeaders): unknown;
  /** Sends the headers before there is content; HTTP/2 always does. */
  flushHeaders?(): void;
  /** Returns whether more may be written at once; else `drain` tells when. */
  write(chunk: string | Uint8Array): boolean;
  end(chunk?: string | Uint8Array): unknown;
  cork(): void;
  uncork(): void;
}
