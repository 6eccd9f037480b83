import { type Message, valuesOf } from "./read-messages.ts";

/** Returns what no request to an endpoint may say: the edge's own headers stand once, a client's claims and hop-by-hop ones never. */
export function badHead({ start, headers, trailers }: Message): readonly string[] {
  const bugs: string[] = [];
  const names = headers.map(([name]) => name.replaceAll("_", "-"));
  for (const name of ["host", "x-forwarded-for", "x-real-ip", "x-forwarded-proto", "x-forwarded-port"]) {
    if (names.filter((other) => other === name).length !== 1) bugs.push(`not one ${name}`);
  }
  for (const name of ["proxy", "te", "keep-alive", "proxy-connection", "http2-settings", "forwarded"]) {
    if (names.includes(name)) bugs.push(`${name} passed`);
  }
  if (valuesOf(headers, "x-forwarded-for")[0] !== "127.0.0.1") bugs.push("a claim of the client's passed");
  if (valuesOf(headers, "connection").some((value) => value !== "upgrade")) bugs.push("Connection passed");
  for (const [name] of trailers) {
    if (/^(?:content-length|transfer-encoding|host|x-forwarded-for)$/.test(name)) bugs.push(`trailer ${name} passed`);
  }
  return bugs.map((bug) => `${bug}: ${start}`);
}
