import { arrayAt, isRecord, recordAt, stringAt } from "../../ground/json.ts";
import { FIRST_VERSION_ANNOTATION, type FieldMove, type OlderVersion } from "../../resource/older-versions.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Returns an object of an older version of cert-manager's API in the stored one. */
export function olderToStored(object: Fields, older: OlderVersion): Fields {
  const moved = older.moves.reduce((result, move) => moveField(result, move, "stored"), object);
  return older.only.length === 0 ? moved : withoutOnly(withSolvers(moved), older.only);
}

/** Returns a stored object in an older version. */
export function olderFromStored(object: Fields, older: OlderVersion): Fields {
  const moved = older.moves.reduce((result, move) => moveField(result, move, "older"), object);
  const kept = keptFields(object);
  return older.only.reduce((result, path) => {
    const value = kept[path];
    return value === undefined ? result : put(result, path.split("."), value);
  }, moved);
}

/** Moves one field `to` where that version has it. What is there already wins: somebody wrote it on purpose. */
function moveField(object: Fields, move: FieldMove, to: "older" | "stored"): Fields {
  const { each } = move;
  if (each === "") return moveOne(object, move, to);
  const path = each.split(".");
  const list = valueAt(object, path);
  if (!Array.isArray(list)) return object;
  const items = list.map((item: unknown) => (isRecord(item) ? moveOne(item, move, to) : item));
  return put(object, path, items);
}

function moveOne(object: Fields, { older, stored, words }: FieldMove, to: "older" | "stored"): Fields {
  const from = (to === "stored" ? older : stored).split(".");
  const target = (to === "stored" ? stored : older).split(".");
  const value = valueAt(object, from);
  if (value === undefined) return object;
  const left = take(object, from);
  return valueAt(left, target) === undefined ? put(left, target, translated(value, words, to)) : left;
}

function translated(value: unknown, words: FieldMove["words"], to: "older" | "stored"): unknown {
  if (typeof value !== "string") return value;
  if (to === "stored") return Object.hasOwn(words, value) ? words[value] : value;
  return Object.entries(words).find(([, stored]) => stored === value)?.[0] ?? value;
}

/**
 * Before there were solvers an issuer said `http01: {}` and `dns01: { providers: […] }`: each becomes a solver, so that
 * names are proven as they were, by DNS where HTTP can't.
 */
function withSolvers(object: Fields): Fields {
  const acme = recordAt(recordAt(object, "spec"), "acme");
  if (acme["server"] === undefined || acme["solvers"] !== undefined) return object;
  const http = isRecord(acme["http01"]) ? [{ http01: { ingress: {} } }] : [];
  const dns = arrayAt(acme["dns01"], "providers").flatMap((provider) => {
    if (!isRecord(provider)) return [];
    const { name: _, ...config } = provider;
    const renamed = Object.entries(config).map(([key, value]): [string, unknown] => [PROVIDERS[key] ?? key, value]);
    return [{ dns01: Object.fromEntries(renamed) }];
  });
  return http.length + dns.length === 0 ? object : put(object, ["spec", "acme", "solvers"], [...http, ...dns]);
}

const PROVIDERS: Readonly<Record<string, string>> = { acmedns: "acmeDNS", azuredns: "azureDNS", clouddns: "cloudDNS" };

/** Puts what later versions have no place for into an annotation. */
function withoutOnly(object: Fields, only: readonly string[]): Fields {
  const kept: Record<string, unknown> = {};
  let rest = object;
  for (const path of only) {
    const value = valueAt(object, path.split("."));
    if (value === undefined) continue;
    kept[path] = value;
    rest = take(rest, path.split("."));
  }
  const annotation = ["metadata", "annotations", FIRST_VERSION_ANNOTATION];
  return Object.keys(kept).length === 0 ? take(rest, annotation) : put(rest, annotation, JSON.stringify(kept));
}

function keptFields(object: Fields): Fields {
  const text = stringAt(recordAt(recordAt(object, "metadata"), "annotations"), FIRST_VERSION_ANNOTATION);
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return isRecord(value) ? value : {};
  } catch {
    // Somebody changed the annotation by hand: it is theirs.
    return {};
  }
}

function valueAt(object: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (isRecord(value) ? value[name] : undefined), object);
}

function put(object: Fields, [head = "", ...rest]: readonly string[], value: unknown): Fields {
  const child = object[head];
  return { ...object, [head]: rest.length === 0 ? value : put(isRecord(child) ? child : {}, rest, value) };
}

/** Leaves out a field, and an object that holds nothing else. */
function take(object: Fields, [head = "", ...rest]: readonly string[]): Fields {
  const { [head]: child, ...others } = object;
  if (rest.length === 0) return others;
  if (!isRecord(child)) return object;
  const left = take(child, rest);
  const isEmptied = Object.keys(left).length === 0 && Object.keys(child).length > 0;
  return isEmptied && rest.length === 1 ? others : { ...object, [head]: left };
}
