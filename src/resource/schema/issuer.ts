import type { Schema } from "./schema.ts";
import { TEXT, atomicList, bytes, flag, struct, text } from "./schema.ts";
import { certManagerConditions, secretKey } from "./certificate.ts";
import { topLevel } from "./metadata.ts";
import { SERVICE_ACCOUNT_SCHEMA, SOLVER_SCHEMA } from "./solver.ts";

const ACME: Schema = struct(
  undefined,
  "Certificates from an ACME server such as Let's Encrypt.",
  {
    caBundle: bytes("Authorities the server's certificate may come from: PEM, in base64."),
    disableAccountKeyGeneration: flag("Whether the account key must already be in the Secret."),
    email: text("Address the CA may write to."),
    enableDurationFeature: flag("Whether to ask the server for the Certificate's duration."),
    externalAccountBinding: struct(
      undefined,
      "Ties the ACME account to one the CA knows already.",
      {
        keyAlgorithm: text("No longer used.", { enum: ["HS256", "HS384", "HS512"] }),
        keyID: text("Id of the key at the CA."),
        keySecretRef: secretKey("Entry of a Secret with the key."),
      },
      { required: ["keyID", "keySecretRef"] },
    ),
    preferredChain: text("Common name at the top of the chain that is preferred.", { maxLength: 64 }),
    privateKeySecretRef: secretKey("Entry of a Secret for the account key; tls.key when absent."),
    profile: text("Certificate profile to ask the server for."),
    renewalInformationSource: text("Who decides when to renew: ARI asks the server.", {
      default: "ARI",
      enum: ["ARI", "Disabled"],
    }),
    server: text("URL of the server's directory."),
    skipTLSVerify: flag("Whether to accept any certificate from the server; insecure."),
    solvers: atomicList(SOLVER_SCHEMA, "How challenges are solved; the most specific match wins."),
  },
  { required: ["privateKeySecretRef", "server"] },
);

const CA: Schema = struct(
  undefined,
  "Certificates signed by a key in a Secret.",
  {
    crlDistributionPoints: atomicList(TEXT, "Where revocation lists are; written into certificates."),
    issuingCertificateURLs: atomicList(TEXT, "Where the authority's certificate is; written into certificates."),
    ocspServers: atomicList(TEXT, "Where revocation can be asked for; written into certificates."),
    secretName: text("Secret with the authority's certificate and key."),
  },
  { required: ["secretName"] },
);

const VAULT_AUTH: Schema = struct(undefined, "How to log in to Vault.", {
  appRole: struct(
    undefined,
    "With an AppRole.",
    {
      path: text("Where AppRole is mounted."),
      roleId: text("Id of the role."),
      secretRef: secretKey("Entry of a Secret with the role's secret."),
    },
    { required: ["path", "roleId", "secretRef"] },
  ),
  aws: struct(
    undefined,
    "With AWS IAM.",
    {
      iamRoleArn: text("Role to assume with the service account's token."),
      mountPath: text("Where AWS authentication is mounted."),
      region: text("Region that signs requests."),
      role: text("Vault role to assume.", { minLength: 1 }),
      serviceAccountRef: SERVICE_ACCOUNT_SCHEMA,
      vaultHeaderValue: text("Value of the header that binds the request to this Vault."),
    },
    { required: ["role"] },
  ),
  clientCertificate: struct(undefined, "With a client certificate.", {
    mountPath: text("Where certificate authentication is mounted."),
    name: text("Name of the certificate role."),
    secretName: text("Secret with the client certificate."),
  }),
  kubernetes: struct(
    undefined,
    "With a service account's token.",
    {
      mountPath: text("Where Kubernetes authentication is mounted."),
      role: text("Vault role to assume."),
      secretRef: secretKey("Entry of a Secret with the token."),
      serviceAccountRef: SERVICE_ACCOUNT_SCHEMA,
    },
    { required: ["role"] },
  ),
  tokenSecretRef: secretKey("Entry of a Secret with a token."),
});

const VAULT: Schema = struct(
  undefined,
  "Certificates from HashiCorp Vault.",
  {
    auth: VAULT_AUTH,
    caBundle: bytes("Authorities Vault's certificate may come from: PEM, in base64."),
    caBundleSecretRef: secretKey("Entry of a Secret with those authorities."),
    clientCertSecretRef: secretKey("Entry of a Secret with a client certificate."),
    clientKeySecretRef: secretKey("Entry of a Secret with the client certificate's key."),
    namespace: text("Vault namespace."),
    path: text("Path that signs, such as pki/sign/role."),
    server: text("URL of Vault."),
    serverName: text("Name expected in Vault's certificate."),
  },
  { required: ["auth", "path", "server"] },
);

const LOCAL_REFERENCE: Schema = struct(
  undefined,
  "Points at a Secret.",
  { name: text("Name of the Secret.") },
  { required: ["name"] },
);

const VENAFI: Schema = struct(
  undefined,
  "Certificates from a Venafi platform.",
  {
    cloud: struct(
      undefined,
      "The hosted platform.",
      { apiTokenSecretRef: secretKey("Entry of a Secret with the API token."), url: text("Base URL of the platform.") },
      { required: ["apiTokenSecretRef"] },
    ),
    ngts: struct(
      undefined,
      "Next Generation Trust Services.",
      {
        credentialsRef: LOCAL_REFERENCE,
        tokenEndpoint: text("URL that hands out tokens."),
        tsgID: text("Id of the tenant service group."),
        url: text("Base URL of the service."),
      },
      { required: ["credentialsRef", "tsgID"] },
    ),
    tpp: struct(
      undefined,
      "The self-hosted platform.",
      {
        caBundle: bytes("Authorities the platform's certificate may come from: PEM, in base64."),
        caBundleSecretRef: secretKey("Entry of a Secret with those authorities."),
        credentialsRef: LOCAL_REFERENCE,
        url: text("Base URL of the platform."),
      },
      { required: ["credentialsRef", "url"] },
    ),
    zone: text("Policy zone that requests are made in."),
  },
  {
    required: ["zone"],
    "x-kubernetes-validations": [
      {
        rule: "[has(self.tpp), has(self.cloud), has(self.ngts)].filter(given, given).size() == 1",
        message: "exactly one of tpp, cloud, or ngts must be configured",
      },
    ],
  },
);

const ISSUER_SPEC: Schema = struct(undefined, "Where certificates come from: exactly one of these.", {
  acme: ACME,
  ca: CA,
  selfSigned: struct(undefined, "Certificates signed with their own key.", {
    crlDistributionPoints: atomicList(TEXT, "Where revocation lists are; written into certificates."),
  }),
  vault: VAULT,
  venafi: VENAFI,
});

const ISSUER_STATUS: Schema = struct(undefined, "State of the issuer.", {
  acme: struct(undefined, "The ACME account.", {
    lastPrivateKeyHash: text("Hash of the account key in use."),
    lastRegisteredEmail: text("Address the account has at the CA."),
    uri: text("URL of the account."),
  }),
  conditions: certManagerConditions("Ready"),
});

/** Issuer, cert-manager.io/v1. */
export const ISSUER_SCHEMA: Schema = topLevel(
  "io.cert-manager.v1.Issuer",
  "A source of certificates for one namespace.",
  { spec: ISSUER_SPEC, status: ISSUER_STATUS },
  { required: ["spec"] },
);

/** ClusterIssuer, cert-manager.io/v1. */
export const CLUSTER_ISSUER_SCHEMA: Schema = topLevel(
  "io.cert-manager.v1.ClusterIssuer",
  "A source of certificates for all namespaces.",
  { spec: ISSUER_SPEC, status: ISSUER_STATUS },
  { required: ["spec"] },
);
