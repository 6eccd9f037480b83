import { isRecord, stringAt } from "../../ground/json.ts";
import type { Kind } from "../../resource/kind.ts";

/**
 * The conditions we write, by kind. Others are somebody else's: they are neither claimed nor taken away. An approval
 * is ours where it says what ours says.
 */
const OUR_CONDITIONS: Readonly<Record<string, (type: string, reason: string) => boolean>> = {
  Certificate: (type) => type === "Ready" || type === "Issuing",
  CertificateRequest: (type, reason) =>
    type === "Ready" || type === "InvalidRequest" || (type === "Approved" && reason === "cert-manager.io"),
  Issuer: (type) => type === "Ready",
  ClusterIssuer: (type) => type === "Ready",
};

/** Returns what of `status` is ours to claim: all of it but the conditions of others. */
export function ownStatus(kind: Kind, status: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(status)) return {};
  const conditions = status["conditions"];
  const isOurs = OUR_CONDITIONS[kind.kind];
  if (!Array.isArray(conditions) || isOurs === undefined) return status;
  const ours = conditions.filter((one) => isOurs(stringAt(one, "type") ?? "", stringAt(one, "reason") ?? ""));
  return { ...status, conditions: ours };
}

/**
 * Whether `stored` has the fields of `wanted` and no others; their values are the server's business. Conditions are
 * compared by their type, in any order.
 */
export function hasSameFields(wanted: unknown, stored: unknown): boolean {
  if (Array.isArray(wanted) && Array.isArray(stored)) {
    return wanted.length === stored.length && wanted.every((item, index) => hasSameFields(item, stored[index]));
  }
  if (!isRecord(wanted) || !isRecord(stored)) return isRecord(wanted) === isRecord(stored) || isEmpty(wanted, stored);
  const names = new Set([...Object.keys(wanted), ...Object.keys(stored)]);
  return [...names].every((name) => {
    const [left, right] = [wanted[name], stored[name]];
    if (name === "conditions") return sameTypes(left, right);
    if (left === undefined || right === undefined) return isEmpty(left, right);
    return hasSameFields(left, right);
  });
}

/** A server may leave an empty map out, or put one in. */
function isEmpty(left: unknown, right: unknown): boolean {
  return [left, right].every((one) => one === undefined || (isRecord(one) && Object.keys(one).length === 0));
}

function sameTypes(left: unknown, right: unknown): boolean {
  return typesOf(left) === typesOf(right);
}

function typesOf(conditions: unknown): string {
  const types = (Array.isArray(conditions) ? conditions : []).map((one) => stringAt(one, "type") ?? "");
  return types.sort().join(" ");
}
