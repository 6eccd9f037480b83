import { LintelError } from "../../ground/errors.ts";
import { isRecord, recordAt, stringAt } from "../../ground/json.ts";
import type { ChallengeRecord, DnsSolver } from "./dns-solver.ts";
import type { ProviderApi } from "./provider-api.ts";

/**
 * Updates records at an acme-dns server. The accounts are a JSON object by domain name, as acme-dns clients keep them. The
 * server keeps the last two values of a name and forgets older ones by itself, so cleaning up is nothing.
 */
export class AcmeDnsSolver implements DnsSolver {
  readonly provider = "acme-dns";
  readonly #api: ProviderApi;
  readonly #host: string;
  readonly #accounts: string;
  readonly #domain: string;

  /** `domain` is the name that is proven, without `*.`: the key in the accounts. */
  constructor(options: {
    readonly api: ProviderApi;
    readonly host: string;
    readonly accounts: string;
    readonly domain: string;
  }) {
    this.#api = options.api;
    this.#host = /^https?:\/\//.test(options.host) ? options.host.replace(/\/$/, "") : `https://${options.host}`;
    this.#accounts = options.accounts;
    this.#domain = options.domain;
  }

  async present(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    const account = this.#account();
    await this.#api.demand(`update the record of "${this.#domain}"`, {
      method: "POST",
      url: `${this.#host}/update`,
      headers: {
        "Content-Type": "application/json",
        "X-Api-User": stringAt(account, "username") ?? "",
        "X-Api-Key": stringAt(account, "password") ?? "",
      },
      body: JSON.stringify({ subdomain: stringAt(account, "subdomain") ?? "", txt: record.value }),
      signal,
    });
  }

  async cleanup(): Promise<void> {}

  #account(): Readonly<Record<string, unknown>> {
    let accounts: unknown;
    try {
      accounts = JSON.parse(this.#accounts);
    } catch {
      accounts = undefined;
    }
    if (isRecord(accounts) && isRecord(accounts[this.#domain])) return recordAt(accounts, this.#domain);
    throw new LintelError(`Cannot update "${this.#domain}" at acme-dns: the accounts in the Secret have no such name`, {
      code: "BadConfig",
      fault: "user",
      hint: `Register an account at the server, add it under "${this.#domain}", and point _acme-challenge.${this.#domain} to its fulldomain by CNAME`,
    });
  }
}
