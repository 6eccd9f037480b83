import { randomInt } from "node:crypto";
import type { Clock } from "../../ground/clock.ts";
import { LintelError } from "../../ground/errors.ts";
import { askDns, exchangeDns, type DnsServer } from "../dns/dns-exchange.ts";
import {
  decodeDnsMessage,
  DNS_CLASS,
  DNS_FLAG,
  DNS_TYPE,
  type DnsRecord,
  encodeDnsMessage,
  rcodeOf,
  txtData,
} from "../dns/dns-message.ts";
import { signDnsMessage, type TsigKey, verifyDnsAnswer } from "../dns/tsig.ts";
import { CHALLENGE_TTL_SECONDS, type ChallengeRecord, type DnsSolver } from "./dns-solver.ts";

const RCODES: Readonly<Record<number, string>> = {
  1: "the message was malformed (FORMERR)",
  2: "it failed (SERVFAIL)",
  4: "it takes no updates (NOTIMP)",
  5: "it refused the update (REFUSED): allow the key to update the zone",
  9: "it is not the server of the zone, or does not know the key (NOTAUTH)",
  10: "the name is not in the zone (NOTZONE)",
};

/** Changes a zone by dynamic updates (RFC 2136), signed when there is a key (RFC 8945). */
export class Rfc2136Solver implements DnsSolver {
  readonly provider = "RFC 2136";
  readonly #options: {
    readonly clock: Clock;
    readonly server: DnsServer;
    readonly protocol: "TCP" | "UDP";
    readonly key: TsigKey | undefined;
  };

  constructor(options: {
    readonly clock: Clock;
    readonly server: DnsServer;
    readonly protocol: "TCP" | "UDP";
    readonly key: TsigKey | undefined;
  }) {
    this.#options = options;
  }

  async present(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    await this.#update(record, { dnsClass: DNS_CLASS.internet, ttl: CHALLENGE_TTL_SECONDS }, signal);
  }

  /** Only this value is removed (RFC 2136 section 2.5.4). */
  async cleanup(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    await this.#update(record, { dnsClass: DNS_CLASS.none, ttl: 0 }, signal);
  }

  async #update(
    { name, value }: ChallengeRecord,
    change: Pick<DnsRecord, "dnsClass" | "ttl">,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, server, key } = this.#options;
    const zone = await this.#zoneOf(name, signal);
    const message = encodeDnsMessage({
      id: randomInt(65_536),
      flags: DNS_FLAG.update,
      questions: [{ name: zone, type: DNS_TYPE.soa, dnsClass: DNS_CLASS.internet }],
      answers: [],
      authorities: [{ name, type: DNS_TYPE.txt, ...change, data: txtData(value) }],
      additionals: [],
    });
    const options = { clock, protocol: this.#options.protocol, signal };
    let answer: Buffer;
    if (key === undefined) answer = await exchangeDns(server, message, options);
    else {
      const { signed, mac } = signDnsMessage(message, key, clock.nowMs());
      answer = await exchangeDns(server, signed, options);
      verifyDnsAnswer(answer, key, mac, clock.nowMs());
    }
    const rcode = rcodeOf(decodeDnsMessage(answer));
    if (rcode === 0) return;
    throw new LintelError(
      `Cannot update zone "${zone}" at DNS server "${server.host}:${server.port}": ${RCODES[rcode] ?? `it answered with code ${rcode}`}`,
      { code: "BadConfig", fault: "user" },
    );
  }

  /** The server itself knows best which of its zones a name is in. */
  async #zoneOf(name: string, signal: AbortSignal): Promise<string> {
    const { clock, server, protocol } = this.#options;
    for (let at = name; at.includes("."); at = at.slice(at.indexOf(".") + 1)) {
      const asked = { name: at, type: DNS_TYPE.soa, recurse: false };
      const answer = await askDns(server, asked, { clock, protocol, signal });
      const soa = [...answer.answers, ...answer.authorities].find((record) => record.type === DNS_TYPE.soa);
      if (soa !== undefined && soa.name !== "" && `.${name}`.endsWith(`.${soa.name}`)) return soa.name;
    }
    throw new LintelError(
      `Cannot update "${name}" at DNS server "${server.host}:${server.port}": it has no zone of it`,
      {
        code: "BadConfig",
        fault: "user",
        hint: "Set rfc2136.nameserver to the primary server of the zone",
      },
    );
  }
}
