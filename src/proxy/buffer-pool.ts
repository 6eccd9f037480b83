/**
 * Buffers of one size that are used again, the last given back first: it is still in the processor's cache. A buffer
 * that is given back must not be in flight. At most `keptMax` wait for use; more are left to the collector.
 */
export class BufferPool {
  readonly bytes: number;
  readonly #keptMax: number;
  readonly #free: Buffer[] = [];
  #inUse = 0;

  constructor(bytes: number, keptMax: number) {
    this.bytes = bytes;
    this.#keptMax = keptMax;
  }

  /** How many buffers have been taken and not given back. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Returns a buffer with unspecified content. */
  take(): Buffer {
    this.#inUse++;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.bytes);
  }

  /** Takes `buffer` back; one of another size is ignored, so that callers need not remember where theirs came from. */
  give(buffer: Buffer): void {
    if (buffer.length !== this.bytes) return;
    this.#inUse--;
    if (this.#free.length < this.#keptMax) this.#free.push(buffer);
  }
}

/** For request heads with a small body, kept until the endpoint answers because they may have to be sent again. */
export const smallBuffers: BufferPool = new BufferPool(4 * 1024, 256);

/** For one message: a head and whatever one read of the shared buffer brought, so that both leave in one write. */
export const messageBuffers: BufferPool = new BufferPool(40 * 1024, 64);

/** For reading while a connection is in bulk transfer; these are handed to the writing side as they are. */
export const bulkBuffers: BufferPool = new BufferPool(128 * 1024, 16);

/** Connections that may be in bulk transfer at a time; more go on with the shared buffer, so that slow readers are cheap. */
export const BULK_BUFFERS_MAX = 512;

/** What one read of the shared buffers brings at most. */
export const SHARED_READ_BYTES: number = 32 * 1024;

/** Returns a buffer of at least `bytes`, from a pool when one of the small sizes will do. */
export function takeBuffer(bytes: number): Buffer {
  if (bytes <= smallBuffers.bytes) return smallBuffers.take();
  return bytes <= messageBuffers.bytes ? messageBuffers.take() : Buffer.allocUnsafeSlow(bytes);
}

/** Gives back what {@link takeBuffer} returned. */
export function giveBuffer(buffer: Buffer): void {
  if (buffer.length === smallBuffers.bytes) smallBuffers.give(buffer);
  else messageBuffers.give(buffer);
}
