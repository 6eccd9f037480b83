/** Every reason of the Events that controllers write, besides the diagnostics of translation. API: `docs/reasons.md` lists them. */
export const EVENT_REASONS = [
  // Ingress
  "CreateCertificate",
  "UpdateCertificate",
  "DeleteCertificate",
  "BadConfig",
  // Certificate
  "Issuing",
  "Generated",
  "Reused",
  "Requested",
  "Deleted",
  "CannotRegenerateKey",
  "KeystorePasswordSecretNotFound",
  "WindowError",
  "RenewalOverdue",
  "ExpiresSoon",
  "Expired",
  "Denied",
  // CertificateRequest
  "cert-manager.io",
  "WaitingForApproval",
  "IssuerNotFound",
  "IssuerNotReady",
  "MissingSecret",
  "ErrorParsingKey",
  "OrderCreated",
  "CertificateIssued",
  // Order
  "Created",
  "Solver",
  "OrderPending",
  "LimitReached",
  "Complete",
  // Challenge
  "Started",
  "Presented",
  "PresentError",
  "CleanUpError",
  "DomainVerified",
  // Issuer and ClusterIssuer
  "ErrInitIssuer",
  "AnsweredOffline",
  "AccountKeyRotated",
  // Order and Challenge
  "PreflightFailed",
  // Certificate, CertificateRequest, Order and Challenge
  "Failed",
] as const;

/** One of {@link EVENT_REASONS}. */
export type EventReason = (typeof EVENT_REASONS)[number];
