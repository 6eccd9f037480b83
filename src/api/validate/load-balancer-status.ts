import { arrayAt, recordAt, stringAt } from "../../ground/json.ts";
import type { FieldError } from "./field-error.ts";
import { forbiddenField, invalidValue, notSupported } from "./field-error.ts";
import { NOT_AN_ADDRESS, ipFamily } from "./ip-address.ts";
import { subdomain } from "./name-rules.ts";

type Fields = Readonly<Record<string, unknown>>;

const PATH = "status.loadBalancer.ingress";

/** Checks the addresses in the status of an Ingress: IP addresses are some, and names are names. */
export function checkIngressStatus(object: Fields): readonly FieldError[] {
  return entriesOf(object).flatMap((entry, index) => checkEntry(entry, `${PATH}[${String(index)}]`));
}

/** Checks the addresses in the status of a Service; only one of type LoadBalancer has any. */
export function checkServiceStatus(object: Fields): readonly FieldError[] {
  const entries = entriesOf(object);
  if (entries.length > 0 && stringAt(object["spec"], "type") !== "LoadBalancer") {
    return [forbiddenField(PATH, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  return entries.flatMap((entry, index) => {
    const path = `${PATH}[${String(index)}]`;
    return [...checkEntry(entry, path), ...checkMode(entry, `${path}.ipMode`)];
  });
}

function entriesOf(object: Fields): readonly unknown[] {
  return arrayAt(recordAt(object["status"], "loadBalancer"), "ingress");
}

function checkEntry(entry: unknown, path: string): readonly FieldError[] {
  const ip = stringAt(entry, "ip") ?? "";
  const hostname = stringAt(entry, "hostname") ?? "";
  return [
    ...(ip === "" || ipFamily(ip) !== undefined ? [] : [invalidValue(`${path}.ip`, ip, NOT_AN_ADDRESS)]),
    ...(hostname === "" ? [] : checkHostname(hostname, `${path}.hostname`)),
  ];
}

function checkHostname(hostname: string, path: string): readonly FieldError[] {
  const errors = subdomain(hostname).map((reason) => invalidValue(path, hostname, reason));
  const isAddress = ipFamily(hostname) !== undefined;
  return isAddress ? [...errors, invalidValue(path, hostname, "must be a DNS name, not an IP address")] : errors;
}

function checkMode(entry: unknown, path: string): readonly FieldError[] {
  const mode = stringAt(entry, "ipMode");
  if (mode === undefined) return [];
  if ((stringAt(entry, "ip") ?? "") === "") return [forbiddenField(path, "may not be specified when `ip` is not set")];
  return mode === "VIP" || mode === "Proxy" ? [] : [notSupported(path, mode, ["Proxy", "VIP"])];
}
