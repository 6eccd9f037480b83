import { parseIngressClass, type IngressClass } from "../resource/ingress-class.ts";
import type { KubeObject } from "../resource/object.ts";
import type { EdgeSettings, HttpChallenge, ServedCertificate, Snapshot } from "../routing/snapshot.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { assembleHosts } from "./ingress/hosts.ts";
import { ingressRoutes, type IngressRoutes } from "./ingress/ingress-routes.ts";
import { servesClass, type ClassOptions } from "./ingress/served-class.ts";
import type { KeyMatches } from "./tls/served-secret.ts";
import { clientAuths, withClientAuth } from "./tls/client-auth.ts";
import { withTlsChoices } from "./tls/tls-choices.ts";
import { tlsHosts, type StandInNeed } from "./tls/tls-hosts.ts";
import { diagnosticsOf, translateBackends, type BackendUses } from "./translate-services.ts";

/** Everything the edge's duties follow from. Objects must be immutable: what was made of one is remembered with it. */
export interface TranslateInput {
  readonly ingresses: readonly KubeObject[];
  readonly ingressClasses: readonly KubeObject[];
  readonly services: readonly KubeObject[];
  readonly endpointSlices: readonly KubeObject[];
  readonly endpoints: readonly KubeObject[];
  readonly secrets: (namespace: string, name: string) => KubeObject | undefined;
  /** Certificates the local CA already made, by host key; `*` answers clients that name no known host. */
  readonly standIns: ReadonlyMap<string, ServedCertificate>;
  readonly challenges: readonly HttpChallenge[];
  readonly options: ClassOptions & { readonly settings: EdgeSettings };
  /** Asked where a key does not tell its public half (Ed25519); such keys are trusted to match when it is absent. */
  readonly keyMatches?: KeyMatches | undefined;
  readonly nowMs: number;
}

/** What the edge must do, and what users should be told. */
export interface TranslateOutput {
  readonly content: Omit<Snapshot, "generation">;
  readonly diagnostics: readonly Diagnostic[];
  /** Hosts with TLS but without a certificate that can be served. One with a stand-in stays in the list while it needs it. */
  readonly standInsNeeded: readonly StandInNeed[];
  /** The Ingresses that are ours, whose status tells the edge's addresses; oldest first. */
  readonly served: readonly KubeObject[];
  /** What `translateServices` goes on from. */
  readonly uses: BackendUses;
}

/**
 * Returns what the edge must do for these objects, and what their owners should know. Total: an object that makes no
 * sense is a diagnostic and leaves the others alone. Unchanged objects give the same routes, hosts and backends again,
 * the identical ones, so that comparing two answers is cheap.
 */
export function translate(input: TranslateInput): TranslateOutput {
  const diagnostics: Diagnostic[] = [];
  const { objects, ingresses } = selectServed(input, diagnostics);
  for (const routes of ingresses) report(routes, routes.findings, diagnostics);
  const tls = tlsHosts(ingresses, input);
  const choices = withTlsChoices(tls.tls, ingresses);
  const clientAuth = clientAuths(ingresses, input.secrets);
  const { refusalOf } = clientAuth;
  const { hosts, diagnostics: conflicts } = assembleHosts(ingresses, { tls: tls.hosts, refusalOf });
  const { backends, byService, findings } = translateBackends(ingresses, input);
  const others = [...conflicts, ...clientAuth.diagnostics, ...tls.diagnostics, ...choices.diagnostics];
  return {
    content: {
      hosts,
      backends,
      tls: withClientAuth(choices.tls, hosts.keys(), clientAuth.byHost),
      certificates: tls.certificates,
      clientCas: clientAuth.clientCas,
      challenges: new Map(input.challenges.map((challenge) => [challenge.token, challenge])),
      settings: input.options.settings,
    },
    diagnostics: [...diagnostics, ...diagnosticsOf(findings), ...others],
    standInsNeeded: tls.standInsNeeded,
    served: objects,
    uses: { byService, findings, otherDiagnostics: [...diagnostics, ...others] },
  };
}

function selectServed(
  input: TranslateInput,
  diagnostics: Diagnostic[],
): { readonly objects: readonly KubeObject[]; readonly ingresses: readonly IngressRoutes[] } {
  const classes = new Map<string, IngressClass>();
  for (const object of input.ingressClasses) classes.set(object.metadata.name, parseIngressClass(object));
  const objects: KubeObject[] = [];
  for (const object of input.ingresses) {
    // On its way out: its finalizers may take long, and its owner wants it gone.
    if (object.metadata.deletionTimestamp !== undefined) continue;
    const routes = ingressRoutes(object);
    const { served, finding } = servesClass(routes.ingress, classes, input.options);
    if (served) objects.push(object);
    if (finding !== undefined) report(routes, [finding], diagnostics);
  }
  objects.sort(byAge);
  return { objects, ingresses: objects.map(ingressRoutes) };
}

/** Oldest first; objects of the same second by namespace and name, so that the order is the same everywhere. */
function byAge(left: KubeObject, right: KubeObject): number {
  return (
    compareText(left.metadata.creationTimestamp ?? "", right.metadata.creationTimestamp ?? "") ||
    compareText(left.metadata.namespace ?? "", right.metadata.namespace ?? "") ||
    compareText(left.metadata.name, right.metadata.name)
  );
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function report(routes: IngressRoutes, findings: IngressRoutes["findings"], diagnostics: Diagnostic[]): void {
  for (const finding of findings) diagnostics.push({ object: routes.reference, ...finding });
}
