import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { parseAllDocuments, stringify } from "yaml";
import { goldenInput, summarize } from "./testing.ts";
import { translate } from "./translate.ts";

/**
 * One case per file: manifests, a line of eight dashes, and what translation makes of them. `UPDATE_GOLDEN=1` rewrites
 * the second part; the review reads the difference. A value `@file` in a Secret's stringData is a file of `pem/`.
 */
const FOLDER = new URL("../../test/golden/", import.meta.url);
const SEPARATOR = "\n--------\n";
const UPDATE = globalThis.process.env["UPDATE_GOLDEN"] === "1";

describe("translate()", () => {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"))) {
    test(`translate() gives what ${file} expects`, () => {
      const url = new URL(file, FOLDER);
      const text = readFileSync(url, "utf8");
      const at = text.indexOf(SEPARATOR);
      const manifests = at < 0 ? text.trimEnd() : text.slice(0, at);
      const documents = parseAllDocuments(manifests).map((document) => document.toJS() as unknown);
      const input = goldenInput(documents, (name) => readFileSync(new URL(`pem/${name}`, FOLDER), "utf8"));
      const actual = stringify(summarize(translate(input)), { lineWidth: 0 });
      if (UPDATE) writeFileSync(url, `${manifests}${SEPARATOR}${actual}`);
      else assert.equal(actual, at < 0 ? "" : text.slice(at + SEPARATOR.length));
    });
  }
});
