import { readCertificate } from "../../resource/certificate.ts";
import type { KubeObject } from "../../resource/object.ts";
import type { IssuerReference } from "../../resource/certificate.ts";
import { BY_ISSUER, issuerKey } from "../caches.ts";
import { cachedIssuer } from "../signer.ts";
import type { World } from "../world.ts";
import { limitsOf, type CaLimits } from "./ca-limits.ts";
import type { LimitedOrder } from "./ledger.ts";
import { registeredDomain } from "./registered-domain.ts";

/** Limits that were filled in from the stored certificates, by account: once for each process. */
const seeded = new WeakMap<World["limits"], Set<string>>();

/** The limits of the CA behind an issuer and the account they hold for; undefined: the CA has none. */
export function limitsFor(
  world: World,
  reference: IssuerReference,
  namespace: string,
): { readonly limits: CaLimits; readonly account: string } | undefined {
  const issuer = cachedIssuer(world, reference, namespace);
  if (issuer?.spec.kind !== "acme") return undefined;
  const limits = limitsOf(world.accounts.directoryUrl(issuer.spec.server));
  if (limits === undefined) return undefined;
  const key = issuerKey(reference, namespace);
  const account = issuer.status.acmeUri ?? key;
  seedOnce(world, limits, account, key);
  return { limits, account };
}

/** What ordering a certificate for `names` uses of the limits of `account`. */
export function limitedOrder(
  account: string,
  order: {
    readonly names: readonly string[];
    readonly certificate: KubeObject | undefined;
    readonly replaces: boolean;
  },
): LimitedOrder {
  const names = sortedNames(order.names);
  const before = order.certificate === undefined ? undefined : readCertificate(order.certificate);
  const certified = before === undefined ? [] : sortedNames([...before.spec.dnsNames, ...before.spec.ipAddresses]);
  return {
    account,
    names,
    domains: [...new Set(names.map(registeredDomain))],
    isRenewal: before !== undefined && before.status.revision > 0 && certified.join() === names.join(),
    replaces: order.replaces,
  };
}

/** What this process did not see itself: each stored certificate was an order once, and a failure of the last hour was one. */
function seedOnce(world: World, limits: CaLimits, account: string, key: string): void {
  const done = seeded.get(world.limits) ?? new Set();
  seeded.set(world.limits, done);
  if (done.has(account)) return;
  done.add(account);
  for (const object of world.caches.certificates.find(BY_ISSUER, key)) {
    const { spec, status } = readCertificate(object);
    const names = sortedNames([...spec.dnsNames, ...spec.ipAddresses]);
    if (status.notBeforeMs !== undefined) {
      const domains = [...new Set(names.map(registeredDomain))];
      world.limits.noteOrder(
        limits,
        { account, names, domains, isRenewal: false, replaces: false },
        status.notBeforeMs,
      );
    }
    if (status.lastFailureTimeMs === undefined) continue;
    for (const name of names) {
      world.limits.endValidation(
        account,
        name.replace(/^\*\./, ""),
        object.metadata.uid ?? "",
        true,
        status.lastFailureTimeMs,
      );
    }
  }
}

function sortedNames(names: readonly string[]): readonly string[] {
  return [...new Set(names.map((name) => name.toLowerCase()))].sort();
}
