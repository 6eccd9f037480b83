import type { KubeObject } from "../resource/object.ts";
import type { Backend } from "../routing/snapshot.ts";
import type { Finding } from "./annotations/ingress-policy.ts";
import type { BackendReference } from "./backend/backend-reference.ts";
import { resolveBackend } from "./backend/resolve-backend.ts";
import { ServiceIndex } from "./backend/service-index.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { IngressRoutes } from "./ingress/ingress-routes.ts";
import type { TranslateOutput } from "./translate.ts";

/** One Ingress that leads to one backend. */
interface BackendUse {
  readonly routes: IngressRoutes;
  readonly reference: BackendReference;
}

/** Who leads to which Services, and what was found there: what {@link translateServices} goes on from. */
export interface BackendUses {
  /** By `namespace/name` of the Service. */
  readonly byService: ReadonlyMap<string, readonly BackendUse[]>;
  readonly findings: ReadonlyMap<BackendUse, Finding>;
  /** What was found elsewhere. */
  readonly otherDiagnostics: readonly Diagnostic[];
}

/** The objects of the Services that changed, all there are. */
interface ServiceObjects {
  readonly services: readonly KubeObject[];
  readonly endpointSlices: readonly KubeObject[];
  readonly endpoints: readonly KubeObject[];
  readonly secrets: (namespace: string, name: string) => KubeObject | undefined;
}

/** Returns the backends of all Ingresses, and who uses them. */
export function translateBackends(
  ingresses: readonly IngressRoutes[],
  input: ServiceObjects,
): { readonly backends: ReadonlyMap<string, Backend> } & Omit<BackendUses, "otherDiagnostics"> {
  const index = new ServiceIndex(input);
  const backends = new Map<string, Backend>();
  const byService = new Map<string, BackendUse[]>();
  const findings = new Map<BackendUse, Finding>();
  for (const routes of ingresses) {
    for (const reference of routes.backends) {
      const use = { routes, reference };
      const key = `${reference.namespace}/${reference.service}`;
      const uses = byService.get(key);
      if (uses === undefined) byService.set(key, [use]);
      else uses.push(use);
      const { backend, finding } = resolveBackend(reference, index, input.secrets);
      backends.set(backend.id, backend);
      if (finding !== undefined) findings.set(use, finding);
    }
  }
  return { backends, byService, findings };
}

/**
 * Returns what {@link translate} would when nothing has changed but these Services, by `namespace/name`, and their endpoints:
 * in a time that does not grow with the number of Ingresses. Returns `before` itself when that changes nothing.
 */
export function translateServices(
  before: TranslateOutput,
  services: ReadonlySet<string>,
  input: ServiceObjects,
): TranslateOutput {
  const { uses, content } = before;
  const index = new ServiceIndex(input);
  const backends = new Map<string, Backend>();
  const findings = new Map<BackendUse, Finding | undefined>();
  for (const key of services) {
    for (const use of uses.byService.get(key) ?? []) {
      const { backend, finding } = resolveBackend(use.reference, index, input.secrets);
      if (content.backends.get(backend.id) !== backend) backends.set(backend.id, backend);
      if (uses.findings.get(use) !== finding) findings.set(use, finding);
    }
  }
  if (backends.size === 0 && findings.size === 0) return before;
  return {
    ...before,
    content: { ...content, backends: new Map([...content.backends, ...backends]) },
    ...(findings.size === 0 ? {} : withFindings(uses, findings)),
  };
}

function withFindings(
  uses: BackendUses,
  changed: ReadonlyMap<BackendUse, Finding | undefined>,
): Pick<TranslateOutput, "uses" | "diagnostics"> {
  const findings = new Map(uses.findings);
  for (const [use, finding] of changed) {
    if (finding === undefined) findings.delete(use);
    else findings.set(use, finding);
  }
  const { otherDiagnostics } = uses;
  return {
    uses: { ...uses, findings },
    diagnostics: [...otherDiagnostics, ...diagnosticsOf(findings)],
  };
}

/** Returns what the owners of the Ingresses should know of their backends. */
export function diagnosticsOf(findings: ReadonlyMap<BackendUse, Finding>): readonly Diagnostic[] {
  return [...findings].map(([{ routes }, finding]) => ({ object: routes.reference, ...finding }));
}
