import type { ServicePortReference } from "../../resource/ingress.ts";
import type { Backend } from "../../routing/snapshot.ts";

/** A Service port as a route wants to reach it. */
export interface BackendReference {
  readonly id: string;
  readonly namespace: string;
  readonly service: string;
  readonly port: ServicePortReference;
  readonly protocol: Backend["protocol"];
  readonly balance: Backend["balance"];
}

/**
 * Returns the id of a backend: `namespace/service:port` with the port as the user wrote it, and what differs from the
 * defaults after it (`shop/web:443+https+ewma`), because two Ingresses may want one port in different ways.
 */
export function backendId(reference: Omit<BackendReference, "id">): string {
  const { namespace, service, port, protocol, balance } = reference;
  const ways = `${protocol === "http" ? "" : `+${protocol}`}${balance === "round-robin" ? "" : `+${balance}`}`;
  return `${namespace}/${service}:${port}${ways}`;
}
