import { arrayAt, numberAt, recordAt, stringAt } from "../../ground/json.ts";
import { CHALLENGE_TTL_SECONDS, type ChallengeRecord, type DnsSolver } from "./dns-solver.ts";
import { candidateZones, type ProviderApi, zoneFor } from "./provider-api.ts";

const ATTEMPTS_MAX = 4;
const CLOUDS: Readonly<Record<string, { readonly login: string; readonly management: string }>> = {
  AzurePublicCloud: { login: "https://login.microsoftonline.com", management: "https://management.azure.com" },
  AzureChinaCloud: { login: "https://login.chinacloudapi.cn", management: "https://management.chinacloudapi.cn" },
  AzureUSGovernmentCloud: {
    login: "https://login.microsoftonline.us",
    management: "https://management.usgovcloudapi.net",
  },
};
const API_VERSION = "api-version=2018-05-01";

/** What an Azure DNS solver is made from. */
export interface AzureDnsOptions {
  readonly api: ProviderApi;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly zone?: string | undefined;
  /** @default AzurePublicCloud */
  readonly environment?: string | undefined;
  /** @default the cloud's own */
  readonly endpoints?: { readonly login: string; readonly management: string } | undefined;
}

/** Changes public zones at Azure DNS; logs in as a service principal. */
export class AzureDnsSolver implements DnsSolver {
  readonly provider = "Azure DNS";
  readonly #options: AzureDnsOptions;
  readonly #management: string;
  readonly #login: string;

  constructor(options: AzureDnsOptions) {
    this.#options = options;
    const cloud = options.endpoints ??
      CLOUDS[options.environment ?? ""] ?? {
        login: "https://login.microsoftonline.com",
        management: "https://management.azure.com",
      };
    this.#management = cloud.management;
    this.#login = cloud.login;
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
    const zone = this.#options.zone ?? (await this.#zone(headers, name, signal));
    const relative = name === zone ? "@" : name.slice(0, -zone.length - 1);
    const url = `${this.#zones()}/${zone}/TXT/${relative}?${API_VERSION}`;
    for (let attempt = 1; ; attempt++) {
      const found = await api.call({ method: "GET", url, headers, signal });
      if (found.status !== 404 && found.status >= 300) throw api.refusal(`read the record "${name}"`, found);
      const exists = found.status !== 404;
      const properties = recordAt(found.json, "properties");
      const before = arrayAt(properties, "TXTRecords").map((entry) => arrayAt(entry, "value").map(String).join(""));
      const after = change(before);
      if (after.length === before.length && after.every((value) => before.includes(value))) return;
      // Only what was read is replaced: another writer makes it fail.
      const guard = exists ? { "If-Match": stringAt(found.json, "etag") ?? "*" } : { "If-None-Match": "*" };
      const body = JSON.stringify({
        properties: {
          TTL: numberAt(properties, "TTL") ?? CHALLENGE_TTL_SECONDS,
          TXTRecords: after.map((value) => ({ value: [value] })),
        },
      });
      const answer = await api.call(
        after.length === 0
          ? { method: "DELETE", url, headers: { ...headers, ...guard }, signal }
          : { method: "PUT", url, headers: { ...headers, ...guard }, body, signal },
      );
      if (answer.status < 300) return;
      if (answer.status !== 412 || attempt === ATTEMPTS_MAX) throw api.refusal(`change the record "${name}"`, answer);
    }
  }

  async #zone(headers: Readonly<Record<string, string>>, name: string, signal: AbortSignal): Promise<string> {
    const { api } = this.#options;
    for (const candidate of candidateZones(name)) {
      const url = `${this.#zones()}/${candidate}?${API_VERSION}`;
      const answer = await api.call({ method: "GET", url, headers, signal });
      if (answer.status === 200) return candidate;
      if (answer.status !== 404) throw api.refusal("look for the zone", answer);
    }
    return zoneFor<{ name: string }>(this.provider, name, []).name;
  }

  #zones(): string {
    const { subscriptionId, resourceGroup } = this.#options;
    return `${this.#management}/subscriptions/${encodeURIComponent(subscriptionId)}/resourceGroups/${encodeURIComponent(resourceGroup)}/providers/Microsoft.Network/dnsZones`;
  }

  async #token(signal: AbortSignal): Promise<string> {
    const { api, tenantId, clientId, clientSecret } = this.#options;
    const answer = await api.demand("log in", {
      method: "POST",
      url: `${this.#login}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`,
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: clientId,
        client_secret: clientSecret,
        scope: `${this.#management}/.default`,
      }).toString(),
      signal,
    });
    return stringAt(answer.json, "access_token") ?? "";
  }
}
