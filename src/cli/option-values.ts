import { isIP } from "node:net";
import { InvalidArgumentError } from "commander";

const WORKERS_MAX = 256;

/** Reads a port number; 0 is any. Throws InvalidArgumentError. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError("A port is a number from 0 to 65535.");
  return port;
}

/** Reads a number of workers. Throws InvalidArgumentError. */
export function parseWorkers(text: string): number {
  const count = Number(text);
  if (!/^\d{1,3}$/.test(text) || count < 1 || count > WORKERS_MAX) {
    throw new InvalidArgumentError(`A number from 1 to ${WORKERS_MAX}.`);
  }
  return count;
}

/** Reads seconds, up to a day; returns milliseconds. Throws InvalidArgumentError. */
export function parseGrace(text: string): number {
  const seconds = Number(text);
  if (!/^\d{1,5}$/.test(text) || seconds > 86_400) throw new InvalidArgumentError("Whole seconds, from 0 to 86400.");
  return seconds * 1_000;
}

/** Reads how many requests share a line. Throws InvalidArgumentError. */
export function parseSample(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("A number from 1 to 999999.");
  return Number(text);
}

/** Adds a text to those before. */
export function addText(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Adds a DNS name or an IP address, in lower case, to those before. Throws InvalidArgumentError for anything else. */
export function addName(text: string, before: readonly string[] = []): readonly string[] {
  const name = text.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  const isName =
    name.length <= 253 && /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/.test(name);
  if (isIP(name) === 0 && !isName) throw new InvalidArgumentError('A name or an IP address, such as "ca.lan".');
  return before.includes(name) ? before : [...before, name];
}

/** Adds an address or CIDR block to those before. Throws InvalidArgumentError for anything else. */
export function addBlock(text: string, before: readonly string[] = []): readonly string[] {
  const [address = "", prefix, ...more] = text.split("/");
  const bits = isIP(address) === 6 ? 128 : 32;
  const isBlock = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  if (isIP(address) === 0 || !isBlock || more.length > 0) {
    throw new InvalidArgumentError('An address or a block, such as "10.0.0.0/8" or "2001:db8::1".');
  }
  return [...before, text];
}

/** Adds an IP address to those before. Throws InvalidArgumentError for anything else. */
export function addAddress(text: string, before: readonly string[] = []): readonly string[] {
  const address = text.replace(/^\[(.*)\]$/, "$1");
  if (isIP(address) === 0) throw new InvalidArgumentError('An IP address, such as "127.0.0.1" or "::1".');
  return before.includes(address) ? before : [...before, address];
}
