import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { ACCEPTED_KINDS, KINDS, apiVersionOf } from "../resource/kind.ts";
import type { Kind } from "../resource/kind.ts";
import { BUILT_IN } from "./catalog.ts";
import { SERVED_RESOURCES } from "./served-resource.ts";

/** Returns `version kind` for each kind in the tables below a heading of docs/api.md. */
async function documented(heading: string): Promise<readonly string[]> {
  const text = await readFile(new URL("../../docs/api.md", import.meta.url), "utf8");
  const section = text.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| `([^`]+)` +\| ([^|]+)\|$/gm)]
    .flatMap(([, version = "", kinds = ""]) => kinds.split(",").map((kind) => `${version} ${kind.trim()}`))
    .sort();
}

function named(kinds: readonly Kind[]): readonly string[] {
  return kinds.map((kind) => `${apiVersionOf(kind)} ${kind.kind}`).sort();
}

describe("docs/api.md", () => {
  it("names exactly the kinds that are acted on and those that are accepted", async () => {
    assert.deepEqual(await documented("Kinds that Lintel acts on"), named(KINDS));
    assert.deepEqual(await documented("Kinds that are accepted"), named(ACCEPTED_KINDS));
  });
});

describe("SERVED_RESOURCES", () => {
  it("has each path once", () => {
    const paths = SERVED_RESOURCES.map((entry) => `${entry.apiVersion}/${entry.kind.plural}`);
    assert.equal(new Set(paths).size, paths.length);
    for (const entry of SERVED_RESOURCES) {
      assert.equal(BUILT_IN.find(entry.group, entry.version, entry.kind.plural), entry);
    }
  });

  it("gives a short name to one group only, or clients warn that it could mean another", () => {
    const groups = new Map<string, string>();
    for (const entry of SERVED_RESOURCES) {
      for (const shortName of entry.shortNames) {
        assert.equal(groups.get(shortName) ?? entry.group, entry.group, shortName);
        groups.set(shortName, entry.group);
      }
    }
  });

  it("lets names resolve to the version people mean: the older group of Ingress comes last", () => {
    const order = BUILT_IN.groups.map(({ group }) => group);
    assert.equal(order.at(-1), "extensions");
    const networking = BUILT_IN.groups.find(({ group }) => group === "networking.k8s.io");
    assert.equal(networking?.versions[0], "v1");
  });
});
