import { isLintelError, messageOf } from "../ground/errors.ts";
import { arrayAt, recordAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import type { Diagnostic } from "../translate/diagnostic.ts";
import { translateCluster } from "./cluster-translation.ts";

/** What the objects of a cluster make of its Ingresses, as they are now. */
export interface ClusterIngresses {
  /** How many are of the classes that are looked at. */
  readonly served: number;
  /** How many of them say where the edge is reached. */
  readonly withAddress: number;
  /** Errors first. */
  readonly diagnostics: readonly DiagnosticSummary[];
  /** Why that is not known; empty when it is. */
  readonly unknown: string;
}

/** Something that the owner of an object should know. */
export interface DiagnosticSummary {
  /** `Ingress shop/web` */
  readonly object: string;
  readonly severity: Diagnostic["severity"];
  readonly code: string;
  readonly message: string;
  /** Empty when there is nothing to do. */
  readonly hint: string;
}

/**
 * Returns what a replica would say of the Ingresses of these classes. What this user may not read is a sentence in `unknown`;
 * throws what else the API throws.
 */
export async function clusterIngresses(options: {
  readonly store: Pick<Store, "list" | "get">;
  readonly classes: readonly string[];
  readonly nowMs: number;
}): Promise<ClusterIngresses> {
  try {
    const { served, diagnostics } = await translateCluster(options);
    return {
      served: served.length,
      withAddress: served.filter(hasAddress).length,
      diagnostics: diagnostics.map(summarizeDiagnostic).sort(bySeverity),
      unknown: "",
    };
  } catch (error) {
    if (!isLintelError(error, "Forbidden")) throw error;
    return { served: 0, withAddress: 0, diagnostics: [], unknown: messageOf(error) };
  }
}

function summarizeDiagnostic({ object, severity, code, message, hint = "" }: Diagnostic): DiagnosticSummary {
  return { object: `${object.kind} ${object.namespace}/${object.name}`, severity, code, message, hint };
}

function bySeverity(left: DiagnosticSummary, right: DiagnosticSummary): number {
  return RANKS[left.severity] - RANKS[right.severity];
}

const RANKS = { error: 0, warning: 1, info: 2 } as const;

function hasAddress(ingress: KubeObject): boolean {
  return arrayAt(recordAt(ingress["status"], "loadBalancer"), "ingress").length > 0;
}
