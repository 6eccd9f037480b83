import { Environment, Optional } from "@marcbachmann/cel-js";
import type { RE2JS } from "re2js";
import { label, qualifiedName, serviceName, subdomain } from "../validate/name-rules.ts";
import { compilePattern } from "../validate/pattern.ts";
import { hasFormat } from "../validate/string-format.ts";
import { celEqual } from "./cel-equal.ts";
import { IpNumber, IpRange } from "./ip-range.ts";
import { Quantity } from "./quantity.ts";
import { SemanticVersion } from "./semantic-version.ts";

/** The name under which `matches` is called here: the library's own has expressions whose time has no bound. */
export const LINEAR_MATCHES = "re2Matches";

/** Returns an environment with the functions that Kubernetes adds to CEL; types and variables are yet to be declared. */
export function kubernetesEnvironment(): Environment {
  const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  addStrings(environment);
  addLists(environment);
  addRegularExpressions(environment);
  addUrls(environment);
  addQuantities(environment);
  addAddresses(environment);
  addVersions(environment);
  addFormats(environment);
  return environment;
}

function addStrings(environment: Environment): void {
  environment
    .registerFunction("string.charAt(int): string", (text: string, at: bigint) => Array.from(text)[Number(at)] ?? "")
    .registerFunction("string.replace(string, string): string", (text: string, from: string, to: string) =>
      text.replaceAll(from, to),
    )
    .registerFunction(
      "string.replace(string, string, int): string",
      (text: string, from: string, to: string, count: bigint) => replaced(text, from, to, Number(count)),
    )
    .registerFunction("string.reverse(): string", (text: string) => Array.from(text).toReversed().join(""))
    .registerFunction("string.format(list<dyn>): string", (text: string, values: readonly unknown[]) =>
      formatted(text, values),
    );
}

function replaced(text: string, from: string, to: string, count: number): string {
  if (count < 0) return text.replaceAll(from, to);
  const parts = text.split(from);
  const head = parts.slice(0, count + 1).join(to);
  return parts.length > count + 1 ? [head, ...parts.slice(count + 1)].join(from) : head;
}

function formatted(text: string, values: readonly unknown[]): string {
  let next = 0;
  return text.replaceAll(/%(?:\.(\d{1,2}))?([sdfex%])/g, (_, digits: string | undefined, verb: string) => {
    if (verb === "%") return "%";
    const value = values[next++];
    if (verb === "f") return Number(value).toFixed(Number(digits ?? "6"));
    if (verb === "e") return Number(value).toExponential(Number(digits ?? "6"));
    if (verb === "x")
      return typeof value === "bigint" ? value.toString(16) : Buffer.from(String(value)).toString("hex");
    return shown(value);
  });
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(", ")}]`;
  return String(value);
}

const ORDERED = ["int", "uint", "double", "string", "bool", "google.protobuf.Timestamp", "google.protobuf.Duration"];

function addLists(environment: Environment): void {
  for (const type of ORDERED) {
    environment
      .registerFunction(`list<${type}>.min(): ${type}`, (list: readonly unknown[]) => extreme(list, -1))
      .registerFunction(`list<${type}>.max(): ${type}`, (list: readonly unknown[]) => extreme(list, 1))
      .registerFunction(`list<${type}>.isSorted(): bool`, (list: readonly unknown[]) =>
        list.every((item, index) => index === 0 || compared(list[index - 1], item) <= 0),
      );
  }
  environment
    .registerFunction("list<int>.sum(): int", (list: readonly bigint[]) => list.reduce((sum, item) => sum + item, 0n))
    .registerFunction("list<double>.sum(): double", (list: readonly number[]) =>
      list.reduce((sum, item) => sum + item, 0),
    )
    .registerFunction("list<T>.indexOf(T): int", (list: readonly unknown[], wanted: unknown) =>
      BigInt(list.findIndex((item) => celEqual(item, wanted))),
    )
    .registerFunction("list<T>.lastIndexOf(T): int", (list: readonly unknown[], wanted: unknown) =>
      BigInt(list.findLastIndex((item) => celEqual(item, wanted))),
    )
    .registerFunction("list<T>.distinct(): list<T>", (list: readonly unknown[]) => distinct(list));
  const sets = namespace(environment, "sets");
  environment
    .registerFunction(
      `${sets}.contains(list<T>, list<T>): bool`,
      (_: unknown, list: readonly unknown[], part: readonly unknown[]) => part.every((item) => has(list, item)),
    )
    .registerFunction(
      `${sets}.intersects(list<T>, list<T>): bool`,
      (_: unknown, list: readonly unknown[], other: readonly unknown[]) => other.some((item) => has(list, item)),
    )
    .registerFunction(
      `${sets}.equivalent(list<T>, list<T>): bool`,
      (_: unknown, list: readonly unknown[], other: readonly unknown[]) =>
        list.every((item) => has(other, item)) && other.every((item) => has(list, item)),
    );
}

function has(list: readonly unknown[], wanted: unknown): boolean {
  return list.some((item) => celEqual(item, wanted));
}

function extreme(list: readonly unknown[], direction: 1 | -1): unknown {
  if (list.length === 0) throw new Error(`${direction < 0 ? "min" : "max"} called on empty list`);
  return list.reduce((best, item) => (compared(item, best) * direction > 0 ? item : best));
}

function compared(left: unknown, right: unknown): number {
  const [mine, theirs] = [comparable(left), comparable(right)];
  return mine < theirs ? -1 : mine > theirs ? 1 : 0;
}

function comparable(value: unknown): bigint | number | string {
  if (typeof value === "bigint" || typeof value === "number" || typeof value === "string") return value;
  return value instanceof Date ? value.getTime() : Number(value);
}

function distinct(list: readonly unknown[]): readonly unknown[] {
  const kept: unknown[] = [];
  for (const item of list) if (!kept.some((one) => celEqual(one, item))) kept.push(item);
  return kept;
}

function addRegularExpressions(environment: Environment): void {
  environment
    .registerFunction(`string.${LINEAR_MATCHES}(string): bool`, (text: string, pattern: string) =>
      expression(pattern).matcher(text).find(),
    )
    .registerFunction(
      "string.find(string): string",
      (text: string, pattern: string) => found(text, pattern, 1)[0] ?? "",
    )
    .registerFunction("string.findAll(string): list<string>", (text: string, pattern: string) => found(text, pattern))
    .registerFunction("string.findAll(string, int): list<string>", (text: string, pattern: string, count: bigint) =>
      found(text, pattern, count < 0n ? undefined : Number(count)),
    );
}

function expression(pattern: string): RE2JS {
  const compiled = compilePattern(pattern);
  if (typeof compiled === "string") throw new Error(`Illegal regex: ${compiled}`);
  return compiled;
}

function found(text: string, pattern: string, countMax: number = Number.POSITIVE_INFINITY): readonly string[] {
  const matcher = expression(pattern).matcher(text);
  const all: string[] = [];
  while (all.length < countMax && matcher.find()) all.push(matcher.group() ?? "");
  return all;
}

/** An URL or the path of one, as Go's url.ParseRequestURI takes them. */
function parseUrl(text: string): URL | undefined {
  if (text.startsWith("/")) return URL.parse(text, "http://nowhere") ?? undefined;
  return /^[a-z][a-z0-9+.-]*:/i.test(text) ? (URL.parse(text) ?? undefined) : undefined;
}

class CelUrl {
  readonly text: string;
  readonly url: URL;
  constructor(text: string) {
    const url = parseUrl(text);
    if (url === undefined) {
      const why = text.startsWith(":") ? "missing protocol scheme" : "invalid URI for request";
      throw new Error(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: ${why}`);
    }
    this.text = text;
    this.url = url;
  }
  toString(): string {
    return this.text;
  }
}

function addUrls(environment: Environment): void {
  const type = "kubernetes.URL";
  environment.registerType(type, { ctor: CelUrl, fields: {} });
  environment
    .registerFunction(`url(string): ${type}`, (text: string) => new CelUrl(text))
    .registerFunction("isURL(string): bool", (text: string) => parseUrl(text) !== undefined)
    .registerFunction(`${type}.getScheme(): string`, ({ text, url }: CelUrl) =>
      text.startsWith("/") ? "" : url.protocol.slice(0, -1),
    )
    .registerFunction(`${type}.getHost(): string`, ({ text, url }: CelUrl) => (text.startsWith("/") ? "" : url.host))
    .registerFunction(`${type}.getHostname(): string`, ({ text, url }: CelUrl) =>
      text.startsWith("/") ? "" : url.hostname.replaceAll(/[[\]]/g, ""),
    )
    .registerFunction(`${type}.getPort(): string`, ({ text, url }: CelUrl) =>
      url.port === "" ? (/^[^/]*\/\/[^/]*:(\d+)(?:[/?#]|$)/.exec(text)?.[1] ?? "") : url.port,
    )
    .registerFunction(`${type}.getEscapedPath(): string`, ({ text, url }: CelUrl) =>
      url.pathname === "/" && !text.replace(/^[^/]*\/\/[^/]*/, "").startsWith("/") ? "" : url.pathname,
    )
    .registerFunction(
      `${type}.getQuery(): map<string, list<string>>`,
      ({ url }: CelUrl) => new Map([...url.searchParams.keys()].map((key) => [key, url.searchParams.getAll(key)])),
    );
}

function parsed<T>(value: T | undefined, what: string, text: string): T {
  if (value === undefined) throw new Error(`${what}: unable to parse ${JSON.stringify(text)}`);
  return value;
}

function addQuantities(environment: Environment): void {
  const type = "kubernetes.Quantity";
  environment.registerType(type, { ctor: Quantity, fields: {} });
  environment
    .registerFunction(`quantity(string): ${type}`, (text: string) => parsed(Quantity.parse(text), "quantity", text))
    .registerFunction("isQuantity(string): bool", (text: string) => Quantity.parse(text) !== undefined)
    .registerFunction(`${type}.isInteger(): bool`, (one: Quantity) => one.isWhole)
    .registerFunction(`${type}.asInteger(): int`, (one: Quantity) => {
      if (!one.isWhole) throw new Error("cannot convert value to integer");
      return one.whole;
    })
    .registerFunction(`${type}.asApproximateFloat(): double`, (one: Quantity) => one.toNumber())
    .registerFunction(`${type}.sign(): int`, (one: Quantity) => BigInt(compared(one.billionths, 0n)))
    .registerFunction(
      `${type}.add(${type}): ${type}`,
      (left: Quantity, right: Quantity) => new Quantity(left.billionths + right.billionths),
    )
    .registerFunction(
      `${type}.add(int): ${type}`,
      (left: Quantity, right: bigint) => new Quantity(left.billionths + right * 1_000_000_000n),
    )
    .registerFunction(
      `${type}.sub(${type}): ${type}`,
      (left: Quantity, right: Quantity) => new Quantity(left.billionths - right.billionths),
    )
    .registerFunction(
      `${type}.sub(int): ${type}`,
      (left: Quantity, right: bigint) => new Quantity(left.billionths - right * 1_000_000_000n),
    );
  addOrder(environment, type, (left: Quantity, right: Quantity) => compared(left.billionths, right.billionths));
}

function addOrder<T>(environment: Environment, type: string, order: (left: T, right: T) => number): void {
  environment
    .registerFunction(`${type}.isLessThan(${type}): bool`, (left: T, right: T) => order(left, right) < 0)
    .registerFunction(`${type}.isGreaterThan(${type}): bool`, (left: T, right: T) => order(left, right) > 0)
    .registerFunction(`${type}.compareTo(${type}): int`, (left: T, right: T) => BigInt(order(left, right)))
    .registerOperator(`${type} == ${type}`, (left: T, right: T) => order(left, right) === 0);
}

const LOOPBACKS = ["127.0.0.0/8", "::1/128"];
const LINK_LOCAL = ["169.254.0.0/16", "fe80::/10"];
const LINK_LOCAL_MULTICAST = ["224.0.0.0/24", "ff02::/16"];
const NOT_GLOBAL = [
  ...LOOPBACKS,
  ...LINK_LOCAL,
  "224.0.0.0/4",
  "ff00::/8",
  "0.0.0.0/32",
  "::/128",
  "255.255.255.255/32",
];

function isInAny(address: IpNumber, ranges: readonly string[]): boolean {
  return ranges.some((range) => IpRange.parse(range)?.contains(address) === true);
}

function addAddresses(environment: Environment): void {
  const [ip, cidr] = ["net.IP", "net.CIDR"];
  environment.registerType(ip, { ctor: IpNumber, fields: {} });
  environment.registerType(cidr, { ctor: IpRange, fields: {} });
  environment
    .registerFunction(`ip(string): ${ip}`, address)
    .registerFunction("isIP(string): bool", (text: string) => IpNumber.parse(text) !== undefined)
    .registerFunction(`cidr(string): ${cidr}`, range)
    .registerFunction("isCIDR(string): bool", (text: string) => IpRange.parse(text) !== undefined)
    .registerFunction(`string(${ip}): string`, String)
    .registerFunction(`string(${cidr}): string`, String)
    .registerFunction(`${ip}.family(): int`, (one: IpNumber) => (one.bits === 32 ? 4n : 6n))
    .registerFunction(`${ip}.isUnspecified(): bool`, (one: IpNumber) => one.value === 0n)
    .registerFunction(`${ip}.isLoopback(): bool`, (one: IpNumber) => isInAny(one, LOOPBACKS))
    .registerFunction(`${ip}.isLinkLocalUnicast(): bool`, (one: IpNumber) => isInAny(one, LINK_LOCAL))
    .registerFunction(`${ip}.isLinkLocalMulticast(): bool`, (one: IpNumber) => isInAny(one, LINK_LOCAL_MULTICAST))
    .registerFunction(`${ip}.isGlobalUnicast(): bool`, (one: IpNumber) => !isInAny(one, NOT_GLOBAL))
    .registerFunction(`${cidr}.containsIP(${ip}): bool`, (one: IpRange, other: IpNumber) => one.contains(other))
    .registerFunction(`${cidr}.containsIP(string): bool`, (one: IpRange, text: string) => one.contains(address(text)))
    .registerFunction(`${cidr}.containsCIDR(${cidr}): bool`, containsRange)
    .registerFunction(`${cidr}.containsCIDR(string): bool`, (one: IpRange, text: string) =>
      containsRange(one, range(text)),
    )
    .registerFunction(`${cidr}.ip(): ${ip}`, (one: IpRange) => one.address)
    .registerFunction(`${cidr}.masked(): ${cidr}`, (one: IpRange) => one.masked())
    .registerFunction(`${cidr}.prefixLength(): int`, (one: IpRange) => BigInt(one.prefix))
    .registerOperator(`${ip} == ${ip}`, (left: IpNumber, right: IpNumber) => left.text === right.text)
    .registerOperator(`${cidr} == ${cidr}`, (left: IpRange, right: IpRange) => String(left) === String(right));
  const canonical = namespace(environment, "ip");
  environment.registerFunction(
    `${canonical}.isCanonical(string): bool`,
    (_: unknown, text: string) => address(text).text === text,
  );
}

function address(text: string): IpNumber {
  const found = IpNumber.parse(text);
  if (found !== undefined) return found;
  const quoted = JSON.stringify(text);
  throw new Error(
    `IP Address ${quoted} parse error during conversion from string: ParseAddr(${quoted}): unable to parse IP`,
  );
}

function range(text: string): IpRange {
  const found = IpRange.parse(text);
  if (found !== undefined) return found;
  throw new Error(
    `network address parse error during conversion from string: network address ${JSON.stringify(text)} is no CIDR`,
  );
}

function containsRange(one: IpRange, other: IpRange): boolean {
  return one.prefix <= other.prefix && one.contains(other.address);
}

function addVersions(environment: Environment): void {
  const type = "kubernetes.Semver";
  environment.registerType(type, { ctor: SemanticVersion, fields: {} });
  environment
    .registerFunction(`semver(string): ${type}`, (text: string) => parsed(SemanticVersion.parse(text), "semver", text))
    .registerFunction("isSemver(string): bool", (text: string) => SemanticVersion.parse(text) !== undefined)
    .registerFunction(`${type}.major(): int`, (one: SemanticVersion) => one.major)
    .registerFunction(`${type}.minor(): int`, (one: SemanticVersion) => one.minor)
    .registerFunction(`${type}.patch(): int`, (one: SemanticVersion) => one.patch);
  addOrder(environment, type, (left: SemanticVersion, right: SemanticVersion) => left.compare(right));
}

type Format = (text: string) => readonly string[];

class CelFormat {
  readonly validate: Format;
  constructor(validate: Format) {
    this.validate = validate;
  }
}

/** By the names of Kubernetes' format library. */
const NAMED_FORMATS: Readonly<Record<string, Format>> = {
  dns1123Label: label,
  dns1123Subdomain: subdomain,
  dns1035Label: serviceName,
  qualifiedName,
  labelValue: (text) => (text === "" ? [] : qualifiedName(text)),
  uri: (text) => (parseUrl(text) === undefined ? ["invalid URI"] : []),
  uuid: (text) => (hasFormat(text, "uuid") ? [] : ["does not match the UUID format"]),
  byte: (text) => (hasFormat(text, "byte") ? [] : ["invalid base64"]),
  date: (text) => (hasFormat(text, "date") ? [] : ["invalid date"]),
  datetime: (text) => (hasFormat(text, "date-time") ? [] : ["invalid datetime"]),
};

function addFormats(environment: Environment): void {
  const type = "kubernetes.NamedFormat";
  environment.registerType(type, { ctor: CelFormat, fields: {} });
  const formats = namespace(environment, "format");
  for (const [name, validate] of Object.entries(NAMED_FORMATS)) {
    environment.registerFunction(`${formats}.${name}(): ${type}`, () => new CelFormat(validate));
  }
  environment
    .registerFunction(`${formats}.named(string): optional<${type}>`, (_: unknown, name: string) => {
      const validate = Object.hasOwn(NAMED_FORMATS, name) ? NAMED_FORMATS[name] : undefined;
      return validate === undefined ? Optional.none() : Optional.of(new CelFormat(validate));
    })
    .registerFunction(`${type}.validate(string): optional<list<string>>`, (format: CelFormat, text: string) => {
      const reasons = format.validate(text);
      return reasons.length === 0 ? Optional.none() : Optional.of(reasons);
    });
}

/** Declares a constant whose methods are the functions of a library, and returns the name of its type. */
function namespace(environment: Environment, name: string): string {
  const type = `kubernetes.${name}Library`;
  // Types are told apart by their class, so each library has its own.
  const Library = class {
    readonly library: string = name;
  };
  environment.registerType(type, { ctor: Library, fields: {} });
  environment.registerConstant(name, type, new Library());
  return type;
}
