import type { Schema } from "./schema.ts";
import { TEXT, atomicList, bytes, int32, struct, text, textMap } from "./schema.ts";
import { secretKey } from "./certificate.ts";

const SERVICE_ACCOUNT_REF: Schema = struct(
  undefined,
  "Service account whose token is presented.",
  { audiences: atomicList(TEXT, "Audiences of the token."), name: text("Name of the service account.") },
  { required: ["name"] },
);

const POD_TEMPLATE: Schema = struct(
  undefined,
  "Changes to solver pods; accepted and not needed here, the edge answers challenges itself.",
  {},
  { "x-kubernetes-preserve-unknown-fields": true },
);

const INGRESS_TEMPLATE: Schema = struct(
  undefined,
  "Changes to solver ingresses; accepted and not needed here, the edge answers challenges itself.",
  {},
  { "x-kubernetes-preserve-unknown-fields": true },
);

const PARENT_REFERENCE: Schema = struct(
  undefined,
  "A Gateway to attach to.",
  {
    group: text("Group of the parent.", { default: "gateway.networking.k8s.io", maxLength: 253 }),
    kind: text("Kind of the parent.", { default: "Gateway", minLength: 1, maxLength: 63 }),
    name: text("Name of the parent.", { minLength: 1, maxLength: 253 }),
    namespace: text("Namespace of the parent.", { minLength: 1, maxLength: 63 }),
    port: int32("Port of the parent.", { minimum: 1, maximum: 65_535 }),
    sectionName: text("Listener of the parent.", { minLength: 1, maxLength: 253 }),
  },
  { required: ["name"] },
);

const HTTP01: Schema = struct(undefined, "Solves challenges over HTTP on port 80.", {
  gatewayHTTPRoute: struct(undefined, "Solves challenges through a Gateway.", {
    labels: textMap("Labels for the routes."),
    parentRefs: atomicList(PARENT_REFERENCE, "Gateways the routes attach to."),
    podTemplate: POD_TEMPLATE,
    serviceType: text("Type of the solver service; not needed here."),
  }),
  ingress: struct(undefined, "Solves challenges through the edge.", {
    class: text("Class by annotation; not together with ingressClassName or name."),
    ingressClassName: text("IngressClass that answers; not together with class or name."),
    ingressTemplate: INGRESS_TEMPLATE,
    name: text("Ingress that answers; not together with class or ingressClassName."),
    podTemplate: POD_TEMPLATE,
    serviceType: text("Type of the solver service; not needed here."),
  }),
});

const ROUTE53: Schema = struct(undefined, "Zones at Amazon Route 53.", {
  accessKeyID: text("Access key; not together with accessKeyIDSecretRef."),
  accessKeyIDSecretRef: secretKey("Entry of a Secret with the access key."),
  auth: struct(
    undefined,
    "How to log in.",
    {
      kubernetes: struct(
        undefined,
        "With a service account's token.",
        { serviceAccountRef: SERVICE_ACCOUNT_REF },
        { required: ["serviceAccountRef"] },
      ),
    },
    { required: ["kubernetes"] },
  ),
  hostedZoneID: text("Only zone to change; looked up when absent."),
  region: text("Region that signs requests."),
  role: text("Role to assume, as an ARN."),
  secretAccessKeySecretRef: secretKey("Entry of a Secret with the secret key."),
});

const AZURE_DNS: Schema = struct(
  undefined,
  "Zones at Azure DNS.",
  {
    clientID: text("Id of the service principal."),
    clientSecretSecretRef: secretKey("Entry of a Secret with the principal's password."),
    environment: text("Azure cloud; the public one when absent.", {
      enum: ["AzurePublicCloud", "AzureChinaCloud", "AzureGermanCloud", "AzureUSGovernmentCloud"],
    }),
    hostedZoneName: text("Zone to change."),
    managedIdentity: struct(undefined, "Logs in as a managed identity.", {
      clientID: text("Client id of the identity; not together with resourceID."),
      resourceID: text("Resource id of the identity; not together with clientID."),
      tenantID: text("Tenant of the identity."),
    }),
    resourceGroupName: text("Resource group of the zone."),
    subscriptionID: text("Id of the subscription."),
    tenantID: text("Tenant of the service principal."),
    zoneType: text("Public or private zone.", { enum: ["AzurePublicZone", "AzurePrivateZone"] }),
  },
  { required: ["resourceGroupName", "subscriptionID"] },
);

const RFC2136: Schema = struct(
  undefined,
  "Zones at a server that takes dynamic updates (RFC 2136).",
  {
    nameserver: text("Authoritative server as host or host:port."),
    protocol: text("TCP or UDP; UDP when absent.", { enum: ["TCP", "UDP"] }),
    tsigAlgorithm: text("HMACMD5, HMACSHA1, HMACSHA256 or HMACSHA512."),
    tsigKeyName: text("Name of the key that signs updates."),
    tsigSecretSecretRef: secretKey("Entry of a Secret with that key."),
  },
  { required: ["nameserver"] },
);

const WEBHOOK: Schema = struct(
  undefined,
  "A solver of one's own.",
  {
    config: {
      description: "Settings handed to the solver as they are.",
      "x-kubernetes-preserve-unknown-fields": true,
    },
    groupName: text("API group of the solver."),
    solverName: text("Name of the solver."),
  },
  { required: ["groupName", "solverName"] },
);

const DNS01: Schema = struct(undefined, "Solves challenges with DNS records.", {
  acmeDNS: struct(
    undefined,
    "Records at an acme-dns server.",
    {
      accountSecretRef: secretKey("Entry of a Secret with the accounts."),
      caBundle: bytes("Authorities the server's certificate may come from."),
      host: text("Address of the server."),
    },
    { required: ["accountSecretRef", "host"] },
  ),
  akamai: struct(
    undefined,
    "Zones at Akamai.",
    {
      accessTokenSecretRef: secretKey("Entry of a Secret with the access token."),
      clientSecretSecretRef: secretKey("Entry of a Secret with the client secret."),
      clientTokenSecretRef: secretKey("Entry of a Secret with the client token."),
      serviceConsumerDomain: text("Host of the API."),
    },
    { required: ["accessTokenSecretRef", "clientSecretSecretRef", "clientTokenSecretRef", "serviceConsumerDomain"] },
  ),
  azureDNS: AZURE_DNS,
  cloudDNS: struct(
    undefined,
    "Zones at Google Cloud DNS.",
    {
      hostedZoneName: text("Zone to change; chosen by name when absent."),
      project: text("Project of the zone."),
      serviceAccountSecretRef: secretKey("Entry of a Secret with the service account's key."),
    },
    { required: ["project"] },
  ),
  cloudflare: struct(undefined, "Zones at Cloudflare.", {
    apiKeySecretRef: secretKey("Entry of a Secret with the API key; not together with apiTokenSecretRef."),
    apiTokenSecretRef: secretKey("Entry of a Secret with an API token."),
    email: text("Account of the API key."),
  }),
  cnameStrategy: text("Whether to follow CNAMEs to the zone that is changed.", { enum: ["None", "Follow"] }),
  digitalocean: struct(
    undefined,
    "Zones at DigitalOcean.",
    { tokenSecretRef: secretKey("Entry of a Secret with the token.") },
    { required: ["tokenSecretRef"] },
  ),
  nameservers: atomicList(TEXT, "Resolvers for checking records."),
  rfc2136: RFC2136,
  route53: ROUTE53,
  webhook: WEBHOOK,
});

/** How challenges for some names are solved; shared by issuers and Challenge. */
export const SOLVER_SCHEMA: Schema = struct(undefined, "How challenges for some names are solved.", {
  dns01: DNS01,
  http01: HTTP01,
  selector: struct(undefined, "Which names the solver is for; all when absent.", {
    dnsNames: atomicList(TEXT, "Exact names."),
    dnsZones: atomicList(TEXT, "Zones; the longest match wins."),
    matchLabels: textMap("Labels the Certificate must have."),
  }),
  dnsPersist01: struct(
    undefined,
    "Proves names by a TXT record that is made once and kept; the Challenge says which.",
    {
      nameservers: atomicList(TEXT, "Resolvers for checking records."),
    },
  ),
  tlsALPN01: struct(undefined, "Solves challenges in the TLS handshake on port 443 (RFC 8737).", {}),
  waitInsteadOfSelfCheck: text("Wait this long in place of checking the challenge before the CA does."),
});

/** A service account whose token is presented to a signer. */
export const SERVICE_ACCOUNT_SCHEMA: Schema = SERVICE_ACCOUNT_REF;
