import { recordAt } from "../../ground/json.ts";
import type { Kind } from "../../resource/kind.ts";
import { FIRST_VERSION_ANNOTATION } from "../../resource/older-versions.ts";
import { checkDefinition, checkDefinitionUpdate } from "../definitions/check-definition.ts";
import { warnAboutDefinition } from "../definitions/warn-about-definition.ts";
import { withDefinitionDefaults } from "../definitions/definition-defaults.ts";
import { ACCEPTED_RULES } from "./accepted-rules.ts";
import { checkCertificate } from "./certificate.ts";
import {
  checkCertificateRequest,
  checkCertificateRequestUpdate,
  checkChallengeUpdate,
  checkOrderUpdate,
} from "./certificate-request.ts";
import {
  checkEvent,
  checkLease,
  checkNamespace,
  withIngressClassDefaults,
  withNamespaceDefaults,
} from "./core-kinds.ts";
import {
  checkEndpointSlice,
  checkEndpointSliceUpdate,
  checkEndpoints,
  withEndpointSliceDefaults,
  withEndpointsDefaults,
} from "./endpoints.ts";
import type { FieldError } from "./field-error.ts";
import {
  checkIngress,
  checkIngressClass,
  checkIngressClassUpdate,
  checkNewIngress,
  warnAboutNewIngress,
} from "./ingress.ts";
import { checkIssuer, checkIssuerRules, warnAboutIssuer } from "./issuer.ts";
import type { NameRule } from "./name-rules.ts";
import { label, serviceName } from "./name-rules.ts";
import {
  checkConfigMap,
  checkConfigMapUpdate,
  checkSecret,
  checkSecretUpdate,
  warnAboutSecret,
  withSecretDefaults,
} from "./secret.ts";
import { checkIngressStatus, checkServiceStatus } from "./load-balancer-status.ts";
import { checkNodePorts, checkService, checkServiceUpdate } from "./service.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a kind adds to its schema. */
export interface KindRules {
  /** @default RFC 1123 subdomain */
  readonly nameRule?: NameRule;
  /** Fills in what the schema alone can't. */
  readonly defaults?: (object: Fields) => Fields;
  readonly check?: (object: Fields) => readonly FieldError[];
  readonly checkNew?: (object: Fields) => readonly FieldError[];
  /** What is only looked at when all else is right. */
  readonly checkLast?: (object: Fields) => readonly FieldError[];
  /** Of an update of the status. */
  readonly checkStatus?: (object: Fields) => readonly FieldError[];
  readonly checkUpdate?: (object: Fields, existing: Fields) => readonly FieldError[];
  /** Rules of cert-manager's webhook, checked last and reported as its refusal. */
  readonly webhook?: (object: Fields) => readonly FieldError[];
  readonly webhookUpdate?: (object: Fields, existing: Fields) => readonly FieldError[];
  readonly warn?: (object: Fields) => readonly string[];
  readonly warnNew?: (object: Fields) => readonly string[];
}

const RULES: Readonly<Record<string, KindRules>> = {
  Namespace: { nameRule: label, defaults: withNamespaceDefaults, check: checkNamespace },
  Service: {
    nameRule: serviceName,
    check: checkService,
    checkLast: checkNodePorts,
    checkStatus: checkServiceStatus,
    checkUpdate: checkServiceUpdate,
  },
  Endpoints: { defaults: withEndpointsDefaults, check: checkEndpoints },
  EndpointSlice: {
    defaults: withEndpointSliceDefaults,
    check: checkEndpointSlice,
    checkUpdate: checkEndpointSliceUpdate,
  },
  ConfigMap: { check: checkConfigMap, checkUpdate: checkConfigMapUpdate },
  Secret: {
    defaults: withSecretDefaults,
    check: checkSecret,
    checkUpdate: checkSecretUpdate,
    warn: warnAboutSecret,
  },
  Event: { check: checkEvent },
  Lease: { check: checkLease },
  Ingress: {
    check: checkIngress,
    checkNew: checkNewIngress,
    checkStatus: checkIngressStatus,
    warnNew: warnAboutNewIngress,
  },
  IngressClass: { defaults: withIngressClassDefaults, check: checkIngressClass, checkUpdate: checkIngressClassUpdate },
  Certificate: { warn: warnAboutFirstVersion, webhook: checkCertificate },
  CertificateRequest: { webhook: checkCertificateRequest, webhookUpdate: checkCertificateRequestUpdate },
  Issuer: { check: checkIssuerRules, webhook: checkIssuer, warn: warnAboutIssuer },
  ClusterIssuer: { check: checkIssuerRules, webhook: checkIssuer, warn: warnAboutIssuer },
  Order: { webhookUpdate: checkOrderUpdate },
  Challenge: { webhookUpdate: checkChallengeUpdate },
  ...ACCEPTED_RULES,
  CustomResourceDefinition: {
    defaults: withDefinitionDefaults,
    check: checkDefinition,
    checkUpdate: checkDefinitionUpdate,
    warn: warnAboutDefinition,
  },
};

/** The one field of the first version that had a meaning and has no place any more. */
function warnAboutFirstVersion(object: Fields): readonly string[] {
  const annotations = recordAt(recordAt(object, "metadata"), "annotations");
  return annotations[FIRST_VERSION_ANNOTATION] === undefined
    ? []
    : ["spec.acme of a v1alpha1 Certificate is kept and not used; solvers belong into the Issuer's spec.acme.solvers"];
}

const NONE: KindRules = {};

/** Returns the rules of `kind`; kinds that are not known have none. */
export function rulesOf(kind: Kind): KindRules {
  return kind.custom === undefined ? (RULES[kind.kind] ?? NONE) : NONE;
}
