import { existsSync } from "node:fs";
import { readFile, readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import type { Clock } from "../ground/clock.ts";
import { LintelError, messageOf } from "../ground/errors.ts";
import { arrayAt, stringAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import { readFileIfAny, writeFileAtomically } from "./state-folder.ts";
import { readManifests, type Manifest, type ManifestProblem } from "./read-manifests.ts";

/** Names an object whatever the version it was written in. */
export interface AppliedObject {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  /** The file it came from. */
  readonly file: string;
}

/** What the store, or a test, does for the files. */
export interface ManifestTarget {
  /** Server-side apply. Throws when the object is refused; `field` of the failure, if any, is found by {@link refusedField}. */
  apply(
    object: KubeObject,
  ): Promise<{ readonly outcome: "created" | "configured" | "unchanged"; readonly warnings: readonly string[] }>;
  /** Deletes; resolves to false when there was none. */
  remove(object: AppliedObject): Promise<boolean>;
  /** The field that made `error`, such as `spec.rules[0].host`. */
  refusedField(error: unknown): string | undefined;
}

/** What {@link ManifestFiles} needs. */
export interface ManifestFilesOptions {
  /** Files and folders, absolute. Of a folder: every .yaml, .yml and .json below it. */
  readonly roots: readonly string[];
  readonly target: ManifestTarget;
  /** Where the names of the applied objects are kept. */
  readonly memory: string;
  readonly clock: Clock;
  readonly onProblem: (problem: ManifestProblem) => void;
  readonly onApplied: (sentence: string) => void;
}

/** How often the files are looked at. Looking beats being told: editors replace files, and network folders tell nothing. */
const LOOK_EVERY_MS = 500;

/** How often a refused object is offered again without a change of its file: what it lacked may have come. */
const RETRY_EVERY_MS = 5_000;

const MANIFEST_FILES_MAX = 10_000;
const MANIFEST_BYTES_MAX: number = 16 * 1024 * 1024;

/**
 * Keeps the store equal to a set of files: applies their objects, applies them again when the files change, and removes
 * an object once no file has it, also across restarts. A bad document never keeps another from being applied, and what
 * a broken file had brought stays.
 */
export class ManifestFiles {
  readonly #options: ManifestFilesOptions;
  #applied: readonly AppliedObject[];
  #signature = "";
  #paths: ReadonlySet<string> = new Set();
  /** Folders that were given: one that vanishes is taken for unmounted, not for emptied. */
  readonly #folders = new Set<string>();
  #refused = false;
  #lastTryMs = 0;
  /** Sentences already told, so that a retry does not repeat them. */
  readonly #told = new Set<string>();

  constructor(options: ManifestFilesOptions) {
    this.#options = options;
    this.#applied = readMemory(options.memory);
  }

  /** Applies the files once, and then whenever they change, until `signal` aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.sync();
      } catch (error) {
        // Such as a full disk under the memory file: what was applied stays applied, the next change is tried again.
        this.#tell({ file: this.#options.memory, line: 1, message: messageOf(error) });
      }
    }
  }

  /** Brings the store to the state of the files, unless nothing changed since the last time. */
  async sync(): Promise<void> {
    const { clock } = this.#options;
    const files = await this.#find();
    if (this.#justLost(files)) return;
    const signature = files.map((file) => `${file.path}\0${file.mark}`).join("\n");
    const isRetry = this.#refused && clock.monotonicMs() - this.#lastTryMs >= RETRY_EVERY_MS;
    if (signature === this.#signature && !isRetry) return;
    if (signature !== this.#signature) this.#told.clear();
    this.#signature = signature;
    this.#lastTryMs = clock.monotonicMs();
    await this.#apply(files.map((file) => file.path));
  }

  /**
   * Returns whether a file of the last look is missing for the first time. Editors that save by renaming leave a moment
   * without the file: its objects must not go for that, so only the next look believes it.
   */
  #justLost(files: readonly FoundFile[]): boolean {
    const before = this.#paths;
    this.#paths = new Set(files.map((file) => file.path));
    return [...before].some((path) => !this.#paths.has(path));
  }

  async #apply(paths: readonly string[]): Promise<void> {
    const manifests: Manifest[] = [];
    const broken = new Set<string>();
    for (const path of paths) {
      const read = await this.#read(path);
      manifests.push(...read.manifests);
      if (read.problems.length > 0) broken.add(path);
      for (const problem of read.problems) this.#tell(problem);
    }
    const present: AppliedObject[] = [];
    this.#refused = false;
    for (const manifest of manifests.sort((left, right) => orderOf(left) - orderOf(right))) {
      present.push(nameOf(manifest));
      await this.#applyOne(manifest);
    }
    await this.#prune(present, (file) => broken.has(file) || this.#isUnmounted(file));
  }

  async #applyOne(manifest: Manifest): Promise<void> {
    const { target } = this.#options;
    try {
      const { outcome, warnings } = await target.apply(manifest.object);
      if (outcome !== "unchanged") this.#options.onApplied(`${titleOf(nameOf(manifest))} ${outcome}`);
      for (const warning of warnings) this.#tell({ file: manifest.file, line: manifest.line, message: warning });
    } catch (error) {
      this.#refused = true;
      const field = target.refusedField(error);
      this.#tell({
        file: manifest.file,
        line: field === undefined ? manifest.line : manifest.lineOf(field),
        message: messageOf(error),
        ...(error instanceof LintelError && error.hint !== undefined ? { hint: error.hint } : {}),
      });
    }
  }

  async #prune(present: readonly AppliedObject[], isUnknown: (file: string) => boolean): Promise<void> {
    const names = new Set(present.map(keyOf));
    const kept: AppliedObject[] = [];
    for (const object of this.#applied) {
      if (names.has(keyOf(object))) continue;
      if (isUnknown(object.file) || !(await this.#removeOne(object))) kept.push(object);
    }
    this.#applied = [...present, ...kept];
    writeFileAtomically(this.#options.memory, `${JSON.stringify(this.#applied)}\n`, 0o600);
  }

  /** Returns whether the object is gone. */
  async #removeOne(object: AppliedObject): Promise<boolean> {
    try {
      const wasThere = await this.#options.target.remove(object);
      if (wasThere) this.#options.onApplied(`${titleOf(object)} removed, it is no longer in ${object.file}`);
      return true;
    } catch (error) {
      this.#refused = true;
      this.#tell({ file: object.file, line: 1, message: `Cannot remove ${titleOf(object)}: ${messageOf(error)}` });
      return false;
    }
  }

  #tell(problem: ManifestProblem): void {
    const key = `${problem.file}:${problem.line}: ${problem.message}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#options.onProblem(problem);
  }

  async #read(path: string): Promise<ReturnType<typeof readManifests>> {
    try {
      return readManifests(path, await readFile(path, "utf8"));
    } catch (error) {
      return {
        manifests: [],
        problems: [{ file: path, line: 1, message: `Cannot read the file: ${messageOf(error)}` }],
      };
    }
  }

  async #find(): Promise<readonly FoundFile[]> {
    const found: FoundFile[] = [];
    for (const root of this.#options.roots) {
      const facts = await stat(root).catch(() => undefined);
      if (facts?.isDirectory() === true) this.#folders.add(root);
      await findFiles(root, found, true);
    }
    return found;
  }

  #isUnmounted(file: string): boolean {
    return [...this.#folders].some((folder) => file.startsWith(`${folder}/`) && !existsSync(folder));
  }
}

interface FoundFile {
  readonly path: string;
  /** Differs when the content may. */
  readonly mark: string;
}

async function findFiles(path: string, found: FoundFile[], named: boolean): Promise<void> {
  if (found.length >= MANIFEST_FILES_MAX) return;
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) return;
  if (facts.isDirectory()) {
    for (const name of (await readdir(path).catch(() => [])).sort((left, right) => (left < right ? -1 : 1))) {
      if (!name.startsWith(".")) await findFiles(join(path, name), found, false);
    }
  } else if (facts.isFile() && facts.size <= MANIFEST_BYTES_MAX && (named || EXTENSIONS.has(extname(path)))) {
    found.push({ path, mark: `${facts.mtimeMs} ${facts.size} ${facts.ino}` });
  }
}

const EXTENSIONS: ReadonlySet<string> = new Set([".yaml", ".yml", ".json"]);

/** What others need goes first; within a rank the order of the files stays. */
const RANKS: readonly (readonly string[])[] = [
  ["Namespace", "CustomResourceDefinition"],
  ["Secret", "ConfigMap", "ServiceAccount", "IngressClass", "ClusterIssuer", "Issuer"],
  ["Service", "EndpointSlice", "Endpoints"],
];

function orderOf(manifest: Manifest): number {
  const rank = RANKS.findIndex((kinds) => kinds.includes(manifest.object.kind));
  return rank < 0 ? RANKS.length : rank;
}

function nameOf({ object, file }: Manifest): AppliedObject {
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, namespace: metadata.namespace ?? "", name: metadata.name, file };
}

function keyOf(object: AppliedObject): string {
  const group = object.apiVersion.includes("/") ? (object.apiVersion.split("/")[0] ?? "") : "";
  return `${group}/${object.kind}/${object.namespace}/${object.name}`;
}

function titleOf(object: AppliedObject): string {
  return `${object.kind} "${object.namespace === "" ? "" : `${object.namespace}/`}${object.name}"`;
}

function readMemory(path: string): readonly AppliedObject[] {
  try {
    const value: unknown = JSON.parse(readFileIfAny(path) ?? "[]");
    return arrayAt({ value }, "value").map((entry) => ({
      apiVersion: stringAt(entry, "apiVersion") ?? "",
      kind: stringAt(entry, "kind") ?? "",
      namespace: stringAt(entry, "namespace") ?? "",
      name: stringAt(entry, "name") ?? "",
      file: stringAt(entry, "file") ?? "",
    }));
  } catch {
    // Worst case an object outlives its file, which a person can delete; guessing could delete what is wanted.
    return [];
  }
}
