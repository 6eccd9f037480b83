import type { KubeObject } from "../../resource/object.ts";
import type { IngressTls } from "../../resource/ingress.ts";
import { wildcardKey } from "../../routing/match.ts";
import type { ObjectReference, Passthrough, ServedCertificate, TlsHost } from "../../routing/snapshot.ts";
import type { IngressRoutes } from "../ingress/ingress-routes.ts";
import { describeObject, type Diagnostic } from "../diagnostic.ts";
import { lacksNames, readServedSecret, servingFault, type KeyMatches, type TlsFault } from "./served-secret.ts";

/** What TLS is worked out from. */
export interface TlsInput {
  readonly secrets: (namespace: string, name: string) => KubeObject | undefined;
  readonly standIns: ReadonlyMap<string, ServedCertificate>;
  readonly keyMatches?: KeyMatches | undefined;
  readonly nowMs: number;
}

/** A host that has TLS but no certificate of its own that could be served. */
export interface StandInNeed {
  readonly host: string;
  /** The oldest object that asks for TLS there. */
  readonly source: ObjectReference;
  readonly code: string;
  readonly message: string;
}

/** How TLS is answered, and for which hosts a certificate is missing. */
export interface TlsOutput {
  readonly tls: ReadonlyMap<string, TlsHost>;
  readonly certificates: ReadonlyMap<string, ServedCertificate>;
  readonly standInsNeeded: readonly StandInNeed[];
  readonly diagnostics: readonly Diagnostic[];
  /** Host keys for which TLS was asked for, whether or not there is a certificate yet. */
  readonly hosts: ReadonlySet<string>;
}

/** Returns how TLS is answered for the hosts of these Ingresses, oldest first: for a host with two claims the older wins. */
export function tlsHosts(ingresses: readonly IngressRoutes[], input: TlsInput): TlsOutput {
  const table = new TlsTable(input);
  for (const routes of ingresses) {
    table.pass(routes);
    if (routes.ingress.tls.length > 0) table.add(routes);
  }
  return table.finish();
}

interface HostClaims {
  readonly served: {
    readonly certificate: ServedCertificate;
    readonly keyType: string;
    readonly by: ObjectReference;
  }[];
  /** The first reason why a claim could not be served, with who made it. */
  fault: { readonly source: ObjectReference; readonly fault: TlsFault } | undefined;
}

/** A Secret that an entry names, looked up once for all its hosts. */
type Found = ReturnType<typeof readServedSecret> | undefined;

class TlsTable {
  readonly #input: TlsInput;
  readonly #hosts = new Map<string, HostClaims>();
  /** By host: where its TLS passes through to, and who asked for that. */
  readonly #passing = new Map<string, { readonly by: ObjectReference; readonly through: Passthrough }>();
  readonly #diagnostics: Diagnostic[] = [];

  constructor(input: TlsInput) {
    this.#input = input;
  }

  /** Lets TLS of the hosts pass through; a host that an older Ingress has TLS for stays with that. */
  pass(routes: IngressRoutes): void {
    const { access } = routes.policy.policy;
    for (const [host, backend] of routes.passthrough) {
      if (this.#hosts.has(host) || this.#passing.has(host)) this.#reportTaken(routes.reference, host);
      else this.#passing.set(host, { by: routes.reference, through: { backend, access } });
    }
  }

  add(routes: IngressRoutes): void {
    const ruleHosts = [...new Set(routes.ingress.rules.map((rule) => rule.host))];
    const listed = new Set(routes.ingress.tls.flatMap((entry) => entry.hosts));
    const open = ruleHosts.filter((host) => !listed.has(host) && !listed.has(wildcardKey(host)));
    const taken = new Set<string>();
    for (const entry of routes.ingress.tls) {
      const found = this.#find(routes, entry);
      for (const host of entry.hosts) this.#claim(routes, entry, found, host);
      // ingress-nginx serves a rule's host that no entry lists with any certificate of the object that covers it.
      for (const host of open) {
        // A certificate for listed hosts is not the one for clients that name any other.
        const covers = this.#covers(found, host) && (host !== "*" || entry.hosts.length === 0);
        if (!covers && (entry.hosts.length > 0 || this.#isUsable(found))) continue;
        this.#claim(routes, entry, found, host);
        taken.add(host);
      }
      if (entry.hosts.length === 0 && ruleHosts.length === 0) this.#claim(routes, entry, found, "*");
    }
    for (const host of open)
      if (!taken.has(host) && host !== "*" && !this.#passing.has(host)) this.#reportPlain(routes, host);
  }

  finish(): TlsOutput {
    const tls = new Map<string, TlsHost>();
    const certificates = new Map<string, ServedCertificate>();
    const standInsNeeded: StandInNeed[] = [];
    const serve = (host: string, served: readonly ServedCertificate[]): void => {
      for (const certificate of served) certificates.set(certificate.id, certificate);
      tls.set(host, { host, certificates: served.map(({ id }) => id), minVersion: "TLSv1.2" });
    };
    for (const [host, claims] of this.#hosts) {
      if (claims.served.length > 0) {
        serve(
          host,
          claims.served.map(({ certificate }) => certificate),
        );
        continue;
      }
      if (claims.fault === undefined) continue;
      const { source, fault } = claims.fault;
      standInsNeeded.push({ host, source, code: fault.code, message: `${fault.message}. ${fault.hint}` });
      const standIn = this.#input.standIns.get(host);
      if (standIn !== undefined) serve(host, [standIn]);
    }
    for (const [host, { through }] of this.#passing) {
      tls.set(host, { host, certificates: [], minVersion: "TLSv1.2", passthrough: through });
    }
    const any = this.#input.standIns.get("*");
    if (any !== undefined && !tls.has("*")) serve("*", [any]);
    const hosts = new Set([...this.#hosts.keys(), ...this.#passing.keys()]);
    return { tls, certificates, standInsNeeded, diagnostics: this.#diagnostics, hosts };
  }

  #find(routes: IngressRoutes, entry: IngressTls): Found {
    if (entry.secretName === undefined) return undefined;
    const secret = this.#input.secrets(routes.ingress.namespace, entry.secretName);
    return secret === undefined ? undefined : readServedSecret(secret, this.#input.keyMatches);
  }

  #isUsable(found: Found): boolean {
    return found?.kind === "usable";
  }

  #covers(found: Found, host: string): boolean {
    return found?.kind === "usable" && servingFault(found, host, this.#input.nowMs)?.code !== "CertificateNotForHost";
  }

  #claim(routes: IngressRoutes, entry: IngressTls, found: Found, host: string): void {
    const passing = this.#passing.get(host);
    if (passing !== undefined) {
      if (passing.by !== routes.reference) this.#reportTaken(routes.reference, host);
      return;
    }
    let claims = this.#hosts.get(host);
    if (claims === undefined) {
      claims = { served: [], fault: undefined };
      this.#hosts.set(host, claims);
    }
    const by = routes.reference;
    const fault = this.#faultOf(routes, entry, found, host);
    if (fault !== undefined) {
      claims.fault ??= { source: by, fault };
      this.#report(by, severityOf(fault), fault);
      return;
    }
    if (found?.kind !== "usable") return;
    const { certificate, keyType, facts } = found;
    if (claims.served.some((served) => served.certificate.id === certificate.id)) return;
    const rival = claims.served.find((served) => served.keyType === keyType);
    if (rival !== undefined) {
      this.#reportConflict(by, host, certificate.id, rival);
      return;
    }
    claims.served.push({ certificate, keyType, by });
    if (lacksNames(facts)) this.#reportNameless(by, certificate.id, host);
  }

  #faultOf(routes: IngressRoutes, entry: IngressTls, found: Found, host: string): TlsFault | undefined {
    const { namespace } = routes.ingress;
    if (entry.secretName === undefined) {
      const message = `TLS entry ${entry.index} names no Secret for "${host}"`;
      return { code: "SecretNotNamed", message, hint: "Set secretName to serve a certificate of your own" };
    }
    if (found === undefined) {
      const message = `Secret "${namespace}/${entry.secretName}" does not exist`;
      const command = `kubectl create secret tls ${entry.secretName} -n ${namespace} --cert=… --key=…`;
      return { code: "SecretNotFound", message, hint: `Run "${command}", or have it issued by a Certificate` };
    }
    return found.kind === "usable" ? servingFault(found, host, this.#input.nowMs) : found;
  }

  #report(object: ObjectReference, severity: Diagnostic["severity"], fault: TlsFault): void {
    const known = this.#diagnostics.at(-1);
    // Said once for all hosts of an entry.
    if (known?.object === object && known.message === fault.message) return;
    this.#diagnostics.push({ object, severity, code: fault.code, message: fault.message, hint: fault.hint });
  }

  #reportConflict(object: ObjectReference, host: string, id: string, rival: HostClaims["served"][number]): void {
    this.#diagnostics.push({
      object,
      severity: "warning",
      code: "TlsConflict",
      message: `Secret "${id}" is not served for "${host}": ${describeObject(rival.by)} has "${rival.certificate.id}" for it`,
      hint: "Name the same Secret, or take the host out of one of the two",
    });
  }

  #reportTaken(object: ObjectReference, host: string): void {
    this.#diagnostics.push({
      object,
      severity: "error",
      code: "TlsConflict",
      message: `TLS of "${host}" is not answered as this Ingress asks: an older one ends it, or lets it pass, otherwise`,
      hint: "Take the host out of one of the two",
    });
  }

  #reportNameless(object: ObjectReference, id: string, host: string): void {
    this.#diagnostics.push({
      object,
      severity: "warning",
      code: "CertificateWithoutNames",
      message: `Certificate in Secret "${id}" names "${host}" only as common name, which browsers ignore`,
      hint: `Have it issued with "${host}" as subject alternative name`,
    });
  }

  #reportPlain(routes: IngressRoutes, host: string): void {
    this.#diagnostics.push({
      object: routes.reference,
      severity: "warning",
      code: "HostWithoutTls",
      message: `Host "${host}" is in no TLS entry and no certificate of this Ingress covers it: it has no HTTPS from here`,
      hint: `Add "${host}" to the hosts of a TLS entry`,
    });
  }
}

/** A Secret that is not there yet is usual while a certificate is being issued; one that is there and broken is not. */
function severityOf(fault: TlsFault): Diagnostic["severity"] {
  if (fault.code === "SecretNotNamed") return "info";
  return fault.code === "SecretNotFound" ? "warning" : "error";
}
