import { jsonEqual } from "../../ground/json.ts";
import { lookupHost } from "../../routing/match.ts";
import type { ObjectReference, TlsHost } from "../../routing/snapshot.ts";
import type { TlsChoices } from "../annotations/ingress-policy.ts";
import { describeObject, type Diagnostic } from "../diagnostic.ts";
import type { IngressRoutes } from "../ingress/ingress-routes.ts";

/** The TLS entries with what annotations choose for their hosts, and what was wrong on the way. */
export interface TlsChoicesOutput {
  readonly tls: ReadonlyMap<string, TlsHost>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Returns the TLS entries with the ciphers that Ingresses, given oldest first, choose for their hosts: the oldest that chooses wins. */
export function withTlsChoices(
  tls: ReadonlyMap<string, TlsHost>,
  ingresses: readonly IngressRoutes[],
): TlsChoicesOutput {
  const chosen = new Map<string, { readonly by: ObjectReference; readonly choices: TlsChoices }>();
  const diagnostics: Diagnostic[] = [];
  const result = new Map(tls);
  for (const routes of ingresses) {
    const choices = routes.policy.tlsChoices;
    if (choices === undefined || routes.policy.isCanary) continue;
    for (const host of hostsOf(routes)) {
      const winner = chosen.get(host);
      if (winner !== undefined) {
        if (!jsonEqual(winner.choices, choices)) diagnostics.push(conflict(routes.reference, host, winner.by));
        continue;
      }
      chosen.set(host, { by: routes.reference, choices });
      const entry = lookupHost(tls, host);
      if (entry !== undefined && entry.passthrough === undefined) result.set(host, { ...entry, ...choices, host });
    }
  }
  return { tls: chosen.size === 0 ? tls : result, diagnostics };
}

function hostsOf({ ingress, routes }: IngressRoutes): ReadonlySet<string> {
  return new Set([...routes.map((route) => route.host), ...ingress.tls.flatMap((entry) => entry.hosts)]);
}

function conflict(object: ObjectReference, host: string, winner: ObjectReference): Diagnostic {
  return {
    object,
    severity: "warning",
    code: "TlsConflict",
    message: `The ciphers of host "${host}" are those that ${describeObject(winner)} chooses, which is older`,
    hint: "Choose the same, or take the annotations out of one of the two",
  };
}
