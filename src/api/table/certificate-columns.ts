import type { KubeObject } from "../../resource/object.ts";
import { CUSTOM_AGE, NAME, column, conditionCell, customCell } from "./column.ts";
import type { Column } from "./column.ts";

/** The printer columns that cert-manager's CustomResourceDefinitions declare. */

const READY = column("Ready", "Whether it is ready.", (object) => conditionCell(object, "Ready", "status"));

const STATUS = column("Status", "Why it is ready, or not.", (object) => conditionCell(object, "Ready", "message"), {
  wide: true,
});

function at(...path: readonly string[]): (object: KubeObject) => ReturnType<typeof customCell> {
  return (object) => customCell(object, path);
}

export const ISSUER_COLUMNS: readonly Column[] = [NAME, READY, STATUS, CUSTOM_AGE];

export const CERTIFICATE_COLUMNS: readonly Column[] = [
  NAME,
  READY,
  column("Secret", "The secret that holds the certificate.", at("spec", "secretName")),
  column("Issuer", "Who signs it.", at("spec", "issuerRef", "name"), { wide: true }),
  STATUS,
  column("Expiration", "When the certificate expires.", at("status", "notAfter"), { wide: true }),
  CUSTOM_AGE,
];

export const CERTIFICATE_REQUEST_COLUMNS: readonly Column[] = [
  NAME,
  column("Approved", "Whether it was approved.", (object) => conditionCell(object, "Approved", "status")),
  column("Denied", "Whether it was denied.", (object) => conditionCell(object, "Denied", "status")),
  READY,
  column("Issuer", "Who signs it.", at("spec", "issuerRef", "name")),
  column("Requester", "Who asked for it.", at("spec", "username")),
  STATUS,
  CUSTOM_AGE,
];

export const ORDER_COLUMNS: readonly Column[] = [
  NAME,
  column("State", "How far the order is.", at("status", "state")),
  column("Issuer", "Whose ACME account placed it.", at("spec", "issuerRef", "name"), { wide: true }),
  column("Reason", "Why it is in this state.", at("status", "reason"), { wide: true }),
  CUSTOM_AGE,
];

export const CHALLENGE_COLUMNS: readonly Column[] = [
  NAME,
  column("State", "How far the challenge is.", at("status", "state")),
  column("Domain", "The name to be proven.", at("spec", "dnsName")),
  column("Reason", "Why it is in this state.", at("status", "reason"), { wide: true }),
  CUSTOM_AGE,
];
