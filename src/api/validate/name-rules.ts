/** The rules for names. Each returns the reasons why `text` breaks it, in the words of a Kubernetes API server. */
export type NameRule = (text: string) => readonly string[];

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const DNS1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const WILDCARD = `\\*\\.${SUBDOMAIN}`;
const QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE = `(${QUALIFIED})?`;
const CONFIG_KEY = "[-._a-zA-Z0-9]+";

const LABEL_LENGTH_MAX = 63;
const SUBDOMAIN_LENGTH_MAX = 253;

function rule(pattern: string, lengthMax: number, words: string, examples: readonly string[]): NameRule {
  const whole = new RegExp(`^(?:${pattern})$`);
  const example = examples.map((text) => `'${text}'`).join(",  or ");
  const sentence = `${words} (e.g. ${example}, regex used for validation is '${pattern}')`;
  return (text) => [
    ...(text.length > lengthMax ? [`must be no more than ${String(lengthMax)} characters`] : []),
    ...(whole.test(text) ? [] : [sentence]),
  ];
}

/** RFC 1123 subdomain: most objects' names, and hosts. */
export const subdomain: NameRule = rule(
  SUBDOMAIN,
  SUBDOMAIN_LENGTH_MAX,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  ["example.com"],
);

/** RFC 1123 label: namespaces and port names of services. */
export const label: NameRule = rule(
  LABEL,
  LABEL_LENGTH_MAX,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  ["my-name", "123-abc"],
);

/** RFC 1035 label: services' names. */
export const serviceName: NameRule = rule(
  DNS1035,
  LABEL_LENGTH_MAX,
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  ["my-name", "abc-123"],
);

/** A host whose first label is `*`. */
const wildcardHost: NameRule = rule(
  WILDCARD,
  SUBDOMAIN_LENGTH_MAX,
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  ["*.example.com"],
);

/** What can stand in a path: the rule of RBAC, whose names hold colons. */
export const pathSegment: NameRule = (text) => {
  const reasons: string[] = [];
  if (text === "." || text === "..") reasons.push(`may not be '${text}'`);
  if (text.includes("/")) reasons.push("may not contain '/'");
  if (text.includes("%")) reasons.push("may not contain '%'");
  return reasons;
};

/** A label's value. */
export const labelValue: NameRule = rule(
  LABEL_VALUE,
  LABEL_LENGTH_MAX,
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  ["MyValue", "my_value", "12345"],
);

const namePart = rule(
  QUALIFIED,
  LABEL_LENGTH_MAX,
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  ["MyName", "my.name", "123-abc"],
);

/** `name` or `domain/name`: keys of labels and annotations, finalizers. */
export const qualifiedName: NameRule = (text) => {
  const parts = text.split("/");
  const [first = "", second] = parts;
  if (parts.length > 2) {
    return [
      `a qualified name ${namePart("")[0] ?? ""} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = second ?? first;
  const prefix = second === undefined ? undefined : first;
  const reasons: string[] = [];
  if (prefix === "") reasons.push("prefix part must be non-empty");
  else if (prefix !== undefined) reasons.push(...subdomain(prefix).map((reason) => `prefix part ${reason}`));
  if (name === "") reasons.push("name part must be non-empty");
  reasons.push(...namePart(name).map((reason) => `name part ${reason}`));
  return reasons;
};

const configKeyPattern = rule(
  CONFIG_KEY,
  SUBDOMAIN_LENGTH_MAX,
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  ["key.name", "KEY_NAME", "key-name"],
);

/** A key of a Secret or ConfigMap: it may become a file name. */
export const configKey: NameRule = (text) => {
  const reasons = [...configKeyPattern(text)];
  if (text === ".") reasons.push('must not be "."');
  else if (text === "..") reasons.push('must not be ".."');
  else if (text.startsWith("..")) reasons.push('must not start with ".."');
  return reasons;
};

/** A host of a rule: a wildcard when it has an asterisk. */
export const ruleHost: NameRule = (text) => (text.includes("*") ? wildcardHost(text) : subdomain(text));

const PORT_NAME_LENGTH_MAX = 15;

/** IANA service name, RFC 6335 section 5.1: names of container and target ports. */
export const portName: NameRule = (text) => {
  const reasons: string[] = [];
  if (text.length > PORT_NAME_LENGTH_MAX) {
    reasons.push(`must be no more than ${String(PORT_NAME_LENGTH_MAX)} characters`);
  }
  if (!/^[-a-z0-9]+$/.test(text))
    reasons.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(text)) reasons.push("must contain at least one letter (a-z)");
  if (text.includes("--")) reasons.push("must not contain consecutive hyphens");
  if (text.startsWith("-") || text.endsWith("-")) reasons.push("must not begin or end with a hyphen");
  return reasons;
};

/** The sentence for a port outside 1–65535. */
export const PORT_RANGE = "must be between 1 and 65535, inclusive";

/** Returns whether `port` is a usable port number. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}
