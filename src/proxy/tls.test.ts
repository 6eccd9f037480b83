import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTcp } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { skipWithout } from "../ground/testing.ts";
import type { ServedCertificate, Snapshot, TlsHost } from "../routing/snapshot.ts";
import { TICKET_KEY_MS } from "./ticket-keys.ts";
import { get, openEdge, openEndpoint, RawClient, say, shopSnapshot, type TestServer, waitFor } from "./testing.ts";

const run = promisify(execFile);

const skip = skipWithout("openssl");

/** A test whose certificates are made with OpenSSL. */
function withOpenSsl(title: string, run: () => Promise<void>): void {
  test(title, { skip }, run);
}

interface Made {
  readonly chain: string;
  readonly key: string;
}

let folder: string;
let endpoint: TestServer;
const made = new Map<string, Made>();

/** A self-signed certificate, made with OpenSSL. */
async function make(name: string, kind: "ec" | "rsa"): Promise<Made> {
  const known = made.get(`${name}/${kind}`);
  if (known !== undefined) return known;
  const algorithm = kind === "ec" ? ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["rsa:2048"];
  const request = ["req", "-x509", "-newkey", ...algorithm, "-nodes", "-days", "30", "-subj", `/CN=${name}`];
  const { stdout } = await run("openssl", [...request, "-addext", `subjectAltName=DNS:${name}`, "-keyout", "-"]);
  const key = /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----\n/.exec(stdout)?.[0] ?? "";
  const chain = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n/.exec(stdout)?.[0] ?? "";
  made.set(`${name}/${kind}`, { chain, key });
  return { chain, key };
}

interface Wanted {
  readonly host: string;
  readonly certificates: readonly { readonly id: string; readonly made: Made }[];
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
}

function tlsSnapshot(wanted: readonly Wanted[], generation = 1): Snapshot {
  const tls = new Map<string, TlsHost>();
  const certificates = new Map<string, ServedCertificate>();
  for (const { host, certificates: all, minVersion = "TLSv1.2" } of wanted) {
    tls.set(host, { host, certificates: all.map(({ id }) => id), minVersion });
    for (const { id, made } of all) certificates.set(id, { id, ...made, notAfterMs: 4e12, standIn: false });
  }
  return shopSnapshot([endpoint.port], { generation, more: { tls, certificates } });
}

/** Shakes hands and returns the socket, or the error's code or message. */
function shake(port: number, options: ConnectionOptions): Promise<TLSSocket | string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options }, () => resolve(socket));
    socket.on("error", (error) => resolve(String(Reflect.get(error, "code") ?? error.message)));
  });
}

async function nameServed(port: number, options: ConnectionOptions): Promise<string> {
  const socket = await shake(port, options);
  if (typeof socket === "string") return socket;
  const { subject } = socket.getPeerCertificate();
  const key = socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType;
  socket.destroy();
  return `${String(subject.CN)} ${key}`;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "proxy-tls-"));
  endpoint = await openEndpoint((request, response) => response.end(JSON.stringify(request.headers)));
});

after(async () => {
  await endpoint[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

withOpenSsl("DataPlane serves the certificate of the name, of its wildcard, or of any name", async () => {
  const [exact, wildcard, any] = [
    await make("a.example", "ec"),
    await make("*.b.example", "ec"),
    await make("any", "ec"),
  ];
  await using edge = await openEdge(
    tlsSnapshot([
      { host: "a.example", certificates: [{ id: "a", made: exact }] },
      { host: "*.b.example", certificates: [{ id: "b", made: wildcard }] },
      { host: "*", certificates: [{ id: "any", made: any }] },
    ]),
  );
  const port = edge.httpsPort;
  assert.equal(await nameServed(port, { servername: "a.example" }), "a.example ec");
  assert.equal(await nameServed(port, { servername: "A.Example" }), "a.example ec");
  assert.equal(await nameServed(port, { servername: "x.b.example" }), "*.b.example ec");
  assert.equal(await nameServed(port, { servername: "other.example" }), "any ec");
  assert.equal(await nameServed(port, {}), "any ec");
});

withOpenSsl(
  "DataPlane agrees on AES-128 in TLS 1.3 when the client offers it, and else on what it does offer",
  async () => {
    await using edge = await openEdge(
      tlsSnapshot([{ host: "a.example", certificates: [{ id: "a", made: await make("a.example", "ec") }] }]),
    );
    const agreed = async (options: ConnectionOptions): Promise<string> => {
      const socket = await shake(edge.httpsPort, { servername: "a.example", ...options });
      if (typeof socket === "string") return socket;
      const { name } = socket.getCipher();
      socket.destroy();
      return name;
    };
    assert.equal(await agreed({}), "TLS_AES_128_GCM_SHA256");
    assert.equal(await agreed({ ciphers: "TLS_AES_256_GCM_SHA384" }), "TLS_AES_256_GCM_SHA384");
    assert.equal(await agreed({ ciphers: "TLS_CHACHA20_POLY1305_SHA256" }), "TLS_CHACHA20_POLY1305_SHA256");
  },
);

withOpenSsl("DataPlane fails the handshake with unrecognized_name when nothing is served for the name", async () => {
  await using edge = await openEdge(
    tlsSnapshot([{ host: "a.example", certificates: [{ id: "a", made: await make("a.example", "ec") }] }]),
  );
  assert.match(await nameServed(edge.httpsPort, { servername: "b.example" }), /UNRECOGNIZED_NAME/);
  assert.match(await nameServed(edge.httpsPort, {}), /UNRECOGNIZED_NAME/);
  assert.equal(edge.dataPlane.stats().tls.unknownName, 2);
  await waitFor(() => edge.dataPlane.stats().connections.open === 0);
});

withOpenSsl("DataPlane counts a name that no rule knows when the certificate for any name answers it", async () => {
  const certificates = [{ id: "a", made: await make("a.example", "ec") }];
  const snapshot = tlsSnapshot([{ host: "*", certificates }]);
  await using edge = await openEdge(snapshot);
  assert.equal(await nameServed(edge.httpsPort, { servername: "shop.example" }), "a.example ec");
  assert.equal(edge.dataPlane.stats().tls.unknownName, 0);
  assert.equal(await nameServed(edge.httpsPort, { servername: "b.example" }), "a.example ec");
  assert.equal(edge.dataPlane.stats().tls.unknownName, 1);
});

withOpenSsl("DataPlane serves ECDSA or RSA for one name, as the client can verify", async () => {
  await using edge = await openEdge(
    tlsSnapshot([
      {
        host: "a.example",
        certificates: [
          { id: "ec", made: await make("a.example", "ec") },
          { id: "rsa", made: await make("a.example", "rsa") },
        ],
      },
    ]),
  );
  const options = { servername: "a.example" };
  assert.equal(await nameServed(edge.httpsPort, { ...options, sigalgs: "ecdsa_secp256r1_sha256" }), "a.example ec");
  assert.equal(await nameServed(edge.httpsPort, { ...options, sigalgs: "rsa_pss_rsae_sha256" }), "a.example rsa");
});

withOpenSsl("DataPlane honours the least version of each name", async () => {
  const certificates = [{ id: "a", made: await make("a.example", "ec") }];
  await using edge = await openEdge(
    tlsSnapshot([
      { host: "new.example", certificates, minVersion: "TLSv1.3" },
      { host: "old.example", certificates },
    ]),
  );
  assert.match(await nameServed(edge.httpsPort, { servername: "new.example", maxVersion: "TLSv1.2" }), /VERSION/);
  assert.equal(await nameServed(edge.httpsPort, { servername: "old.example", maxVersion: "TLSv1.2" }), "a.example ec");
});

withOpenSsl("DataPlane resumes sessions for the name they were made for, across workers that share keys", async () => {
  const certificates = [{ id: "a", made: await make("a.example", "ec") }];
  const snapshot = tlsSnapshot([
    { host: "a.example", certificates },
    { host: "b.example", certificates },
  ]);
  const ticketSecret = Buffer.alloc(48, 7);
  await using one = await openEdge(snapshot, { ticketSecret });
  await using other = await openEdge(snapshot, { ticketSecret });
  const first = await shake(one.httpsPort, { servername: "a.example" });
  assert.ok(typeof first !== "string");
  const session = new Promise<Buffer>((resolve) => first.once("session", resolve));
  first.write(get("/"));
  first.resume();
  const kept = await session;
  first.destroy();
  const resumed = async (port: number, servername: string): Promise<boolean> => {
    const socket = await shake(port, { servername, session: kept });
    assert.ok(typeof socket !== "string");
    const reused = socket.isSessionReused();
    socket.destroy();
    return reused;
  };
  assert.equal(await resumed(other.httpsPort, "a.example"), true);
  assert.equal(await resumed(one.httpsPort, "b.example"), false);
  await other.clock.advance(TICKET_KEY_MS);
  assert.equal(await resumed(other.httpsPort, "a.example"), false, "its keys have changed");
});

withOpenSsl("DataPlane skips a certificate whose key does not match, says so, and serves the others", async () => {
  const good = await make("a.example", "ec");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const bad = { chain: good.chain, key: privateKey.export({ type: "pkcs8", format: "pem" }) };
  await using edge = await openEdge(shopSnapshot([]));
  const { problems } = edge.dataPlane.serve(
    tlsSnapshot([
      { host: "a.example", certificates: [{ id: "shop/good", made: good }] },
      { host: "b.example", certificates: [{ id: "shop/bad", made: bad }] },
      { host: "c.example", certificates: [{ id: "shop/none", made: { chain: "nonsense", key: "" } }] },
    ]),
  );
  assert.equal(problems.length, 2);
  assert.equal(problems[0], 'Cannot serve certificate "shop/bad": private key does not match');
  assert.doesNotMatch(JSON.stringify([problems, edge.log.lines]), /PRIVATE KEY/);
  assert.equal(await nameServed(edge.httpsPort, { servername: "a.example" }), "a.example ec");
  assert.match(await nameServed(edge.httpsPort, { servername: "b.example" }), /UNRECOGNIZED_NAME/);
});

withOpenSsl(
  "DataPlane agrees on the ciphers of each name, in whose order it says, and on its own when they make no sense",
  async () => {
    const certificates = [{ id: "a", made: await make("a.example", "ec") }];
    const [strong, fast] = ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"];
    const { tls, ...rest } = tlsSnapshot(
      ["strong.example", "ours.example", "theirs.example", "nonsense.example"].map((host) => ({ host, certificates })),
    );
    const choices: Readonly<Record<string, Partial<TlsHost>>> = {
      "strong.example": { ciphers: strong },
      "ours.example": { ciphers: `${strong}:${fast}` },
      "theirs.example": { ciphers: `${strong}:${fast}`, ownCipherOrder: false },
      "nonsense.example": { ciphers: "NONSENSE" },
    };
    const chosen = [...tls].map(([host, entry]): [string, TlsHost] => [host, { ...entry, ...choices[host] }]);
    await using edge = await openEdge({ ...rest, tls: new Map(chosen) });
    const agreed = async (servername: string, options: ConnectionOptions): Promise<string> => {
      const socket = await shake(edge.httpsPort, { servername, ...options });
      if (typeof socket === "string") return socket;
      const { name } = socket.getCipher();
      socket.destroy();
      return name;
    };
    const old = { maxVersion: "TLSv1.2", ciphers: `${fast}:${strong}` } as const;
    assert.equal(await agreed("strong.example", old), strong);
    assert.match(await agreed("strong.example", { ...old, ciphers: fast }), /HANDSHAKE_FAILURE/);
    assert.equal(await agreed("strong.example", {}), "TLS_AES_128_GCM_SHA256");
    assert.equal(await agreed("ours.example", old), strong);
    assert.equal(await agreed("theirs.example", old), fast);
    assert.equal(await agreed("nonsense.example", { ...old, ciphers: fast }), fast);
    assert.deepEqual(
      edge.log.lines.map(({ message }) => message),
      ["Cannot use the ciphers of a host"],
    );
  },
);

withOpenSsl(
  "DataPlane leaves out a certificate that OpenSSL does not take, and serves the others of the name",
  async () => {
    const request = ["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-days", "30", "-subj", "/CN=a.example"];
    const { stdout } = await run("openssl", [...request, "-keyout", "-"]);
    const at = stdout.indexOf("-----BEGIN CERTIFICATE");
    const weak = { chain: stdout.slice(at), key: stdout.slice(0, at) };
    const good = await make("a.example", "ec");
    const torn = { ...good, chain: `${good.chain}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n` };
    await using edge = await openEdge(
      tlsSnapshot([
        { host: "weak.example", certificates: [{ id: "shop/weak", made: weak }] },
        { host: "torn.example", certificates: [{ id: "shop/torn", made: torn }] },
        {
          host: "both.example",
          certificates: [
            { id: "shop/weak", made: weak },
            { id: "shop/good", made: good },
          ],
        },
      ]),
    );
    assert.match(await nameServed(edge.httpsPort, { servername: "weak.example" }), /UNRECOGNIZED_NAME/);
    assert.match(await nameServed(edge.httpsPort, { servername: "torn.example" }), /UNRECOGNIZED_NAME/);
    assert.equal(await nameServed(edge.httpsPort, { servername: "both.example" }), "a.example ec");
    const warned = edge.log.lines.filter(({ message }) => message === "Cannot serve certificate");
    assert.equal(warned.length, 2);
  },
);

withOpenSsl("DataPlane serves a new certificate at once, while connections go on with the old one", async () => {
  await using edge = await openEdge(
    tlsSnapshot([{ host: "shop.example", certificates: [{ id: "shop/tls", made: await make("old.example", "ec") }] }]),
  );
  const kept = await shake(edge.httpsPort, { servername: "shop.example" });
  assert.ok(typeof kept !== "string");
  const client = new RawClient(kept);
  edge.dataPlane.serve(
    tlsSnapshot(
      [{ host: "shop.example", certificates: [{ id: "shop/tls", made: await make("new.example", "ec") }] }],
      2,
    ),
  );
  assert.equal(edge.dataPlane.generation, 2);
  assert.equal(await nameServed(edge.httpsPort, { servername: "shop.example" }), "new.example ec");
  client.send(get("/"));
  assert.match(await client.end(), /^HTTP\/1\.1 200 OK[\s\S]*"x-forwarded-proto":"https"/);
});

withOpenSsl("DataPlane takes a ClientHello that comes byte by byte", async () => {
  await using edge = await openEdge(
    tlsSnapshot([{ host: "shop.example", certificates: [{ id: "a", made: await make("shop.example", "ec") }] }]),
  );
  const raw = connectTcp({ port: edge.httpsPort, host: "127.0.0.1", noDelay: true });
  const client = connect({ socket: slowly(raw), servername: "shop.example", rejectUnauthorized: false });
  const spoken = new RawClient(client);
  client.once("secureConnect", () => spoken.send(get("/")));
  assert.match(await spoken.end(), /^HTTP\/1\.1 200 OK/);
});

/** Sends what is written to it in pieces of a few bytes. */
function slowly(socket: ReturnType<typeof connectTcp>): ReturnType<typeof connectTcp> {
  const write = socket._write.bind(socket);
  socket._write = (chunk: unknown, encoding, callback) => {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk), "latin1");
    const next = (at: number): void => {
      const last = at + 100 >= bytes.length;
      write(bytes.subarray(at, at + 100), encoding, last ? callback : () => setImmediate(next, at + 100));
    };
    next(0);
  };
  return socket;
}

test("DataPlane cuts a handshake off that does not get on", async () => {
  await using edge = await openEdge(tlsSnapshot([]), { limits: { handshakeTimeoutMs: 2000 } });
  const client = RawClient.connect(edge.httpsPort);
  client.send("\u0016\u0003\u0001");
  await waitFor(() => edge.dataPlane.stats().connections.open === 1);
  await edge.clock.advance(3000);
  assert.equal(await client.end(), "");
  await waitFor(() => edge.dataPlane.stats().connections.open === 0);
});

test("DataPlane answers 400 in the clear when a client speaks plain HTTP to the port of HTTPS", async () => {
  await using edge = await openEdge(tlsSnapshot([]));
  assert.match(await say(edge.httpsPort, get("/")), /^HTTP\/1\.1 400 Bad Request[\s\S]*this port speaks HTTPS/);
});

test(
  "curl verifies the certificate and gets the answer, by HTTPS and by the redirect to it",
  { skip: skipWithout("curl", "openssl") },
  async () => {
    const certificate = await make("shop.example", "ec");
    const file = join(folder, "ca.pem");
    await writeFile(file, certificate.chain);
    await using edge = await openEdge(
      tlsSnapshot([{ host: "shop.example", certificates: [{ id: "a", made: certificate }] }]),
    );
    const { hosts, ...rest } = tlsSnapshot(
      [{ host: "shop.example", certificates: [{ id: "a", made: certificate }] }],
      2,
    );
    const host = hosts.get("shop.example");
    const [route] = host?.routes ?? [];
    assert.ok(route !== undefined);
    const routes = [{ ...route, policy: { ...route.policy, httpsRedirectStatus: 308 as const } }];
    const settings = { trustedProxies: [], httpsPort: edge.httpsPort };
    edge.dataPlane.serve({ ...rest, hosts: new Map([["shop.example", { host: "shop.example", routes }]]), settings });
    const resolve = [edge.httpPort, edge.httpsPort].flatMap((port) => ["--resolve", `shop.example:${port}:127.0.0.1`]);
    const options = ["-sSL", "--cacert", file, "--data-binary", "x".repeat(100_000), ...resolve];
    const { stdout } = await run("curl", [...options, `http://shop.example:${edge.httpPort}/a?b`]);
    assert.match(stdout, /"x-forwarded-proto":"https".*"content-length":"100000"/);
  },
);
