import { encodeKey } from "../../pki/key.ts";
import { toBase64 } from "../../resource/certificate-request.ts";
import { CERTIFICATE_ANNOTATIONS, readCertificate } from "../../resource/certificate.ts";
import type { KubeObject } from "../../resource/object.ts";
import type { CertbotInstallation, CertbotLineage } from "./read-installation.ts";
import { type ReadFile, solverFor } from "./solver-for.ts";

/** Where and how certbot's certificates are taken over. */
export interface ImportOptions {
  readonly namespace: string;
  /** What the CA's own HTTPS is trusted by, in PEM; undefined: the system's roots. */
  readonly caBundle: string | undefined;
  readonly nowMs: number;
  readonly read: ReadFile;
}

/** What becomes of one of certbot's certificates. */
export interface ImportedCertificate {
  readonly name: string;
  readonly names: readonly string[];
  readonly issuer: string;
  readonly notAfterMs: number;
  /** `valid`: nothing is ordered before its renewal is due; `due`, `expired`: it is ordered at once. */
  readonly state: "valid" | "due" | "expired";
  /** What proves its names from now on. */
  readonly note: string;
}

/** The objects that say the same as certbot's folder, in the order in which they must be made. */
export interface CertbotImport {
  readonly objects: readonly KubeObject[];
  readonly certificates: readonly ImportedCertificate[];
  /** One sentence each: what was left out, and what certbot did that nobody does now. */
  readonly notes: readonly string[];
}

/** Of the lifetime, like the default of renewal. */
const RENEWAL_PART = 2 / 3;

/**
 * Returns the Secrets, Issuers and Certificates that take over what certbot renews: each certificate in a Secret that is
 * adopted as it is, one Issuer for each account and way of proof, with the key of certbot's account, so that the CA sees the
 * same client as before.
 */
export async function importObjects(installation: CertbotInstallation, options: ImportOptions): Promise<CertbotImport> {
  const issuers = new Map<string, { readonly name: string; readonly objects: readonly KubeObject[] }>();
  const certificates: KubeObject[] = [];
  const imported: ImportedCertificate[] = [];
  const notes = [...installation.problems, ...installation.hooks.map((path) => `Hook "${path}" is not run any more`)];
  for (const lineage of installation.lineages) {
    const key = issuerKeyOf(lineage);
    const issuer = issuers.get(key) ?? (await issuerFor(installation, lineage, options, takenNames(issuers)));
    issuers.set(key, issuer);
    const made = certificateObjects(lineage, issuer.name, options.namespace);
    const refused = made.flatMap((object) => (object.kind === "Certificate" ? readCertificate(object).problems : []));
    if (refused.length > 0) {
      notes.push(`Certificate "${lineage.name}" is left out: ${refused.join("; ")}`);
      continue;
    }
    certificates.push(...made);
    const { note } = await solverFor(lineage.settings, `${issuer.name}-dns`, options.read);
    imported.push(summaryOf(lineage, { name: issuer.name, note }, options.nowMs));
    notes.push(...hookNotes(lineage));
  }
  const secretsFirst = [...issuers.values()].flatMap(({ objects }) => objects);
  return { objects: [...secretsFirst, ...certificates], certificates: imported, notes };
}

function takenNames(issuers: ReadonlyMap<string, { readonly name: string }>): ReadonlySet<string> {
  return new Set([...issuers.values()].map(({ name }) => name));
}

/** Lineages with the same account that are proven the same way share an Issuer. */
function issuerKeyOf({ settings }: CertbotLineage): string {
  const { values } = settings;
  const authenticator = values.get("authenticator") ?? "";
  const credentials = values.get(`${authenticator.replaceAll("-", "_")}_credentials`);
  const rest = ["server", "account", "pref_challs", "preferred_chain", "preferred_profile", "required_profile"];
  return JSON.stringify([proofOf(authenticator), credentials, ...rest.map((key) => values.get(key))]);
}

/** All that end in HTTP-01 are the same to an Issuer. */
function proofOf(authenticator: string): string {
  return ["webroot", "standalone", "nginx", "apache"].includes(authenticator) ? "http" : authenticator;
}

async function issuerFor(
  installation: CertbotInstallation,
  lineage: CertbotLineage,
  options: ImportOptions,
  taken: ReadonlySet<string>,
): Promise<{ readonly name: string; readonly objects: readonly KubeObject[] }> {
  const { values } = lineage.settings;
  const name = freeName(issuerName(lineage), taken);
  const account = installation.accountOf(lineage);
  const { solver, secrets } = await solverFor(lineage.settings, `${name}-dns`, options.read);
  const { namespace, caBundle } = options;
  const profile = textOf(values.get("required_profile")) ?? textOf(values.get("preferred_profile"));
  const preferredChain = textOf(values.get("preferred_chain"));
  const accountSecret = `${name}-account`;
  const issuer: KubeObject = {
    apiVersion: "cert-manager.io/v1",
    kind: "Issuer",
    metadata: { name, namespace },
    spec: {
      acme: {
        server: values.get("server") ?? "",
        ...(account === undefined || account.email === "" ? {} : { email: account.email }),
        privateKeySecretRef: { name: accountSecret, key: "tls.key" },
        ...(caBundle === undefined ? {} : { caBundle: toBase64(caBundle) }),
        ...(values.get("no_verify_ssl") === "True" ? { skipTLSVerify: true } : {}),
        ...(preferredChain === undefined ? {} : { preferredChain }),
        ...(profile === undefined ? {} : { profile }),
        solvers: solver === undefined ? [] : [solver],
      },
    },
  };
  return {
    name,
    objects: [
      ...(account === undefined
        ? []
        : [secretObject(namespace, accountSecret, "Opaque", { "tls.key": encodeKey(account.key, "PKCS8") })]),
      ...(Object.keys(secrets).length === 0 ? [] : [secretObject(namespace, `${name}-dns`, "Opaque", secrets)]),
      issuer,
    ],
  };
}

function certificateObjects(lineage: CertbotLineage, issuer: string, namespace: string): readonly KubeObject[] {
  const { facts, settings } = lineage;
  const name = objectName(lineage.name);
  const secretName = `${name}-tls`;
  const annotations = {
    [CERTIFICATE_ANNOTATIONS.certificateName]: name,
    [CERTIFICATE_ANNOTATIONS.commonName]: facts.commonName,
    [CERTIFICATE_ANNOTATIONS.altNames]: facts.dnsNames.join(","),
    [CERTIFICATE_ANNOTATIONS.ipSans]: facts.ipAddresses.join(","),
    [CERTIFICATE_ANNOTATIONS.uriSans]: facts.uris.join(","),
    [CERTIFICATE_ANNOTATIONS.issuerName]: issuer,
    [CERTIFICATE_ANNOTATIONS.issuerKind]: "Issuer",
    [CERTIFICATE_ANNOTATIONS.issuerGroup]: "cert-manager.io",
  };
  const secret = secretObject(namespace, secretName, "kubernetes.io/tls", {
    "tls.crt": lineage.chain,
    "tls.key": lineage.keyPem,
  });
  const certificate: KubeObject = {
    apiVersion: "cert-manager.io/v1",
    kind: "Certificate",
    metadata: { name, namespace },
    spec: {
      secretName,
      issuerRef: { name: issuer, kind: "Issuer", group: "cert-manager.io" },
      ...(facts.dnsNames.length === 0 ? {} : { dnsNames: facts.dnsNames }),
      ...(facts.ipAddresses.length === 0 ? {} : { ipAddresses: facts.ipAddresses }),
      privateKey: {
        ...keyWish(lineage),
        rotationPolicy: settings.values.get("reuse_key") === "True" ? "Never" : "Always",
      },
    },
  };
  return [{ ...secret, metadata: { ...secret.metadata, annotations } }, certificate];
}

function keyWish({ key }: CertbotLineage): Readonly<Record<string, unknown>> {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === "rsa") return { algorithm: "RSA", size: modulusLength };
  const sizes: Readonly<Record<string, number>> = { prime256v1: 256, secp384r1: 384, secp521r1: 521 };
  return { algorithm: "ECDSA", size: sizes[namedCurve ?? ""] };
}

function summaryOf(
  lineage: CertbotLineage,
  issuer: { readonly name: string; readonly note: string },
  nowMs: number,
): ImportedCertificate {
  const { notBeforeMs, notAfterMs, dnsNames, ipAddresses } = lineage.facts;
  const dueMs = notBeforeMs + (notAfterMs - notBeforeMs) * RENEWAL_PART;
  return {
    name: objectName(lineage.name),
    names: [...dnsNames, ...ipAddresses],
    issuer: issuer.name,
    notAfterMs,
    state: nowMs >= notAfterMs ? "expired" : nowMs >= dueMs ? "due" : "valid",
    note: issuer.note,
  };
}

function hookNotes({ name, settings }: CertbotLineage): readonly string[] {
  return ["pre_hook", "post_hook", "renew_hook"].flatMap((hook) => {
    const command = textOf(settings.values.get(hook));
    return command === undefined ? [] : [`Certificate "${name}": its ${hook} "${command}" is not run any more`];
  });
}

function secretObject(
  namespace: string,
  name: string,
  type: string,
  entries: Readonly<Record<string, string>>,
): KubeObject {
  const data = Object.fromEntries(Object.entries(entries).map(([key, text]) => [key, toBase64(text)]));
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, type, data };
}

const CA_NAMES: Readonly<Record<string, string>> = {
  "acme-v02.api.letsencrypt.org": "letsencrypt",
  "acme-staging-v02.api.letsencrypt.org": "letsencrypt-staging",
  "acme.zerossl.com": "zerossl",
  "dv.acme-v02.api.pki.goog": "google",
};

function issuerName({ settings }: CertbotLineage): string {
  const host = URL.parse(settings.values.get("server") ?? "")?.hostname ?? "";
  const ca = CA_NAMES[host] ?? objectName(host.replaceAll(/[[\]]/g, "").replaceAll(".", "-"));
  const authenticator = settings.values.get("authenticator") ?? "";
  return authenticator.startsWith("dns-") ? `${ca}-${objectName(authenticator)}` : ca;
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count++) {
    const name = count === 1 ? wanted : `${wanted}-${count}`;
    if (!taken.has(name)) return name;
  }
}

/** Returns `text` as a name that Kubernetes takes, short enough for what is added to it. */
function objectName(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, "-")
    .slice(0, 200)
    .replaceAll(/^[-.]+|[-.]+$/g, "");
  return name === "" ? "certbot" : name;
}

function textOf(value: string | undefined): string | undefined {
  return value === undefined || value === "" || value === "None" ? undefined : value;
}
