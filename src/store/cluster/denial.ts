/** What an API server does not let us do (RBAC), as it says so in a message. */
export interface Denial {
  /** `system:serviceaccount:lintel:lintel` */
  readonly user: string;
  readonly verb: string;
  /** Empty for the core group. */
  readonly group: string;
  /** With its subresource: `certificates/status`. */
  readonly resource: string;
  /** Empty: in all namespaces. */
  readonly namespace: string;
}

const MESSAGE =
  /User "([^"]*)" cannot (\S+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]*)"| at the cluster scope)?/;

/** Reads the message of a refusal; undefined where it is not the one of RBAC. */
export function parseDenial(message: string): Denial | undefined {
  const [found, user = "", verb = "", resource = "", group = "", namespace = ""] = MESSAGE.exec(message) ?? [];
  return found === undefined ? undefined : { user, verb, group, resource, namespace };
}

/** Returns what a request asks for, in the words of RBAC. */
export function actOfRequest(method: string, path: string): Omit<Denial, "user"> {
  const [place = "", query = ""] = path.split("?");
  const segments = place.split("/").slice(1).map(decodeURIComponent);
  const group = segments[0] === "apis" ? (segments[1] ?? "") : "";
  const rest = segments.slice(segments[0] === "apis" ? 3 : 2);
  const isInside = rest[0] === "namespaces" && rest.length > 2;
  const [plural = "", name, sub] = isInside ? rest.slice(2) : rest;
  const reading = name !== undefined ? "get" : /(^|&)watch=true(&|$)/.test(query) ? "watch" : "list";
  const verb = method === "GET" ? reading : (VERBS[method] ?? method.toLowerCase());
  return {
    verb,
    group,
    resource: sub === undefined ? plural : `${plural}/${sub}`,
    namespace: isInside ? (rest[1] ?? "") : "",
  };
}

const VERBS: Readonly<Record<string, string>> = { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };

/** Returns what is missing and what does not work without it, in one sentence without a full stop. */
export function denialSentence(denial: Denial): string {
  const { user, verb, resource, group, namespace } = denial;
  const [, , accountNamespace, account] = user.startsWith("system:serviceaccount:") ? user.split(":") : [];
  const who = account === undefined ? `User "${user}"` : `ServiceAccount "${accountNamespace ?? ""}/${account}"`;
  const what = group === "" ? resource : `${resource} of ${group}`;
  const where = namespace === "" ? "in the cluster" : `in namespace "${namespace}"`;
  return `${who} may not ${verb} ${what} ${where}: ${consequenceOf(denial)}`;
}

/** Returns how to give it: the rule, and the command that asks whether it is given. */
export function denialRemedy({ user, verb, group, resource, namespace }: Denial): string {
  const rule = JSON.stringify({ apiGroups: [group], resources: [resource], verbs: [verb] });
  const [name, sub] = resource.split("/");
  const asked = [
    `kubectl auth can-i ${verb} ${name ?? ""}${group === "" ? "" : `.${group}`}`,
    ...(sub === undefined ? [] : [`--subresource=${sub}`]),
    namespace === "" ? "--all-namespaces" : `--namespace=${namespace}`,
    `--as=${user}`,
  ].join(" ");
  return `Apply the roles that "lintel manifests" prints, or add the rule ${rule}; "${asked}" tells whether it is there`;
}

const READING: ReadonlySet<string> = new Set(["get", "list", "watch"]);

/** By resource: what does not work when it cannot be read, and when it cannot be written. */
const CONSEQUENCES: Readonly<Record<string, readonly [reading: string, writing: string]>> = {
  ingresses: ["changes of Ingresses are not seen", "Ingresses are not changed"],
  "ingresses/status": ["", "Ingresses do not show the address of the edge"],
  ingressclasses: ["it is not known which Ingresses are meant", ""],
  services: ["changes of Services are not seen", ""],
  endpoints: ["changes of Endpoints are not seen", ""],
  endpointslices: ["new Pods get no requests, and Pods that are gone still do", ""],
  secrets: ["new certificates are not served", "certificates and keys are not stored, so none is issued or renewed"],
  events: ["Events are not counted", "Events are missing; conditions and the log say the same"],
  leases: ["no replica can lead, so nothing is written", "no replica can lead, so nothing is written"],
  certificates: ["Certificates are not looked after", "Certificates of Ingresses are not made or changed"],
  certificaterequests: ["no certificate is issued or renewed", "no certificate is issued or renewed"],
  orders: ["no certificate is issued or renewed by ACME", "no certificate is issued or renewed by ACME"],
  challenges: ["names cannot be proven to a CA", "names cannot be proven to a CA"],
  issuers: ["Issuers are not looked after", "finalizers of Issuers are not set or removed"],
  clusterissuers: ["ClusterIssuers are not looked after", "finalizers of ClusterIssuers are not set or removed"],
  "certificates/status": ["", "Certificates do not get on: what was begun is kept in their status"],
  "certificaterequests/status": ["", "no certificate is issued or renewed"],
  "orders/status": ["", "no certificate is ordered: a CA is asked only when it can be noted"],
  "challenges/status": ["", "names cannot be proven to a CA"],
  "issuers/status": ["", "Issuers do not become ready"],
  "clusterissuers/status": ["", "ClusterIssuers do not become ready"],
  "serviceaccounts/token": ["", "issuers that log in as this ServiceAccount cannot sign"],
};

function consequenceOf({ verb, resource }: Denial): string {
  const [reading, writing] = CONSEQUENCES[resource] ?? ["", ""];
  const said = READING.has(verb) ? reading : writing;
  return said === "" ? "what needs it does not work" : said;
}
