import { decide as decideCertificate, type Step } from "../control/certificates/decide.ts";
import { readFacts } from "../control/certificates/read-facts.ts";
import type { EdgeAddress } from "../control/edge-publisher/ingress-status.ts";
import { decide as decideShim } from "../control/ingress-shim/decide.ts";
import type { Clock } from "../ground/clock.ts";
import { isLintelError } from "../ground/errors.ts";
import { arrayAt, jsonEqual, recordAt } from "../ground/json.ts";
import { ISSUER_GROUP, readCertificate } from "../resource/certificate.ts";
import {
  CERTIFICATE,
  CLUSTER_ISSUER,
  ENDPOINT_SLICE,
  ENDPOINTS,
  INGRESS,
  INGRESS_CLASS,
  ISSUER,
  SECRET,
  SERVICE,
  type Kind,
} from "../resource/kind.ts";
import { objectKey, type KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import type { ClassOptions } from "../translate/ingress/served-class.ts";
import { translate } from "../translate/translate.ts";

/** Something that Lintel would do in a cluster, or do otherwise than written. */
export interface Foreseen {
  /** `Ingress shop/web` */
  readonly object: string;
  readonly act: (typeof FORESEEN_ACTS)[number];
  /** One sentence without a full stop. */
  readonly detail: string;
}

/**
 * What can be foreseen. `refuse`: a part is not served, or a Certificate not issued; `serve-otherwise`: it is served
 * otherwise than written; `set-status`: the status gets other addresses; `create`, `change`, `remove`: a Certificate of
 * an Ingress comes, changes or goes; `issue`: a certificate would be ordered.
 */
export const FORESEEN_ACTS = [
  "refuse",
  "serve-otherwise",
  "set-status",
  "create",
  "change",
  "remove",
  "issue",
] as const;

/** What decides what Lintel would do. */
export interface ForeseeOptions {
  readonly store: Pick<Store, "get" | "list">;
  readonly clock: Clock;
  readonly classes: ClassOptions;
  /** What the status of Ingresses would get; empty: not known, and not compared. */
  readonly addresses: readonly EdgeAddress[];
}

/** Certificates beyond this are not looked at; each costs some questions to the API server. */
const CERTIFICATES_MAX = 5_000;

/** Returns what leading replicas would change in the cluster now, without writing anything. */
export async function foresee(options: ForeseeOptions): Promise<readonly Foreseen[]> {
  const { store } = options;
  const list = async (kind: Kind): Promise<readonly KubeObject[]> => {
    try {
      return (await store.list(kind)).items;
    } catch (error) {
      // A cluster without the definitions of certificates has none.
      if (isLintelError(error, "NotFound")) return [];
      throw error;
    }
  };
  const [ingresses, certificates] = await Promise.all([list(INGRESS), list(CERTIFICATE)]);
  return [
    ...(await foreseeTraffic(options, ingresses, list)),
    ...foreseeShim(ingresses, certificates),
    ...(await foreseeIssuance(options, certificates, list)),
  ];
}

type Lister = (kind: Kind) => Promise<readonly KubeObject[]>;

async function foreseeTraffic(
  options: ForeseeOptions,
  ingresses: readonly KubeObject[],
  list: Lister,
): Promise<readonly Foreseen[]> {
  const [ingressClasses, services, endpointSlices, endpoints, secretList] = await Promise.all(
    [INGRESS_CLASS, SERVICE, ENDPOINT_SLICE, ENDPOINTS, SECRET].map(list),
  );
  const secrets = new Map((secretList ?? []).map((secret) => [objectKey(secret), secret]));
  const { diagnostics, served } = translate({
    ingresses,
    ingressClasses: ingressClasses ?? [],
    services: services ?? [],
    endpointSlices: endpointSlices ?? [],
    endpoints: endpoints ?? [],
    secrets: (namespace, name) => secrets.get(`${namespace}/${name}`),
    standIns: new Map(),
    challenges: [],
    options: { ...options.classes, settings: { trustedProxies: [], httpsPort: 443 } },
    nowMs: options.clock.nowMs(),
  });
  const found = diagnostics.flatMap(({ object, severity, message }): readonly Foreseen[] => {
    if (severity === "info") return [];
    const act = severity === "error" ? "refuse" : "serve-otherwise";
    return [{ object: `${object.kind} ${object.namespace}/${object.name}`, act, detail: message }];
  });
  return [...found, ...served.flatMap((ingress) => foreseeStatus(ingress, options.addresses))];
}

function foreseeStatus(ingress: KubeObject, addresses: readonly EdgeAddress[]): readonly Foreseen[] {
  const now = arrayAt(recordAt(ingress["status"], "loadBalancer"), "ingress");
  if (addresses.length === 0 || jsonEqual(now, addresses)) return [];
  const detail = `The status changes from ${addressText(now)} to ${addressText(addresses)}`;
  return [{ object: nameOf(ingress), act: "set-status", detail }];
}

function addressText(addresses: readonly unknown[]): string {
  const texts = addresses.map((address) => Object.values(recordAt({ address }, "address")).join(" "));
  return texts.length === 0 ? "no address" : texts.join(", ");
}

function foreseeShim(ingresses: readonly KubeObject[], certificates: readonly KubeObject[]): readonly Foreseen[] {
  const byNamespace = Map.groupBy(certificates, ({ metadata }) => metadata.namespace ?? "");
  return ingresses.flatMap((ingress): readonly Foreseen[] => {
    const own = byNamespace.get(ingress.metadata.namespace ?? "") ?? [];
    const { actions, problems } = decideShim({ ingress, certificates: own, defaultIssuer: undefined });
    const acts = { create: "create", update: "change", delete: "remove" } as const;
    return [
      ...problems.map((detail) => ({ object: nameOf(ingress), act: "refuse", detail }) as const),
      ...actions.map(
        ({ kind, certificate }) =>
          ({ object: nameOf(certificate), act: acts[kind], detail: `For ${nameOf(ingress)}` }) as const,
      ),
    ];
  });
}

async function foreseeIssuance(
  options: ForeseeOptions,
  certificates: readonly KubeObject[],
  list: Lister,
): Promise<readonly Foreseen[]> {
  const issuers = new Map((await list(ISSUER)).map((issuer) => [objectKey(issuer), issuer]));
  const clusterIssuers = new Map((await list(CLUSTER_ISSUER)).map((issuer) => [issuer.metadata.name, issuer]));
  const world = {
    store: options.store,
    clock: options.clock,
    // No issuer is answered by the embedded CA here.
    offlineIssuer: { name: "", kind: "ClusterIssuer", group: ISSUER_GROUP },
    accounts: { isOffline: () => false },
    caches: {
      issuers: { get: (namespace: string, name: string) => issuers.get(`${namespace}/${name}`) },
      clusterIssuers: { get: (_: string, name: string) => clusterIssuers.get(name) },
    },
  };
  const foreseen: Foreseen[] = [];
  for (const object of certificates.slice(0, CERTIFICATES_MAX)) {
    if (object.metadata.deletionTimestamp !== undefined) continue;
    const step = decideCertificate(await readFacts(world, readCertificate(object)));
    const said = sayStep(step);
    if (said !== undefined) foreseen.push({ object: nameOf(object), ...said });
  }
  return foreseen;
}

function sayStep(step: Step): Pick<Foreseen, "act" | "detail"> | undefined {
  switch (step.kind) {
    case "keep":
    case "await":
    case "backOff":
      return undefined;
    case "refuse":
    case "keepWrongKey":
      return { act: "refuse", detail: step.message };
    case "begin":
      return { act: "issue", detail: step.message };
    case "fail":
      return { act: "refuse", detail: step.message };
    case "makeKey":
    case "discardRequest":
    case "request":
    case "store":
      return { act: "issue", detail: "An issuance is under way and would be gone on with" };
    default:
      return step satisfies never;
  }
}

function nameOf(object: KubeObject): string {
  const { name, namespace } = object.metadata;
  return `${object.kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}
