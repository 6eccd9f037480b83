import { arrayAt, isRecord, recordAt, stringAt, stringMapAt } from "../../ground/json.ts";
import type { FieldError } from "./field-error.ts";
import { forbiddenField, goStrings, invalidValue, required, tooLong } from "./field-error.ts";
import type { NameRule } from "./name-rules.ts";
import { labelValue, qualifiedName } from "./name-rules.ts";

/** Bytes of all annotations together. */
const ANNOTATIONS_BYTES_MAX = 262_144;

/** Finalizers without a domain that Kubernetes itself uses. */
const STANDARD_FINALIZERS: ReadonlySet<string> = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

/** Checks the metadata of any object: name, labels, annotations, owners, finalizers. */
export function checkObjectMeta(
  object: Readonly<Record<string, unknown>>,
  options: { readonly nameRule: NameRule; readonly isCustom: boolean },
): readonly FieldError[] {
  const metadata = recordAt(object, "metadata");
  return [
    ...checkName(metadata, options.nameRule),
    ...checkLabels(metadata["labels"], "metadata.labels"),
    ...checkAnnotations(metadata["annotations"], "metadata.annotations"),
    ...checkOwners(arrayAt(metadata, "ownerReferences")),
    ...arrayAt(metadata, "finalizers").flatMap((finalizer, index) =>
      checkFinalizer(finalizer, `metadata.finalizers${options.isCustom ? "" : `[${String(index)}]`}`, options.isCustom),
    ),
  ];
}

/** Checks what an update may not change in the metadata. */
export function checkObjectMetaUpdate(
  object: Readonly<Record<string, unknown>>,
  existing: Readonly<Record<string, unknown>>,
): readonly FieldError[] {
  const before = recordAt(existing, "metadata");
  if (before["deletionTimestamp"] === undefined) return [];
  const old = new Set(arrayAt(before, "finalizers"));
  const added = arrayAt(recordAt(object, "metadata"), "finalizers").filter((finalizer) => !old.has(finalizer));
  if (added.length === 0) return [];
  const list = goStrings(added.map(String)).text;
  return [
    forbiddenField(
      "metadata.finalizers",
      `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`,
    ),
  ];
}

/** Checks that a patch does not make another object of it; who replaces one and names another is told of a conflict. */
export function checkSameUid(
  object: Readonly<Record<string, unknown>>,
  existing: Readonly<Record<string, unknown>>,
): readonly FieldError[] {
  const uid = stringAt(recordAt(object, "metadata"), "uid") ?? "";
  const isSame = uid === "" || uid === stringAt(recordAt(existing, "metadata"), "uid");
  return isSame ? [] : [invalidValue("metadata.uid", uid, "field is immutable")];
}

/** Warnings about the metadata of a custom resource. */
export function warnAboutFinalizers(object: Readonly<Record<string, unknown>>): readonly string[] {
  return arrayAt(recordAt(object, "metadata"), "finalizers").flatMap((finalizer) =>
    typeof finalizer !== "string" || finalizer.includes("/") || STANDARD_FINALIZERS.has(finalizer)
      ? []
      : [
          `metadata.finalizers: ${JSON.stringify(finalizer)}: prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers`,
        ],
  );
}

function checkName(metadata: Readonly<Record<string, unknown>>, rule: NameRule): readonly FieldError[] {
  const name = stringAt(metadata, "name") ?? "";
  const generateName = stringAt(metadata, "generateName") ?? "";
  const errors: FieldError[] = [];
  if (generateName !== "") {
    // Five characters follow, so a dash at the end is fine.
    const masked = generateName.replace(/-$/, "a");
    errors.push(...rule(masked).map((reason) => invalidValue("metadata.generateName", generateName, reason)));
  }
  if (name === "") {
    if (generateName === "") errors.push(required("metadata.name", "name or generateName is required"));
  } else {
    errors.push(...pathSafe(name), ...rule(name).map((reason) => invalidValue("metadata.name", name, reason)));
  }
  return errors;
}

function pathSafe(name: string): readonly FieldError[] {
  return ["/", "%"]
    .filter((character) => name.includes(character))
    .map((character) => invalidValue("metadata.name", name, `may not contain '${character}'`));
}

/** Checks the keys and values of labels at `path`. */
export function checkLabels(labels: unknown, path: string): readonly FieldError[] {
  if (!isRecord(labels)) return [];
  return Object.entries(labels).flatMap(([key, value]) => [
    ...qualifiedName(key).map((reason) => invalidValue(path, key, reason)),
    ...labelValue(String(value)).map((reason) => invalidValue(path, value, reason)),
  ]);
}

/** Checks the keys of annotations at `path` and their size together. */
export function checkAnnotations(annotations: unknown, path: string): readonly FieldError[] {
  if (!isRecord(annotations)) return [];
  const errors = Object.keys(annotations).flatMap((key) =>
    qualifiedName(key.toLowerCase()).map((reason) => invalidValue(path, key, reason)),
  );
  const texts = stringMapAt({ annotations }, "annotations");
  let bytes = 0;
  for (const [key, text] of Object.entries(texts)) bytes += Buffer.byteLength(key) + Buffer.byteLength(text);
  return bytes > ANNOTATIONS_BYTES_MAX ? [...errors, tooLong(path, ANNOTATIONS_BYTES_MAX)] : errors;
}

const OWNER_FIELDS = ["apiVersion", "kind", "name", "uid"] as const;

function checkOwners(owners: readonly unknown[]): readonly FieldError[] {
  const errors: FieldError[] = [];
  let controller: string | undefined;
  owners.forEach((owner, index) => {
    const path = `metadata.ownerReferences[${String(index)}]`;
    for (const field of OWNER_FIELDS) {
      if ((stringAt(owner, field) ?? "") !== "") continue;
      errors.push(
        invalidValue(
          `${path}.${field}`,
          "",
          field === "apiVersion" ? "version must not be empty" : `${field} must not be empty`,
        ),
      );
    }
    if (!isRecord(owner) || owner["controller"] !== true) return;
    const text = `${stringAt(owner, "apiVersion") ?? ""}/${stringAt(owner, "kind") ?? ""}:${stringAt(owner, "name") ?? ""}`;
    if (controller === undefined) controller = text;
    else {
      errors.push(
        invalidValue(
          "metadata.ownerReferences",
          text,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${text}`,
        ),
      );
    }
  });
  return errors;
}

function checkFinalizer(finalizer: unknown, path: string, isCustom: boolean): readonly FieldError[] {
  const text = String(finalizer);
  const reasons = qualifiedName(text);
  if (reasons.length > 0) return reasons.map((reason) => invalidValue(path, text, reason));
  if (isCustom || text.includes("/") || STANDARD_FINALIZERS.has(text)) return [];
  return [invalidValue(path, text, "name is neither a standard finalizer name nor is it fully qualified")];
}
