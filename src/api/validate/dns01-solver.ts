import { isRecord, recordAt, stringAt } from "../../ground/json.ts";
import type { FieldError } from "./field-error.ts";
import { forbiddenField, invalidValue, notSupported, required } from "./field-error.ts";
import { ipFamily } from "./ip-address.ts";
import { checkCaBundle, checkSecretKey } from "./secret-reference.ts";

type Fields = Readonly<Record<string, unknown>>;

const PROVIDERS = [
  "akamai",
  "azureDNS",
  "cloudDNS",
  "cloudflare",
  "route53",
  "acmeDNS",
  "digitalocean",
  "rfc2136",
  "webhook",
] as const;

type Provider = (typeof PROVIDERS)[number];

/** Checks a DNS-01 solver: one provider, with all that it needs. */
export function checkDns01(dns01: Fields, path: string): readonly FieldError[] {
  const [first, ...others] = PROVIDERS.filter((provider) => isRecord(dns01[provider]));
  if (first === undefined) return [required(path, "no DNS01 provider configured")];
  return [
    ...CHECKS[first](recordAt(dns01, first), `${path}.${first}`),
    ...others.map((provider) => forbiddenField(`${path}.${provider}`, "may not specify more than one provider type")),
  ];
}

const CHECKS: Readonly<Record<Provider, (config: Fields, path: string) => readonly FieldError[]>> = {
  akamai: (akamai, path) => [
    ...checkSecretKey(akamai["accessTokenSecretRef"], `${path}.accessToken`),
    ...checkSecretKey(akamai["clientSecretSecretRef"], `${path}.clientSecret`),
    ...checkSecretKey(akamai["clientTokenSecretRef"], `${path}.clientToken`),
    ...needed(akamai, "serviceConsumerDomain", path),
  ],
  azureDNS: checkAzure,
  cloudDNS: (cloud, path) => [
    ...optionalKey(cloud, "serviceAccountSecretRef", path),
    ...needed(cloud, "project", path),
  ],
  cloudflare: checkCloudflare,
  route53: (route53, path) => [
    ...(text(route53, "accessKeyID") !== "" && isRecord(route53["accessKeyIDSecretRef"])
      ? [required(path, "accessKeyID and accessKeyIDSecretRef cannot both be specified")]
      : []),
    ...optionalKey(route53, "accessKeyIDSecretRef", path),
  ],
  acmeDNS: (acmeDns, path) => [
    ...checkSecretKey(acmeDns["accountSecretRef"], `${path}.accountSecretRef`),
    ...needed(acmeDns, "host", path),
    ...checkCaBundle(text(acmeDns, "caBundle"), `${path}.caBundle`, ""),
  ],
  digitalocean: (ocean, path) => checkSecretKey(ocean["tokenSecretRef"], `${path}.tokenSecretRef`),
  rfc2136: checkRfc2136,
  webhook: (webhook, path) =>
    text(webhook, "solverName") === "" ? [required(`${path}.solverName`, "solver name must be specified")] : [],
};

function text(config: Fields, field: string): string {
  return stringAt(config, field) ?? "";
}

function needed(config: Fields, field: string, path: string): readonly FieldError[] {
  return text(config, field) === "" ? [required(`${path}.${field}`)] : [];
}

function optionalKey(config: Fields, field: string, path: string): readonly FieldError[] {
  return isRecord(config[field]) ? checkSecretKey(config[field], `${path}.${field}`) : [];
}

function checkAzure(azure: Fields, path: string): readonly FieldError[] {
  const identity = azure["managedIdentity"];
  const isPrincipal =
    text(azure, "clientID") !== "" || text(azure, "tenantID") !== "" || isRecord(azure["clientSecretSecretRef"]);
  const errors: FieldError[] = [];
  if (isPrincipal) errors.push(...checkAzurePrincipal(azure, path));
  else if (isRecord(identity)) errors.push(...checkAzureIdentity(identity, `${path}.managedIdentity`));
  return [...errors, ...needed(azure, "subscriptionID", path), ...needed(azure, "resourceGroupName", path)];
}

function checkAzurePrincipal(azure: Fields, path: string): readonly FieldError[] {
  const secret = azure["clientSecretSecretRef"];
  return [
    ...needed(azure, "clientID", path),
    ...(isRecord(secret)
      ? checkSecretKey(secret, `${path}.clientSecretSecretRef`)
      : [required(`${path}.clientSecretSecretRef`)]),
    ...needed(azure, "tenantID", path),
    ...(isRecord(azure["managedIdentity"])
      ? [
          forbiddenField(
            `${path}.managedIdentity`,
            "managed identity cannot be used at the same time as clientID, clientSecretSecretRef or tenantID",
          ),
        ]
      : []),
  ];
}

function checkAzureIdentity(identity: Fields, path: string): readonly FieldError[] {
  const [client, resource, tenant] = [
    text(identity, "clientID"),
    text(identity, "resourceID"),
    text(identity, "tenantID"),
  ];
  const errors: FieldError[] = [];
  if (client !== "" && resource !== "") {
    errors.push(forbiddenField(path, "managedIdentityClientID and managedIdentityResourceID cannot both be specified"));
  }
  if (tenant !== "" && resource !== "") {
    errors.push(forbiddenField(path, "managedIdentityTenantID and managedIdentityResourceID cannot both be specified"));
  }
  if (tenant !== "" && client === "") {
    errors.push(required(path, "managedIdentityClientID is required when using managedIdentityTenantID"));
  }
  return errors;
}

function checkCloudflare(cloudflare: Fields, path: string): readonly FieldError[] {
  const hasKey = isRecord(cloudflare["apiKeySecretRef"]);
  const hasToken = isRecord(cloudflare["apiTokenSecretRef"]);
  return [
    ...optionalKey(cloudflare, "apiKeySecretRef", path),
    ...optionalKey(cloudflare, "apiTokenSecretRef", path),
    ...(hasKey && hasToken
      ? [forbiddenField(path, "apiKeySecretRef and apiTokenSecretRef cannot both be specified")]
      : []),
    ...(hasKey || hasToken ? [] : [required(path, "apiKeySecretRef or apiTokenSecretRef is required")]),
    ...(hasKey ? needed(cloudflare, "email", path) : []),
  ];
}

const TSIG_ALGORITHMS = ["HMACMD5", "HMACSHA1", "HMACSHA256", "HMACSHA512"] as const;

function checkRfc2136(rfc2136: Fields, path: string): readonly FieldError[] {
  const nameserver = text(rfc2136, "nameserver");
  const algorithm = text(rfc2136, "tsigAlgorithm");
  const keyName = text(rfc2136, "tsigKeyName");
  const secretErrors = checkSecretKey(rfc2136["tsigSecretSecretRef"], `${path}.tsigSecretSecretRef`);
  const errors: FieldError[] = [...needed(rfc2136, "nameserver", path)];
  if (nameserver !== "" && !isNameserver(nameserver)) {
    errors.push(
      invalidValue(
        `${path}.nameserver`,
        nameserver,
        "nameserver must be set in the form host:port where host is an IPv4 address, an enclosed IPv6 address or a hostname and port is an optional port number.",
      ),
    );
  }
  if (algorithm !== "" && !TSIG_ALGORITHMS.some((known) => known === algorithm.toUpperCase())) {
    errors.push(notSupported(`${path}.tsigAlgorithm`, "", TSIG_ALGORITHMS));
  }
  if (keyName !== "") errors.push(...secretErrors);
  if (secretErrors.length === 0 && keyName === "") errors.push(required(`${path}.tsigKeyName`));
  return errors;
}

function isNameserver(nameserver: string): boolean {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(nameserver);
  if (match === null) return false;
  return match[1] === undefined || ipFamily(match[1]) === "IPv6";
}
