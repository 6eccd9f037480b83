import { globSync, readFileSync } from "node:fs";
import { parseSync } from "oxc-parser";

/** One file of `src/`, parsed: what the checks of this folder look at. */
export interface SourceFile {
  /** Relative to the checkout: `src/routing/match.ts`. */
  readonly path: string;
  /** The room: `routing`, or `main.ts` for the entry file. */
  readonly room: string;
  readonly text: string;
  readonly isTest: boolean;
  readonly imports: readonly Import[];
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly isDynamic: boolean;
}

/** Returns every TypeScript file of `src/`, tests included. */
export function readSourceTree(): readonly SourceFile[] {
  return globSync("src/**/*.ts")
    .sort()
    .map((path) => {
      const text = readFileSync(path, "utf8");
      return {
        path,
        room: path.split("/")[1] ?? "",
        text,
        isTest: /(\.test|\.fixture)\.ts$|(^|\/)testing(\.ts$|\/)/.test(path),
        imports: importsOf(path, text),
      };
    });
}

/** Returns the 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function importsOf(path: string, text: string): readonly Import[] {
  const { module } = parseSync(path, text);
  const fixed = module.staticImports.map((found) => ({
    specifier: found.moduleRequest.value,
    line: lineAt(text, found.start),
    isDynamic: false,
  }));
  const dynamic = module.dynamicImports.map((found) => ({
    specifier: text.slice(found.moduleRequest.start + 1, found.moduleRequest.end - 1),
    line: lineAt(text, found.start),
    isDynamic: true,
  }));
  const exported = module.staticExports.flatMap((found) =>
    found.entries.flatMap((entry) =>
      entry.moduleRequest === null
        ? []
        : [{ specifier: entry.moduleRequest.value, line: lineAt(text, found.start), isDynamic: false }],
    ),
  );
  return [...fixed, ...dynamic, ...exported];
}
