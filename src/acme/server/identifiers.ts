import { arrayAt } from "../../ground/json.ts";
import { canonicalIp } from "../../pki/x509/ip-address.ts";
import { type AcmeIdentifier, parseIdentifier } from "../wire.ts";
import { problemDocument, type ProblemDocument, ServerProblem } from "./server-problem.ts";

/** Most names of one certificate, as with Let's Encrypt. */
const IDENTIFIERS_MAX = 100;

/**
 * Returns the identifiers of a newOrder payload: lower case, canonical, each once, in the order asked for. Throws a
 * ServerProblem that has one subproblem for every name that cannot be certified (RFC 8555 section 6.7.1).
 */
export function parseIdentifiers(payload: unknown): readonly AcmeIdentifier[] {
  const asked = arrayAt(payload, "identifiers");
  if (asked.length === 0) throw new ServerProblem(400, "malformed", "The order names no identifiers");
  if (asked.length > IDENTIFIERS_MAX) {
    throw new ServerProblem(
      400,
      "malformed",
      `The order names ${asked.length} identifiers, and at most ${IDENTIFIERS_MAX} are allowed`,
    );
  }
  const good = new Map<string, AcmeIdentifier>();
  const problems: ProblemDocument[] = [];
  for (const entry of asked) {
    const identifier = parseIdentifier(entry);
    if (identifier === undefined) {
      throw new ServerProblem(
        400,
        "unsupportedIdentifier",
        `Identifier ${JSON.stringify(entry).slice(0, 100)} is neither of type dns nor ip`,
      );
    }
    const value = identifier.type === "ip" ? canonicalIp(identifier.value) : identifier.value.toLowerCase();
    const objection =
      identifier.type === "ip"
        ? value === undefined
          ? "it is not an IPv4 or IPv6 address"
          : undefined
        : nameObjection(identifier.value.replace(/^\*\./, ""));
    if (value === undefined || objection !== undefined) {
      const detail = `Cannot certify "${identifier.value.slice(0, 260)}": ${objection ?? "it is not usable"}`;
      problems.push(problemDocument(400, "rejectedIdentifier", detail, { identifier }));
    } else {
      good.set(`${identifier.type}:${value}`, { type: identifier.type, value });
    }
  }
  const [first] = problems;
  if (first === undefined) return [...good.values()];
  const detail =
    problems.length === 1
      ? first.detail
      : `${problems.length} identifiers cannot be certified, the first: ${first.detail}`;
  throw new ServerProblem(400, "rejectedIdentifier", detail, { subproblems: problems });
}

function nameObjection(name: string): string | undefined {
  if (name.endsWith(".")) return "it ends with a dot";
  if (name.length > 253) return "it is longer than 253 characters";
  if (canonicalIp(name) !== undefined) return "it is an address; order it with type ip";
  // URLs take such names for addresses in another notation: what was proven would not be what is certified.
  if (/(^|\.)(\d+|0x[0-9a-f]*)$/i.test(name)) return "its last part is a number";
  const label = name.split(".").find((part) => !/^(?!-)[a-z0-9-]{1,63}(?<!-)$/i.test(part));
  return label === undefined ? undefined : `"${label.slice(0, 70)}" is no part of a domain name`;
}
