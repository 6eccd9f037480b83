import { isRecord, recordAt, stringAt, stringMapAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Route, ServedCertificate, TlsHost, UpstreamTls } from "../routing/snapshot.ts";
import type { TranslateInput, TranslateOutput } from "./translate.ts";

/** The moment golden cases happen at. */
export const GOLDEN_NOW_MS: number = Date.UTC(2026, 0, 1);

/**
 * Returns the input for manifests as the store would hold them. Does not imitate: validation, conversion of old
 * versions, creation times (a manifest without one was created on 2025-01-01). Documents of the kind `Given` carry what
 * is not an object: `options` (replacing the defaults) and `standIns` (hosts that already have one).
 */
export function goldenInput(documents: readonly unknown[], pem: (name: string) => string): TranslateInput {
  const objects = documents.filter(isRecord).map((document) => asObject(document, pem));
  const ofKind = (kind: string): readonly KubeObject[] => objects.filter((object) => object.kind === kind);
  const secrets = new Map(
    ofKind("Secret").map((secret) => [`${secret.metadata.namespace}/${secret.metadata.name}`, secret]),
  );
  const given = documents.find((document) => stringAt(document, "kind") === "Given");
  return {
    ingresses: ofKind("Ingress"),
    ingressClasses: ofKind("IngressClass"),
    services: ofKind("Service"),
    endpointSlices: ofKind("EndpointSlice"),
    endpoints: ofKind("Endpoints"),
    secrets: (namespace, name) => secrets.get(`${namespace}/${name}`),
    standIns: new Map(hostsAt(given).map((host) => [host, standIn(host)])),
    challenges: [],
    options: {
      classes: ["lintel", "nginx"],
      serveClassless: true,
      ...recordAt(given, "options"),
      settings: { trustedProxies: [], httpsPort: 443 },
    },
    nowMs: GOLDEN_NOW_MS,
  };
}

function hostsAt(given: unknown): readonly string[] {
  const hosts = isRecord(given) ? given["standIns"] : undefined;
  return Array.isArray(hosts) ? hosts.filter((host) => typeof host === "string") : [];
}

function standIn(host: string): ServedCertificate {
  return { id: `stand-in/${host}`, chain: "", key: "", notAfterMs: GOLDEN_NOW_MS + 86_400_000, standIn: true };
}

/** Returns a manifest as an object of the store: namespace and creation time filled in, stringData merged into data. */
export function asObject(document: Readonly<Record<string, unknown>>, pem: (name: string) => string): KubeObject {
  const metadata = recordAt(document, "metadata");
  const data: Record<string, string> = { ...stringMapAt(document, "data") };
  for (const [key, text] of Object.entries(stringMapAt(document, "stringData"))) {
    data[key] = Buffer.from(text.startsWith("@") ? pem(text.slice(1)) : text).toString("base64");
  }
  return {
    ...document,
    apiVersion: stringAt(document, "apiVersion") ?? "",
    kind: stringAt(document, "kind") ?? "",
    metadata: {
      namespace: "default",
      creationTimestamp: "2025-01-01T00:00:00Z",
      ...metadata,
      name: stringAt(metadata, "name") ?? "",
    },
    ...(Object.keys(data).length === 0 ? {} : { data }),
  };
}

/** Returns the answer as golden files show it: what matters, one line a thing, without keys and defaults. */
export function summarize(output: TranslateOutput): unknown {
  const { hosts, backends, tls } = output.content;
  const routes = [...hosts].map(([host, { routes }]): Line => [host, routes.map(describeRoute)]);
  const served = [...backends].map(([id, backend]): Line => [
    id,
    backend.problem ??
      backend.endpoints.map(({ address, port }) => `${address}:${port}`).join(" ") + describeUpstreamTls(backend.tls),
  ]);
  return withoutEmpty({
    hosts: Object.fromEntries(routes),
    backends: Object.fromEntries(served),
    tls: Object.fromEntries([...tls].map(([host, entry]): Line => [host, describeTls(entry)])),
    standInsNeeded: output.standInsNeeded.map(({ host, code, message }) => `${host} ${code}: ${message}`),
    diagnostics: output.diagnostics.map(
      ({ object, severity, code, message, hint }) =>
        `${severity} ${code} ${object.namespace}/${object.name}: ${message}${hint === undefined ? "" : ` → ${hint}`}`,
    ),
  });
}

function describeTls({ passthrough, certificates, clientAuth, ciphers, ownCipherOrder }: TlsHost): string {
  const served = passthrough === undefined ? certificates.join(" ") : `→ ${passthrough.backend}`;
  const more = [
    ciphers === undefined ? "" : `ciphers=${ciphers}`,
    ownCipherOrder === undefined ? "" : `ownCipherOrder=${ownCipherOrder}`,
    clientAuth === undefined ? "" : `clients: ${JSON.stringify(clientAuth)}`,
  ];
  return [served, ...more].filter((part) => part !== "").join(" ");
}

function describeUpstreamTls(tls: UpstreamTls | undefined): string {
  if (tls === undefined) return "";
  const { verify, certificate, serverName, minVersion, maxVersion, ciphers } = tls;
  const trust =
    verify === undefined ? "any" : `"${verify.name}" by ${verify.secret} over at most ${verify.intermediatesMax}`;
  return [
    ` trusting ${trust}`,
    ...(certificate === undefined ? [] : ["with a certificate"]),
    ...(serverName === undefined ? [] : [`as ${serverName}`]),
    `${minVersion} to ${maxVersion}`,
    ...(ciphers === undefined ? [] : [ciphers]),
  ].join(", ");
}

type Line = readonly [string, string | readonly string[]];

function withoutEmpty(parts: Readonly<Record<string, object>>): Readonly<Record<string, object>> {
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => Object.keys(part).length > 0));
}

function describeRoute(route: Route): string {
  const { path, action, policy } = route;
  const to =
    action.kind === "forward"
      ? action.targets.map(({ backend }) => backend).join(" ")
      : `${action.status} ${action.code}`;
  const asked = Object.entries(policy)
    .filter(([name, value]) => value !== undefined && !isDefault(name, value))
    .map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`);
  return [`${path.type} ${path.value} → ${to} (${route.id})`, ...asked.sort()].join(" ");
}

const DEFAULTS: Readonly<Record<string, unknown>> = {
  connectTimeoutMs: 5000,
  readTimeoutMs: 60_000,
  sendTimeoutMs: 60_000,
  attemptsMax: 3,
};

function isDefault(name: string, value: unknown): boolean {
  return DEFAULTS[name] === value;
}
