import { isLintelError, messageOf } from "../../ground/errors.ts";
import { decodePem, encodePem } from "../../ground/pem.ts";
import { certificateBlocks, certificateParts } from "../../pki/x509/certificate.ts";
import type { KubeObject } from "../../resource/object.ts";
import { secretText } from "../../resource/secret.ts";
import type { ClientCa } from "../../routing/snapshot.ts";

/** The authorities that a Secret holds, or why they cannot be used, as a sentence. */
export type ClientCaReading =
  | {
      readonly kind: "usable";
      readonly ca: ClientCa;
      /** Whether there is an authority that signs itself, which every chain must end in. */
      readonly hasRoot: boolean;
    }
  | { readonly kind: "unusable"; readonly message: string };

/** Longest list of authorities, and of what they have revoked, that every worker keeps. */
const PEM_LENGTH_MAX = 512 * 1024;

const cache = new WeakMap<KubeObject, ClientCaReading>();

/** Returns the authorities in `ca.crt` of a Secret and the revocation lists in its `ca.crl`; the same for the same object. Never throws. */
export function readClientCa(secret: KubeObject): ClientCaReading {
  const known = cache.get(secret);
  if (known !== undefined) return known;
  const made = read(secret);
  cache.set(secret, made);
  return made;
}

function read(secret: KubeObject): ClientCaReading {
  const id = `${secret.metadata.namespace ?? ""}/${secret.metadata.name}`;
  const text = secretText(secret, "ca.crt") ?? "";
  const lists = secretText(secret, "ca.crl") ?? "";
  if (text === "") return { kind: "unusable", message: `Secret "${id}" has no "ca.crt"` };
  if (text.length + lists.length > PEM_LENGTH_MAX) {
    return {
      kind: "unusable",
      message: `"ca.crt" and "ca.crl" of Secret "${id}" are longer than ${PEM_LENGTH_MAX} bytes`,
    };
  }
  try {
    const blocks = certificateBlocks(text);
    const hasRoot = blocks.map((der) => certificateParts(der).facts.selfIssued).includes(true);
    const certificates = blocks.map((der) => encodePem("CERTIFICATE", der)).join("");
    const revocations = lists === "" ? undefined : revocationLists(lists);
    if (revocations === "") return { kind: "unusable", message: `"ca.crl" of Secret "${id}" has no revocation list` };
    return { kind: "usable", hasRoot, ca: { id, certificates, ...(revocations === undefined ? {} : { revocations }) } };
  } catch (error) {
    const why = isLintelError(error) ? `: ${messageOf(error)}` : "";
    return { kind: "unusable", message: `"ca.crt" or "ca.crl" of Secret "${id}" cannot be read${why}` };
  }
}

function revocationLists(text: string): string {
  const lists = decodePem(text).filter(({ label }) => label === "X509 CRL");
  return lists.map(({ label, der }) => encodePem(label, der)).join("");
}
