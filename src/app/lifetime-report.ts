import { judgeLifetimes, type LifetimeSubject, type LifetimeVerdict } from "../control/certificates/lifetimes.ts";
import { base64At } from "../resource/certificate-request.ts";
import { readCertificate } from "../resource/certificate.ts";
import { conditionsOf } from "../resource/condition.ts";
import { readIssuer } from "../resource/issuer.ts";
import { CERTIFICATE, CLUSTER_ISSUER, ISSUER, SECRET } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import { parseCertificate, type CertificateFacts } from "../pki/x509/certificate.ts";
import { isEmbeddedDirectory } from "./default-objects.ts";

/** One certificate and how it would fare. */
export interface LifetimeRow {
  readonly namespace: string;
  /** `Certificate web`, or `Secret web-tls` where no Certificate keeps it. */
  readonly name: string;
  readonly issuer: string;
  readonly verdicts: readonly LifetimeVerdict[];
}

/** What was looked at. */
export interface LifetimeReport {
  readonly rows: readonly LifetimeRow[];
  /** Certificates of private CAs, whose lifetimes nobody shortens. */
  readonly privateOnes: number;
}

/** Returns how every certificate of a public CA would fare under the lifetimes to come. */
export async function lifetimeReport(store: Pick<Store, "list">, nowMs: number): Promise<LifetimeReport> {
  const [certificates, issuers, clusterIssuers, secrets] = await Promise.all(
    [CERTIFICATE, ISSUER, CLUSTER_ISSUER, SECRET].map(async (kind) => (await store.list(kind)).items),
  );
  const byName = new Map(
    [...(issuers ?? []), ...(clusterIssuers ?? [])].map((object) => [issuerPlace(object), object] as const),
  );
  const rows: LifetimeRow[] = [];
  let privateOnes = 0;
  for (const object of certificates ?? []) {
    const row = rowOfCertificate(object, byName, nowMs);
    if (row === undefined) privateOnes += 1;
    else rows.push(row);
  }
  const kept = new Set((certificates ?? []).map(keptSecret));
  rows.push(...(secrets ?? []).flatMap((secret) => rowOfSecret(secret, kept, nowMs) ?? []));
  return { rows, privateOnes };
}

function rowOfCertificate(
  object: KubeObject,
  issuers: ReadonlyMap<string, KubeObject>,
  nowMs: number,
): LifetimeRow | undefined {
  const { namespace, name, spec } = readCertificate(object);
  const { issuerRef } = spec;
  const found = issuers.get(`${issuerRef.kind}/${issuerRef.kind === "Issuer" ? namespace : ""}/${issuerRef.name}`);
  const issuer = found === undefined ? undefined : readIssuer(found);
  const isPublic = issuer === undefined || (issuer.spec.kind === "acme" && !isEmbeddedDirectory(issuer.spec.server));
  if (!isPublic) return undefined;
  const asksForDuration = issuer?.spec.kind === "acme" && issuer.spec.enableDurationFeature;
  const ready = conditionsOf(object["status"]).find(({ type }) => type === "Ready");
  const notReady = ready?.status === "True" ? undefined : (ready?.message ?? "nothing is known of it yet");
  const verdicts = judgeLifetimes({ spec, renews: true, notReady, asksForDuration, startMs: nowMs });
  return { namespace, name: `Certificate ${name}`, issuer: `${issuerRef.kind} ${issuerRef.name}`, verdicts };
}

/** A certificate that somebody put into a Secret by hand, or another program did. */
function rowOfSecret(secret: KubeObject, kept: ReadonlySet<string>, nowMs: number): LifetimeRow | undefined {
  const { namespace = "", name } = secret.metadata;
  if (secret["type"] !== "kubernetes.io/tls" || kept.has(`${namespace}/${name}`)) return undefined;
  const facts = leafOf(base64At(secret["data"], "tls.crt") ?? "");
  // What signed itself, or signs others, comes from no public CA.
  if (facts === undefined || facts.isCa || facts.issuerCommonName === facts.commonName) return undefined;
  const { dnsNames, ipAddresses, commonName } = facts;
  const spec: LifetimeSubject["spec"] = {
    dnsNames,
    ipAddresses,
    commonName,
    renewBeforeMs: undefined,
    renewBeforePercentage: undefined,
    renewal: { policy: "RenewBefore", windows: [] },
    durationMs: undefined,
  };
  const verdicts = judgeLifetimes({ spec, renews: false, asksForDuration: false, startMs: nowMs });
  return { namespace, name: `Secret ${name}`, issuer: facts.issuerCommonName, verdicts };
}

function leafOf(pem: string): CertificateFacts | undefined {
  try {
    return parseCertificate(pem);
  } catch {
    // What can't be read is not served either.
    return undefined;
  }
}

function issuerPlace(object: KubeObject): string {
  return `${object.kind}/${object.kind === "Issuer" ? (object.metadata.namespace ?? "") : ""}/${object.metadata.name}`;
}

function keptSecret(object: KubeObject): string {
  return `${object.metadata.namespace ?? ""}/${readCertificate(object).spec.secretName}`;
}
