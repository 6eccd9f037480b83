import type { CertificateSummary, InstanceSummary, RouteSummary } from "../app/instance-summary.ts";
import type { Output } from "../ground/host.ts";
import { table } from "./terminal.ts";

/** Rows that a terminal shows; `-o json` has them all. */
const ROWS_MAX = 50;

/** Returns the tables of routes and certificates. */
export function summaryText(output: Output, summary: InstanceSummary, indent = ""): string {
  const routes =
    summary.routes.length === 0
      ? `${indent}No routes yet: apply an Ingress\n`
      : table(output, ["HOST", "PATH", "BACKEND", "TLS"], limited(summary.routes).map(routeRow), indent);
  const certificates = summary.certificates.length === 0 ? "" : certificatesText(output, summary.certificates, indent);
  return `${routes}${certificates}${omitted(summary, indent)}`;
}

/** Returns an empty line and the table of certificates. */
function certificatesText(output: Output, certificates: readonly CertificateSummary[], indent = ""): string {
  const heading = ["CERTIFICATE", "NAMES", "ISSUER", "READY", "EXPIRES"];
  return `\n${table(output, heading, limited(certificates).map(certificateRow), indent)}`;
}

/** The same of a cluster, with what those that are not ready wait for: first how many there are of each. */
export function clusterCertificatesText(output: Output, certificates: readonly CertificateSummary[]): string {
  const waiting = certificates.filter(({ ready }) => ready !== "True");
  const failing = waiting.filter(({ failedAttempts }) => failedAttempts > 0).length;
  const counts = `${certificates.length} Certificates: ${certificates.length - waiting.length} ready, ${waiting.length} not, ${failing} of them after failed attempts`;
  const rows = limited(waiting).map(({ namespace, name, issuer, reason, message }) => [
    `${namespace}/${name}`,
    issuer,
    reason === "" ? "-" : reason,
    message,
  ]);
  const more = waiting.length - rows.length;
  const rest = more === 0 ? "" : `and ${more} more: "lintel status -o json" has them all\n`;
  const list = rows.length === 0 ? "" : table(output, ["CERTIFICATE", "ISSUER", "REASON", "MESSAGE"], rows);
  return `\n${counts}\n${list}${rest}`;
}

function limited<Row>(rows: readonly Row[]): readonly Row[] {
  return rows.slice(0, ROWS_MAX);
}

function omitted(summary: InstanceSummary, indent: string): string {
  const more = Math.max(0, summary.routes.length - ROWS_MAX) + Math.max(0, summary.certificates.length - ROWS_MAX);
  return more === 0 ? "" : `${indent}and ${more} more: "lintel status -o json" has them all\n`;
}

function routeRow(route: RouteSummary): readonly string[] {
  const endpoints = `${route.endpoints} ${route.endpoints === 1 ? "endpoint" : "endpoints"}`;
  const backend = route.backend === "" ? route.source : `${route.backend} (${endpoints})`;
  return [route.host, route.path, route.problem === "" ? backend : `${backend}: ${route.problem}`, route.tls];
}

function certificateRow(certificate: CertificateSummary): readonly string[] {
  const ready = certificate.ready === "True" ? "True" : `${certificate.ready} (${certificate.reason})`;
  const expires = certificate.notAfter === "" ? "-" : certificate.notAfter.slice(0, 10);
  const name = `${certificate.namespace}/${certificate.name}`;
  return [name, certificate.names.join(", "), certificate.issuer, ready, expires];
}
