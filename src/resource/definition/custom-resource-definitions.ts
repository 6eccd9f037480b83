import {
  apiVersionOf,
  CERTIFICATE,
  CERTIFICATE_REQUEST,
  CHALLENGE,
  CLUSTER_ISSUER,
  CUSTOM_RESOURCE_DEFINITION,
  ISSUER,
  ORDER,
  resourceName,
  type Kind,
} from "../kind.ts";
import type { KubeObject } from "../object.ts";
import { schemaOf } from "../schema/schema-of.ts";
import { PRINTER_COLUMNS } from "./printer-columns.ts";
import { structuralSchema } from "./structural-schema.ts";

/** The kinds that a cluster does not have by itself. */
export const CUSTOM_KINDS: readonly Kind[] = [
  ISSUER,
  CLUSTER_ISSUER,
  CERTIFICATE,
  CERTIFICATE_REQUEST,
  ORDER,
  CHALLENGE,
];

/** Returns the CustomResourceDefinitions of everything Lintel acts on beyond Kubernetes' own kinds. */
export function customResourceDefinitions(): readonly KubeObject[] {
  return CUSTOM_KINDS.map(definitionOf);
}

function definitionOf(kind: Kind): KubeObject {
  return {
    apiVersion: apiVersionOf(CUSTOM_RESOURCE_DEFINITION),
    kind: CUSTOM_RESOURCE_DEFINITION.kind,
    metadata: { name: resourceName(kind), labels: { "app.kubernetes.io/name": "lintel" } },
    spec: {
      group: kind.group,
      scope: kind.namespaced ? "Namespaced" : "Cluster",
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        categories: kind.categories,
        ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
      },
      versions: [
        {
          name: kind.version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: structuralSchema(schemaOf(kind)) },
          additionalPrinterColumns: PRINTER_COLUMNS[kind.kind] ?? [],
          subresources: { status: {} },
        },
      ],
    },
  };
}
