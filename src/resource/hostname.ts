declare const brand: unique symbol;

/** A host of a rule or of a TLS entry: a DNS name in lower case, or `*.` and a DNS name. */
export type RuleHost = string & { readonly [brand]: "RuleHost" };

const LABEL = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?";
const RULE_HOST = new RegExp(`^(?:\\*\\.)?${LABEL}(?:\\.${LABEL})*$`);
const IPV4 = /^\d+\.\d+\.\d+\.\d+$/;
const HOST_LENGTH_MAX = 253;

/**
 * Returns the host as rules compare it: lower case, without a final dot. Returns the reason instead when it is not a
 * DNS name (RFC 1123 section 2.1), with one `*.` in front at most; IP addresses are no names (Ingress v1).
 */
export function parseRuleHost(text: string): { readonly host: RuleHost } | { readonly problem: string } {
  const name = text.toLowerCase().replace(/\.$/, "");
  if (name.length > HOST_LENGTH_MAX) return { problem: `is longer than ${HOST_LENGTH_MAX} characters` };
  if (IPV4.test(name) || name.includes(":")) {
    return { problem: /^[^:]+:\d+$/.test(name) ? "must not have a port" : "must be a DNS name, not an IP address" };
  }
  if (name.includes("*") && !/^\*\.[^*]+$/.test(name)) {
    return { problem: 'may have "*" only as its whole first label, as in "*.shop.example"' };
  }
  if (!isRuleHost(name)) return { problem: "is not a DNS name" };
  return { host: name };
}

function isRuleHost(name: string): name is RuleHost {
  return RULE_HOST.test(name);
}
