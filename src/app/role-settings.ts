import { arrayAt, booleanAt, numberAt, recordAt, stringAt } from "../ground/json.ts";

/** An address of the edge that clients can reach on this machine. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What control is told at its start. */
export interface ControlSettings {
  readonly version: string;
  readonly stateDirectory: string;
  /** Files and folders of manifests, absolute. */
  readonly files: readonly string[];
  /** Whether every ACME issuer is answered by the embedded CA. */
  readonly offline: boolean;
  /** Resolvers for everything about DNS-01; empty: the system's. */
  readonly nameservers: readonly string[];
  /** Whether solvers may run programs of this machine. */
  readonly allowExecSolver: boolean;
  /** Names and addresses by which others reach the embedded CA's ACME server. */
  readonly acmeNames: readonly string[];
  /** Whether the embedded CA registers accounts with an external account binding only. */
  readonly acmeRequireEab: boolean;
  /** When names are looked at before a CA is asked: auto, always or off. */
  readonly preflight: string;
  /** Where alerts about certificates are posted; empty: nowhere. May hold a secret. */
  readonly alertWebhook: string;
  /** CIDR blocks of proxies whose X-Forwarded-* is believed. */
  readonly trustedProxies: readonly string[];
  /** Whether connections to the edge begin with a PROXY header, those of this machine as well. */
  readonly proxyProtocol: boolean;
  /** Where this machine reaches its own edge. */
  readonly edgeHttp: Address;
  readonly edgeHttps: Address;
  readonly api: Address;
  readonly acme: Address;
  readonly admin: Address;
  /** What the status of an Ingress says clients can dial. */
  readonly publicAddresses: readonly string[];
}

/** What a worker is told at its start. */
export interface WorkerSettings {
  /** An absolute path; "-" for the inherited descriptor "access-log"; empty for none. */
  readonly accessLog: string;
  /** One of so many requests answered below 400 gets a line. */
  readonly accessLogSample: number;
  /** Connections begin with a PROXY header; from these CIDR blocks only, when there are any. */
  readonly proxyProtocol: boolean;
  readonly proxySources: readonly string[];
  /** 48 secret bytes in base64, the same for all workers: a TLS session is resumed at any of them. */
  readonly ticketSecret: string;
}

/** Returns the settings in a message of the supervisor, which is of this version. */
export function parseControlSettings(value: unknown): ControlSettings {
  return {
    version: stringAt(value, "version") ?? "",
    stateDirectory: stringAt(value, "stateDirectory") ?? "",
    files: textsAt(value, "files"),
    offline: booleanAt(value, "offline") ?? false,
    nameservers: textsAt(value, "nameservers"),
    allowExecSolver: booleanAt(value, "allowExecSolver") ?? false,
    acmeNames: textsAt(value, "acmeNames"),
    acmeRequireEab: booleanAt(value, "acmeRequireEab") ?? false,
    preflight: stringAt(value, "preflight") ?? "auto",
    alertWebhook: stringAt(value, "alertWebhook") ?? "",
    trustedProxies: textsAt(value, "trustedProxies"),
    proxyProtocol: booleanAt(value, "proxyProtocol") ?? false,
    edgeHttp: addressAt(value, "edgeHttp"),
    edgeHttps: addressAt(value, "edgeHttps"),
    api: addressAt(value, "api"),
    acme: addressAt(value, "acme"),
    admin: addressAt(value, "admin"),
    publicAddresses: textsAt(value, "publicAddresses"),
  };
}

/** Returns the settings in a message of the supervisor, which is of this version. */
export function parseWorkerSettings(value: unknown): WorkerSettings {
  return {
    accessLog: stringAt(value, "accessLog") ?? "",
    accessLogSample: numberAt(value, "accessLogSample") ?? 1,
    proxyProtocol: booleanAt(value, "proxyProtocol") ?? false,
    proxySources: textsAt(value, "proxySources"),
    ticketSecret: stringAt(value, "ticketSecret") ?? "",
  };
}

/** `127.0.0.1:8080` or `[::1]:8080`, as URLs write it. */
export function addressText(address: Address): string {
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Returns the address at `key`; an empty host and port 0 when there is none. */
export function addressAt(value: unknown, key: string): Address {
  const record = recordAt(value, key);
  return { host: stringAt(record, "host") ?? "", port: numberAt(record, "port") ?? 0 };
}

/** Returns the texts of the list at `key`. */
export function textsAt(value: unknown, key: string): readonly string[] {
  return arrayAt(value, key).filter((entry): entry is string => typeof entry === "string");
}
