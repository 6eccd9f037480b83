import { importPKCS8, SignJWT } from "jose";
import type { Clock } from "../../ground/clock.ts";
import { LintelError } from "../../ground/errors.ts";
import { arrayAt, stringAt } from "../../ground/json.ts";
import { CHALLENGE_TTL_SECONDS, type ChallengeRecord, type DnsSolver } from "./dns-solver.ts";
import { type ProviderApi, zoneFor } from "./provider-api.ts";

const SCOPE = "https://www.googleapis.com/auth/ndev.clouddns.readwrite";
const TOKEN_SECONDS = 600;
const ATTEMPTS_MAX = 4;

/** What a Google Cloud DNS solver is made from. */
export interface CloudDnsOptions {
  readonly api: ProviderApi;
  readonly clock: Clock;
  readonly project: string;
  /** The JSON key of a service account, as Google hands it out. */
  readonly serviceAccount: string;
  readonly hostedZoneName?: string | undefined;
  readonly base?: string;
}

/** Changes zones at Google Cloud DNS (API v1); logs in with a JWT of the service account (RFC 7523). */
export class CloudDnsSolver implements DnsSolver {
  readonly provider = "Google Cloud DNS";
  readonly #options: CloudDnsOptions;
  readonly #base: string;

  constructor(options: CloudDnsOptions) {
    this.#options = options;
    this.#base = `${options.base ?? "https://dns.googleapis.com"}/dns/v1/projects/${encodeURIComponent(options.project)}`;
  }

  async present(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    await this.#change(record, signal, (values) =>
      values.includes(record.value) ? values : [...values, record.value],
    );
  }

  async cleanup(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    await this.#change(record, signal, (values) => values.filter((value) => value !== record.value));
  }

  async #change(
    { name }: ChallengeRecord,
    signal: AbortSignal,
    change: (values: readonly string[]) => readonly string[],
  ): Promise<void> {
    const { api } = this.#options;
    const headers = { Authorization: `Bearer ${await this.#token(signal)}`, "Content-Type": "application/json" };
    const zone = encodeURIComponent(this.#options.hostedZoneName ?? (await this.#zone(headers, name, signal)));
    for (let attempt = 1; ; attempt++) {
      const query = new URLSearchParams({ name: `${name}.`, type: "TXT" });
      const url = `${this.#base}/managedZones/${zone}/rrsets?${query.toString()}`;
      const found = await api.demand("read records", { method: "GET", url, headers, signal });
      const [set] = arrayAt(found.json, "rrsets");
      const before = arrayAt(set, "rrdatas").flatMap((data) =>
        typeof data === "string" ? data.replaceAll('"', "") : [],
      );
      const after = change(before);
      if (after.length === before.length && after.every((value) => before.includes(value))) return;
      const fresh = {
        name: `${name}.`,
        type: "TXT",
        ttl: CHALLENGE_TTL_SECONDS,
        rrdatas: after.map((value) => `"${value}"`),
      };
      const body = JSON.stringify({
        ...(set === undefined ? {} : { deletions: [set] }),
        ...(after.length === 0 ? {} : { additions: [fresh] }),
      });
      const to = `${this.#base}/managedZones/${zone}/changes`;
      const answer = await api.call({ method: "POST", url: to, headers, body, signal });
      if (answer.status < 300) return;
      // The set changed in between: conflict, or a deletion that does not match any more.
      const raced = answer.status === 409 || answer.status === 412;
      if (!raced || attempt === ATTEMPTS_MAX) throw api.refusal(`change the record "${name}"`, answer);
    }
  }

  async #zone(headers: Readonly<Record<string, string>>, name: string, signal: AbortSignal): Promise<string> {
    const url = `${this.#base}/managedZones?maxResults=1000`;
    const answer = await this.#options.api.demand("list zones", { method: "GET", url, headers, signal });
    const zones = arrayAt(answer.json, "managedZones")
      .filter((zone) => stringAt(zone, "visibility") !== "private")
      .map((zone) => ({ name: stringAt(zone, "dnsName") ?? "-", id: stringAt(zone, "name") ?? "" }));
    return zoneFor(this.provider, name, zones).id;
  }

  async #token(signal: AbortSignal): Promise<string> {
    const { api, clock, serviceAccount } = this.#options;
    const account = parseAccount(serviceAccount);
    const seconds = Math.floor(clock.nowMs() / 1000);
    const jwt = await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: "RS256", typ: "JWT" })
      .setIssuer(account.email)
      .setAudience(account.tokenUrl)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + TOKEN_SECONDS)
      .sign(await importPKCS8(account.key, "RS256").catch(() => Promise.reject(badAccount())));
    const answer = await api.demand("log in", {
      method: "POST",
      url: account.tokenUrl,
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({
        grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
        assertion: jwt,
      }).toString(),
      signal,
    });
    return stringAt(answer.json, "access_token") ?? "";
  }
}

function parseAccount(text: string): { readonly email: string; readonly key: string; readonly tokenUrl: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw badAccount();
  }
  const email = stringAt(json, "client_email");
  const key = stringAt(json, "private_key");
  if (email === undefined || key === undefined) throw badAccount();
  return { email, key, tokenUrl: stringAt(json, "token_uri") ?? "https://oauth2.googleapis.com/token" };
}

function badAccount(): LintelError {
  return new LintelError("Cannot log in at Google Cloud DNS: the Secret is not the JSON key of a service account", {
    code: "BadConfig",
    fault: "user",
    hint: "Store the file that the console gives you when you create a key of type JSON",
  });
}
