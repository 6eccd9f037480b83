import { messageBuffers, SHARED_READ_BYTES } from "../buffer-pool.ts";
import type { Channel } from "../channel.ts";
import { OTHER } from "./header-names.ts";
import type { HeaderSection } from "./header-section.ts";

/** Bytes that framing adds to a chunk at most: eight digits and two line ends. */
export const CHUNK_FRAME_BYTES = 12;

/** Sends bytes as one chunk: in one write when they are few. */
export function sendChunk(target: Channel, source: Channel, buffer: Buffer, start: number, end: number): void {
  const out = messageBuffers.take();
  if (end - start <= SHARED_READ_BYTES) {
    target.write(out, putChunk(out, 0, buffer, start, end), messageBuffers);
    return;
  }
  target.write(out, putChunkSize(out, 0, end - start), messageBuffers);
  target.relay(buffer, start, end, source);
  const after = messageBuffers.take();
  target.write(after, putLineEnd(after, 0), messageBuffers);
}

/** Sends the last chunk with the trailers, if any. */
export function sendLastChunk(target: Channel, trailers: HeaderSection | undefined, trailerBytes: Buffer): void {
  const out = messageBuffers.take();
  target.write(out, putLastChunk(out, 0, trailers, trailerBytes), messageBuffers);
}

/** Writes a whole chunk and returns where it ends. There must be room for {@link CHUNK_FRAME_BYTES} more than the data. */
export function putChunk(out: Buffer, from: number, buffer: Buffer, start: number, end: number): number {
  const at = putChunkSize(out, from, end - start);
  buffer.copy(out, at, start, end);
  return putLineEnd(out, at + end - start);
}

/** Writes the last chunk with the trailers that may pass: none of those the edge knows, for they are about framing or origin. */
export function putLastChunk(out: Buffer, from: number, trailers: HeaderSection | undefined, bytes: Buffer): number {
  let at = from;
  out[at++] = 0x30;
  at = putLineEnd(out, at);
  const count = trailers?.count ?? 0;
  for (let index = 0; index < count; index++) {
    if (trailers?.kind(index) !== OTHER) continue;
    bytes.copy(out, at, trailers.lineStart(index), trailers.lineEnd(index));
    at += trailers.lineEnd(index) - trailers.lineStart(index);
  }
  return putLineEnd(out, at);
}

function putChunkSize(out: Buffer, from: number, size: number): number {
  let digits = 1;
  while (digits < 8 && size >= 16 ** digits) digits++;
  let at = from + digits;
  for (let rest = size; at > from; rest = Math.floor(rest / 16)) out[--at] = HEX.charCodeAt(rest % 16);
  return putLineEnd(out, from + digits);
}

const HEX = "0123456789abcdef";

function putLineEnd(out: Buffer, at: number): number {
  out[at] = 0x0d;
  out[at + 1] = 0x0a;
  return at + 2;
}
