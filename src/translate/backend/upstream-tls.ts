import { decodePem } from "../../ground/pem.ts";
import { certificateParts } from "../../pki/x509/certificate.ts";
import { sha256 } from "../../pki/x509/sha256.ts";
import type { KubeObject } from "../../resource/object.ts";
import { quoted } from "../../resource/parse-problem.ts";
import { secretText } from "../../resource/secret.ts";
import type { Service } from "../../resource/service.ts";
import type { UpstreamTls } from "../../routing/snapshot.ts";
import type { UpstreamTlsSettings } from "../annotations/proxy-ssl.ts";
import { readServedSecret } from "../tls/served-secret.ts";

/** How TLS is spoken to a Service's endpoints, or why it cannot be as it was asked for. */
export type UpstreamTlsReading =
  | { readonly kind: "usable"; readonly tls: UpstreamTls }
  | { readonly kind: "unusable"; readonly message: string; readonly hint: string };

/** Most certificates in a Secret's `ca.crt`: three times as many as browsers come with. */
const AUTHORITIES_MAX = 500;

/** The namespace and name of the Secret that the settings name. */
export function secretOf(
  settings: UpstreamTlsSettings,
  namespace: string,
): { readonly namespace: string; readonly name: string } | undefined {
  if (settings.secret === undefined) return undefined;
  const [first = "", second] = settings.secret.split("/");
  return second === undefined ? { namespace, name: first } : { namespace: first, name: second };
}

/**
 * Returns how TLS is spoken to the endpoints of `service`. A Secret of another namespace is refused, as by ingress-nginx:
 * whoever may write an Ingress here could else use a key that is kept there. `secret` is the object, if there is one.
 */
export function readUpstreamTls(
  settings: UpstreamTlsSettings,
  service: Service,
  secret: KubeObject | undefined,
): UpstreamTlsReading {
  const isExternal = service.type === "ExternalName";
  const name = settings.name ?? (isExternal ? service.externalName : `${service.name}.${service.namespace}.svc`);
  const parts = readSecret(settings, service, secret);
  if (parts.kind === "unusable") return parts;
  const { authorities, certificate } = parts;
  const isNumeric = /^[\d.]+$/.test(name) || name.includes(":");
  const tls = {
    ...(authorities === undefined
      ? {}
      : { verify: { name, authorities, secret: parts.secret, intermediatesMax: settings.depthMax } }),
    ...(certificate === undefined ? {} : { certificate }),
    // RFC 6066 section 3: addresses are no server names.
    ...((settings.sendName ?? isExternal) && !isNumeric ? { serverName: name } : {}),
    minVersion: settings.minVersion,
    maxVersion: settings.maxVersion,
    ...(settings.ciphers === undefined ? {} : { ciphers: settings.ciphers }),
  };
  return { kind: "usable", tls: { id: fingerprint(tls), ...tls } };
}

/** Returns 128 bits of hexadecimal that stand for a JSON value. */
export function fingerprint(value: unknown): string {
  const digest = sha256(Uint8Array.from(Buffer.from(JSON.stringify(value))));
  return Buffer.from(digest.subarray(0, 16)).toString("hex");
}

type SecretParts =
  | {
      readonly kind: "usable";
      readonly secret: string;
      readonly authorities?: string | undefined;
      readonly certificate?: UpstreamTls["certificate"];
    }
  | (UpstreamTlsReading & { readonly kind: "unusable" });

function readSecret(settings: UpstreamTlsSettings, service: Service, secret: KubeObject | undefined): SecretParts {
  const named = secretOf(settings, service.namespace);
  if (named === undefined) return { kind: "usable", secret: "" };
  const id = `${named.namespace}/${named.name}`;
  const consequence = `and TLS to the endpoints of Service ${quoted(`${service.namespace}/${service.name}`)} needs it`;
  const unusable = (fault: string, hint: string): SecretParts => ({
    kind: "unusable",
    message: `Secret "${id}" ${fault}, ${consequence}`,
    hint,
  });
  if (named.namespace !== service.namespace) {
    return unusable("is of another namespace than the Ingress", `Copy it to namespace "${service.namespace}"`);
  }
  const create = `Create it with "kubectl create secret generic ${named.name} -n ${named.namespace} --from-file=ca.crt"`;
  if (secret === undefined) return unusable("does not exist", create);
  const authorities = secretText(secret, "ca.crt");
  if (settings.verify) {
    if (authorities === undefined || authorities.trim() === "") return unusable('has no "ca.crt"', create);
    const fault = authoritiesFault(authorities);
    if (fault !== undefined) return unusable(`has a "ca.crt" that ${fault}`, create);
  }
  const verified = settings.verify ? { authorities } : {};
  if (secretText(secret, "tls.crt") === undefined && secretText(secret, "tls.key") === undefined) {
    return { kind: "usable", secret: id, ...verified };
  }
  const client = readServedSecret(secret, undefined);
  if (client.kind === "unusable") {
    return { kind: "unusable", message: `${client.message}, ${consequence}`, hint: client.hint };
  }
  const { chain, key } = client.certificate;
  return { kind: "usable", secret: id, ...verified, certificate: { chain, key } };
}

function authoritiesFault(pem: string): string | undefined {
  try {
    const blocks = decodePem(pem).filter((block) => block.label === "CERTIFICATE");
    if (blocks.length > AUTHORITIES_MAX) return `has more than ${AUTHORITIES_MAX} certificates`;
    for (const block of blocks) certificateParts(block.der);
    return blocks.length === 0 ? "has no certificate in it" : undefined;
  } catch {
    return "is not made of certificates";
  }
}
