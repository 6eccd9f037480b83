import type { Clock } from "../../ground/clock.ts";
import { isLintelError } from "../../ground/errors.ts";
import { arrayAt, recordAt, stringAt } from "../../ground/json.ts";
import { encodeKey, generateKey } from "../../pki/key.ts";
import { selfSign } from "../../pki/sign.ts";
import { certificateBlocks, certificateParts } from "../../pki/x509/certificate.ts";
import { parseIp } from "../../pki/x509/ip-address.ts";
import { createRequest } from "../../pki/x509/request.ts";
import { apiVersionOf, MUTATING_WEBHOOKS, SECRET, VALIDATING_WEBHOOKS } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import type { Store } from "../../store/contract.ts";
import type { ServingPair } from "./admission-server.ts";

const DAY_MS = 86_400_000;
const DURATION_MS = 365 * DAY_MS;
/** Replaced with this much left, so that a replica that was away for a month still has a good one. */
const LEFT_MS_MIN = 60 * DAY_MS;
const BACKDATE_MS = 3_600_000;
/** What the API server trusts: the newest certificate and the one before it, which replicas may serve a minute longer. */
const TRUSTED_MAX = 2;

/** Where the certificate of an admission webhook is kept. */
export interface WebhookPlace {
  readonly store: Pick<Store, "get" | "create" | "update">;
  readonly clock: Clock;
  readonly namespace: string;
  /** Of both webhook configurations; the Secret is `NAME-webhook-tls`. */
  readonly name: string;
}

/** Returns the pair that every replica serves; undefined while the leader has not made one. */
export async function readWebhookPair(place: WebhookPlace): Promise<ServingPair | undefined> {
  const { certificate, key } = dataOf(await place.store.get(SECRET, place.namespace, secretName(place)));
  return certificate === "" || key === "" ? undefined : { certificate, key };
}

/**
 * Makes the certificate when there is none, when it nears its end or names another Service, and has the API server trust
 * it: `caBundle` of both configurations. For the leader, again and again. A configuration that is missing is left so.
 */
export async function tendWebhookCertificate(place: WebhookPlace): Promise<void> {
  const { store, namespace, clock } = place;
  const configurations = await readConfigurations(place);
  const names = [...new Set(configurations.flatMap(({ object }) => namesOf(object)))].sort();
  if (names.length === 0) return;
  const secret = await store.get(SECRET, namespace, secretName(place));
  let { trusted } = dataOf(secret);
  if (!isGood(dataOf(secret).certificate, names, clock.nowMs())) {
    const made = await makePair(names, clock.nowMs());
    trusted = [made.certificate, ...certificateTexts(trusted)].slice(0, TRUSTED_MAX).join("");
    const object = secretObject(place, made, trusted);
    await (secret === undefined
      ? store.create(SECRET, object)
      : store.update(SECRET, { ...secret, data: object["data"] }));
  }
  const bundle = base64(trusted);
  for (const { kind, object } of configurations) {
    if (arrayAt(object, "webhooks").every((one) => stringAt(recordAt(one, "clientConfig"), "caBundle") === bundle)) {
      continue;
    }
    await store.update(kind, withBundle(object, bundle));
  }
}

interface Configuration {
  readonly kind: typeof VALIDATING_WEBHOOKS;
  readonly object: KubeObject;
}

async function readConfigurations(place: WebhookPlace): Promise<readonly Configuration[]> {
  const found: Configuration[] = [];
  for (const kind of [MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS]) {
    const object = await place.store.get(kind, "", place.name);
    if (object !== undefined) found.push({ kind, object });
  }
  return found;
}

/** The names that the API server expects in the certificate. */
function namesOf(configuration: KubeObject): readonly string[] {
  return arrayAt(configuration, "webhooks").flatMap((webhook) => {
    const client = recordAt(webhook, "clientConfig");
    const { name, namespace } = recordAt(client, "service");
    if (typeof name === "string" && typeof namespace === "string") return [`${name}.${namespace}.svc`];
    const url = URL.parse(stringAt(client, "url") ?? "");
    return url === null ? [] : [url.hostname.replace(/^\[(.*)\]$/, "$1")];
  });
}

function isGood(certificate: string, names: readonly string[], nowMs: number): boolean {
  try {
    const [block] = certificateBlocks(certificate);
    if (block === undefined) return false;
    const { facts } = certificateParts(block);
    const there = [...facts.dnsNames, ...facts.ipAddresses];
    return facts.notAfterMs - nowMs > LEFT_MS_MIN && names.every((name) => there.includes(name));
  } catch (error) {
    if (isLintelError(error)) return false;
    throw error;
  }
}

async function makePair(names: readonly string[], nowMs: number): Promise<ServingPair> {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const ipAddresses = names.filter((name) => parseIp(name) !== undefined);
  const dnsNames = names.filter((name) => !ipAddresses.includes(name));
  const csr = await createRequest(key, { commonName: "Lintel admission webhook", dnsNames, ipAddresses });
  const terms = { notBeforeMs: nowMs - BACKDATE_MS, durationMs: DURATION_MS, isCa: false, usages: ["server auth"] };
  const { chain } = await selfSign({ csr, key, ...terms });
  return { certificate: chain, key: encodeKey(key, "PKCS8") };
}

function secretObject(place: WebhookPlace, pair: ServingPair, trusted: string): KubeObject {
  return {
    apiVersion: apiVersionOf(SECRET),
    kind: SECRET.kind,
    metadata: { name: secretName(place), namespace: place.namespace, labels: { "app.kubernetes.io/name": "lintel" } },
    type: "kubernetes.io/tls",
    data: { "tls.crt": base64(pair.certificate), "tls.key": base64(pair.key), "ca.crt": base64(trusted) },
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function withBundle(configuration: KubeObject, caBundle: string): KubeObject {
  const webhooks = arrayAt(configuration, "webhooks").map((webhook) => ({
    ...recordAt({ webhook }, "webhook"),
    clientConfig: { ...recordAt(webhook, "clientConfig"), caBundle },
  }));
  return { ...configuration, webhooks };
}

function dataOf(secret: KubeObject | undefined): ServingPair & { readonly trusted: string } {
  const data = recordAt(secret, "data");
  const text = (key: string): string => Buffer.from(stringAt(data, key) ?? "", "base64").toString("utf8");
  return { certificate: text("tls.crt"), key: text("tls.key"), trusted: text("ca.crt") };
}

function certificateTexts(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n?/g) ?? [];
}

function secretName(place: WebhookPlace): string {
  return `${place.name}-webhook-tls`;
}
