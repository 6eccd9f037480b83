// docs/attacks.md promises a test for every attack: this holds it to that.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";

interface Row {
  readonly attack: string;
  readonly proofs: readonly { readonly file: string; readonly text: string }[];
}

const rows = readRows();

describe("docs/attacks.md", () => {
  it("names a test for every attack", () => {
    assert.ok(rows.length > 30, "the table was read");
    assert.deepEqual(
      rows.filter(({ proofs }) => proofs.length === 0).map(({ attack }) => attack),
      [],
    );
  });

  it("names only tests that exist", () => {
    const missing = rows.flatMap(({ attack, proofs }) =>
      proofs
        .filter(({ file, text }) => !existsSync(file) || !(file.endsWith(".json") || hasTest(file, text)))
        .map(({ file, text }) => `${attack}: ${file} has no "${text}"`),
    );
    assert.deepEqual(missing, []);
  });
});

/** The words of a test's name as they stand in its file: of a test made in a loop, the words of its case. */
function hasTest(file: string, text: string): boolean {
  return text !== "" && readFileSync(file, "utf8").includes(text);
}

function readRows(): readonly Row[] {
  const lines = readFileSync("docs/attacks.md", "utf8").split("\n");
  return lines.flatMap((line) => {
    const [, attack = "", , proof = ""] = line.split("|").map((cell) => cell.trim());
    if (!line.startsWith("| ") || attack === "attack" || attack.startsWith("--")) return [];
    const proofs = [...proof.matchAll(/`([^`]+)`(?: “([^”]+)”)?/g)].map((found) => ({
      file: found[1] ?? "",
      text: found[2] ?? "",
    }));
    return [{ attack, proofs }];
  });
}
