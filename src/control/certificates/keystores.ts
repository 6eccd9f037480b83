import { createHmac, type KeyObject } from "node:crypto";
import { encodeJks } from "../../pki/keystore/jks.ts";
import { encodePkcs12, encodePkcs12Truststore, PKCS12_PROTECTIONS } from "../../pki/keystore/pkcs12.ts";
import type { TrustedEntry } from "../../pki/keystore/pkcs12.ts";
import { certificateBlocks, certificateParts } from "../../pki/x509/certificate.ts";
import { readDer } from "../../pki/x509/der.ts";
import { decodeRelativeNames, nameText } from "../../pki/x509/name.ts";
import type { Certificate } from "../../resource/certificate.ts";
import { SECRET } from "../../resource/kind.ts";
import type { KeystorePassword, KeystoreWishes } from "../../resource/keystore-wish.ts";
import type { KubeObject } from "../../resource/object.ts";
import { secretText } from "../../resource/secret.ts";
import type { World } from "../world.ts";
import type { KeystoreState } from "./facts.ts";
import { readKey } from "./private-key.ts";

/** The entries of a Secret that keystores are in. */
export const KEYSTORE_ENTRIES = ["keystore.p12", "truststore.p12", "keystore.jks", "truststore.jks"] as const;

/**
 * On a Secret with keystores: what they were made from, under the private key, so that it says nothing about a password to
 * whoever does not have the key anyway. When any of it changes they are made anew.
 */
const FINGERPRINT_ANNOTATION = "lintel.dev/keystores";

type Entries = Readonly<Record<string, string>>;

/** The keystores as they shall be in a Secret: their entries, in base64, and the annotation about them. */
export interface MadeKeystores {
  readonly entries: Entries;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The passwords that keystores shall have, or why they can't be made. */
export type KeystorePasswords =
  | { readonly kind: "found"; readonly pkcs12: string; readonly jks: string }
  | { readonly kind: "missing"; readonly message: string };

/** What is in a TLS Secret, as PEM. */
export interface TlsMaterial {
  readonly keyPem: string;
  readonly certificatePem: string;
  /** Empty when the issuer gave none: there are no truststores then. */
  readonly caPem: string;
}

/** Reads the passwords of the keystores that `certificate` wants from the Secrets it names. */
export async function readKeystorePasswords(world: World, certificate: Certificate): Promise<KeystorePasswords> {
  const { pkcs12, jks } = certificate.spec.keystores;
  const passwords = { pkcs12: "", jks: "" };
  for (const [kind, wish] of [["pkcs12", pkcs12] as const, ["jks", jks] as const]) {
    if (wish === undefined) continue;
    const found = await readPassword(world, certificate.namespace, wish.password);
    if (found === undefined) return { kind: "missing", message: missingPassword(kind, wish.password) };
    passwords[kind] = found;
  }
  return { kind: "found", ...passwords };
}

/** Returns whether the keystores in `secret` are those that `certificate` asks for. */
export async function readKeystoreState(
  world: World,
  certificate: Certificate,
  secret: KubeObject,
): Promise<KeystoreState> {
  const wishes = certificate.spec.keystores;
  const entries = keystoreEntries(secret);
  const noted = secret.metadata.annotations?.[FINGERPRINT_ANNOTATION];
  if (wishes.pkcs12 === undefined && wishes.jks === undefined) {
    return { kind: Object.keys(entries).length === 0 && noted === undefined ? "current" : "stale" };
  }
  const passwords = await readKeystorePasswords(world, certificate);
  const expected = fingerprints(tlsMaterial(secret), wishes, passwords, entries);
  if (passwords.kind === "found") return { kind: noted === expected ? "current" : "stale" };
  // Without its password a keystore can't be made, but one that was made for this very certificate goes on serving.
  return noted?.split(" ")[0] === expected.split(" ")[0]
    ? { kind: "current" }
    : { kind: "blocked", message: passwords.message };
}

/** Makes the keystores that `wishes` name; `atMs` becomes the date of the entries of Java's. Throws BadPem for material that can't be read. */
export function makeKeystores(
  material: TlsMaterial,
  wishes: KeystoreWishes,
  passwords: KeystorePasswords,
  atMs: number,
): MadeKeystores {
  const { pkcs12, jks } = wishes;
  const key = readKey(material.keyPem);
  if (passwords.kind === "missing" || key === undefined || (pkcs12 === undefined && jks === undefined)) {
    return { entries: {}, annotations: {} };
  }
  const entries = {
    ...(pkcs12 === undefined ? {} : pkcs12Entries(material, key, passwords.pkcs12, pkcs12.profile)),
    ...(jks === undefined ? {} : jksEntries(material, key, passwords.jks, jks.alias, atMs)),
  };
  return { entries, annotations: { [FINGERPRINT_ANNOTATION]: fingerprints(material, wishes, passwords, entries) } };
}

/** Returns `secret` with these keystores and no others. */
export function withKeystores(secret: KubeObject, made: MadeKeystores): KubeObject {
  const { [FINGERPRINT_ANNOTATION]: _, ...annotations } = secret.metadata.annotations ?? {};
  const data = Object.entries(dataOf(secret)).filter(([name]) => !isKeystoreEntry(name));
  return {
    ...secret,
    metadata: { ...secret.metadata, annotations: { ...annotations, ...made.annotations } },
    data: { ...Object.fromEntries(data), ...made.entries },
  };
}

/** Returns what keystores of `secret` are made from. */
export function tlsMaterial(secret: KubeObject): TlsMaterial {
  return {
    keyPem: secretText(secret, "tls.key") ?? "",
    certificatePem: secretText(secret, "tls.crt") ?? "",
    caPem: secretText(secret, "ca.crt") ?? "",
  };
}

async function readPassword(world: World, namespace: string, where: KeystorePassword): Promise<string | undefined> {
  if (where.kind === "literal") return where.text;
  const secret = await world.store.get(SECRET, namespace, where.name);
  const text = secret === undefined ? undefined : secretText(secret, where.key);
  return text === "" ? undefined : text;
}

function missingPassword(kind: "pkcs12" | "jks", where: KeystorePassword): string {
  const entry = where.kind === "secret" ? `entry "${where.key}" of Secret "${where.name}"` : "a password";
  return `The certificate is in the Secret, its ${kind === "jks" ? "JKS" : "PKCS#12"} keystore is not: ${entry} is missing; create it with the keystore's password`;
}

function pkcs12Entries(
  material: TlsMaterial,
  key: KeyObject,
  password: string,
  profile: keyof typeof PKCS12_PROTECTIONS,
): Entries {
  const protection = PKCS12_PROTECTIONS[profile];
  const trusted = trustedEntries(material.caPem, (der) => nameOf(der));
  const certificates = [...certificateBlocks(material.certificatePem), ...trusted.map((entry) => entry.certificate)];
  const entries = { "keystore.p12": base64(encodePkcs12({ key, certificates, password, protection })) };
  if (trusted.length === 0) return entries;
  return { ...entries, "truststore.p12": base64(encodePkcs12Truststore({ entries: trusted, password, protection })) };
}

function jksEntries(material: TlsMaterial, key: KeyObject, password: string, alias: string, atMs: number): Entries {
  const trusted = trustedEntries(material.caPem, (_, at) => (at === 0 ? "ca" : `ca-${String(at)}`));
  const keyEntry = { alias, key, certificates: certificateBlocks(material.certificatePem) };
  const entries = { "keystore.jks": base64(encodeJks({ keyEntry, trusted, password, atMs })) };
  if (trusted.length === 0) return entries;
  return {
    ...entries,
    "truststore.jks": base64(encodeJks({ keyEntry: undefined, trusted, password, atMs })),
  };
}

/** Two entries of one name would be one to Java: the later ones get a number. */
function trustedEntries(caPem: string, nameFor: (der: Uint8Array, at: number) => string): readonly TrustedEntry[] {
  const taken = new Set<string>();
  return (caPem === "" ? [] : certificateBlocks(caPem)).map((certificate, at) => {
    const wanted = nameFor(certificate, at);
    const name = taken.has(wanted.toLowerCase()) ? `${wanted} (${String(at + 1)})` : wanted;
    taken.add(name.toLowerCase());
    return { certificate, name };
  });
}

function nameOf(der: Uint8Array): string {
  return nameText(decodeRelativeNames(readDer(certificateParts(der).subjectDer)));
}

/** Two digests: of all but the passwords, and of the passwords. */
function fingerprints(
  material: TlsMaterial,
  wishes: KeystoreWishes,
  passwords: KeystorePasswords,
  entries: Entries,
): string {
  const made = KEYSTORE_ENTRIES.map((name) => entries[name] ?? "");
  const settings = [wishes.pkcs12?.profile ?? "", wishes.jks?.alias ?? ""];
  const digest = (...values: readonly unknown[]): string =>
    createHmac("sha256", material.keyPem).update(JSON.stringify(values)).digest("hex");
  const known = passwords.kind === "found" ? [passwords.pkcs12, passwords.jks] : [];
  return `${digest(settings, material.certificatePem, material.caPem, made)} ${digest("passwords", known)}`;
}

function keystoreEntries(secret: KubeObject): Entries {
  const entries = Object.entries(dataOf(secret)).flatMap(([name, value]) =>
    isKeystoreEntry(name) && typeof value === "string" ? [[name, value] as const] : [],
  );
  return Object.fromEntries(entries);
}

function isKeystoreEntry(name: string): boolean {
  return KEYSTORE_ENTRIES.some((entry) => entry === name);
}

function dataOf(secret: KubeObject): Readonly<Record<string, unknown>> {
  const { data } = secret;
  return typeof data === "object" && data !== null ? { ...data } : {};
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
