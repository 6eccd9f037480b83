// The house rules that a linter does not know, each with what to do instead.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parseSync, type Program } from "oxc-parser";
import { ERROR_CODES } from "../src/ground/errors.ts";
import { DEFAULT_LIMITS } from "../src/proxy/limits.ts";
import { isRecord } from "../src/ground/json.ts";
import { lineAt, readSourceTree, type SourceFile } from "./source-tree.ts";

/** Every limit of the data plane, in one record. */
const { http2: http2Limits, ...ownLimits } = DEFAULT_LIMITS;
const limits = { ...ownLimits, ...http2Limits };

const tree = readSourceTree();
const sources = tree.filter((file) => !file.isTest);

/** A pattern, and what to write instead. Compared with the text of every file that is not a test. */
const BANS: readonly (readonly [RegExp, string, readonly string[]])[] = [
  [/SNICallback/g, "choose the TLS server by the peeked ClientHello: SNICallback serves one key type only", []],
  [
    /\bnew TLSSocket\b|tls\.TLSSocket\(/g,
    "emit `connection` on a tls.Server: a raw TLSSocket accepts untrusted clients",
    [],
  ],
  [/process\.binding/g, "use a documented API", []],
  [
    /from "node:http2?"/g,
    "frame it in src/proxy: node:http costs five times as much",
    ["api", "app", "acme", "cli", "store", "vault"],
  ],
  [/\b(TODO|FIXME|XXX)\b/g, "do it, or leave it out and say so in the docs", []],
  [/(oxlint|eslint)-disable(?!.*--)/g, "say why after `--`", []],
  [/@ts-(ignore|expect-error|nocheck)/g, "give it a type", []],
  [/catch\s*(\([^)]*\))?\s*\{\s*\}/g, "say in the block why nothing needs to be done", []],
];

describe("source", () => {
  it("has none of the banned constructs", () => {
    const found = sources.flatMap((file) =>
      BANS.flatMap(([pattern, instead, rooms]) =>
        rooms.includes(file.room)
          ? []
          : [...file.text.matchAll(pattern)].map(
              (match) => `${file.path}:${lineAt(file.text, match.index)}: "${match[0]}": ${instead}`,
            ),
      ),
    );
    assert.deepEqual(found, []);
  });

  it("has a docstring on every exported class, function, interface and type", () => {
    assert.deepEqual(sources.flatMap(undocumented), []);
  });

  it("skips no test without a reason that names what to install", () => {
    const found = tree
      .filter((file) => file.path.endsWith(".test.ts"))
      .flatMap((file) => [...file.text.matchAll(/\b(it|test|describe)\.(skip|todo|only)\b/g)].map(() => file.path));
    assert.deepEqual(found, []);
  });
});

describe("docs", () => {
  it("errors.md explains exactly the error codes", () => {
    assert.deepEqual(headings("docs/errors.md"), [...ERROR_CODES].sort());
  });

  it("dependencies.md has a line for exactly the dependencies", () => {
    const manifest: unknown = JSON.parse(readFileSync("package.json", "utf8"));
    const names = ["dependencies", "optionalDependencies", "devDependencies"].flatMap((section) =>
      isRecord(manifest) && isRecord(manifest[section]) ? Object.keys(manifest[section]) : [],
    );
    const listed = [...readFileSync("docs/dependencies.md", "utf8").matchAll(/^\| `([^`]+)` +\|/gm)].map(
      (match) => match[1],
    );
    assert.deepEqual(new Set(listed), new Set(names));
  });
});

describe("docs/defaults.md", () => {
  it("has every limit with its default and a reason", () => {
    const rows = [...readFileSync("docs/defaults.md", "utf8").matchAll(/^\| `(\w+)` +\| ([^|]+) \| [^|]{10,} \|$/gm)];
    const listed = Object.fromEntries(rows.map((row) => [row[1] ?? "", parseQuantity(row[2] ?? "")]));
    assert.deepEqual(listed, limits);
  });
});

describe("limits", () => {
  it("are each named by a test", () => {
    const tests = tree.filter((file) => file.isTest && file.room === "proxy").map((file) => file.text);
    assert.deepEqual(
      Object.keys(limits).filter((name) => !tests.some((text) => text.includes(name))),
      [],
    );
  });
});

/** `15 s`, `250 ms`, `8 KiB`, `20,000`: in milliseconds, bytes or as it is. */
function parseQuantity(text: string): number {
  const [, number = "", unit = ""] = /^([\d,]+) ?(\w*)$/.exec(text.trim()) ?? [];
  const factor = { ms: 1, s: 1000, KiB: 1024, MiB: 1024 ** 2, "": 1 }[unit] ?? Number.NaN;
  return Number(number.replaceAll(",", "")) * factor;
}

describe("package-lock.json", () => {
  it("names the packages of every platform, or npm ci refuses it", () => {
    const check = spawnSync(process.execPath, ["tools/complete-lock.ts", "--check"], { encoding: "utf8" });
    assert.equal(check.status, 0, `${check.stdout}Run "bin/node tools/complete-lock.ts"`);
  });
});

function headings(path: string): readonly string[] {
  return [...readFileSync(path, "utf8").matchAll(/^### `?(\w+)`?$/gm)].map((match) => match[1] ?? "").sort();
}

function undocumented(file: SourceFile): readonly string[] {
  const { program, comments } = parseSync(file.path, file.text);
  const ends = comments.filter((comment) => comment.value.startsWith("*")).map((comment) => comment.end);
  return exportsOf(program).flatMap(({ name, start }) => {
    const hasDoc = ends.some((end) => end <= start && file.text.slice(end, start).trim() === "");
    return hasDoc ? [] : [`${file.path}:${lineAt(file.text, start)}: "${name}" has no docstring`];
  });
}

function exportsOf(program: Program): readonly { readonly name: string; readonly start: number }[] {
  return program.body.flatMap((node) => {
    if (node.type !== "ExportNamedDeclaration" || node.declaration === null) return [];
    const { declaration } = node;
    const isNamed =
      declaration.type === "ClassDeclaration" ||
      declaration.type === "FunctionDeclaration" ||
      declaration.type === "TSInterfaceDeclaration" ||
      declaration.type === "TSTypeAliasDeclaration";
    return isNamed ? [{ name: declaration.id?.name ?? "", start: node.start }] : [];
  });
}
