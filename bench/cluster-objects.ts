import { encodeKey, generateKey } from "../src/pki/key.ts";
import { selfSign, signRequest } from "../src/pki/sign.ts";
import { createRequest } from "../src/pki/x509/request.ts";
import { toBase64 } from "../src/resource/certificate-request.ts";
import {
  apiVersionOf,
  ENDPOINT_SLICE,
  INGRESS,
  ISSUER,
  NAMESPACE,
  SECRET,
  SERVICE,
  type Kind,
} from "../src/resource/kind.ts";
import type { KubeObject } from "../src/resource/object.ts";
import type { Store } from "../src/store/contract.ts";

/** Where everything is. */
export const BENCH_NAMESPACE = "bench";
/** Of the Service that the probe asks. */
export const PROBE = "probe";

const DAY_MS = 86_400_000;
/** As many objects as are written at a time. */
const WRITERS = 32;

/** How much there is of each kind. */
export interface Amounts {
  readonly ingresses: number;
  readonly services: number;
  readonly tlsSecrets: number;
  /** Opaque Secrets that nothing refers to, and how large each is. */
  readonly unrelated: number;
  readonly unrelatedBytes: number;
}

/** Calls `act` for 0 … count-1, {@link WRITERS} at a time. */
export async function spread(count: number, act: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const writer = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await act(index);
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

/** Writes the objects of a large cluster. The probe's endpoint is `address`, port 1. */
export async function fillCluster(store: Store, amounts: Amounts, address: string, nowMs: number): Promise<void> {
  await store.create(NAMESPACE, make(NAMESPACE, BENCH_NAMESPACE, {}));
  await store.create(ISSUER, make(ISSUER, "self", { spec: { selfSigned: {} } }));
  await spread(amounts.unrelated, (index) => store.create(SECRET, unrelatedSecret(index, amounts.unrelatedBytes)));
  const pairs = await pairMaker(nowMs);
  await spread(amounts.tlsSecrets, async (index) => store.create(SECRET, await pairs(index)));
  await spread(amounts.services, async (index) => {
    const name = `service-${String(index)}`;
    await store.create(SERVICE, service(name));
    await store.create(ENDPOINT_SLICE, slice(name, `10.${String(index >> 8)}.${String(index & 255)}.7`, 8080));
  });
  await store.create(SERVICE, service(PROBE));
  await store.create(ENDPOINT_SLICE, slice(PROBE, address, 1));
  await spread(amounts.ingresses, (index) => store.create(INGRESS, ingress(index, amounts)));
  await store.create(INGRESS, ingressOf(PROBE, `${PROBE}.bench.example`, PROBE, undefined));
}

/** Returns what makes the TLS Secret of one number, each time with another certificate. */
export async function pairMaker(nowMs: number): Promise<(index: number) => Promise<KubeObject>> {
  const caKey = await generateKey({ algorithm: "ECDSA", size: 256 });
  const terms = { notBeforeMs: nowMs - DAY_MS, durationMs: 4000 * DAY_MS, isCa: true, usages: ["cert sign"] };
  const csr = await createRequest(caKey, { commonName: "Bench CA", isCa: true });
  const ca = await selfSign({ csr, key: caKey, ...terms });
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  return async (index) => {
    const { chain } = await signRequest({
      csr: await createRequest(key, { dnsNames: [hostOf(index)] }),
      authority: { chain: ca.chain, key: caKey },
      notBeforeMs: nowMs - DAY_MS,
      durationMs: 90 * DAY_MS,
      isCa: false,
      usages: ["digital signature", "key encipherment"],
    });
    const data = { "tls.crt": toBase64(chain), "tls.key": toBase64(encodeKey(key, "PKCS8")) };
    return make(SECRET, secretOf(index), { type: "kubernetes.io/tls", data });
  };
}

/** Returns one of the Ingresses. */
export function ingress(index: number, amounts: Amounts, more: readonly string[] = []): KubeObject {
  const service = `service-${String(index % amounts.services)}`;
  const secret = index < amounts.tlsSecrets ? secretOf(index) : undefined;
  return ingressOf(`ingress-${String(index)}`, hostOf(index), service, secret, ["/", ...more]);
}

/** Returns an object of the bench. */
export function make(kind: Kind, name: string, fields: Readonly<Record<string, unknown>>): KubeObject {
  const metadata = { name, ...(kind.namespaced ? { namespace: BENCH_NAMESPACE } : {}) };
  return { ...fields, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata };
}

function ingressOf(
  name: string,
  host: string,
  service: string,
  secretName: string | undefined,
  paths: readonly string[] = ["/"],
): KubeObject {
  const backend = { service: { name: service, port: { number: 80 } } };
  return make(INGRESS, name, {
    spec: {
      ingressClassName: "lintel",
      ...(secretName === undefined ? {} : { tls: [{ hosts: [host], secretName }] }),
      rules: [{ host, http: { paths: paths.map((path) => ({ path, pathType: "Prefix", backend })) } }],
    },
  });
}

function service(name: string): KubeObject {
  return make(SERVICE, name, { spec: { ports: [{ name: "http", port: 80, targetPort: 8080 }] } });
}

function slice(name: string, address: string, port: number): KubeObject {
  const object = make(ENDPOINT_SLICE, name, {
    addressType: "IPv4",
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: "http", port, protocol: "TCP" }],
  });
  return { ...object, metadata: { ...object.metadata, labels: { "kubernetes.io/service-name": name } } };
}

function unrelatedSecret(index: number, bytes: number): KubeObject {
  const text = `${String(index)} `.repeat(bytes).slice(0, bytes);
  return make(SECRET, `unrelated-${String(index)}`, { type: "Opaque", data: { content: toBase64(text) } });
}

function hostOf(index: number): string {
  return `host-${String(index)}.bench.example`;
}

function secretOf(index: number): string {
  return `host-${String(index)}-tls`;
}
