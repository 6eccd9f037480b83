import { arrayAt, isRecord, recordAt, stringAt } from "../../ground/json.ts";
import { parseGoDuration } from "../../resource/go-duration.ts";
import { goDurationError } from "./certificate.ts";
import { checkDns01 } from "./dns01-solver.ts";
import type { FieldError } from "./field-error.ts";
import { GoLiteral, forbiddenField, invalidValue, required } from "./field-error.ts";
import { subdomain } from "./name-rules.ts";
import { checkCaBundle, checkSecretKey } from "./secret-reference.ts";

type Fields = Readonly<Record<string, unknown>>;

const TYPES = ["acme", "ca", "selfSigned", "vault", "venafi"] as const;

/** The rules that cert-manager's webhook holds an Issuer or ClusterIssuer to, beyond its schema. */
export function checkIssuer(object: Fields): readonly FieldError[] {
  const spec = recordAt(object, "spec");
  const given = TYPES.filter((type) => isRecord(spec[type]));
  const [first, ...others] = given;
  if (first === undefined) return [required("spec", "at least one issuer must be configured")];
  const config = recordAt(spec, first);
  return [
    ...CHECKS[first](config, `spec.${first}`),
    ...others.map((type) => forbiddenField(`spec.${type}`, "may not specify more than one issuer type")),
  ];
}

const CHECKS: Readonly<Record<(typeof TYPES)[number], (config: Fields, path: string) => readonly FieldError[]>> = {
  acme: checkAcme,
  ca: checkCa,
  selfSigned: () => [],
  vault: checkVault,
  venafi: checkVenafi,
};

/** Warnings about an Issuer. */
export function warnAboutIssuer(object: Fields): readonly string[] {
  const binding = recordAt(recordAt(recordAt(object, "spec"), "acme"), "externalAccountBinding");
  return binding["keyAlgorithm"] === undefined
    ? []
    : ["ACME External Account Binding's keyAlgorithm field is deprecated; it is always HS256"];
}

function text(config: Fields, field: string): string {
  return stringAt(config, field) ?? "";
}

function checkAcme(acme: Fields, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const bundle = text(acme, "caBundle");
  if (bundle !== "" && acme["skipTLSVerify"] === true) {
    const detail = "caBundle and skipTLSVerify are mutually exclusive and cannot both be set";
    errors.push(invalidValue(`${path}.caBundle`, "", detail), invalidValue(`${path}.skipTLSVerify`, true, detail));
  }
  errors.push(...checkCaBundle(bundle, `${path}.caBundle`, ""));
  if (text(recordAt(acme, "privateKeySecretRef"), "name") === "") {
    errors.push(required(`${path}.privateKeySecretRef.name`, "private key secret name is a required field"));
  }
  if (text(acme, "server") === "") errors.push(required(`${path}.server`, "acme server URL is a required field"));
  const binding = acme["externalAccountBinding"];
  if (isRecord(binding)) {
    const at = `${path}.externalAccountBinding`;
    if (text(binding, "keyID") === "") {
      errors.push(required(`${at}.keyID`, "the keyID field is required when using externalAccountBinding"));
    }
    errors.push(...checkSecretKey(binding["keySecretRef"], `${at}.keySecretRef`));
  }
  arrayAt(acme, "solvers").forEach((solver, index) => {
    errors.push(...checkSolver(solver, `${path}.solvers[${String(index)}]`));
  });
  return errors;
}

function checkSolver(solver: unknown, path: string): readonly FieldError[] {
  const { http01, dns01, tlsALPN01, dnsPersist01, waitInsteadOfSelfCheck: wait } = isRecord(solver) ? solver : {};
  const errors: FieldError[] = [];
  if (isRecord(http01)) errors.push(...checkHttp01(http01, `${path}.http01`));
  if (isRecord(dns01)) {
    if (isRecord(http01)) {
      errors.push(forbiddenField(path, "may not specify more than one solver type in a single solver"));
    } else errors.push(...checkDns01(dns01, `${path}.dns01`));
  }
  if (isRecord(tlsALPN01) || isRecord(dnsPersist01)) {
    if (isRecord(http01) || isRecord(dns01) || (isRecord(tlsALPN01) && isRecord(dnsPersist01))) {
      errors.push(forbiddenField(path, "may not specify more than one solver type in a single solver"));
    }
  } else if (!isRecord(http01) && !isRecord(dns01)) errors.push(required(path, "no solver type configured"));
  if (typeof wait === "string") {
    const waitMs = parseGoDuration(wait);
    const at = `${path}.waitInsteadOfSelfCheck`;
    if (waitMs === undefined) errors.push(invalidValue(at, wait, goDurationError(wait)));
    else if (waitMs < 0) {
      errors.push(invalidValue(at, new GoLiteral(wait), "waitInsteadOfSelfCheck must not be negative"));
    }
  }
  return errors;
}

function checkHttp01(http01: Fields, path: string): readonly FieldError[] {
  const { ingress, gatewayHTTPRoute: gateway } = http01;
  const errors: FieldError[] = [];
  if (isRecord(ingress)) errors.push(...checkIngressSolver(ingress, `${path}.ingress`));
  if (isRecord(gateway)) errors.push(...checkServiceType(gateway, `${path}.gateway`));
  if (!isRecord(ingress) && !isRecord(gateway)) errors.push(required(path, "no HTTP01 solver type configured"));
  if (isRecord(ingress) && isRecord(gateway))
    errors.push(required(path, "only 1 HTTP01 solver type may be configured"));
  return errors;
}

function checkIngressSolver(ingress: Fields, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const className = stringAt(ingress, "ingressClassName");
  const ways = [ingress["class"] !== undefined, className !== undefined, text(ingress, "name") !== ""];
  if (ways.filter(Boolean).length > 1) {
    errors.push(forbiddenField(path, "only one of 'ingressClassName', 'name' or 'class' should be specified"));
  }
  if (className !== undefined) {
    const reasons = subdomain(className);
    if (reasons.length > 0) {
      const detail = `must be a valid IngressClass name: ${reasons.join(", ")}`;
      errors.push(invalidValue(`${path}.ingressClassName`, className, detail));
    }
  }
  return [...errors, ...checkServiceType(ingress, path)];
}

function checkServiceType(config: Fields, path: string): readonly FieldError[] {
  const type = text(config, "serviceType");
  return type === "" || type === "ClusterIP" || type === "NodePort"
    ? []
    : [invalidValue(`${path}.serviceType`, type, 'must be empty, "ClusterIP" or "NodePort"')];
}

function checkCa(ca: Fields, path: string): readonly FieldError[] {
  return [
    ...(text(ca, "secretName") === "" ? [required(`${path}.secretName`)] : []),
    ...emptyItems(
      ca,
      "ocspServers",
      `${path}.ocspServer`,
      "must be a valid URL, e.g., http://ocsp.int-x3.letsencrypt.org",
    ),
    ...emptyItems(ca, "issuingCertificateURLs", `${path}.issuingCertificateURLs`, "must be a valid URL"),
  ];
}

function emptyItems(config: Fields, field: string, path: string, detail: string): readonly FieldError[] {
  return arrayAt(config, field).flatMap((url, index) =>
    url === "" ? [invalidValue(`${path}[${String(index)}]`, "", detail)] : [],
  );
}

function checkVault(vault: Fields, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const mount = text(vault, "path");
  if (text(vault, "server") === "") errors.push(required(`${path}.server`));
  if (mount === "") errors.push(required(`${path}.path`));
  else errors.push(...checkMount(mount, `${path}.path`));
  const bundle = text(vault, "caBundle");
  errors.push(...checkCaBundle(bundle, `${path}.caBundle`, "<snip>"));
  const reference = vault["caBundleSecretRef"];
  if (bundle !== "" && isRecord(reference)) {
    errors.push(
      invalidValue(`${path}.caBundle`, "<snip>", "specified caBundle and caBundleSecretRef cannot be used together"),
      invalidValue(
        `${path}.caBundleSecretRef`,
        text(reference, "name"),
        "specified caBundleSecretRef and caBundle cannot be used together",
      ),
    );
  }
  errors.push(...checkClientPair(vault, path));
  return [...errors, ...checkVaultAuth(recordAt(vault, "auth"), `${path}.auth`)];
}

function checkClientPair(vault: Fields, path: string): readonly FieldError[] {
  const hasCertificate = isRecord(vault["clientCertSecretRef"]);
  const hasKey = isRecord(vault["clientKeySecretRef"]);
  if (hasCertificate === hasKey) return [];
  const [missing, given] = hasCertificate
    ? (["clientKeySecretRef", "clientCertSecretRef"] as const)
    : (["clientCertSecretRef", "clientKeySecretRef"] as const);
  return [invalidValue(`${path}.${missing}`, "<snip>", `${missing} must be provided when defining the ${given}`)];
}

function checkMount(mount: string, path: string): readonly FieldError[] {
  return mount.split("/").includes("..") ? [invalidValue(path, mount, "must not contain '..' path segments")] : [];
}

function checkVaultAuth(auth: Fields, path: string): readonly FieldError[] {
  const { appRole, clientCertificate, kubernetes, aws, tokenSecretRef } = auth;
  const errors: FieldError[] = [];
  if (isRecord(appRole)) {
    if (text(appRole, "roleId") === "") errors.push(required(`${path}.appRole.roleId`));
    if (text(recordAt(appRole, "secretRef"), "name") === "") errors.push(required(`${path}.appRole.secretRef.name`));
    errors.push(...checkMount(text(appRole, "path"), `${path}.appRole.path`));
  }
  if (isRecord(clientCertificate)) {
    errors.push(...checkMount(text(clientCertificate, "mountPath"), `${path}.clientCertificate.path`));
  }
  if (isRecord(kubernetes)) errors.push(...checkVaultKubernetes(kubernetes, `${path}.kubernetes`));
  if (isRecord(aws)) errors.push(...checkVaultAws(aws, `${path}.aws`));
  if (![appRole, clientCertificate, kubernetes, aws, tokenSecretRef].some(isRecord)) {
    errors.push(required(path, "please supply one of: appRole, kubernetes, tokenSecretRef, clientCertificate, aws"));
  }
  return errors;
}

function checkVaultKubernetes(kubernetes: Fields, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (text(kubernetes, "role") === "") errors.push(required(`${path}.role`));
  errors.push(...checkMount(text(kubernetes, "mountPath"), `${path}.path`));
  const account = kubernetes["serviceAccountRef"];
  const hasSecret = text(recordAt(kubernetes, "secretRef"), "name") !== "";
  if (isRecord(account) && text(account, "name") === "") errors.push(required(`${path}.serviceAccountRef.name`));
  const detail = "please supply one of: secretRef, serviceAccountRef";
  if (!hasSecret && !isRecord(account)) errors.push(required(path, detail));
  if (hasSecret && isRecord(account)) errors.push(forbiddenField(path, detail));
  return errors;
}

function checkVaultAws(aws: Fields, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (text(aws, "role") === "") errors.push(required(`${path}.role`));
  errors.push(...checkMount(text(aws, "mountPath"), `${path}.mountPath`));
  const account = aws["serviceAccountRef"];
  if (!isRecord(account)) return errors;
  if (text(account, "name") === "") errors.push(required(`${path}.serviceAccountRef.name`));
  if (text(aws, "iamRoleArn") === "") {
    errors.push(required(`${path}.iamRoleArn`, "iamRoleArn is required when using serviceAccountRef for IRSA"));
  }
  return errors;
}

function checkVenafi(venafi: Fields, path: string): readonly FieldError[] {
  const { tpp, cloud, ngts } = venafi;
  const errors: FieldError[] = [];
  if (text(venafi, "zone") === "") errors.push(required(`${path}.zone`));
  if (isRecord(tpp)) {
    if (text(tpp, "url") === "") errors.push(required(`${path}.tpp.url`));
    if (text(tpp, "caBundle") !== "" && isRecord(tpp["caBundleSecretRef"])) {
      const detail = "may not specify more than one of caBundle/caBundleSecretRef as TPP CA Bundle";
      errors.push(forbiddenField(`${path}.tpp`, detail));
    }
  }
  if (isRecord(ngts)) {
    if (text(ngts, "tsgID") === "") errors.push(required(`${path}.ngts.tsgID`));
    if (text(recordAt(ngts, "credentialsRef"), "name") === "")
      errors.push(required(`${path}.ngts.credentialsRef.name`));
  }
  const count = [tpp, cloud, ngts].filter(isRecord).length;
  const detail = "please supply one of: tpp, cloud, ngts";
  if (count === 0) errors.push(required(path, detail));
  if (count > 1) errors.push(forbiddenField(path, detail));
  return errors;
}

/** The rule that the schema states in the Common Expression Language, checked once nothing else is wrong. */
export function checkIssuerRules(object: Fields): readonly FieldError[] {
  const { venafi } = recordAt(object, "spec");
  if (!isRecord(venafi)) return [];
  const count = ["tpp", "cloud", "ngts"].filter((field) => venafi[field] !== undefined).length;
  return count === 1
    ? []
    : [invalidValue("spec.venafi", "object", "exactly one of tpp, cloud, or ngts must be configured")];
}
