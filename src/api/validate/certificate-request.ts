import { arrayAt, isRecord, jsonEqual, recordAt, stringAt, stringMapAt } from "../../ground/json.ts";
import { decodePem } from "../../ground/pem.ts";
import { checkIssuerRef } from "./certificate.ts";
import type { FieldError } from "./field-error.ts";
import { GoLiteral, forbiddenField, invalidValue, required } from "./field-error.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Who asked for an object, as CertificateRequests record it. */
export interface Requester {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
}

/** Returns a new CertificateRequest with the requester written into it, whatever it claimed; an update keeps the first one. */
export function withRequester(object: Fields, requester: Requester): Fields {
  const spec = recordAt(object, "spec");
  const { extra: _, ...rest } = spec;
  return {
    ...object,
    spec: {
      ...rest,
      username: requester.username,
      ...(requester.uid === undefined ? {} : { uid: requester.uid }),
      groups: requester.groups ?? [],
    },
  };
}

/** The rules that cert-manager's webhook holds a CertificateRequest to, beyond its schema. */
export function checkCertificateRequest(object: Fields): readonly FieldError[] {
  const spec = recordAt(object, "spec");
  return [
    ...checkIssuerRef(recordAt(spec, "issuerRef"), "spec.issuerRef"),
    ...checkRequest(stringAt(spec, "request") ?? ""),
    ...checkApproval(object),
  ];
}

function checkRequest(base64: string): readonly FieldError[] {
  if (base64 === "") return [required("spec.request", "must be specified")];
  const problem = requestProblem(Buffer.from(base64, "base64").toString());
  if (problem === undefined) return [];
  // The request itself is long and is not repeated.
  return [invalidValue("spec.request", new GoLiteral("[]byte{...}"), problem)];
}

/** A request is one PEM block that holds a sequence of information, algorithm and signature (RFC 2986 section 4.2). */
function requestProblem(text: string): string | undefined {
  const problem = "error decoding certificate request PEM block";
  if (!text.includes("-----BEGIN ")) return problem;
  try {
    const block = decodePem(text)[0];
    if (block?.label !== "CERTIFICATE REQUEST" && block?.label !== "NEW CERTIFICATE REQUEST") return problem;
    return isSequence(block.der, 0) && isSequence(block.der, headerLength(block.der)) ? undefined : problem;
  } catch {
    return problem;
  }
}

const SEQUENCE = 0x30;

function isSequence(der: Uint8Array, at: number): boolean {
  return der[at] === SEQUENCE && der.length > at + 2;
}

function headerLength(der: Uint8Array): number {
  const first = der[1] ?? 0;
  return first < 0x80 ? 2 : 2 + (first & 0x7f);
}

/** Checks what an update may not change in a CertificateRequest: the spec, its annotations, and an approval once given. */
export function checkCertificateRequestUpdate(object: Fields, existing: Fields): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (!jsonEqual(managedAnnotations(object), managedAnnotations(existing))) {
    errors.push(forbiddenField("metadata.annotations", "cannot change cert-manager annotations after creation"));
  }
  if (!jsonEqual(object["spec"], existing["spec"])) {
    errors.push(forbiddenField("spec", "cannot change spec after creation"));
  }
  for (const type of ["Approved", "Denied"] as const) {
    const before = conditionOf(existing, type);
    if (before !== undefined && !jsonEqual(before, conditionOf(object, type))) {
      errors.push(forbiddenField("status.conditions", `'${type}' condition may not be modified once set`));
    }
  }
  return errors;
}

function managedAnnotations(object: Fields): Fields {
  const annotations = stringMapAt(recordAt(object, "metadata"), "annotations");
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => /^(?:acme\.)?cert-manager\.io\//.test(key)));
}

function checkApproval(object: Fields): readonly FieldError[] {
  const path = "status.conditions";
  return conditionOf(object, "Approved") !== undefined && conditionOf(object, "Denied") !== undefined
    ? [forbiddenField(path, "both 'Denied' and 'Approved' conditions cannot coexist")]
    : [];
}

function conditionOf(object: Fields, type: string): unknown {
  return arrayAt(object["status"], "conditions").find((condition) => isRecord(condition) && condition["type"] === type);
}

/** Checks what an update may not change in an Order: the request. */
export function checkOrderUpdate(object: Fields, existing: Fields): readonly FieldError[] {
  const before = recordAt(existing, "spec")["request"];
  return before === undefined || before === recordAt(object, "spec")["request"]
    ? []
    : [forbiddenField("spec.request", "field is immutable once set")];
}

/** Checks what an update may not change in a Challenge: all of the spec. */
export function checkChallengeUpdate(object: Fields, existing: Fields): readonly FieldError[] {
  return jsonEqual(object["spec"], existing["spec"])
    ? []
    : [forbiddenField("spec", "challenge spec is immutable after creation")];
}
