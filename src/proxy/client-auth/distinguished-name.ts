/**
 * Returns a name as nginx writes it (RFC 2253: the most specific part first, `CN=ann,OU=ops,O=Shop`) from the lines that
 * Node tells it in. Only printable ASCII comes out, so that it may stand in a header.
 */
export function distinguishedName(lines: string): string {
  return lines
    .split("\n")
    .toReversed()
    .map((line) => line.split(" + ").toReversed().join("+"))
    .join(",")
    .replaceAll(/[^ -~]/gu, escapeBytes);
}

function escapeBytes(letter: string): string {
  return [...Buffer.from(letter, "utf8")]
    .map((byte) => `\\${byte.toString(16).toUpperCase().padStart(2, "0")}`)
    .join("");
}

/** Where an attribute begins: at the start, or behind a separator that is not escaped. */
const COMMON_NAME = /(?:^|(?<=[^\\](?:\\\\)*[,+]))CN=/g;

/**
 * Returns the name from each of its common names on. A pattern is tried at the start of these only: `CN=` inside of
 * another attribute's value is whatever its holder asked to be written there.
 */
export function fromCommonNames(name: string): readonly string[] {
  return [...name.matchAll(COMMON_NAME)].map(({ index }) => name.slice(index));
}
