// ARCHITECTURE.md is the source of the import rules: this test reads its table and holds the code to it.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, it } from "node:test";
import { readSourceTree, type SourceFile } from "./source-tree.ts";

const text = readFileSync("ARCHITECTURE.md", "utf8");
const tree = readSourceTree();
const rules = readRules();
const pureRooms = readPureRooms();

describe("ARCHITECTURE.md", () => {
  it("has a rule for every room of src/ and no other", () => {
    const rooms = readdirSync("src").filter((name) => statSync(join("src", name)).isDirectory());
    assert.deepEqual([...rules.keys()].sort(), rooms.sort());
  });

  it("names only files that exist", () => {
    const named = [...text.matchAll(/`((?:src|tools|test|docs|examples|bench)\/[\w./-]+)`/g)].map(
      (match) => match[1] ?? "",
    );
    assert.ok(named.length > 10);
    assert.deepEqual(
      named.filter((path) => !existsSync(path)),
      [],
    );
  });

  it("stays within 250 lines", () => {
    assert.ok(text.split("\n").length <= 250);
  });
});

describe("imports", () => {
  it("go only where the table allows", () => {
    assert.ok(tree.length > 30, "the tree was read");
    assert.deepEqual(tree.flatMap(forbiddenImports), []);
  });

  it("of pure rooms and decisions reach neither the machine nor time", () => {
    const impure = tree
      .filter(isPure)
      .flatMap((file) => [
        ...file.imports
          .filter(({ specifier }) => specifier.startsWith("node:"))
          .map(({ specifier, line }) => `${file.path}:${line}: imports ${specifier}`),
        ...[...file.text.matchAll(/\bnew Date\(\)|\bDate\.now\b|\bMath\.random\b|\bperformance\./g)].map(
          (match) => `${file.path}: uses ${match[0]}`,
        ),
      ]);
    assert.deepEqual(impure, []);
  });

  it("load the control plane only from the roles that need it", () => {
    const reached = reachableFrom("src/app/worker.ts");
    assert.ok(reached.size > 10, "the worker was followed");
    const heavy = [...reached].filter((path) => /^src\/(control|api|store|acme|translate)\//.test(path));
    assert.deepEqual(heavy, []);
  });
});

function readRules(): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, ReadonlySet<string>>();
  const [, table = ""] = text.split(/^\| room +\| may import +\|$/m);
  for (const line of table.trim().split("\n").slice(1)) {
    const cells = line.split("|").map((cell) => cell.trim());
    if (cells.length !== 4) break;
    const allowed = splitNames(cells[2] ?? "");
    for (const room of splitNames(cells[1] ?? "")) found.set(room, new Set([room, ...allowed]));
  }
  return found;
}

function splitNames(cell: string): readonly string[] {
  return cell
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function readPureRooms(): ReadonlySet<string> {
  const line = /^Pure: (.*)$/m.exec(text)?.[1] ?? "";
  return new Set([...line.matchAll(/`src\/([\w/-]+?)\/?`/g)].map((match) => match[1] ?? ""));
}

function forbiddenImports(file: SourceFile): readonly string[] {
  const allowed = rules.get(file.room);
  if (allowed === undefined || file.isTest) return [];
  return file.imports.flatMap(({ specifier, line }) => {
    if (!specifier.startsWith(".")) return [];
    const room = resolve(file.path, specifier).split("/")[1] ?? "";
    return allowed.has(room) ? [] : [`${file.path}:${line}: ${file.room} may not import ${room}`];
  });
}

function isPure(file: SourceFile): boolean {
  if (file.isTest) return false;
  if (file.path.endsWith("/decide.ts") || file.path === "src/acme/order.ts") return true;
  return [...pureRooms].some((room) => file.path.startsWith(`src/${room}/`));
}

function reachableFrom(start: string): ReadonlySet<string> {
  const byPath = new Map(tree.map((file) => [file.path, file]));
  const seen = new Set<string>();
  const waiting = [start];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const file = byPath.get(path);
    if (file === undefined || seen.has(path)) continue;
    seen.add(path);
    for (const { specifier } of file.imports) if (specifier.startsWith(".")) waiting.push(resolve(path, specifier));
  }
  return seen;
}

function resolve(from: string, specifier: string): string {
  return normalize(join(dirname(from), specifier));
}
