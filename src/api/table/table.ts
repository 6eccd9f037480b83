import { resourceName } from "../../resource/kind.ts";
import type { Kind } from "../../resource/kind.ts";
import { CUSTOM_KINDS } from "../../resource/definition/custom-resource-definitions.ts";
import { PRINTER_COLUMNS, type PrinterColumn } from "../../resource/definition/printer-columns.ts";
import type { KubeObject, ObjectMeta } from "../../resource/object.ts";
import {
  BINDING_COLUMNS,
  COMPONENT_STATUS_COLUMNS,
  CREATED_COLUMNS,
  CRON_JOB_COLUMNS,
  DAEMON_SET_COLUMNS,
  DEPLOYMENT_COLUMNS,
  JOB_COLUMNS,
  NETWORK_POLICY_COLUMNS,
  POD_COLUMNS,
  REPLICA_SET_COLUMNS,
  SERVICE_ACCOUNT_COLUMNS,
  SIGNING_REQUEST_COLUMNS,
  STATEFUL_SET_COLUMNS,
  WEBHOOK_COLUMNS,
} from "./accepted-columns.ts";
import { AUTOSCALER_COLUMNS } from "./autoscaler-columns.ts";
import {
  CLAIM_COLUMNS,
  DISRUPTION_COLUMNS,
  PRIORITY_COLUMNS,
  QUOTA_COLUMNS,
  STORAGE_CLASS_COLUMNS,
  VOLUME_COLUMNS,
} from "./storage-columns.ts";
import { AGE, NAME } from "./column.ts";
import { declaredColumns } from "./printer-columns.ts";
import type { Cell, Column } from "./column.ts";
import {
  CONFIG_MAP_COLUMNS,
  ENDPOINTS_COLUMNS,
  ENDPOINT_SLICE_COLUMNS,
  EVENT_COLUMNS,
  INGRESS_CLASS_COLUMNS,
  INGRESS_COLUMNS,
  LEASE_COLUMNS,
  NAMESPACE_COLUMNS,
  SECRET_COLUMNS,
  SERVICE_COLUMNS,
} from "./core-columns.ts";

const COLUMNS: ReadonlyMap<string, readonly Column[]> = new Map([
  ["namespaces", NAMESPACE_COLUMNS],
  ["services", SERVICE_COLUMNS],
  ["endpoints", ENDPOINTS_COLUMNS],
  ["configmaps", CONFIG_MAP_COLUMNS],
  ["secrets", SECRET_COLUMNS],
  ["events", EVENT_COLUMNS],
  ["endpointslices.discovery.k8s.io", ENDPOINT_SLICE_COLUMNS],
  ["leases.coordination.k8s.io", LEASE_COLUMNS],
  ["ingressclasses.networking.k8s.io", INGRESS_CLASS_COLUMNS],
  ["ingresses.networking.k8s.io", INGRESS_COLUMNS],
  ["pods", POD_COLUMNS],
  ["serviceaccounts", SERVICE_ACCOUNT_COLUMNS],
  ["persistentvolumeclaims", CLAIM_COLUMNS],
  ["persistentvolumes", VOLUME_COLUMNS],
  ["storageclasses.storage.k8s.io", STORAGE_CLASS_COLUMNS],
  ["resourcequotas", QUOTA_COLUMNS],
  ["limitranges", CREATED_COLUMNS],
  ["poddisruptionbudgets.policy", DISRUPTION_COLUMNS],
  ["priorityclasses.scheduling.k8s.io", PRIORITY_COLUMNS],
  ["horizontalpodautoscalers.autoscaling", AUTOSCALER_COLUMNS],
  ["componentstatuses", COMPONENT_STATUS_COLUMNS],
  ["certificatesigningrequests.certificates.k8s.io", SIGNING_REQUEST_COLUMNS],
  ["deployments.apps", DEPLOYMENT_COLUMNS],
  ["replicasets.apps", REPLICA_SET_COLUMNS],
  ["replicationcontrollers", REPLICA_SET_COLUMNS],
  ["statefulsets.apps", STATEFUL_SET_COLUMNS],
  ["daemonsets.apps", DAEMON_SET_COLUMNS],
  ["jobs.batch", JOB_COLUMNS],
  ["cronjobs.batch", CRON_JOB_COLUMNS],
  ["networkpolicies.networking.k8s.io", NETWORK_POLICY_COLUMNS],
  ["clusterroles.rbac.authorization.k8s.io", CREATED_COLUMNS],
  ["roles.rbac.authorization.k8s.io", CREATED_COLUMNS],
  ["clusterrolebindings.rbac.authorization.k8s.io", BINDING_COLUMNS],
  ["rolebindings.rbac.authorization.k8s.io", BINDING_COLUMNS],
  ["customresourcedefinitions.apiextensions.k8s.io", CREATED_COLUMNS],
  ["mutatingwebhookconfigurations.admissionregistration.k8s.io", WEBHOOK_COLUMNS],
  ["validatingwebhookconfigurations.admissionregistration.k8s.io", WEBHOOK_COLUMNS],
  ...CUSTOM_KINDS.map((kind): [string, readonly Column[]] => [
    resourceName(kind),
    declaredColumns(PRINTER_COLUMNS[kind.kind] ?? []),
  ]),
]);

const DEFAULT_COLUMNS: readonly Column[] = [NAME, AGE];

/** Returns the columns a real cluster prints for `kind`; kinds without their own get name and age. */
export function columnsOf(kind: Kind): readonly Column[] {
  if (kind.custom !== undefined) return customColumns(kind, kind.custom.columns);
  return COLUMNS.get(resourceName(kind)) ?? DEFAULT_COLUMNS;
}

/** Paths are parsed once for as long as a definition stays as it is. */
const CUSTOM_COLUMNS = new WeakMap<Kind, readonly Column[]>();

function customColumns(kind: Kind, declared: readonly PrinterColumn[]): readonly Column[] {
  const known = CUSTOM_COLUMNS.get(kind);
  if (known !== undefined) return known;
  const columns = declaredColumns(declared);
  CUSTOM_COLUMNS.set(kind, columns);
  return columns;
}

/** How {@link tableOf} prints. */
export interface TableOptions {
  readonly kind: Kind;
  readonly metaVersion: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** What each row carries of its object besides the cells. */
  readonly includeObject: "None" | "Metadata" | "Object";
  /** Turns an object into the version it is served in, for rows that carry it whole. @default as it is */
  readonly show?: (object: KubeObject) => KubeObject;
  readonly nowMs: number;
}

/** A `Table` of `meta.k8s.io` without its rows. */
export interface TableHeader {
  readonly kind: "Table";
  readonly apiVersion: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly columnDefinitions: readonly Omit<Column, "cell">[] | null;
}

/** A `Table` of `meta.k8s.io`: what `kubectl get` prints as it is. */
export interface Table extends TableHeader {
  readonly rows: readonly { readonly cells: readonly Cell[]; readonly object?: unknown }[];
}

/** Returns `objects` (in the stored version, which the columns read) as a Table. */
export function tableOf(objects: readonly KubeObject[], options: TableOptions): Table {
  const show = options.show ?? ((object: KubeObject): KubeObject => object);
  return {
    ...headerOfTable(options.kind, options.metaVersion, options.metadata),
    rows: objects.map((object) => ({
      cells: cellsOf(object, options.kind, options.nowMs),
      ...(options.includeObject === "None"
        ? {}
        : { object: options.includeObject === "Object" ? show(object) : partialMetadata(object, options.metaVersion) }),
    })),
  };
}

/** Returns what a Table says before its rows; watches describe the columns once, in their first event. */
export function headerOfTable(
  kind: Kind,
  metaVersion: string,
  metadata: Readonly<Record<string, unknown>>,
  withColumns: boolean = true,
): TableHeader {
  const columns = columnsOf(kind).map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
  return { kind: "Table", apiVersion: metaVersion, metadata, columnDefinitions: withColumns ? columns : null };
}

/** Returns the cells of an object's row, in the order of the columns. */
export function cellsOf(object: KubeObject, kind: Kind, nowMs: number): readonly Cell[] {
  return columnsOf(kind).map((column) => column.cell(object, nowMs));
}

/** Only the metadata of an object, as clients ask for that need no more. */
export interface PartialObjectMetadata {
  readonly kind: "PartialObjectMetadata";
  readonly apiVersion: string;
  readonly metadata: ObjectMeta;
}

/** Returns `object` without anything but its metadata. */
export function partialMetadata(object: KubeObject, metaVersion: string): PartialObjectMetadata {
  return { kind: "PartialObjectMetadata", apiVersion: metaVersion, metadata: object.metadata };
}
