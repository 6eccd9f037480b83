import type { Schema } from "../schema/schema.ts";
import type { PrinterColumn } from "./printer-columns.ts";

/**
 * A kind of a user's CustomResourceDefinition in one of its versions. Objects are stored in one version and converted by
 * changing their apiVersion alone, so each served version is a kind by itself that shares its objects with the others.
 */
export interface CustomKind {
  /** The version of {@link Kind.version} as the definition has it, with `apiVersion`, `kind` and `metadata`. */
  readonly schema: Schema;
  /** The apiVersion that objects are stored in. */
  readonly storedApiVersion: string;
  readonly listKind: string;
  readonly columns: readonly PrinterColumn[];
  readonly scale: ScalePaths | undefined;
  /** Fields by which lists may be selected, as `spec.size`. */
  readonly selectableFields: readonly string[];
  /** Whether the definition is on its way out: nothing new may be made. */
  readonly isTerminating: boolean;
}

/** Where a custom resource has what the `scale` subresource shows, as lists of field names. */
export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  readonly labelSelector: readonly string[] | undefined;
}
