import { arrayAt, isRecord, numberAt, recordAt, stringAt } from "../../ground/json.ts";
import { isTimeZone, parseCron } from "../../resource/cron.ts";
import { commonNameIn, parseDistinguishedName } from "../../resource/distinguished-name.ts";
import { formatGoDuration, parseGoDuration } from "../../resource/go-duration.ts";
import { SIGNATURE_ALGORITHMS } from "../../resource/private-key-wish.ts";
import type { FieldError } from "./field-error.ts";
import { GoLiteral, duplicate, forbiddenField, invalidValue, notSupported, required, tooLong } from "./field-error.ts";
import { ipFamily } from "./ip-address.ts";
import { subdomain } from "./name-rules.ts";
import { checkAnnotations, checkLabels } from "./object-meta.ts";

type Fields = Readonly<Record<string, unknown>>;

const COMMON_NAME_LENGTH_MAX = 64;
const DURATION_DEFAULT_MS = 7_776_000_000;
const DURATION_MIN_MS = 3_600_000;
const RENEW_BEFORE_MIN_MS = 300_000;
const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 8192;
const ECDSA_BITS = ["256", "384", "521"] as const;

const SIGNATURES: Readonly<Record<string, readonly string[]>> = SIGNATURE_ALGORITHMS;

/** The rules that cert-manager's webhook holds a Certificate to, beyond its schema. */
export function checkCertificate(object: Fields): readonly FieldError[] {
  const spec = recordAt(object, "spec");
  return [
    ...checkSecretName(spec),
    ...checkIssuerRef(recordAt(spec, "issuerRef"), "spec.issuerRef"),
    ...checkSubject(spec),
    ...checkNames(spec),
    ...checkKey(spec),
    ...checkDurations(spec),
    ...checkHistory(spec),
    ...checkSecretTemplate(recordAt(spec, "secretTemplate")),
    ...checkNameConstraints(spec),
    ...checkOutputFormats(arrayAt(spec, "additionalOutputFormats")),
    ...checkKeystores(recordAt(spec, "keystores")),
    ...checkRenewal(spec),
  ];
}

function checkSecretName(spec: Fields): readonly FieldError[] {
  const name = stringAt(spec, "secretName") ?? "";
  if (name === "") return [required("spec.secretName", "must be specified")];
  return subdomain(name).map((reason) => invalidValue("spec.secretName", name, reason));
}

/** Checks a reference to an issuer at `path`: a name, and a kind that its group has. */
export function checkIssuerRef(reference: Fields, path: string): readonly FieldError[] {
  const group = stringAt(reference, "group") ?? "";
  const kind = stringAt(reference, "kind") ?? "";
  const errors: FieldError[] = [];
  if ((stringAt(reference, "name") ?? "") === "") errors.push(required(`${path}.name`, "must be specified"));
  if (group !== "" && group !== "cert-manager.io") return errors;
  if (kind === "" || kind === "Issuer" || kind === "ClusterIssuer") return errors;
  const hint = group === "" ? ` (did you forget to set ${path}.kind.group?)` : "";
  errors.push(invalidValue(`${path}.kind`, kind, `must be one of Issuer or ClusterIssuer${hint}`));
  return errors;
}

function checkSubject(spec: Fields): readonly FieldError[] {
  const literal = stringAt(spec, "literalSubject") ?? "";
  const given = stringAt(spec, "commonName") ?? "";
  const errors: FieldError[] = [];
  if (literal !== "" && given !== "") {
    errors.push(
      invalidValue("spec.commonName", given, "When providing a `LiteralSubject` no `commonName` may be provided."),
    );
  }
  if (literal !== "" && Object.values(recordAt(spec, "subject")).some((part) => part !== "" && !isEmptyList(part))) {
    errors.push(
      invalidValue(
        "spec.subject",
        spec["subject"],
        "When providing a `LiteralSubject` no `Subject` properties may be provided.",
      ),
    );
  }
  const parsed = literal === "" ? undefined : parseDistinguishedName(literal);
  if (parsed?.kind === "malformed") errors.push(invalidValue("spec.literalSubject", literal, parsed.why));
  const commonName = literal === "" ? given : commonNameIn(literal);
  const lists = ["dnsNames", "uris", "emailAddresses", "ipAddresses", "otherNames"] as const;
  if (commonName === "" && lists.every((list) => arrayAt(spec, list).length === 0)) {
    errors.push(
      invalidValue(
        "spec",
        "",
        "at least one of commonName (from the commonName field or from a literalSubject), dnsNames, emailSANs, ipAddresses, otherNames, or uriSANs must be set",
      ),
    );
  }
  if (Buffer.byteLength(commonName) > COMMON_NAME_LENGTH_MAX) {
    errors.push(tooLong("spec.commonName", COMMON_NAME_LENGTH_MAX));
  }
  return errors;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function checkNames(spec: Fields): readonly FieldError[] {
  return [
    ...arrayAt(spec, "ipAddresses").flatMap((ip, index) =>
      ipFamily(String(ip)) === undefined
        ? [invalidValue(`spec.ipAddresses[${String(index)}]`, ip, "invalid IP address")]
        : [],
    ),
    ...arrayAt(spec, "emailAddresses").flatMap((email, index) => checkEmail(String(email), index)),
    ...arrayAt(spec, "otherNames").flatMap((name, index) => checkOtherName(name, `spec.otherNames[${String(index)}]`)),
  ];
}

function checkEmail(email: string, index: number): readonly FieldError[] {
  if (/^[^\s@<>()",;:\\]+@[^\s@<>()",;:\\]+$/u.test(email)) return [];
  const isNamed = /<[^\s@<>]+@[^\s@<>]+>\s*$/u.test(email);
  const why = isNamed
    ? "make sure the supplied value only contains the email address itself"
    : "mail: missing '@' or angle-addr";
  return [invalidValue(`spec.emailAddresses[${String(index)}]`, email, `invalid email address: ${why}`)];
}

function checkOtherName(name: unknown, path: string): readonly FieldError[] {
  const oid = stringAt(name, "oid") ?? "";
  const errors: FieldError[] = [];
  if (oid === "") errors.push(required(`${path}.oid`, "must be specified"));
  if (!/^[0-2](?:\.\d+)+$/.test(oid)) errors.push(invalidValue(`${path}.oid`, oid, "invalid oid syntax"));
  if ((stringAt(name, "utf8Value") ?? "") === "") {
    errors.push(required(`${path}.utf8Value`, "must be set to a valid non-empty UTF8 string"));
  }
  return errors;
}

function checkKey(spec: Fields): readonly FieldError[] {
  const key = recordAt(spec, "privateKey");
  const algorithm = stringAt(key, "algorithm") ?? "RSA";
  const size = numberAt(key, "size") ?? 0;
  const errors: FieldError[] = [];
  if (algorithm === "RSA" && size > 0 && (size < RSA_BITS_MIN || size > RSA_BITS_MAX)) {
    errors.push(invalidValue("spec.privateKey.size", size, "must be between 2048 and 8192 for rsa keyAlgorithm"));
  }
  if (algorithm === "ECDSA" && size > 0 && !ECDSA_BITS.some((bits) => bits === String(size))) {
    errors.push(notSupported("spec.privateKey.size", size, ECDSA_BITS));
  }
  const signature = stringAt(spec, "signatureAlgorithm") ?? "";
  const allowed = SIGNATURES[algorithm];
  if (signature !== "" && allowed !== undefined && !allowed.includes(signature)) {
    const detail = `for key algorithm ${algorithm} the allowed signature algorithms are [${allowed.join(" ")}]`;
    errors.push(invalidValue("spec.signatureAlgorithm", signature, detail));
  }
  return errors;
}

function checkDurations(spec: Fields): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["duration", "renewBefore"] as const) {
    const text = stringAt(spec, field);
    if (text !== undefined && parseGoDuration(text) === undefined) {
      errors.push(invalidValue(`spec.${field}`, text, goDurationError(text)));
    }
  }
  if (errors.length > 0 || (spec["duration"] === undefined && spec["renewBefore"] === undefined)) return errors;
  const durationMs = parseGoDuration(stringAt(spec, "duration") ?? "") ?? DURATION_DEFAULT_MS;
  if (durationMs < DURATION_MIN_MS) {
    const detail = `certificate duration must be greater than ${formatGoDuration(DURATION_MIN_MS)}`;
    errors.push(invalidValue("spec.duration", goDuration(durationMs), detail));
  }
  return [...errors, ...checkRenewBefore(spec, durationMs)];
}

function checkRenewBefore(spec: Fields, durationMs: number): readonly FieldError[] {
  const errors: FieldError[] = [];
  const before = stringAt(spec, "renewBefore");
  const beforeMs = before === undefined ? undefined : parseGoDuration(before);
  const percentage = numberAt(spec, "renewBeforePercentage");
  if (beforeMs !== undefined && percentage !== undefined) {
    const detail = "renewBefore and renewBeforePercentage are mutually exclusive and cannot both be set";
    errors.push(invalidValue("spec.renewBefore", goDuration(beforeMs), detail));
    errors.push(invalidValue("spec.renewBeforePercentage", percentage, detail));
  }
  if (beforeMs !== undefined && beforeMs < RENEW_BEFORE_MIN_MS) {
    const detail = `certificate renewBefore must be greater than ${formatGoDuration(RENEW_BEFORE_MIN_MS)}`;
    errors.push(invalidValue("spec.renewBefore", goDuration(beforeMs), detail));
  }
  if (beforeMs !== undefined && beforeMs >= durationMs) {
    const detail = `certificate duration ${formatGoDuration(durationMs)} must be greater than renewBefore ${formatGoDuration(beforeMs)}`;
    errors.push(invalidValue("spec.renewBefore", goDuration(beforeMs), detail));
  }
  if (percentage === undefined) return errors;
  const resultMs = (durationMs * (100 - percentage)) / 100;
  if (resultMs < RENEW_BEFORE_MIN_MS) {
    const detail = `certificate renewBeforePercentage must result in a renewBefore greater than ${formatGoDuration(RENEW_BEFORE_MIN_MS)}`;
    errors.push(invalidValue("spec.renewBeforePercentage", percentage, detail));
  }
  if (resultMs >= durationMs) {
    const detail = "certificate renewBeforePercentage must result in a renewBefore less than duration";
    errors.push(invalidValue("spec.renewBeforePercentage", percentage, detail));
  }
  return errors;
}

function goDuration(ms: number): GoLiteral {
  return new GoLiteral(formatGoDuration(ms));
}

/** Go's words for a duration it cannot read: most often a unit of days, which it does not have. */
export function goDurationError(text: string): string {
  const shown = JSON.stringify(text);
  const unit = /^[+-]?[\d.]+([^\d.]+)/.exec(text)?.[1];
  if (unit !== undefined && !/^(?:ns|us|µs|ms|s|m|h)$/.test(unit)) {
    return `time: unknown unit ${JSON.stringify(unit)} in duration ${shown}`;
  }
  return /^[+-]?[\d.]+$/.test(text) ? `time: missing unit in duration ${shown}` : `time: invalid duration ${shown}`;
}

function checkHistory(spec: Fields): readonly FieldError[] {
  const limit = numberAt(spec, "revisionHistoryLimit");
  return limit !== undefined && limit < 1
    ? [invalidValue("spec.revisionHistoryLimit", limit, "must not be less than 1")]
    : [];
}

function checkSecretTemplate(template: Fields): readonly FieldError[] {
  const path = "spec.secretTemplate.annotations";
  const reserved = Object.keys(recordAt(template, "annotations")).filter(
    (key) => key.startsWith("cert-manager.io/") && key !== "cert-manager.io/allow-direct-injection",
  );
  return [
    ...checkLabels(template["labels"], "spec.secretTemplate.labels"),
    ...reserved.map((key) => invalidValue(path, key, "cert-manager.io/* annotations are not allowed")),
    ...checkAnnotations(template["annotations"], path),
  ];
}

function checkNameConstraints(spec: Fields): readonly FieldError[] {
  const constraints = spec["nameConstraints"];
  if (!isRecord(constraints)) return [];
  const errors: FieldError[] = [];
  if (spec["isCA"] !== true) {
    errors.push(invalidValue("spec.nameConstraints", constraints, "isCa should be true when nameConstraints is set"));
  }
  if (constraints["permitted"] === undefined && constraints["excluded"] === undefined) {
    errors.push(invalidValue("spec.nameConstraints", constraints, "either permitted or excluded must be set"));
  }
  return errors;
}

function checkOutputFormats(formats: readonly unknown[]): readonly FieldError[] {
  const types = formats.map((format) => stringAt(format, "type") ?? "");
  return types
    .filter((type, index) => types.indexOf(type) !== index)
    .map((type) => duplicate("spec.additionalOutputFormats[type]", type));
}

function checkKeystores(keystores: Fields): readonly FieldError[] {
  return (
    [
      ["jks", "JKS"],
      ["pkcs12", "PKCS#12"],
    ] as const
  ).flatMap(([field, name]) => {
    const keystore = keystores[field];
    if (!isRecord(keystore)) return [];
    const path = `spec.keystores.${field}`;
    const password = stringAt(keystore, "password");
    const hasReference = (stringAt(keystore["passwordSecretRef"], "name") ?? "") !== "";
    const errors: FieldError[] = [];
    if (password !== undefined && hasReference) {
      errors.push(
        forbiddenField(
          path,
          `exactly one of passwordSecretRef and password must be provided for ${name} keystores; cannot set both`,
        ),
      );
    }
    if (password === undefined && !hasReference) {
      errors.push(
        forbiddenField(path, `must set exactly one of passwordSecretRef and password must for ${name} keystores`),
      );
    }
    if (password === "") {
      errors.push(forbiddenField(`${path}.password`, `literal password cannot be empty if set on ${name} keystores`));
    }
    return errors;
  });
}

function checkRenewal(spec: Fields): readonly FieldError[] {
  const renewal = spec["renewal"];
  if (!isRecord(renewal)) return [];
  const windows = arrayAt(renewal, "windows");
  const policy = stringAt(renewal, "policy") ?? "";
  if (policy === "") return [notSupported("spec.renewal.policy", policy, ["Disabled", "RenewBefore"])];
  if (policy === "Disabled" && windows.length > 0) {
    return [forbiddenField("spec.renewal.windows", "windows cannot be set when `renewal.policy` is set to Disabled")];
  }
  return windows.flatMap((window, index) => checkWindow(window, `spec.renewal.windows[${String(index)}]`));
}

function checkWindow(window: unknown, path: string): readonly FieldError[] {
  const cron = stringAt(window, "cron") ?? "";
  const timezone = stringAt(window, "timezone") ?? "";
  const duration = stringAt(window, "windowDuration") ?? "";
  const errors: FieldError[] = [];
  if (duration !== "" && parseGoDuration(duration) === undefined) {
    errors.push(invalidValue(`${path}.windowDuration`, duration, goDurationError(duration)));
  }
  if (parseGoDuration(duration) === 0) {
    const detail = "windowDuration must be specified and should be greater than 0";
    errors.push(invalidValue(`${path}.windowDuration`, duration, detail));
  }
  if (timezone !== "" && !isTimeZone(timezone)) {
    errors.push(
      invalidValue(`${path}.timezone`, timezone, "invalid value for timezone. timezone must be IANA compliant"),
    );
  }
  const parsed = parseCron(cron);
  if (parsed.kind === "malformed") {
    errors.push(
      invalidValue(
        `${path}.cron`,
        cron,
        `invalid cron syntax: failed to parse cron spec '${cron}': ${parsed.why}. cron needs to follow: cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow`,
      ),
    );
  }
  return errors;
}
