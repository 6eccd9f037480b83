/** A file that certbot keeps its settings in: sections below sections, values as text. */
export interface SettingsSection {
  readonly values: ReadonlyMap<string, string>;
  readonly sections: ReadonlyMap<string, SettingsSection>;
}

interface OpenSection {
  readonly values: Map<string, string>;
  readonly sections: Map<string, OpenSection>;
}

const LINES_MAX = 10_000;

/**
 * Returns what a file of `renewal/` or a credentials file of a DNS plugin says: `name = value` lines, `[section]` and below
 * it `[[section]]`, comments after `#` at the start of a line. Quotes around a whole value go. Lines that are none of these are skipped, as
 * certbot writes none.
 */
export function parseSettings(text: string): SettingsSection {
  const root: OpenSection = { values: new Map(), sections: new Map() };
  const path: OpenSection[] = [root];
  for (const line of text.split(/\r?\n/).slice(0, LINES_MAX)) {
    const heading = /^\s*(\[+)\s*([^\]]+?)\s*\]+\s*$/.exec(line);
    const [, brackets = "", name = ""] = heading ?? [];
    if (heading !== null) {
      const depth = Math.min(brackets.length, path.length);
      const section: OpenSection = { values: new Map(), sections: new Map() };
      path.length = depth;
      path.at(-1)?.sections.set(unquoted(name), section);
      path.push(section);
      continue;
    }
    const [, key, value = ""] = /^\s*([^#=[\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined) path.at(-1)?.values.set(unquoted(key), unquoted(value));
  }
  return root;
}

/** Returns the entries of a list value: `a, b,` is two; "" and "None" are none. */
export function listOf(value: string | undefined): readonly string[] {
  if (value === undefined || value === "None") return [];
  return value
    .split(",")
    .map((entry) => unquoted(entry.trim()))
    .filter((entry) => entry !== "");
}

function unquoted(text: string): string {
  const [, inside] = /^(?:"([^"]*)"|'([^']*)')$/.exec(text) ?? [];
  return inside ?? text.replace(/^'([^']*)'$/, "$1");
}
