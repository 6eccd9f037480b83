import { getServers } from "node:dns";
import type { Clock } from "../../ground/clock.ts";
import { LintelError } from "../../ground/errors.ts";
import { askDns, type DnsServer, parseDnsServer } from "./dns-exchange.ts";
import { DNS_TYPE, type DnsMessage, rcodeOf, type DnsRecord, txtOf } from "./dns-message.ts";

/** CNAMEs followed for one name. */
const CNAMES_MAX = 8;
/** Servers of a zone that are asked. */
const SERVERS_MAX = 8;
const NXDOMAIN = 3;

/** Asks recursive resolvers, and authoritative servers directly where that is the question. */
export class Resolver {
  readonly #clock: Clock;
  readonly #servers: readonly DnsServer[];
  readonly #authoritativePort: number;

  /** `nameservers` are `host:port`; none: the system's. Authoritative servers are asked on `authoritativePort` (53). */
  constructor(options: {
    readonly clock: Clock;
    readonly nameservers?: readonly string[] | undefined;
    readonly authoritativePort?: number | undefined;
  }) {
    const { nameservers = [] } = options;
    this.#clock = options.clock;
    this.#servers = (nameservers.length === 0 ? getServers() : nameservers).map((text) =>
      /:.*:/.test(text) && !text.startsWith("[") ? { host: text, port: 53 } : parseDnsServer(text),
    );
    this.#authoritativePort = options.authoritativePort ?? 53;
  }

  /** Returns the answer of the first resolver that gives one. Rejects with Unreachable when none does. */
  async ask(name: string, type: number, signal?: AbortSignal): Promise<DnsMessage> {
    let failure: unknown = new LintelError("Cannot resolve names: no DNS server is configured", {
      code: "Unreachable",
    });
    for (const server of this.#servers) {
      try {
        const options = { clock: this.#clock, protocol: "UDP", signal } as const;
        const answer = await askDns(server, { name, type, recurse: true }, options);
        const rcode = rcodeOf(answer);
        if (rcode === 0 || rcode === NXDOMAIN) return answer;
        failure = new LintelError(`Cannot resolve "${name}": DNS server "${server.host}" answered with code ${rcode}`, {
          code: "Unreachable",
          fault: "upstream",
        });
      } catch (error) {
        signal?.throwIfAborted();
        failure = error;
      }
    }
    throw failure;
  }

  /** Returns the records of `type` that `name` leads to, CNAMEs followed by the resolver. */
  async records(name: string, type: number, signal?: AbortSignal): Promise<readonly DnsRecord[]> {
    return (await this.ask(name, type, signal)).answers.filter((record) => record.type === type);
  }

  /** Returns where the CNAMEs of `name` lead: `name` itself when it has none. */
  async canonicalName(name: string, signal?: AbortSignal): Promise<string> {
    let current = name;
    for (let hop = 0; hop < CNAMES_MAX; hop++) {
      const answer = await this.ask(current, DNS_TYPE.cname, signal);
      const target = answer.answers.find((record) => record.type === DNS_TYPE.cname && record.name === current)?.target;
      if (target === undefined || target === "") return current;
      current = target;
    }
    throw new LintelError(`Cannot follow the CNAMEs of "${name}": there are more than ${CNAMES_MAX}`, {
      code: "BadConfig",
      fault: "user",
    });
  }

  /** Returns the zone that `name` is in: the nearest name above that has a SOA record. */
  async zoneOf(name: string, signal?: AbortSignal): Promise<string> {
    const answer = await this.ask(name, DNS_TYPE.soa, signal);
    const owner = [...answer.answers, ...answer.authorities].find((record) => record.type === DNS_TYPE.soa)?.name;
    if (owner !== undefined && owner !== "" && (name === owner || name.endsWith(`.${owner}`))) return owner;
    const parent = name.slice(name.indexOf(".") + 1);
    if (parent === name || !parent.includes(".")) {
      throw new LintelError(`Cannot find the DNS zone of "${name}": no name above it has a SOA record`, {
        code: "NotFound",
        fault: "user",
        hint: `Check that the domain of "${name}" is delegated`,
      });
    }
    return this.zoneOf(parent, signal);
  }

  /**
   * Returns the servers of the zone, or the configured ones, that do not show `value` in a TXT record of `name` yet: none
   * means that a CA will see it. An empty zone server list is a failure.
   */
  async lacking(
    name: string,
    value: string,
    options: { readonly nameservers: readonly string[]; readonly signal?: AbortSignal },
  ): Promise<readonly string[]> {
    const { signal, nameservers } = options;
    const recurse = nameservers.length > 0;
    const servers = recurse ? nameservers.map(parseDnsServer) : await this.#authoritative(name, signal);
    const results = await Promise.all(
      servers.slice(0, SERVERS_MAX).map(async (server) => {
        const asked = { name, type: DNS_TYPE.txt, recurse };
        const answer = await askDns(server, asked, { clock: this.#clock, protocol: "UDP", signal }).catch(
          () => undefined,
        );
        const found =
          answer?.answers.some((record) => record.type === DNS_TYPE.txt && txtOf(record) === value) ?? false;
        return found ? undefined : server.host;
      }),
    );
    return results.filter((host) => host !== undefined);
  }

  async #authoritative(name: string, signal?: AbortSignal): Promise<readonly DnsServer[]> {
    const zone = await this.zoneOf(name, signal);
    const hosts = (await this.records(zone, DNS_TYPE.ns, signal)).flatMap((record) => record.target ?? []);
    const addresses = await Promise.all(hosts.slice(0, SERVERS_MAX).map((host) => this.#addressOf(host, signal)));
    const found = addresses.filter((address) => address !== undefined);
    if (found.length > 0) return found.map((host) => ({ host, port: this.#authoritativePort }));
    throw new LintelError(`Cannot check the DNS of "${name}": the servers of zone "${zone}" have no addresses`, {
      code: "NotFound",
      fault: "upstream",
    });
  }

  async #addressOf(host: string, signal?: AbortSignal): Promise<string | undefined> {
    const [four] = await this.records(host, DNS_TYPE.a, signal);
    return four === undefined ? undefined : [...four.data].join(".");
  }
}
