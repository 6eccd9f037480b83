import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Instance, stateFolder } from "./instance.ts";

/** A host of its own, with a certificate of the local CA, in front of a port of loopback. */
export interface Site {
  readonly name: string;
  /** @default `NAME.localhost` */
  readonly host?: string;
  readonly port: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Starts Lintel with these sites, and more on its command line, and resolves when all of them are served. */
export async function startSites(
  t: TestContext,
  sites: readonly Site[],
  more: readonly string[] = [],
): Promise<Instance> {
  const folder = stateFolder(t);
  for (const site of sites) writeFileSync(join(folder, `${site.name}.yaml`), manifestOf(site));
  return await Instance.start(t, { arguments: [folder, ...more] }).ready();
}

function manifestOf({ name, host = `${name}.localhost`, port, annotations = {} }: Site): string {
  const lines = Object.entries(annotations).map(([key, value]) => `    ${key}: "${value}"\n`);
  return `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: ${name}
  namespace: default
  annotations:
    cert-manager.io/cluster-issuer: lintel-local
${lines.join("")}spec:
  tls: [{ hosts: [${host}], secretName: ${name}-tls }]
  rules:
    - host: ${host}
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: ${name}, port: { name: main } } } }] }
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: default }
spec: { ports: [{ name: main, port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: default, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: main, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1] }]
`;
}
