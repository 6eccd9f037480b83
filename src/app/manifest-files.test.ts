import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ManualClock } from "../ground/testing.ts";
import { stringAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import { ManifestFiles, type AppliedObject, type ManifestTarget } from "./manifest-files.ts";
import { readManifests, type ManifestProblem } from "./read-manifests.ts";

const CONFIG = (name: string, value = "1"): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  namespace: shop\ndata:\n  key: "${value}"\n`;

test("readManifests() returns every document and the items of a List", () => {
  const text = `${CONFIG("a")}---\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: b}}\n`;
  const { manifests, problems } = readManifests("f.yaml", text);
  assert.deepEqual(
    manifests.map(({ object, line }) => [object.kind, object.metadata.name, line]),
    [
      ["ConfigMap", "a", 1],
      ["Secret", "b", 10],
    ],
  );
  assert.deepEqual(problems, []);
});

test("readManifests() names the line of a document that is not YAML and keeps the others", () => {
  const { manifests, problems } = readManifests("f.yaml", `${CONFIG("a")}---\nkind: [\n---\n${CONFIG("c")}`);
  assert.equal(problems.length, 1);
  assert.match(problems[0]?.message ?? "", /^Not valid YAML: /);
  assert.ok((problems[0]?.line ?? 0) >= 9);
  assert.deepEqual(
    manifests.map(({ object }) => object.metadata.name),
    ["a", "c"],
  );
});

test("readManifests() says what is missing when a document is no object", () => {
  const { problems } = readManifests("f.yaml", "\n\nkind: ConfigMap\n");
  assert.deepEqual(
    problems.map(({ line, message }) => [line, message]),
    [[3, 'Not a Kubernetes object: "apiVersion" is missing']],
  );
});

test("a manifest knows the line of a field, or of the nearest one that exists", () => {
  const [manifest] = readManifests("f.yaml", CONFIG("a")).manifests;
  assert.equal(manifest?.lineOf("data.key"), 7);
  assert.equal(manifest?.lineOf("metadata.labels.app"), 4);
  assert.equal(manifest?.lineOf("nothing.here"), 1);
});

test("ManifestFiles applies what changed and removes what is gone", async (t) => {
  const place = folder(t);
  const target = new FakeTarget();
  place.write("a.yaml", `${CONFIG("a")}---\n${CONFIG("b")}`);
  const files = place.open(target);
  await files.sync();
  assert.deepEqual(target.take(), ["apply a=1", "apply b=1"]);
  await files.sync();
  assert.deepEqual(target.take(), []);
  place.write("a.yaml", CONFIG("a", "changed"));
  await files.sync();
  assert.deepEqual(target.take(), ["apply a=changed", "remove b"]);
});

test("ManifestFiles removes after a restart what left the files meanwhile", async (t) => {
  const place = folder(t);
  place.write("a.yaml", CONFIG("a"));
  place.write("b.yaml", CONFIG("b"));
  await place.open(new FakeTarget()).sync();
  rmSync(join(place.manifests, "b.yaml"));
  const target = new FakeTarget();
  await place.open(target).sync();
  assert.deepEqual(target.take(), ["apply a=1", "remove b"]);
});

test("ManifestFiles believes that a file is gone only when it is missing twice", async (t) => {
  const place = folder(t);
  const target = new FakeTarget();
  place.write("a.yaml", CONFIG("a"));
  const files = place.open(target);
  await files.sync();
  target.take();
  rmSync(join(place.manifests, "a.yaml"));
  await files.sync();
  place.write("a.yaml", CONFIG("a", "saved"));
  await files.sync();
  assert.deepEqual(target.take(), ["apply a=saved"]);
  rmSync(join(place.manifests, "a.yaml"));
  await files.sync();
  await files.sync();
  assert.deepEqual(target.take(), ["remove a"]);
});

test("ManifestFiles keeps the objects of a folder when the folder itself vanishes", async (t) => {
  const place = folder(t);
  const target = new FakeTarget();
  place.write("a.yaml", CONFIG("a"));
  const files = place.open(target);
  await files.sync();
  target.take();
  rmSync(place.manifests, { recursive: true });
  await files.sync();
  await files.sync();
  assert.deepEqual(target.take(), []);
});

test("ManifestFiles keeps what a file had brought when the file is broken", async (t) => {
  const place = folder(t);
  const target = new FakeTarget();
  place.write("a.yaml", CONFIG("a"));
  place.write("b.yaml", CONFIG("b"));
  const files = place.open(target);
  await files.sync();
  target.take();
  place.write("a.yaml", "kind: [");
  await files.sync();
  assert.deepEqual(target.take(), ["apply b=1"]);
  assert.equal(place.problems.length, 1);
});

test("ManifestFiles names file and line of a refused field, applies the others, and tries again later", async (t) => {
  const place = folder(t);
  const target = new FakeTarget();
  target.refuse.add("a");
  place.write("a.yaml", CONFIG("a"));
  place.write("b.yaml", CONFIG("b"));
  const files = place.open(target);
  await files.sync();
  assert.deepEqual(target.take(), ["apply b=1"]);
  assert.deepEqual(
    place.problems.map(({ file, line, message }) => [file, line, message]),
    [[join(place.manifests, "a.yaml"), 7, "a is refused"]],
  );
  target.refuse.clear();
  await files.sync();
  assert.deepEqual(target.take(), []);
  await place.clock.advance(5_000);
  await files.sync();
  assert.deepEqual(target.take(), ["apply a=1", "apply b=1"]);
  assert.equal(place.problems.length, 1);
});

test("ManifestFiles applies namespaces before what lives in them", async (t) => {
  const place = folder(t);
  const target = new FakeTarget();
  place.write("a.yaml", CONFIG("a"));
  place.write("z.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n");
  await place.open(target).sync();
  assert.deepEqual(target.take(), ["apply shop=", "apply a=1"]);
});

test("ManifestFiles leaves hidden files and other extensions of a folder alone", async (t) => {
  const place = folder(t);
  const target = new FakeTarget();
  place.write("notes.txt", "not yaml: [");
  place.write(".a.yaml.swp", "not yaml: [");
  await place.open(target).sync();
  assert.deepEqual(target.take(), []);
  assert.deepEqual(place.problems, []);
});

/** Remembers calls. Does not imitate field ownership: apply replaces. */
class FakeTarget implements ManifestTarget {
  readonly refuse = new Set<string>();
  readonly #calls: string[] = [];

  apply(object: KubeObject): ReturnType<ManifestTarget["apply"]> {
    const { name } = object.metadata;
    if (this.refuse.has(name)) return Promise.reject(new Error(`${name} is refused`));
    this.#calls.push(`apply ${name}=${stringAt(object["data"], "key") ?? ""}`);
    return Promise.resolve({ outcome: "configured", warnings: [] });
  }

  remove(object: AppliedObject): Promise<boolean> {
    this.#calls.push(`remove ${object.name}`);
    return Promise.resolve(true);
  }

  refusedField(): string {
    return "data.key";
  }

  take(): readonly string[] {
    return this.#calls.splice(0);
  }
}

interface Place {
  readonly manifests: string;
  readonly clock: ManualClock;
  readonly problems: ManifestProblem[];
  write(name: string, text: string): void;
  open(target: ManifestTarget): ManifestFiles;
}

function folder(t: TestContext): Place {
  const directory = mkdtempSync(join(tmpdir(), "lintel-files-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const manifests = join(directory, "manifests");
  mkdirSync(manifests);
  const clock = new ManualClock();
  const problems: ManifestProblem[] = [];
  return {
    manifests,
    clock,
    problems,
    write: (name, text) => writeFileSync(join(manifests, name), text),
    open: (target) =>
      new ManifestFiles({
        roots: [manifests],
        target,
        memory: join(directory, "applied.json"),
        clock,
        onProblem: (problem) => problems.push(problem),
        onApplied: () => undefined,
      }),
  };
}
