import {
  apiVersionOf,
  CERTIFICATE,
  CERTIFICATE_REQUEST,
  CHALLENGE,
  CLUSTER_ISSUER,
  ISSUER,
  ORDER,
  type Kind,
} from "./kind.ts";

/** One field that has another place, or other words, in an older version of its kind. Paths are joined by dots. */
export interface FieldMove {
  /** The list whose items the paths are in; empty: the object itself. */
  readonly each: string;
  readonly older: string;
  readonly stored: string;
  /** Words of the older version and those that are stored; other values stay as they are. */
  readonly words: Readonly<Record<string, string>>;
}

/** One version in which cert-manager once served a kind, and what is different in it. */
export interface OlderVersion {
  readonly kind: Kind;
  readonly group: string;
  readonly version: string;
  readonly moves: readonly FieldMove[];
  /** Objects that exist in the older version alone, kept as they are. */
  readonly only: readonly string[];
}

/** The group before 2019, with one version of everything. */
export const FIRST_GROUP = "certmanager.k8s.io";

/**
 * On an object that was written in the first version: the fields of that version that have no place in later ones, as JSON,
 * so that whoever reads it in that version gets them back.
 */
export const FIRST_VERSION_ANNOTATION = "lintel.dev/v1alpha1-fields";

const ALPHA_CERTIFICATE: readonly FieldMove[] = [
  move("spec.keyAlgorithm", "spec.privateKey.algorithm", { rsa: "RSA", ecdsa: "ECDSA" }),
  move("spec.keyEncoding", "spec.privateKey.encoding", { pkcs1: "PKCS1", pkcs8: "PKCS8" }),
  move("spec.keySize", "spec.privateKey.size"),
];
const NAMES: readonly FieldMove[] = [move("spec.emailSANs", "spec.emailAddresses"), move("spec.uriSANs", "spec.uris")];
const ORGANIZATION = move("spec.organization", "spec.subject.organizations");
const CSR = move("spec.csr", "spec.request");
const PROVIDERS: readonly (readonly [string, string])[] = [
  ["acmedns", "acmeDNS"],
  ["azuredns", "azureDNS"],
  ["clouddns", "cloudDNS"],
];
const SOLVERS = PROVIDERS.map(([older, stored]) => ({
  ...move(`dns01.${older}`, `dns01.${stored}`),
  each: "spec.acme.solvers",
}));
const CHALLENGE_MOVES: readonly FieldMove[] = [
  move("spec.authzURL", "spec.authorizationURL"),
  move("spec.type", "spec.type", { "http-01": "HTTP-01", "dns-01": "DNS-01" }),
  ...PROVIDERS.map(([older, stored]) => move(`spec.solver.dns01.${older}`, `spec.solver.dns01.${stored}`)),
];

/** Every version that is served beside the stored one, the newest first. */
export const OLDER_VERSIONS: readonly OlderVersion[] = [
  ...versions(CERTIFICATE, {
    v1beta1: NAMES,
    v1alpha3: [...ALPHA_CERTIFICATE, ...NAMES],
    v1alpha2: [ORGANIZATION, ...ALPHA_CERTIFICATE, ...NAMES],
  }),
  ...versions(CERTIFICATE_REQUEST, { v1beta1: [], v1alpha3: [CSR], v1alpha2: [CSR] }),
  ...versions(ISSUER, { v1beta1: [], v1alpha3: SOLVERS, v1alpha2: SOLVERS }),
  ...versions(CLUSTER_ISSUER, { v1beta1: [], v1alpha3: SOLVERS, v1alpha2: SOLVERS }),
  ...versions(ORDER, { v1beta1: [], v1alpha3: [CSR], v1alpha2: [CSR] }),
  ...versions(CHALLENGE, { v1beta1: [], v1alpha3: CHALLENGE_MOVES, v1alpha2: CHALLENGE_MOVES }),
  first(CERTIFICATE, [ORGANIZATION, ...ALPHA_CERTIFICATE, ...NAMES], ["spec.acme"]),
  first(CERTIFICATE_REQUEST, [CSR], []),
  first(ISSUER, SOLVERS, ["spec.acme.http01", "spec.acme.dns01"]),
  first(CLUSTER_ISSUER, SOLVERS, ["spec.acme.http01", "spec.acme.dns01"]),
  first(ORDER, [CSR], ["spec.config"]),
  first(CHALLENGE, CHALLENGE_MOVES, ["spec.config"]),
];

/** Returns `group/version` of an older version. */
export function olderApiVersion({ group, version }: OlderVersion): string {
  return apiVersionOf({ group, version });
}

function move(older: string, stored: string, words: Readonly<Record<string, string>> = {}): FieldMove {
  return { each: "", older, stored, words };
}

function versions(kind: Kind, moves: Readonly<Record<string, readonly FieldMove[]>>): readonly OlderVersion[] {
  return Object.entries(moves).map(([version, own]) => ({ kind, group: kind.group, version, moves: own, only: [] }));
}

function first(kind: Kind, moves: readonly FieldMove[], only: readonly string[]): OlderVersion {
  return { kind, group: FIRST_GROUP, version: "v1alpha1", moves, only };
}
