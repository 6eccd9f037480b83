import { BufferPool } from "../buffer-pool.ts";

/** Pieces that data waits in, used again and again: fresh ones for every read of an endpoint keep the collector busy. */
const pieces: BufferPool = new BufferPool(32 * 1024, 64);

/** Below this, a piece of its own size is cheaper than most of a large one left empty. */
const SMALL_BYTES = 4 * 1024;

const NOTHING: Buffer = Buffer.alloc(0);
/** Most streams never wait, so they share this. Few pieces wait at a time, so copying the list is cheap. */
const NO_PIECES: readonly Buffer[] = [];

/** Data that waits to be sent, copied in, first in first out. Who fills it must stop when `bytes` is enough. */
export class SendQueue {
  /** How much waits. */
  bytes = 0;
  /** The oldest piece, and what of it waits. Nothing when the queue is empty. */
  first: Buffer = NOTHING;
  start = 0;
  #rest: readonly Buffer[] = NO_PIECES;
  /** Where the newest piece is filled up to; the others are full. */
  #lastEnd = 0;

  /** Bytes of the oldest piece that wait. */
  get firstBytes(): number {
    return Math.min(this.bytes, this.first.length - this.start);
  }

  /** Copies bytes in. */
  push(source: Uint8Array, start: number, end: number): void {
    this.bytes += end - start;
    for (let at = start; at < end;) {
      let last = this.#rest.at(-1) ?? this.first;
      if (this.#lastEnd === last.length) last = this.#add(end - at);
      const length = Math.min(end - at, last.length - this.#lastEnd);
      last.set(source.subarray(at, at + length), this.#lastEnd);
      this.#lastEnd += length;
      at += length;
    }
  }

  /** So many of the oldest piece's bytes have been sent. */
  advance(length: number): void {
    this.bytes -= length;
    this.start += length;
    if (this.bytes === 0) this.clear();
    else if (this.start === this.first.length) {
      pieces.give(this.first);
      this.first = this.#rest[0] ?? NOTHING;
      this.#rest = this.#rest.slice(1);
      this.start = 0;
    }
  }

  /** Forgets everything. */
  clear(): void {
    if (this.first === NOTHING) return;
    pieces.give(this.first);
    for (const piece of this.#rest) pieces.give(piece);
    this.#rest = NO_PIECES;
    this.first = NOTHING;
    this.start = 0;
    this.#lastEnd = 0;
    this.bytes = 0;
  }

  #add(wanted: number): Buffer {
    const piece = wanted <= SMALL_BYTES ? Buffer.allocUnsafeSlow(wanted) : pieces.take();
    if (this.first === NOTHING) this.first = piece;
    else this.#rest = [...this.#rest, piece];
    this.#lastEnd = 0;
    return piece;
  }
}
