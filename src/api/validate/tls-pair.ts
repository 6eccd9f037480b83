import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { decodePem, type PemBlock } from "../../ground/pem.ts";

/**
 * Returns why a certificate and a key cannot serve TLS together, in the words in which a Kubernetes API server warns of it
 * (those of Go's crypto/tls), or undefined when they can. Both are PEM text; of the certificates the first is looked at.
 */
export function tlsPairProblem(certificatePem: string, keyPem: string): string | undefined {
  const blocks = blocksOf(certificatePem);
  const certificate = blocks.find(({ label }) => label === "CERTIFICATE");
  if (certificate === undefined) return withoutCertificate(blocks);
  const keyBlocks = blocksOf(keyPem);
  const key = keyBlocks.find(({ label }) => isKey(label));
  if (key === undefined) return withoutKey(keyBlocks);
  const parsed = parseCertificate(certificate);
  if (parsed === undefined) return "x509: malformed certificate";
  const privateKey = parseKey(key);
  if (privateKey === undefined) return "tls: failed to parse private key";
  if (privateKey.asymmetricKeyType !== parsed.publicKey.asymmetricKeyType) {
    return "tls: private key type does not match public key type";
  }
  return parsed.checkPrivateKey(privateKey) ? undefined : "tls: private key does not match public key";
}

function blocksOf(pem: string): readonly PemBlock[] {
  try {
    return decodePem(pem);
  } catch {
    return [];
  }
}

function isKey(label: string): boolean {
  return label === "PRIVATE KEY" || label.endsWith(" PRIVATE KEY");
}

function withoutCertificate(skipped: readonly PemBlock[]): string {
  const [only] = skipped;
  if (only === undefined) return "tls: failed to find any PEM data in certificate input";
  if (skipped.length === 1 && isKey(only.label)) {
    return "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched";
  }
  return `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: ${labels(skipped)}`;
}

function withoutKey(skipped: readonly PemBlock[]): string {
  const [only] = skipped;
  if (only === undefined) return "tls: failed to find any PEM data in key input";
  if (skipped.length === 1 && only.label === "CERTIFICATE") {
    return "tls: found a certificate rather than a key in the PEM for the private key";
  }
  return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: ${labels(skipped)}`;
}

function labels(blocks: readonly PemBlock[]): string {
  return `[${blocks.map(({ label }) => label).join(" ")}]`;
}

function parseCertificate({ der }: PemBlock): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

/** PKCS#1, PKCS#8 and SEC 1, whatever the label says, as Go tries them. */
function parseKey({ der }: PemBlock): KeyObject | undefined {
  for (const type of ["pkcs1", "pkcs8", "sec1"] as const) {
    try {
      return createPrivateKey({ key: Buffer.from(der), format: "der", type });
    } catch {
      // Another form, then.
    }
  }
  return undefined;
}
