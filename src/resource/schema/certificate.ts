import type { Schema } from "./schema.ts";
import {
  TEXT,
  atomicList,
  bytes,
  flag,
  int32,
  int64,
  keyedList,
  mapOf,
  moment,
  struct,
  text,
  textMap,
} from "./schema.ts";
import { topLevel } from "./metadata.ts";

/** Names the issuer of a certificate: an Issuer in the same namespace unless kind and group say otherwise. */
export function issuerReference(description: string): Schema {
  return struct(
    undefined,
    description,
    {
      group: text("Group of the issuer; cert-manager.io when absent."),
      kind: text("Issuer, ClusterIssuer, or an external issuer's kind; Issuer when absent."),
      name: text("Name of the issuer."),
    },
    { required: ["name"] },
  );
}

/** Points at an entry of a Secret. */
export function secretKey(description: string): Schema {
  return struct(
    undefined,
    description,
    { key: text("Entry of the Secret; some fields have a default."), name: text("Name of the Secret.") },
    { required: ["name"] },
  );
}

/** A condition of a cert-manager object; `types` says which there are. */
export function certManagerConditions(types: string): Schema {
  const condition = struct(
    undefined,
    "One aspect of the object's state.",
    {
      lastTransitionTime: moment("When the status last changed."),
      message: text("Explanation for people."),
      observedGeneration: int64("Generation of the object that the condition speaks of."),
      reason: text("Explanation for programs."),
      status: text("True, False or Unknown.", { enum: ["True", "False", "Unknown"] }),
      type: text(`What the condition is about: ${types}.`),
    },
    { required: ["status", "type"] },
  );
  return keyedList(condition, ["type"], `State of the object: ${types}.`);
}

const KEY_USAGES = [
  "signing",
  "digital signature",
  "content commitment",
  "key encipherment",
  "key agreement",
  "data encipherment",
  "cert sign",
  "crl sign",
  "encipher only",
  "decipher only",
  "any",
  "server auth",
  "client auth",
  "code signing",
  "email protection",
  "s/mime",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "timestamping",
  "ocsp signing",
  "microsoft sgc",
  "netscape sgc",
] as const;

/** Key usages in cert-manager's words. */
function keyUsages(description: string): Schema {
  return atomicList({ type: "string", enum: KEY_USAGES }, description);
}

const SUBJECT: Schema = struct(undefined, "Parts of the subject besides the common name.", {
  countries: atomicList(TEXT, "Countries, as two-letter codes."),
  localities: atomicList(TEXT, "Cities or localities."),
  organizationalUnits: atomicList(TEXT, "Units within the organization."),
  organizations: atomicList(TEXT, "Organizations."),
  postalCodes: atomicList(TEXT, "Postal codes."),
  provinces: atomicList(TEXT, "States or provinces."),
  serialNumber: text("Serial number of the subject."),
  streetAddresses: atomicList(TEXT, "Street addresses."),
});

const PRIVATE_KEY: Schema = struct(undefined, "The private key to make.", {
  algorithm: text("RSA, ECDSA or Ed25519; RSA when absent.", { enum: ["RSA", "ECDSA", "Ed25519"] }),
  encoding: text("PKCS1 or PKCS8; PKCS1 when absent.", { enum: ["PKCS1", "PKCS8"] }),
  rotationPolicy: text("Always makes a new key with each certificate, Never keeps it.", { enum: ["Never", "Always"] }),
  size: int64("Bits: 2048, 4096 or 8192 for RSA, 256, 384 or 521 for ECDSA."),
});

function nameConstraint(description: string): Schema {
  return struct(undefined, description, {
    dnsDomains: atomicList(TEXT, "DNS domains."),
    emailAddresses: atomicList(TEXT, "Email addresses or their domains."),
    ipRanges: atomicList(TEXT, "Address ranges in CIDR form."),
    uriDomains: atomicList(TEXT, "Domains of URIs."),
  });
}

function keystore(description: string, more: Readonly<Record<string, Schema>>): Schema {
  return struct(
    undefined,
    description,
    {
      create: flag("Whether to make the keystore."),
      password: text("Password as plain text; not together with passwordSecretRef."),
      passwordSecretRef: secretKey("Entry of a Secret with the password."),
      ...more,
    },
    { required: ["create"] },
  );
}

const KEYSTORES: Schema = struct(undefined, "Keystores to add to the Secret.", {
  jks: keystore("A Java keystore: keystore.jks and truststore.jks.", {
    alias: text("Alias of the key in the keystore; certificate when absent."),
  }),
  pkcs12: keystore("A PKCS#12 keystore: keystore.p12 and truststore.p12.", {
    profile: text("Ciphers to use; LegacyRC2 when absent.", {
      enum: ["LegacyRC2", "LegacyDES", "Modern2023", "Modern2026"],
    }),
  }),
});

const RENEWAL_WINDOW: Schema = struct(
  undefined,
  "A recurring time in which renewal may happen.",
  {
    cron: text("When the window opens, as a cron expression of five fields.", { minLength: 1 }),
    timezone: text("IANA time zone of the cron expression; UTC when absent.", { minLength: 1 }),
    windowDuration: text("How long the window stays open, such as 4h.", {
      pattern: "^([0-9]+(\\.[0-9]+)?(s|m|h))+$",
    }),
  },
  { required: ["cron", "windowDuration"] },
);

const RENEWAL: Schema = struct(undefined, "When the certificate is renewed.", {
  policy: text("RenewBefore renews in time, Disabled never renews.", { enum: ["RenewBefore", "Disabled"] }),
  windows: atomicList(RENEWAL_WINDOW, "Times in which renewal may happen."),
});

const CERTIFICATE_SPEC: Schema = struct(
  undefined,
  "The certificate that is wanted.",
  {
    additionalOutputFormats: atomicList(
      struct(
        undefined,
        "One more form of the certificate.",
        { type: text("DER adds key.der, CombinedPEM adds tls-combined.pem.", { enum: ["DER", "CombinedPEM"] }) },
        { required: ["type"] },
      ),
      "More forms of the certificate to add to the Secret.",
    ),
    commonName: text("Common name of the subject; at most 64 characters."),
    dnsNames: atomicList(TEXT, "DNS names the certificate is for."),
    duration: text("Wanted lifetime, such as 2160h; 90 days when absent, at least one hour."),
    emailAddresses: atomicList(TEXT, "Email addresses the certificate is for."),
    encodeUsagesInRequest: flag("Whether usages are written into the signing request; true when absent."),
    ipAddresses: atomicList(TEXT, "IP addresses the certificate is for."),
    isCA: flag("Whether the certificate may sign others."),
    issuerRef: issuerReference("Issuer that signs the certificate."),
    keystores: KEYSTORES,
    literalSubject: text("Subject as an RFC 4514 string, in place of subject and commonName."),
    nameConstraints: struct(undefined, "Names the certificate may sign for; only with isCA.", {
      critical: flag("Whether verifiers must understand the constraints."),
      excluded: nameConstraint("Names it may not sign for."),
      permitted: nameConstraint("Names it may sign for."),
    }),
    otherNames: atomicList(
      struct(undefined, "A subject alternative name of another kind.", {
        oid: text("Object identifier of the kind of name."),
        utf8Value: text("The name."),
      }),
      "Subject alternative names of other kinds.",
    ),
    privateKey: PRIVATE_KEY,
    renewBefore: text("How long before expiry to renew, such as 360h; a third of the lifetime when absent."),
    renewBeforePercentage: int32("Renew when this percentage of the lifetime is left; not together with renewBefore."),
    renewal: RENEWAL,
    revisionHistoryLimit: int32("How many CertificateRequests to keep."),
    secretName: text("Secret in the same namespace that receives the key and the certificate."),
    secretTemplate: struct(undefined, "Labels and annotations for the Secret.", {
      annotations: textMap("Annotations to add to the Secret."),
      labels: textMap("Labels to add to the Secret."),
    }),
    signatureAlgorithm: text("Algorithm that signs the request; must fit the key.", {
      enum: [
        "SHA256WithRSA",
        "SHA384WithRSA",
        "SHA512WithRSA",
        "ECDSAWithSHA256",
        "ECDSAWithSHA384",
        "ECDSAWithSHA512",
        "PureEd25519",
      ],
    }),
    subject: SUBJECT,
    uris: atomicList(TEXT, "URIs the certificate is for."),
    usages: keyUsages("What the key may be used for; digital signature and key encipherment when absent."),
  },
  { required: ["issuerRef", "secretName"] },
);

const RENEWAL_INFORMATION: Schema = struct(undefined, "What the ACME server says about renewal.", {
  explanationURL: text("Page that explains the suggestion."),
  lastChecked: moment("When the server was last asked."),
  lastError: text("Why the last question failed."),
  nextCheck: moment("When the server is asked next."),
  suggestedWindow: struct(undefined, "When the server suggests to renew.", {
    end: moment("End of the window."),
    start: moment("Start of the window."),
  }),
});

const CERTIFICATE_STATUS: Schema = struct(undefined, "State of the certificate.", {
  acme: struct(undefined, "What only ACME certificates have.", { ari: RENEWAL_INFORMATION }),
  conditions: certManagerConditions("Ready and Issuing"),
  failedIssuanceAttempts: int64("How often issuing failed in a row."),
  lastFailureTime: moment("When issuing last failed."),
  nextPrivateKeySecretName: text("Secret with the key of the certificate being issued."),
  notAfter: moment("When the certificate expires."),
  notBefore: moment("When the certificate begins to be valid."),
  renewalTime: moment("When the certificate is renewed next."),
  revision: int64("Counts the certificates that were issued."),
});

/** Certificate, cert-manager.io/v1. */
export const CERTIFICATE_SCHEMA: Schema = topLevel(
  "io.cert-manager.v1.Certificate",
  "A certificate that is kept valid in a Secret.",
  { spec: CERTIFICATE_SPEC, status: CERTIFICATE_STATUS },
);

const CERTIFICATE_REQUEST_SPEC: Schema = struct(
  undefined,
  "The signature that is wanted.",
  {
    duration: text("Wanted lifetime of the certificate."),
    extra: mapOf(atomicList(TEXT, "Values."), "Further attributes of the requester; set by the server."),
    groups: atomicList(TEXT, "Groups of the requester; set by the server."),
    isCA: flag("Whether the certificate may sign others."),
    issuerRef: issuerReference("Issuer that signs the request."),
    request: bytes("The signing request: PEM, in base64."),
    uid: text("Unique id of the requester; set by the server."),
    usages: keyUsages("What the key may be used for."),
    username: text("Name of the requester; set by the server."),
  },
  { required: ["issuerRef", "request"] },
);

/** CertificateRequest, cert-manager.io/v1. */
export const CERTIFICATE_REQUEST_SCHEMA: Schema = topLevel(
  "io.cert-manager.v1.CertificateRequest",
  "One request to an issuer for one certificate.",
  {
    spec: CERTIFICATE_REQUEST_SPEC,
    status: struct(undefined, "State of the request.", {
      ca: bytes("Certificate of the signing authority: PEM, in base64."),
      certificate: bytes("The certificate and its chain: PEM, in base64."),
      conditions: certManagerConditions("Ready, InvalidRequest, Approved and Denied"),
      failureTime: moment("When the request failed."),
    }),
  },
);
