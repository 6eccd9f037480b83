import { recordAt, stringAt } from "../ground/json.ts";
import type { KubeObject } from "./object.ts";

/** Returns the bytes at `key` of a core `v1` Secret; undefined when the key is missing or is not base64. Never throws. */
export function secretBytes(secret: KubeObject, key: string): Uint8Array | undefined {
  const text = stringAt(recordAt(secret, "data"), key);
  if (text === undefined) return undefined;
  const compact = text.replaceAll(/\s/g, "");
  return BASE64.test(compact) ? Uint8Array.from(Buffer.from(compact, "base64")) : undefined;
}

/** Returns the UTF-8 text at `key`; undefined when the key is missing or is not base64. Never throws. */
export function secretText(secret: KubeObject, key: string): string | undefined {
  const bytes = secretBytes(secret, key);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8");
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
