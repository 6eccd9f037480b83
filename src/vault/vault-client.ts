import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Clock } from "../ground/clock.ts";
import { LintelError, messageOf } from "../ground/errors.ts";
import { arrayAt, recordAt, stringAt } from "../ground/json.ts";

/** From the first byte of a request to the last of its answer. */
export const CALL_MS_MAX = 15_000;
/** Longest answer that is read: a chain is some KiB. */
const ANSWER_BYTES_MAX = 1_048_576;
/** A standby sends its clients to the active node; more hops are a loop. */
const REDIRECTS_MAX = 2;
/** Characters of a refusal that are shown. */
const SHOWN_CHARACTERS_MAX = 300;

/** Where Vault is and how the connection to it is trusted. */
export interface VaultPlace {
  /** `https://vault.example:8200`; plain http is for development only, and Vault's users know. */
  readonly server: string;
  /** Of Vault Enterprise and OpenBao. */
  readonly namespace?: string | undefined;
  /** Name expected in the server's certificate. @default the host of `server` */
  readonly serverName?: string | undefined;
  /** PEM; trusted instead of the public roots. */
  readonly caBundle?: string | undefined;
  /** PEM; shown to the server when it asks. */
  readonly clientPair?: { readonly certificate: string; readonly key: string } | undefined;
}

/** What is shown to Vault to get a token. Mounts begin with `/v1/auth/`. */
export type VaultLogin =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "appRole"; readonly mount: string; readonly roleId: string; readonly secretId: string }
  | { readonly kind: "kubernetes"; readonly mount: string; readonly role: string; readonly jwt: string }
  | { readonly kind: "certificate"; readonly mount: string; readonly name: string };

/** What Vault is asked to certify. */
export interface VaultWish {
  /** Such as `pki/sign/web`. */
  readonly path: string;
  /** PKCS#10 in PEM. */
  readonly csr: string;
  readonly commonName: string;
  /** DNS names and e-mail addresses. */
  readonly names: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
  readonly durationMs: number;
}

interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly token?: string;
  readonly body?: Readonly<Record<string, unknown>>;
  /** `sys/health` is no part of any namespace. */
  readonly outsideNamespace?: boolean;
}

interface Answer {
  readonly status: number;
  readonly json: unknown;
  readonly location: string | undefined;
}

/**
 * The few calls of Vault's HTTP API (OpenBao's is the same) that an issuer needs. Every call is bounded in time and size.
 * Errors carry what Vault said, never what it was shown. Unreachable: Vault can't be asked now, so later may help;
 * BadConfig: it answered and refused.
 */
export class VaultClient {
  readonly #place: VaultPlace;
  readonly #clock: Clock;

  constructor(place: VaultPlace, clock: Clock) {
    this.#place = place;
    this.#clock = clock;
  }

  /** Resolves when Vault is initialized and unsealed; standby nodes count. Rejects with Unreachable. */
  async health(): Promise<void> {
    const { status } = await this.#send({
      method: "GET",
      path: "/v1/sys/health?standbyok=true",
      outsideNamespace: true,
    });
    // 472 and 473 are standbys of a replication: they answer for the active node.
    if ((status >= 200 && status < 300) || [429, 472, 473].includes(status)) return;
    const why = status === 501 ? "it is not initialized" : status === 503 ? "it is sealed" : `status ${String(status)}`;
    throw new LintelError(`Vault at "${this.#host()}" is not ready: ${why}`, {
      code: "Unreachable",
      fault: "upstream",
      ...(status === 503 ? { hint: 'Unseal it with "vault operator unseal"' } : {}),
    });
  }

  /** Resolves with a token. Rejects with BadConfig when the login is refused. */
  async login(login: VaultLogin): Promise<string> {
    if (login.kind === "token") return login.token;
    const call = { method: "POST", path: `${login.mount}/login`, body: loginBody(login) } as const;
    const answer = await this.#demand("log in", call, `Check ${LOGIN_CHECKS[login.kind]}`);
    const token = stringAt(recordAt(answer.json, "auth"), "client_token");
    if (token !== undefined && token !== "") return token;
    throw new LintelError(`Cannot log in at Vault "${this.#host()}": its answer has no token`, {
      code: "BadConfig",
      fault: "upstream",
      hint: `Check that "${login.mount}" is where the method is mounted`,
    });
  }

  /** Resolves with the certificates of the chain as Vault gives them, leaf first. */
  async sign(token: string, wish: VaultWish): Promise<readonly string[]> {
    const body = {
      csr: wish.csr,
      common_name: wish.commonName,
      alt_names: wish.names.join(","),
      ip_sans: wish.ipAddresses.join(","),
      uri_sans: wish.uris.join(","),
      ttl: `${String(Math.ceil(wish.durationMs / 1000))}s`,
      exclude_cn_from_sans: true,
    };
    const call = { method: "POST", path: `/v1/${wish.path}`, token, body } as const;
    const hint = `Check the path "${wish.path}", what its role allows, and the policy of the login`;
    const { json } = await this.#demand("sign", call, hint);
    const data = recordAt(json, "data");
    const leaf = stringAt(data, "certificate");
    if (leaf === undefined || leaf === "") {
      throw new LintelError(`Cannot sign at Vault "${this.#host()}": its answer has no certificate`, {
        code: "BadConfig",
        fault: "upstream",
        hint: `Check that the path "${wish.path}" signs requests, as "pki/sign/ROLE" does`,
      });
    }
    const chain = arrayAt(data, "ca_chain").filter((entry) => typeof entry === "string");
    const above = chain.length > 0 ? chain : [stringAt(data, "issuing_ca") ?? ""];
    return [leaf, ...above.filter((pem) => pem !== "")];
  }

  /** Gives a token back that {@link login} got. Never rejects: it expires by itself, too. */
  async revoke(token: string): Promise<void> {
    await this.#send({ method: "POST", path: "/v1/auth/token/revoke-self", token }).catch(() => undefined);
  }

  async #demand(act: string, call: Call, hint: string): Promise<Answer> {
    const answer = await this.#send(call);
    const { status, json } = answer;
    if (status >= 200 && status < 300) return answer;
    const said = arrayAt(json, "errors")
      .filter((entry) => typeof entry === "string")
      .join("; ")
      .replaceAll(/[\p{Cc}\s]+/gu, " ")
      .slice(0, SHOWN_CHARACTERS_MAX)
      .trim();
    const busy = status === 412 || status === 429 || status >= 500;
    const message = `Cannot ${act} at Vault "${this.#host()}": status ${String(status)}${said === "" ? "" : `, ${said}`}`;
    throw new LintelError(message, {
      code: busy ? "Unreachable" : "BadConfig",
      fault: busy ? "upstream" : "user",
      ...(busy ? {} : { hint }),
    });
  }

  async #send(call: Call): Promise<Answer> {
    const base = this.#base();
    let url = new URL(`${base.pathname.replace(/\/+$/, "")}${call.path}`, base);
    for (let hop = 0; ; hop++) {
      const answer = await this.#once(url, call);
      if (answer.status !== 307 || answer.location === undefined || hop >= REDIRECTS_MAX) return answer;
      const next = URL.parse(answer.location, url);
      // A token never goes from TLS to plain text.
      if (next === null || (url.protocol === "https:" && next.protocol !== "https:")) return answer;
      url = next;
    }
  }

  async #once(url: URL, call: Call): Promise<Answer> {
    const late = new AbortController();
    const seconds = CALL_MS_MAX / 1000;
    const timer = this.#clock.timer(CALL_MS_MAX, () => late.abort());
    try {
      return await this.#exchange(url, call, late.signal);
    } catch (error) {
      const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
      const untrusted = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code);
      const why = late.signal.aborted ? `no answer within ${String(seconds)} seconds` : messageOf(error);
      throw new LintelError(`Cannot reach Vault "${url.host}": ${why}`, {
        code: "Unreachable",
        fault: "upstream",
        hint: untrusted
          ? "Its certificate is not trusted here: put the CA that signed it into spec.vault.caBundle"
          : `Check it with "curl -v ${url.origin}/v1/sys/health"`,
      });
    } finally {
      timer.cancel();
    }
  }

  #exchange(url: URL, call: Call, signal: AbortSignal): Promise<Answer> {
    const { caBundle, clientPair, serverName, namespace } = this.#place;
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const request = url.protocol === "http:" ? httpRequest : httpsRequest;
    return new Promise((resolve, reject) => {
      const outgoing = request(url, {
        method: call.method,
        agent: false,
        signal,
        ...(caBundle === undefined ? {} : { ca: caBundle }),
        ...(serverName === undefined ? {} : { servername: serverName }),
        ...(clientPair === undefined ? {} : { cert: clientPair.certificate, key: clientPair.key }),
        headers: {
          "User-Agent": "lintel",
          Accept: "application/json",
          "X-Vault-Request": "true",
          ...(namespace === undefined || call.outsideNamespace === true ? {} : { "X-Vault-Namespace": namespace }),
          ...(call.token === undefined ? {} : { "X-Vault-Token": call.token }),
          ...(body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": body.length }),
        },
      });
      outgoing.on("error", reject);
      outgoing.on("response", (incoming) => {
        const chunks: Buffer[] = [];
        let length = 0;
        incoming.on("error", reject);
        incoming.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          length += chunk.length;
          if (length > ANSWER_BYTES_MAX)
            incoming.destroy(new Error(`its answer is longer than ${String(ANSWER_BYTES_MAX)} bytes`));
        });
        incoming.on("end", () => {
          const { statusCode = 0, headers } = incoming;
          resolve({ status: statusCode, json: parsed(Buffer.concat(chunks)), location: headers.location });
        });
      });
      outgoing.end(body);
    });
  }

  #base(): URL {
    const url = URL.parse(this.#place.server);
    if (url !== null && /^https?:$/.test(url.protocol)) return url;
    throw new LintelError("Cannot use spec.vault.server: it is not the URL of a server", {
      code: "BadConfig",
      fault: "user",
      hint: 'Write it as "https://vault.example:8200"',
    });
  }

  #host(): string {
    return this.#base().host;
  }
}

const LOGIN_CHECKS = {
  appRole: "roleId, the Secret with the secret id, and the method's path",
  kubernetes: "the role, its bound service accounts and audience, and mountPath",
  certificate: "the certificate, its role and mountPath",
} as const;

function loginBody(login: Exclude<VaultLogin, { kind: "token" }>): Readonly<Record<string, unknown>> {
  switch (login.kind) {
    case "appRole":
      return { role_id: login.roleId, secret_id: login.secretId };
    case "kubernetes":
      return { role: login.role, jwt: login.jwt };
    case "certificate":
      return login.name === "" ? {} : { name: login.name };
    default:
      return login satisfies never;
  }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
