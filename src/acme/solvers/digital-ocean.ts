import { arrayAt, numberAt, stringAt } from "../../ground/json.ts";
import { CHALLENGE_TTL_SECONDS, type ChallengeRecord, type DnsSolver } from "./dns-solver.ts";
import { candidateZones, type ProviderApi, zoneFor } from "./provider-api.ts";

/** Changes domains at DigitalOcean (API v2). */
export class DigitalOceanSolver implements DnsSolver {
  readonly provider = "DigitalOcean";
  readonly #api: ProviderApi;
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: { readonly api: ProviderApi; readonly token: string; readonly base?: string }) {
    this.#api = options.api;
    this.#base = options.base ?? "https://api.digitalocean.com/v2";
    this.#headers = { "Content-Type": "application/json", Authorization: `Bearer ${options.token}` };
  }

  async present(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    const zone = await this.#zone(record.name, signal);
    if ((await this.#find(zone, record, signal)).length > 0) return;
    const name = record.name === zone ? "@" : record.name.slice(0, -zone.length - 1);
    await this.#api.demand(`create the record "${record.name}"`, {
      method: "POST",
      url: `${this.#base}/domains/${zone}/records`,
      headers: this.#headers,
      body: JSON.stringify({ type: "TXT", name, data: record.value, ttl: CHALLENGE_TTL_SECONDS }),
      signal,
    });
  }

  async cleanup(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    const zone = await this.#zone(record.name, signal);
    for (const id of await this.#find(zone, record, signal)) {
      const url = `${this.#base}/domains/${zone}/records/${String(id)}`;
      const answer = await this.#api.call({ method: "DELETE", url, headers: this.#headers, signal });
      if (answer.status !== 404 && answer.status >= 300)
        throw this.#api.refusal(`remove the record "${record.name}"`, answer);
    }
  }

  async #zone(name: string, signal: AbortSignal): Promise<string> {
    for (const candidate of candidateZones(name)) {
      const url = `${this.#base}/domains/${candidate}`;
      const answer = await this.#api.call({ method: "GET", url, headers: this.#headers, signal });
      if (answer.status === 200) return candidate;
      if (answer.status !== 404) throw this.#api.refusal("look for the domain", answer);
    }
    return zoneFor<{ name: string }>(this.provider, name, []).name;
  }

  async #find(zone: string, record: ChallengeRecord, signal: AbortSignal): Promise<readonly number[]> {
    const query = new URLSearchParams({ type: "TXT", name: record.name, per_page: "200" });
    const url = `${this.#base}/domains/${zone}/records?${query.toString()}`;
    const answer = await this.#api.demand("list records", { method: "GET", url, headers: this.#headers, signal });
    return arrayAt(answer.json, "domain_records")
      .filter((entry) => stringAt(entry, "data")?.replaceAll('"', "") === record.value)
      .flatMap((entry) => numberAt(entry, "id") ?? []);
  }
}
