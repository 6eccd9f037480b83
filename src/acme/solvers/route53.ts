import type { Clock } from "../../ground/clock.ts";
import { LintelError } from "../../ground/errors.ts";
import { type AwsCredentials, signAwsRequest } from "./aws-signature.ts";
import { CHALLENGE_TTL_SECONDS, type ChallengeRecord, type DnsSolver } from "./dns-solver.ts";
import { type ApiAnswer, candidateZones, type ProviderApi, zoneFor } from "./provider-api.ts";

/** Attempts of one change: another process may change the same record set in between. */
const ATTEMPTS_MAX = 4;

/** What a Route 53 solver is made from. */
export interface Route53Options {
  readonly api: ProviderApi;
  readonly clock: Clock;
  readonly credentials: AwsCredentials;
  /** @default us-east-1, which signs for the whole service */
  readonly region?: string | undefined;
  /** Assumed with the credentials (STS AssumeRole). */
  readonly role?: string | undefined;
  /** The only zone to change; looked up when absent. */
  readonly hostedZoneId?: string | undefined;
  readonly base?: string;
  readonly stsBase?: string;
}

/** Changes zones at Amazon Route 53 (API 2013-04-01, Signature Version 4). */
export class Route53Solver implements DnsSolver {
  readonly provider = "Route 53";
  readonly #options: Route53Options;
  readonly #base: string;
  readonly #region: string;

  constructor(options: Route53Options) {
    this.#options = options;
    this.#base = `${options.base ?? "https://route53.amazonaws.com"}/2013-04-01`;
    this.#region = options.region ?? "us-east-1";
  }

  async present(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    await this.#change(record, signal, (values) =>
      values.includes(record.value) ? values : [...values, record.value],
    );
  }

  async cleanup(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    await this.#change(record, signal, (values) => values.filter((value) => value !== record.value));
  }

  /** A record set is changed whole: the old one is deleted and the new one created in one step, which fails when it is not the old one any more. */
  async #change(
    { name }: ChallengeRecord,
    signal: AbortSignal,
    change: (values: readonly string[]) => readonly string[],
  ): Promise<void> {
    const credentials = await this.#login(signal);
    const zone = this.#options.hostedZoneId ?? (await this.#zone(credentials, name, signal));
    const act = `change the record "${name}"`;
    for (let attempt = 1; ; attempt++) {
      const before = await this.#values(credentials, zone, name, signal);
      const after = change(before.values);
      if (after.length === before.values.length && after.every((value) => before.values.includes(value))) return;
      const changes = [
        ...(before.values.length === 0 ? [] : [changeXml("DELETE", name, before.ttl, before.values)]),
        ...(after.length === 0 ? [] : [changeXml("CREATE", name, String(CHALLENGE_TTL_SECONDS), after)]),
      ].join("");
      const body = `<?xml version="1.0" encoding="UTF-8"?><ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes>${changes}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`;
      const answer = await this.#call(credentials, "POST", `${this.#base}/hostedzone/${zone}/rrset`, body, signal);
      if (answer.status < 300) return;
      const raced = answer.status === 400 && answer.text.includes("InvalidChangeBatch");
      if (!raced || attempt === ATTEMPTS_MAX) throw this.#options.api.refusal(act, answer);
    }
  }

  async #zone(credentials: AwsCredentials, name: string, signal: AbortSignal): Promise<string> {
    for (const candidate of candidateZones(name)) {
      const query = new URLSearchParams({ dnsname: `${candidate}.`, maxitems: "10" });
      const answer = await this.#demand(credentials, `${this.#base}/hostedzonesbyname?${query.toString()}`, signal);
      for (const zone of elements(answer.text, "HostedZone")) {
        const isPrivate = element(zone, "PrivateZone") === "true";
        if (!isPrivate && element(zone, "Name") === `${candidate}.`)
          return (element(zone, "Id") ?? "").replace("/hostedzone/", "");
      }
    }
    return zoneFor<{ name: string }>(this.provider, name, []).name;
  }

  async #values(
    credentials: AwsCredentials,
    zone: string,
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly ttl: string; readonly values: readonly string[] }> {
    const query = new URLSearchParams({ name: `${name}.`, type: "TXT", maxitems: "1" });
    const answer = await this.#demand(
      credentials,
      `${this.#base}/hostedzone/${zone}/rrset?${query.toString()}`,
      signal,
    );
    const [set] = elements(answer.text, "ResourceRecordSet");
    // The list begins at the name and goes on to others when it has no such record.
    if (set === undefined || element(set, "Name") !== `${name}.` || element(set, "Type") !== "TXT")
      return { ttl: "", values: [] };
    const values = elements(set, "Value").map((value) => unescapeXml(value).replaceAll('"', ""));
    return { ttl: element(set, "TTL") ?? "", values };
  }

  async #login(signal: AbortSignal): Promise<AwsCredentials> {
    const { role, credentials, clock, api } = this.#options;
    if (role === undefined || role === "") return credentials;
    const url = `${this.#options.stsBase ?? `https://sts.${this.#region}.amazonaws.com`}/`;
    const body = new URLSearchParams({
      Action: "AssumeRole",
      Version: "2011-06-15",
      RoleArn: role,
      RoleSessionName: "lintel",
    }).toString();
    const plain = { "Content-Type": "application/x-www-form-urlencoded" };
    const request = { method: "POST", url, headers: plain, body };
    const headers = signAwsRequest(request, {
      credentials,
      region: this.#region,
      service: "sts",
      nowMs: clock.nowMs(),
    });
    const answer = await api.demand(`assume the role "${role}"`, { method: "POST", url, headers, body, signal });
    const [accessKeyId, secretAccessKey, sessionToken] = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(
      (part) => element(answer.text, part),
    );
    if (accessKeyId === undefined || secretAccessKey === undefined) {
      throw new LintelError(`Cannot assume the role "${role}": the answer has no credentials`, { code: "Unreachable" });
    }
    return { accessKeyId, secretAccessKey: unescapeXml(secretAccessKey), sessionToken };
  }

  async #demand(credentials: AwsCredentials, url: string, signal: AbortSignal): Promise<ApiAnswer> {
    const answer = await this.#call(credentials, "GET", url, "", signal);
    if (answer.status >= 300) throw this.#options.api.refusal("read zones", answer);
    return answer;
  }

  #call(
    credentials: AwsCredentials,
    method: "GET" | "POST",
    url: string,
    body: string,
    signal: AbortSignal,
  ): Promise<ApiAnswer> {
    const { api, clock } = this.#options;
    const plain = method === "POST" ? { "Content-Type": "application/xml" } : {};
    const request = { method, url, headers: plain, body };
    const signing = { credentials, region: this.#region, service: "route53", nowMs: clock.nowMs() };
    const headers = { ...signAwsRequest(request, signing), Accept: "application/xml" };
    return api.call({ method, url, headers, signal, ...(body === "" ? {} : { body }) });
  }
}

function changeXml(action: string, name: string, ttl: string, values: readonly string[]): string {
  const records = values.map(
    (value) => `<ResourceRecord><Value>&quot;${escapeXml(value)}&quot;</Value></ResourceRecord>`,
  );
  return `<Change><Action>${action}</Action><ResourceRecordSet><Name>${escapeXml(name)}.</Name><Type>TXT</Type><TTL>${ttl}</TTL><ResourceRecords>${records.join("")}</ResourceRecords></ResourceRecordSet></Change>`;
}

/** The texts inside all elements of that name; the API nests none of them in itself. */
function elements(xml: string, name: string): readonly string[] {
  return [...xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, "gs"))].map((match) => match[1] ?? "");
}

function element(xml: string, name: string): string | undefined {
  return elements(xml, name)[0]?.trim();
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function unescapeXml(text: string): string {
  return text
    .replaceAll("&quot;", '"')
    .replaceAll("&#34;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}
