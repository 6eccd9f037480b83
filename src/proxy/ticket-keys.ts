import { createHmac } from "node:crypto";

/** How long tickets are made with the same key. Sessions made before a change need a full handshake. */
export const TICKET_KEY_MS: number = 12 * 60 * 60 * 1000;

/**
 * Returns the 48 bytes of ticket keys in force at `nowMs`. All workers that share `secret` agree on them without a word
 * between them, also one that starts later; the next ones are in force from the next multiple of {@link TICKET_KEY_MS} on.
 *
 * The keys follow from the secret, which stays in memory: a change bounds how much one key protects, it does not save
 * past sessions from someone who reads the memory of a worker.
 */
export function ticketKeysAt(secret: Uint8Array, nowMs: number): Buffer {
  const period = Math.floor(nowMs / TICKET_KEY_MS);
  return createHmac("sha512", secret).update(`session tickets ${period}`).digest().subarray(0, 48);
}

/** Returns the milliseconds until the keys change. */
export function untilNextTicketKeys(nowMs: number): number {
  return TICKET_KEY_MS - (nowMs % TICKET_KEY_MS);
}
