import { quoted } from "../../resource/parse-problem.ts";
import type { ClientAuth } from "../../routing/snapshot.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { regexFault } from "../regex-guard.ts";
import { parseBool, parseCount } from "./annotation-value.ts";
import { NGINX_PREFIX } from "./known-annotations.ts";

/** What an Ingress asks of the clients of its hosts, or why that cannot be made out and nobody may get in. */
export type ClientAuthWish =
  | { readonly kind: "asks"; readonly secret: SecretName; readonly terms: Omit<ClientAuth, "ca"> }
  | { readonly kind: "closed"; readonly reason: string; readonly hint: string };

/** As written; without a namespace the Ingress's own is meant. */
export interface SecretName {
  readonly namespace: string | undefined;
  readonly name: string;
}

/** The wish, if there is one, and what else is wrong. */
export interface ClientAuthReading {
  readonly wish: ClientAuthWish | undefined;
  readonly findings: readonly Omit<Diagnostic, "object">[];
}

const SECRET = "auth-tls-secret";
const VERIFY = "auth-tls-verify-client";
const DEPTH = "auth-tls-verify-depth";
const MATCH_CN = "auth-tls-match-cn";
const ERROR_PAGE = "auth-tls-error-page";
const PASS_CERTIFICATE = "auth-tls-pass-certificate-to-upstream";

/** The annotations that are read here, without the prefix. */
export const CLIENT_AUTH_NAMES: ReadonlySet<string> = new Set([
  SECRET,
  VERIFY,
  DEPTH,
  MATCH_CN,
  ERROR_PAGE,
  PASS_CERTIFICATE,
]);

/** ingress-nginx's, also for 0. */
const DEPTH_DEFAULT = 1;
/** Longest chain an annotation may ask for; each certificate of it costs a signature's check in the handshake. */
const DEPTH_MAX = 10;
const NAME = "[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?";
const SECRET_NAME = new RegExp(`^(?:(?<namespace>${NAME})/)?(?<name>${NAME})$`);
const MODES: readonly ClientAuth["verify"][] = ["on", "off", "optional", "optional_no_ca"];

/** Reads what the annotations ask of clients. Whatever would let in more clients than were meant closes the hosts instead. */
export function readClientAuth(annotations: Readonly<Record<string, string>>, passthrough: boolean): ClientAuthReading {
  const values = new Map<string, string>();
  for (const name of CLIENT_AUTH_NAMES) {
    const value = annotations[`${NGINX_PREFIX}${name}`];
    if (value !== undefined) values.set(name, value.trim());
  }
  const findings: Omit<Diagnostic, "object">[] = [];
  const secret = values.get(SECRET);
  if (secret === undefined) return { wish: asksNothing(values) ? undefined : withoutSecret(values), findings };
  const { namespace, name } = SECRET_NAME.exec(secret)?.groups ?? {};
  if (name === undefined) {
    const reason = `Annotation "${NGINX_PREFIX}${SECRET}" is ${quoted(secret)}, which does not name a Secret`;
    return { wish: closed(reason, 'Write "namespace/name"'), findings };
  }
  if (passthrough) {
    const reason = `Annotation "${NGINX_PREFIX}${SECRET}" cannot be enforced where TLS passes through to the endpoints`;
    return { wish: closed(reason, `Remove "${NGINX_PREFIX}ssl-passthrough", or let the endpoints ask`), findings };
  }
  const subjectPattern = values.get(MATCH_CN);
  const fault = subjectPattern === undefined ? undefined : patternFault(subjectPattern);
  if (fault !== undefined) {
    const reason = `Annotation "${NGINX_PREFIX}${MATCH_CN}" is ${quoted(subjectPattern ?? "")}, which ${fault}`;
    return { wish: closed(reason, 'Write a regular expression such as "CN=(ann|bob)$"'), findings };
  }
  const terms = {
    verify: readVerify(values.get(VERIFY), findings),
    intermediatesMax: readDepth(values.get(DEPTH), findings),
    ...(subjectPattern === undefined ? {} : { subjectPattern }),
    ...readErrorPage(values.get(ERROR_PAGE), findings),
    passCertificate: readPass(values.get(PASS_CERTIFICATE), findings),
  };
  return { wish: { kind: "asks", secret: { namespace, name }, terms }, findings };
}

function asksNothing(values: ReadonlyMap<string, string>): boolean {
  const off = (name: string): boolean =>
    ["", "off", "no", "false", "0", "f"].includes(values.get(name)?.toLowerCase() ?? "");
  return off(VERIFY) && off(PASS_CERTIFICATE) && [DEPTH, MATCH_CN, ERROR_PAGE].every((name) => !values.has(name));
}

function withoutSecret(values: ReadonlyMap<string, string>): ClientAuthWish {
  const named = [...values.keys()].map((name) => `"${NGINX_PREFIX}${name}"`).join(", ");
  const reason = `Client certificates are asked for (${named}), but "${NGINX_PREFIX}${SECRET}" is missing`;
  return closed(reason, "Name the Secret whose ca.crt has the authorities that sign them");
}

function closed(reason: string, hint: string): ClientAuthWish {
  return { kind: "closed", reason, hint };
}

function patternFault(source: string): string | undefined {
  return source.startsWith("CN=") ? regexFault(source) : 'does not begin with "CN="';
}

type Findings = Omit<Diagnostic, "object">[];

function report(name: string, value: string, fault: string, findings: Findings): void {
  const message = `Annotation "${NGINX_PREFIX}${name}" is ${quoted(value)}, ${fault}`;
  findings.push({ severity: "warning", code: "AnnotationInvalid", message });
}

function readVerify(value: string | undefined, findings: Findings): ClientAuth["verify"] {
  const mode = MODES.find((each) => each === value);
  if (value !== undefined && mode === undefined) {
    report(VERIFY, value, 'which is none of on, off, optional, optional_no_ca: "on" applies', findings);
  }
  return mode ?? "on";
}

function readDepth(value: string | undefined, findings: Findings): number {
  const depth = value === undefined ? DEPTH_DEFAULT : parseCount(value);
  if (depth === undefined)
    report(DEPTH, value ?? "", `which is not a whole number: ${DEPTH_DEFAULT} applies`, findings);
  if (depth === undefined || depth === 0) return DEPTH_DEFAULT;
  if (depth > DEPTH_MAX) report(DEPTH, value ?? "", `of which ${DEPTH_MAX} are looked at most`, findings);
  return Math.min(depth, DEPTH_MAX);
}

function readErrorPage(value: string | undefined, findings: Findings): Pick<ClientAuth, "errorPage"> {
  if (value === undefined) return {};
  if (/^https?:\/\/[^/$][!#%-~]*$/.test(value)) return { errorPage: value };
  report(ERROR_PAGE, value, "which is not a URL without variables: clients are told the reason instead", findings);
  return {};
}

function readPass(value: string | undefined, findings: Findings): boolean {
  const on = value === undefined ? false : parseBool(value);
  if (on === undefined) report(PASS_CERTIFICATE, value ?? "", 'which is neither "true" nor "false"', findings);
  return on ?? false;
}
