import type { Kind } from "../kind.ts";
import { apiVersionOf, CERTIFICATE, CERTIFICATE_REQUEST, CHALLENGE, CLUSTER_ISSUER, ISSUER, ORDER } from "../kind.ts";
import { OLDER_VERSIONS, olderApiVersion } from "../older-versions.ts";
import { CHALLENGE_SCHEMA, ORDER_SCHEMA } from "./acme.ts";
import { CERTIFICATE_REQUEST_SCHEMA, CERTIFICATE_SCHEMA } from "./certificate.ts";
import {
  CONFIG_MAP_SCHEMA,
  EVENTS_EVENT_SCHEMA,
  EVENT_SCHEMA,
  LEASE_SCHEMA,
  NAMESPACE_SCHEMA,
  SECRET_SCHEMA,
} from "./core.ts";
import { CUSTOM_RESOURCE_DEFINITION_SCHEMA } from "./custom-resource-definition.ts";
import { EXTENSIONS_INGRESS_SCHEMA, INGRESS_CLASS_SCHEMA, INGRESS_SCHEMA, INGRESS_V1BETA1_SCHEMA } from "./ingress.ts";
import { CLUSTER_ISSUER_SCHEMA, ISSUER_SCHEMA } from "./issuer.ts";
import { topLevel } from "./metadata.ts";
import { olderSchema } from "./older-schema.ts";
import { builtInSchema } from "./built-in-schema.ts";
import type { Schema } from "./schema.ts";
import { ENDPOINTS_SCHEMA, ENDPOINT_SLICE_SCHEMA, SERVICE_SCHEMA } from "./service.ts";

/** By kind, then by apiVersion. */
const SCHEMAS: Readonly<Record<string, Readonly<Record<string, Schema>>>> = {
  Namespace: { v1: NAMESPACE_SCHEMA },
  Service: { v1: SERVICE_SCHEMA },
  Endpoints: { v1: ENDPOINTS_SCHEMA },
  ConfigMap: { v1: CONFIG_MAP_SCHEMA },
  Secret: { v1: SECRET_SCHEMA },
  Event: { v1: EVENT_SCHEMA, "events.k8s.io/v1": EVENTS_EVENT_SCHEMA },
  EndpointSlice: { "discovery.k8s.io/v1": ENDPOINT_SLICE_SCHEMA },
  Lease: { "coordination.k8s.io/v1": LEASE_SCHEMA },
  IngressClass: { "networking.k8s.io/v1": INGRESS_CLASS_SCHEMA },
  Ingress: {
    "networking.k8s.io/v1": INGRESS_SCHEMA,
    "networking.k8s.io/v1beta1": INGRESS_V1BETA1_SCHEMA,
    "extensions/v1beta1": EXTENSIONS_INGRESS_SCHEMA,
  },
  CustomResourceDefinition: { "apiextensions.k8s.io/v1": CUSTOM_RESOURCE_DEFINITION_SCHEMA },
  Issuer: withOlder(ISSUER, ISSUER_SCHEMA),
  ClusterIssuer: withOlder(CLUSTER_ISSUER, CLUSTER_ISSUER_SCHEMA),
  Certificate: withOlder(CERTIFICATE, CERTIFICATE_SCHEMA),
  CertificateRequest: withOlder(CERTIFICATE_REQUEST, CERTIFICATE_REQUEST_SCHEMA),
  Order: withOlder(ORDER, ORDER_SCHEMA),
  Challenge: withOlder(CHALLENGE, CHALLENGE_SCHEMA),
};

/** The stored version first. */
function withOlder(kind: Kind, schema: Schema): Readonly<Record<string, Schema>> {
  const older = OLDER_VERSIONS.filter((version) => version.kind === kind);
  const entries = older.map((version): [string, Schema] => [olderApiVersion(version), olderSchema(schema, version)]);
  return { [apiVersionOf(kind)]: schema, ...Object.fromEntries(entries) };
}

/** The schema of a kind whose fields are not known: its type and metadata are, and everything else is kept. */
function openSchema(kind: Kind): Schema {
  const area = kind.group === "" ? "core" : (kind.group.split(".")[0] ?? "");
  return topLevel(
    `io.k8s.api.${area}.${kind.version}.${kind.kind}`,
    "An object whose fields are kept as they come.",
    {},
    { "x-kubernetes-preserve-unknown-fields": true },
  );
}

const ACCEPTED_SCHEMAS = new WeakMap<Kind, Map<string, Schema>>();

/**
 * Returns the schema of `kind` in the API version `apiVersion` (`networking.k8s.io/v1beta1`; a bare `v1beta1` means the
 * kind's own group). @default the stored version. Kinds that are only accepted have the
 * fields of a real cluster; those of a kind that is not known keep everything.
 */
export function schemaOf(kind: Kind, apiVersion: string = apiVersionOf(kind)): Schema {
  if (kind.custom !== undefined) return kind.custom.schema;
  const versions = SCHEMAS[kind.kind];
  return versions?.[apiVersion] ?? versions?.[`${kind.group}/${apiVersion}`] ?? acceptedSchemaOf(kind, apiVersion);
}

/** One object a kind and version, so that it can be compared and remembered as long as the kind is. */
function acceptedSchemaOf(kind: Kind, apiVersion: string): Schema {
  const known = ACCEPTED_SCHEMAS.get(kind)?.get(apiVersion);
  if (known !== undefined) return known;
  const schema = builtInSchema(kind, apiVersion) ?? openSchema(kind);
  const schemas = ACCEPTED_SCHEMAS.get(kind) ?? new Map<string, Schema>();
  schemas.set(apiVersion, schema);
  ACCEPTED_SCHEMAS.set(kind, schemas);
  return schema;
}

/** Returns the API versions that have a schema for `kind`, the stored one first. */
export function schemaVersionsOf(kind: Kind): readonly string[] {
  return Object.keys(SCHEMAS[kind.kind] ?? {});
}

/**
 * Returns whether the kind is a custom resource in a real cluster: such kinds are decoded, defaulted, validated and
 * reported by their schema, and have no strategic merge patch.
 */
export function isCustomResource(kind: Pick<Kind, "group" | "custom">): boolean {
  return (
    kind.custom !== undefined ||
    (kind.group.includes(".") && (!kind.group.endsWith(".k8s.io") || kind.group.startsWith("gateway.")))
  );
}
