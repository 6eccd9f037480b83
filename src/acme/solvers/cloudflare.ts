import { arrayAt, stringAt } from "../../ground/json.ts";
import { CHALLENGE_TTL_SECONDS, type ChallengeRecord, type DnsSolver } from "./dns-solver.ts";
import { candidateZones, type ProviderApi, zoneFor } from "./provider-api.ts";

/** How to log in: with a token, or the account's key. */
export type CloudflareLogin = { readonly token: string } | { readonly email: string; readonly key: string };

/** Changes zones at Cloudflare (API v4). */
export class CloudflareSolver implements DnsSolver {
  readonly provider = "Cloudflare";
  readonly #api: ProviderApi;
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: { readonly api: ProviderApi; readonly login: CloudflareLogin; readonly base?: string }) {
    const { login } = options;
    this.#api = options.api;
    this.#base = options.base ?? "https://api.cloudflare.com/client/v4";
    this.#headers = {
      "Content-Type": "application/json",
      ...("token" in login
        ? { Authorization: `Bearer ${login.token}` }
        : { "X-Auth-Email": login.email, "X-Auth-Key": login.key }),
    };
  }

  async present(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    const zone = await this.#zone(record.name, signal);
    if ((await this.#find(zone, record, signal)).length > 0) return;
    await this.#api.demand(`create the record "${record.name}"`, {
      method: "POST",
      url: `${this.#base}/zones/${zone}/dns_records`,
      headers: this.#headers,
      // Content in quotes, or the provider puts them there and finds no equal later.
      body: JSON.stringify({
        type: "TXT",
        name: record.name,
        content: `"${record.value}"`,
        ttl: CHALLENGE_TTL_SECONDS,
      }),
      signal,
    });
  }

  async cleanup(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    const zone = await this.#zone(record.name, signal);
    for (const id of await this.#find(zone, record, signal)) {
      const url = `${this.#base}/zones/${zone}/dns_records/${id}`;
      const answer = await this.#api.call({ method: "DELETE", url, headers: this.#headers, signal });
      if (answer.status !== 404 && answer.status >= 300)
        throw this.#api.refusal(`remove the record "${record.name}"`, answer);
    }
  }

  async #zone(name: string, signal: AbortSignal): Promise<string> {
    for (const candidate of candidateZones(name)) {
      const url = `${this.#base}/zones?name=${encodeURIComponent(candidate)}`;
      const answer = await this.#api.demand("list zones", { method: "GET", url, headers: this.#headers, signal });
      const id = stringAt(arrayAt(answer.json, "result")[0], "id");
      if (id !== undefined) return encodeURIComponent(id);
    }
    return zoneFor<{ name: string }>(this.provider, name, []).name;
  }

  async #find(zone: string, record: ChallengeRecord, signal: AbortSignal): Promise<readonly string[]> {
    const query = new URLSearchParams({ type: "TXT", name: record.name, per_page: "100" });
    const url = `${this.#base}/zones/${zone}/dns_records?${query.toString()}`;
    const answer = await this.#api.demand("list records", { method: "GET", url, headers: this.#headers, signal });
    return arrayAt(answer.json, "result")
      .filter((entry) => stringAt(entry, "content")?.replaceAll('"', "") === record.value)
      .flatMap((entry) => stringAt(entry, "id") ?? [])
      .map(encodeURIComponent);
  }
}
