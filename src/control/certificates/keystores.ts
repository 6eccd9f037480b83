import { createHmac, type KeyObject } from "node:crypto";
import { isLintelError } from "../../ground/errors.ts";
import { recordAt, stringAt } from "../../ground/json.ts";
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

/** The kinds of keystores: what they are called, the entries of a Secret they are in, and what Lintel notes about them. */
const KINDS = {
  pkcs12: {
    title: "PKCS#12",
    keystore: "keystore.p12",
    truststore: "truststore.p12",
    note: "lintel.dev/keystore-pkcs12",
  },
  jks: { title: "JKS", keystore: "keystore.jks", truststore: "truststore.jks", note: "lintel.dev/keystore-jks" },
} as const;

type Kind = keyof typeof KINDS;
const KIND_NAMES: readonly Kind[] = ["pkcs12", "jks"];

/** The passwords of the keystores that are wanted: undefined where there is none, which `missing` explains to a person. */
export interface KeystorePasswords {
  readonly pkcs12: string | undefined;
  readonly jks: string | undefined;
  readonly missing: readonly string[];
}

type Entries = Readonly<Record<string, string>>;

/** Where passwords are read. */
interface SecretReader {
  readonly store: Pick<World["store"], "get">;
}

/** Reads the passwords of the keystores that `certificate` wants from the Secrets it names. */
export async function readKeystorePasswords(world: SecretReader, certificate: Certificate): Promise<KeystorePasswords> {
  const wishes = certificate.spec.keystores;
  const found: Partial<Record<Kind, string>> = {};
  const missing: string[] = [];
  for (const kind of KIND_NAMES) {
    const where = wishes[kind]?.password;
    if (where === undefined) continue;
    const password = await readPassword(world, certificate.namespace, where);
    if (password === undefined) missing.push(missingPassword(kind, where));
    else found[kind] = password;
  }
  return { pkcs12: found.pkcs12, jks: found.jks, missing };
}

/**
 * Returns whether the keystores in `secret` are those that `certificate` asks for. One that was made for this very
 * certificate goes on serving when its password can't be read any more.
 */
export async function readKeystoreState(
  world: SecretReader,
  certificate: Certificate,
  secret: KubeObject,
): Promise<KeystoreState> {
  const wishes = certificate.spec.keystores;
  const passwords = await readKeystorePasswords(world, certificate);
  if (KIND_NAMES.some((kind) => isStale(secret, kind, wishes, passwords))) return { kind: "stale" };
  const blocked = KIND_NAMES.filter(
    (kind) =>
      wishes[kind] !== undefined &&
      passwords[kind] === undefined &&
      noteOf(secret, kind)[0] !== contentDigest(secret, kind, wishes),
  );
  return blocked.length === 0 ? { kind: "current" } : { kind: "blocked", message: passwords.missing.join("; ") };
}

/**
 * Returns `secret` with the keystores that `certificate` asks for and no others; those that are right already stay, and so
 * does what can't be made anew for want of a password. `atMs` becomes the date of the entries of Java's.
 */
export function withKeystores(
  secret: KubeObject,
  certificate: Certificate,
  passwords: KeystorePasswords,
  atMs: number,
): KubeObject {
  const wishes = certificate.spec.keystores;
  let result = secret;
  for (const kind of KIND_NAMES) {
    if (!isStale(result, kind, wishes, passwords)) continue;
    const password = passwords[kind];
    const entries = password === undefined ? {} : makeEntries(result, kind, wishes, password, atMs);
    const { keystore, truststore, note } = KINDS[kind];
    const { [keystore]: _, [truststore]: __, ...data } = recordAt(result, "data");
    const { [note]: ___, ...annotations } = result.metadata.annotations ?? {};
    const bare = { ...result, metadata: { ...result.metadata, annotations }, data: { ...data, ...entries } };
    result = password === undefined ? bare : withNote(bare, kind, wishes, password);
  }
  return result;
}

/** Whether there is something to do and everything to do it with. */
function isStale(secret: KubeObject, kind: Kind, wishes: KeystoreWishes, passwords: KeystorePasswords): boolean {
  const noted = noteOf(secret, kind);
  const password = passwords[kind];
  if (wishes[kind] === undefined) return noted.length > 0 || Object.keys(entriesOf(secret, kind)).length > 0;
  if (password === undefined) return false;
  return noted[0] !== contentDigest(secret, kind, wishes) || noted[1] !== digest(secret, "password", password);
}

function withNote(secret: KubeObject, kind: Kind, wishes: KeystoreWishes, password: string): KubeObject {
  const note = `${contentDigest(secret, kind, wishes)} ${digest(secret, "password", password)}`;
  const annotations = { ...secret.metadata.annotations, [KINDS[kind].note]: note };
  return { ...secret, metadata: { ...secret.metadata, annotations } };
}

/** Two digests: of what a keystore was made from and is, and of its password. */
function noteOf(secret: KubeObject, kind: Kind): readonly string[] {
  const note = secret.metadata.annotations?.[KINDS[kind].note] ?? "";
  return note === "" ? [] : note.split(" ");
}

function contentDigest(secret: KubeObject, kind: Kind, wishes: KeystoreWishes): string {
  const setting = kind === "jks" ? wishes.jks?.alias : wishes.pkcs12?.profile;
  const { keystore, truststore } = KINDS[kind];
  const entries = entriesOf(secret, kind);
  const { certificatePem, caPem } = materialOf(secret);
  return digest(secret, setting, certificatePem, caPem, entries[keystore], entries[truststore]);
}

/** Under the private key: it says nothing about a password to whoever does not have the key anyway. */
function digest(secret: KubeObject, ...values: readonly (string | undefined)[]): string {
  return createHmac("sha256", materialOf(secret).keyPem).update(JSON.stringify(values)).digest("hex");
}

function makeEntries(secret: KubeObject, kind: Kind, wishes: KeystoreWishes, password: string, atMs: number): Entries {
  const material = materialOf(secret);
  const key = readKey(material.keyPem);
  if (key === undefined) return {};
  const { pkcs12, jks } = wishes;
  if (kind === "pkcs12") return pkcs12 === undefined ? {} : pkcs12Entries(material, key, password, pkcs12.profile);
  return jks === undefined ? {} : jksEntries(material, key, password, { alias: jks.alias, atMs });
}

/** What is in a TLS Secret, as PEM; `caPem` is empty when the issuer gave none, and there are no truststores then. */
interface TlsMaterial {
  readonly keyPem: string;
  readonly certificatePem: string;
  readonly caPem: string;
}

function materialOf(secret: KubeObject): TlsMaterial {
  return {
    keyPem: secretText(secret, "tls.key") ?? "",
    certificatePem: secretText(secret, "tls.crt") ?? "",
    caPem: secretText(secret, "ca.crt") ?? "",
  };
}

async function readPassword(
  world: SecretReader,
  namespace: string,
  where: KeystorePassword,
): Promise<string | undefined> {
  if (where.kind === "literal") return where.text;
  const secret = await world.store.get(SECRET, namespace, where.name);
  const text = secret === undefined ? undefined : secretText(secret, where.key);
  return text === "" ? undefined : text;
}

function missingPassword(kind: Kind, where: KeystorePassword): string {
  const entry = where.kind === "secret" ? `entry "${where.key}" of Secret "${where.name}"` : "a password";
  return `The certificate is in the Secret, its ${KINDS[kind].title} keystore is not: ${entry} is missing; create it with the keystore's password`;
}

function pkcs12Entries(
  material: TlsMaterial,
  key: KeyObject,
  password: string,
  profile: keyof typeof PKCS12_PROTECTIONS,
): Entries {
  const protection = PKCS12_PROTECTIONS[profile];
  const trusted = trustedEntries(material.caPem, nameOf);
  const certificates = [...certificateBlocks(material.certificatePem), ...trusted.map((entry) => entry.certificate)];
  const keystore = base64(encodePkcs12({ key, certificates, password, protection }));
  if (trusted.length === 0) return { [KINDS.pkcs12.keystore]: keystore };
  const truststore = base64(encodePkcs12Truststore({ entries: trusted, password, protection }));
  return { [KINDS.pkcs12.keystore]: keystore, [KINDS.pkcs12.truststore]: truststore };
}

function jksEntries(
  material: TlsMaterial,
  key: KeyObject,
  password: string,
  { alias, atMs }: { readonly alias: string; readonly atMs: number },
): Entries {
  const trusted = trustedEntries(material.caPem, (_, at) => (at === 0 ? "ca" : `ca-${String(at)}`));
  const keyEntry = { alias, key, certificates: certificateBlocks(material.certificatePem) };
  const keystore = base64(encodeJks({ keyEntry, trusted, password, atMs }));
  if (trusted.length === 0) return { [KINDS.jks.keystore]: keystore };
  const truststore = base64(encodeJks({ keyEntry: undefined, trusted, password, atMs }));
  return { [KINDS.jks.keystore]: keystore, [KINDS.jks.truststore]: truststore };
}

/** Two entries of one name would be one to Java: the later ones get a number. */
function trustedEntries(caPem: string, nameFor: (der: Uint8Array, at: number) => string): readonly TrustedEntry[] {
  const taken = new Set<string>();
  return authorities(caPem).map((certificate, at) => {
    const wanted = nameFor(certificate, at);
    const name = taken.has(wanted.toLowerCase()) ? `${wanted} (${String(at + 1)})` : wanted;
    taken.add(name.toLowerCase());
    return { certificate, name };
  });
}

/** An unreadable `ca.crt` is no reason to have no keystore either. */
function authorities(caPem: string): readonly Uint8Array[] {
  try {
    return certificateBlocks(caPem).filter((der) => certificateParts(der).facts.serialHex !== "");
  } catch (error) {
    if (isLintelError(error)) return [];
    throw error;
  }
}

function nameOf(der: Uint8Array): string {
  return nameText(decodeRelativeNames(readDer(certificateParts(der).subjectDer)));
}

function entriesOf(secret: KubeObject, kind: Kind): Entries {
  const data = recordAt(secret, "data");
  const { keystore, truststore } = KINDS[kind];
  return Object.fromEntries(
    [keystore, truststore].flatMap((name) => {
      const value = stringAt(data, name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
