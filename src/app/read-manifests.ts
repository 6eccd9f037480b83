import { LineCounter, isNode, parseAllDocuments, type Document } from "yaml";
import { arrayAt, isRecord, recordAt, stringAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";

/** One object of a file, and where it stands there. */
export interface Manifest {
  readonly object: KubeObject;
  readonly file: string;
  /** Of the document, from 1. */
  readonly line: number;
  /** Returns the line of a field such as `spec.rules[0].host`, or of the nearest enclosing one that exists. */
  readonly lineOf: (field: string) => number;
}

/** Something in a file that cannot be used. Its other documents still can. */
export interface ManifestProblem {
  readonly file: string;
  readonly line: number;
  /** One sentence without a full stop. */
  readonly message: string;
  readonly hint?: string;
}

/** What a file holds. */
export interface ManifestsRead {
  readonly manifests: readonly Manifest[];
  readonly problems: readonly ManifestProblem[];
}

/** Returns the objects in the YAML or JSON `text`, documents separated by `---`; a `List` counts as its items. */
export function readManifests(file: string, text: string): ManifestsRead {
  const lines = new LineCounter();
  const manifests: Manifest[] = [];
  const problems: ManifestProblem[] = [];
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const line = lines.linePos(document.contents?.range?.[0] ?? document.range[0]).line;
    const [error] = document.errors;
    if (error !== undefined) {
      const message = error.message.split("\n")[0] ?? "not YAML";
      problems.push({ file, line: lines.linePos(error.pos[0]).line, message: `Not valid YAML: ${message}` });
      continue;
    }
    const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
    if (value === null || value === undefined) continue;
    const lineOf = (field: string): number => lineOfField(document, lines, field) ?? line;
    for (const entry of itemsOf(value)) {
      const object = asObject(entry);
      if (typeof object === "string") problems.push({ file, line, message: object, hint: OBJECT_HINT });
      else manifests.push({ object, file, line, lineOf });
    }
  }
  return { manifests, problems };
}

/** Aliases multiply what a small file expands to. */
const ALIASES_MAX = 100;

const OBJECT_HINT = 'Every document needs "apiVersion", "kind" and "metadata.name"';

function itemsOf(value: unknown): readonly unknown[] {
  const kind = stringAt(value, "kind") ?? "";
  return kind.endsWith("List") && isRecord(value) && Array.isArray(value["items"]) ? arrayAt(value, "items") : [value];
}

/** Returns the object, or a sentence that says what is missing. */
function asObject(value: unknown): KubeObject | string {
  if (!isRecord(value)) return "Not a Kubernetes object: the document is not a mapping";
  const apiVersion = stringAt(value, "apiVersion");
  const kind = stringAt(value, "kind");
  const metadata = recordAt(value, "metadata");
  const name = stringAt(metadata, "name");
  if (apiVersion === undefined) return 'Not a Kubernetes object: "apiVersion" is missing';
  if (kind === undefined) return 'Not a Kubernetes object: "kind" is missing';
  if (name === undefined || name === "") return `Not a Kubernetes object: ${kind} without "metadata.name"`;
  return { ...value, apiVersion, kind, metadata: { ...metadata, name } };
}

function lineOfField(document: Document.Parsed, lines: LineCounter, field: string): number | undefined {
  const path = field
    .split(/[.[\]]+/)
    .filter((part) => part !== "")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  for (let length = path.length; length > 0; length--) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    const offset = isNode(node) ? node.range?.[0] : undefined;
    if (offset !== undefined) return lines.linePos(offset).line;
  }
  return undefined;
}
