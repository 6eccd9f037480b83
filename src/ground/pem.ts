import { LintelError } from "./errors.ts";

/** One block of RFC 7468 text: its label (`CERTIFICATE`, `PRIVATE KEY` …) and the DER bytes inside. */
export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\s*([A-Za-z0-9+/=\s]*?)-----END \1-----/g;

/** Returns the PEM blocks of `text` in order; text around them is ignored (RFC 7468 section 2). Throws BadPem when there are none. */
export function decodePem(text: string): readonly PemBlock[] {
  const blocks = [...text.matchAll(BLOCK)].map((match) => ({
    label: match[1] ?? "",
    der: Uint8Array.from(Buffer.from((match[2] ?? "").replaceAll(/\s/g, ""), "base64")),
  }));
  if (blocks.length === 0) {
    throw new LintelError("Cannot read PEM: no block found", {
      code: "BadPem",
      fault: "user",
      hint: 'PEM text starts with a line such as "-----BEGIN CERTIFICATE-----"',
    });
  }
  return blocks;
}

/** Returns `der` as one PEM block with lines of 64 characters and a final newline. */
export function encodePem(label: string, der: Uint8Array): string {
  const body = Buffer.from(der)
    .toString("base64")
    .replaceAll(/.{1,64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${body}-----END ${label}-----\n`;
}
