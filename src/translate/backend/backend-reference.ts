import { fingerprint } from "./upstream-tls.ts";
import type { ServicePortReference } from "../../resource/ingress.ts";
import type { UpstreamTlsSettings } from "../annotations/proxy-ssl.ts";
import type { Backend } from "../../routing/snapshot.ts";

/** A Service port as a route wants to reach it. */
export interface BackendReference {
  readonly id: string;
  readonly namespace: string;
  readonly service: string;
  readonly port: ServicePortReference;
  readonly protocol: Backend["protocol"];
  readonly balance: Backend["balance"];
  /** Undefined: endpoints may show any certificate, or TLS is not ours to speak. */
  readonly tls: UpstreamTlsSettings | undefined;
  /** Whether a cookie keeps clients with its endpoints. */
  readonly sticky: boolean;
}

/**
 * Returns the id of a backend: `namespace/service:port` with the port as the user wrote it, and what differs from the
 * defaults after it (`shop/web:443+https+ewma`), because two Ingresses may want one port in different ways. Ways of
 * speaking TLS are many, so 48 bits stand for them: `shop/web:443+https+tls-0f1e2d3c4b5a`.
 */
export function backendId(reference: Omit<BackendReference, "id">): string {
  const { namespace, service, port, protocol, balance, tls, sticky } = reference;
  const ways = [
    ...(protocol === "http" ? [] : [protocol]),
    ...(balance === "round-robin" ? [] : [balance]),
    ...(tls === undefined ? [] : [`tls-${fingerprint(tls).slice(0, 12)}`]),
    ...(sticky ? ["cookie"] : []),
  ];
  return `${namespace}/${service}:${port}${ways.map((way) => `+${way}`).join("")}`;
}
