// The same clients to Lintel and to Debian's nginx: both must let in the same ones, and tell the endpoint the same of them.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { isRecord } from "../../src/ground/json.ts";
import { skipWithout } from "../../src/ground/testing.ts";
import { TestAuthorities } from "../../src/proxy/client-auth/testing.ts";
import { openEdge, openEndpoint, shopSnapshot } from "../../src/proxy/testing.ts";
import type { ClientAuth, Host, Snapshot, TlsHost } from "../../src/routing/snapshot.ts";
import { hasNginx, startNginx } from "../fuzz/nginx.ts";

/** The revocation lists of all authorities. */
const LISTS = "lists.pem";

/** What each host asks for; `revoking` is the same authority with its revocation lists. */
const HOSTS: Readonly<Record<string, ClientAuth | undefined>> = {
  "open.example": undefined,
  "on.example": terms({}),
  "optional.example": terms({ verify: "optional" }),
  "any.example": terms({ verify: "optional_no_ca" }),
  "deep.example": terms({ intermediatesMax: 2 }),
  "flat.example": terms({ intermediatesMax: 0 }),
  "revoking.example": terms({ ca: "shop/revoking" }),
  "named.example": terms({ subjectPattern: "CN=(ann|zoe)" }),
  "passing.example": terms({ passCertificate: true }),
};

function terms(wish: Partial<ClientAuth>): ClientAuth {
  return { verify: "on", ca: "shop/clients", intermediatesMax: 1, passCertificate: false, ...wish };
}

/** By name of the client: what it shows, its own certificate first. */
const CLIENTS: Readonly<Record<string, readonly string[]>> = {
  nobody: [],
  ann: ["ann"],
  revoked: ["revoked"],
  alien: ["alien"],
  self: ["self"],
  old: ["old"],
  server: ["server"],
  "under one": ["under-mid", "mid"],
  "under one, which is not sent": ["under-mid"],
  "under two": ["under-low", "low", "mid"],
  "with letters": ["letters"],
  "with several parts": ["parts"],
};

/** What the endpoint is told; or the status of an answer of the edge's own. */
type Outcome = number | Readonly<Record<string, unknown>>;

const skip = hasNginx ? skipWithout("openssl") : "Install nginx-light to compare with it";

test("Lintel and nginx let in the same client certificates and tell the endpoint the same", { skip }, async () => {
  await using authorities = await makeAll();
  await using endpoint = await openEndpoint((message, response) => response.end(JSON.stringify(message.headers)));
  await using nginx = await startNginx((port) => serversOf(authorities, port, endpoint.port));
  await using edge = await openEdge(snapshotOf(authorities, endpoint.port));
  const ask = (port: number, client: string, sni: string, host: string): Promise<Outcome> =>
    outcome(authorities, { port, shown: CLIENTS[client] ?? [], sni, host });
  const differing: unknown[] = [];
  let compared = 0;
  const compare = async (client: string, sni: string, host: string): Promise<void> => {
    const [ours, theirs] = [await ask(edge.httpsPort, client, sni, host), await ask(nginx.port, client, sni, host)];
    compared++;
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) differing.push({ client, sni, host, ours, theirs });
  };
  for (const host of Object.keys(HOSTS)) for (const client of Object.keys(CLIENTS)) await compare(client, host, host);
  for (const sni of Object.keys(HOSTS)) {
    for (const host of Object.keys(HOSTS)) {
      // On a connection where nginx would refuse any request, an open host is served here: it asks for nothing.
      if (sni !== host && (sni === "open.example" || host !== "open.example")) await compare("ann", sni, host);
    }
  }
  assert.deepEqual(differing, []);
  assert.ok(compared > 150);
});

async function makeAll(): Promise<TestAuthorities> {
  const made = await TestAuthorities.open();
  await made.make("root", { subject: "/CN=root", kind: "authority" });
  await made.make("other", { subject: "/CN=other", kind: "authority" });
  await made.make("mid", { subject: "/O=Shop, Inc./CN=mid", issuer: "root", kind: "authority" });
  await made.make("low", { subject: "/CN=low", issuer: "mid", kind: "authority" });
  await made.make("edge", { subject: "/CN=edge", kind: "server", names: "DNS:*.example" });
  await made.make("ann", { subject: "/C=DE/O=Shop/CN=ann", issuer: "root" });
  await made.make("revoked", { subject: "/CN=ann", issuer: "root" });
  await made.make("alien", { subject: "/CN=ann", issuer: "other" });
  await made.make("self", { subject: "/CN=ann" });
  await made.make("old", { subject: "/CN=ann", issuer: "root", endDate: "20210101000000Z" });
  await made.make("server", { subject: "/CN=ann", issuer: "root", kind: "server" });
  await made.make("under-mid", { subject: "/CN=under-mid", issuer: "mid" });
  await made.make("under-low", { subject: "/CN=under-low", issuer: "low" });
  await made.make("letters", { subject: '/O=a, "b" + c;<d>\\\\#/CN=J\u00fcrgen', issuer: "root" });
  await made.make("parts", { subject: "/O=Shop/OU=CN=ann+CN=zoe", issuer: "root" });
  await made.revoke("revoked", "root");
  const lists = await Promise.all(["root", "mid", "low"].map((name) => made.revocations(name)));
  writeFileSync(join(made.folder, LISTS), lists.join(""));
  return made;
}

function snapshotOf(authorities: TestAuthorities, port: number): Snapshot {
  const shop = shopSnapshot([port]);
  const routes = shop.hosts.get("shop.example")?.routes ?? [];
  const names = Object.keys(HOSTS);
  const chain = authorities.certificate("edge");
  const key = authorities.key("edge");
  const certificates = authorities.certificate("root");
  return {
    ...shop,
    hosts: new Map(names.map((host): [string, Host] => [host, { host, routes }])),
    tls: new Map(
      names.map((host): [string, TlsHost] => [
        host,
        { host, certificates: ["edge"], minVersion: "TLSv1.2", clientAuth: HOSTS[host] },
      ]),
    ),
    certificates: new Map([["edge", { id: "edge", chain, key, notAfterMs: 4e12, standIn: false }]]),
    clientCas: new Map([
      ["shop/clients", { id: "shop/clients", certificates }],
      [
        "shop/revoking",
        { id: "shop/revoking", certificates, revocations: readFileSync(join(authorities.folder, LISTS), "utf8") },
      ],
    ]),
  };
}

/** As ingress-nginx writes them. */
function serversOf(authorities: TestAuthorities, port: number, endpointPort: number): string {
  const { folder } = authorities;
  const { certificateFile, keyFile } = authorities.files("edge");
  return Object.entries(HOSTS)
    .map(([host, auth], index) => {
      const asked = auth === undefined ? "" : clientLines(auth, folder);
      const told =
        auth === undefined
          ? ""
          : `${auth.passCertificate ? "proxy_set_header ssl-client-cert $ssl_client_escaped_cert;" : ""}
        proxy_set_header ssl-client-verify $ssl_client_verify;
        proxy_set_header ssl-client-subject-dn $ssl_client_s_dn;
        proxy_set_header ssl-client-issuer-dn $ssl_client_i_dn;`;
      return `server {
      listen 127.0.0.1:${port} ssl${index === 0 ? " default_server" : ""};
      server_name ${host};
      ssl_certificate ${certificateFile};
      ssl_certificate_key ${keyFile};
      ${asked}
      location / { ${told} proxy_pass http://127.0.0.1:${endpointPort}; }
    }`;
    })
    .join("\n");
}

function clientLines(auth: ClientAuth, folder: string): string {
  const lists = auth.ca === "shop/revoking" ? `ssl_crl ${folder}/${LISTS};` : "";
  const { subjectPattern: pattern } = auth;
  const named = pattern === undefined ? "" : `if ($ssl_client_s_dn !~ ${pattern}) { return 403; }`;
  return `ssl_client_certificate ${folder}/root.crt;
      ssl_verify_client ${auth.verify};
      ssl_verify_depth ${auth.intermediatesMax};
      ${lists} ${named}`;
}

interface Call {
  readonly port: number;
  readonly shown: readonly string[];
  readonly sni: string;
  readonly host: string;
}

function outcome(authorities: TestAuthorities, { port, shown, sni, host }: Call): Promise<Outcome> {
  const [own] = shown;
  const cert = shown.map((name) => authorities.certificate(name)).join("");
  const identity = own === undefined ? {} : { cert, key: authorities.key(own) };
  const options = { host: "127.0.0.1", port, servername: sni, rejectUnauthorized: false, agent: false, ...identity };
  return new Promise((resolve, reject) => {
    const call = request({ ...options, headers: { host } }, (response) => {
      let body = "";
      response.on("data", (bytes: Buffer) => (body += bytes.toString("latin1")));
      response.on("end", () => resolve(response.statusCode === 200 ? told(body) : (response.statusCode ?? 0)));
    });
    call.on("error", reject);
    call.end();
  });
}

/** What of the headers is about the certificate. */
function told(body: string): Readonly<Record<string, unknown>> {
  const headers: unknown = JSON.parse(body);
  if (!isRecord(headers)) return {};
  const names = Object.keys(headers).filter((name) => name.startsWith("ssl-client-"));
  return Object.fromEntries(names.sort().map((name) => [name, headers[name]]));
}
