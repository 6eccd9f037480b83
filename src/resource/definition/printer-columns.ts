/** A column that `kubectl get` shows, as a CustomResourceDefinition declares it. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly jsonPath: string;
  readonly description?: string;
  readonly format?: string;
  /** Above 0: with `-o wide` only. @default 0 */
  readonly priority?: number;
}

const condition = (type: string, field: string): string => `.status.conditions[?(@.type == "${type}")].${field}`;

const READY: PrinterColumn = {
  name: "Ready",
  type: "string",
  jsonPath: condition("Ready", "status"),
  description: "Whether it is ready.",
};
const STATUS: PrinterColumn = {
  name: "Status",
  type: "string",
  jsonPath: condition("Ready", "message"),
  description: "Why it is ready, or not.",
  priority: 1,
};
const AGE: PrinterColumn = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "How long ago the object was created.",
};

const text = (name: string, jsonPath: string, description: string, priority?: 1): PrinterColumn => ({
  name,
  type: "string",
  jsonPath,
  description,
  ...(priority === undefined ? {} : { priority }),
});

/** By kind, the columns that cert-manager's own definitions declare, in their order; the name comes first by itself. */
export const PRINTER_COLUMNS: Readonly<Record<string, readonly PrinterColumn[]>> = {
  Issuer: [READY, STATUS, AGE],
  ClusterIssuer: [READY, STATUS, AGE],
  Certificate: [
    READY,
    text("Secret", ".spec.secretName", "The secret that holds the certificate."),
    text("Issuer", ".spec.issuerRef.name", "Who signs it.", 1),
    STATUS,
    text("Expiration", ".status.notAfter", "When the certificate expires.", 1),
    AGE,
  ],
  CertificateRequest: [
    text("Approved", condition("Approved", "status"), "Whether it was approved."),
    text("Denied", condition("Denied", "status"), "Whether it was denied."),
    READY,
    text("Issuer", ".spec.issuerRef.name", "Who signs it."),
    text("Requester", ".spec.username", "Who asked for it."),
    STATUS,
    AGE,
  ],
  Order: [
    text("State", ".status.state", "How far the order is."),
    text("Issuer", ".spec.issuerRef.name", "Whose ACME account placed it.", 1),
    text("Reason", ".status.reason", "Why it is in this state.", 1),
    AGE,
  ],
  Challenge: [
    text("State", ".status.state", "How far the challenge is."),
    text("Domain", ".spec.dnsName", "The name to be proven."),
    text("Reason", ".status.reason", "Why it is in this state.", 1),
    AGE,
  ],
};
