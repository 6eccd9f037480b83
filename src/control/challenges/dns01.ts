import { DNS_TYPE, txtOf } from "../../acme/dns/dns-message.ts";
import { Resolver } from "../../acme/dns/resolver.ts";
import { isPersistentRecord, PERSISTENT_LABEL } from "../../acme/persistent-record.ts";
import type { ChallengeRecord, DnsSolver } from "../../acme/solvers/dns-solver.ts";
import { openSolver } from "../../acme/solvers/open-solver.ts";
import type { Clock } from "../../ground/clock.ts";
import { LintelError } from "../../ground/errors.ts";
import { arrayAt, recordAt, stringAt } from "../../ground/json.ts";
import { base64At } from "../../resource/certificate-request.ts";
import type { Challenge } from "../../resource/challenge.ts";
import { SECRET } from "../../resource/kind.ts";
import type { Store } from "../../store/contract.ts";

/** Proves names by DNS for the challenges controller. Each call stands alone: any process may make it, any number of times. */
export interface Dns01 {
  /** Resolves with the provider's name when it has taken the record. */
  present(challenge: Challenge, signal: AbortSignal): Promise<string>;
  /** Resolves when the record is gone at the provider. */
  cleanup(challenge: Challenge, signal: AbortSignal): Promise<void>;
  /** Resolves with whether DNS shows the record of a DNS-PERSIST-01 challenge, which a person makes. */
  hasPersistentRecord(challenge: Challenge, signal: AbortSignal): Promise<boolean>;
  /** Resolves with the DNS servers that do not show the record yet. */
  lacking(challenge: Challenge, signal: AbortSignal): Promise<readonly string[]>;
}

/** How {@link Dns01} works in this process. */
export interface Dns01Options {
  /** Resolvers as `host:port` for CNAMEs, zones and checks, where a solver names none. @default the system's */
  readonly nameservers?: readonly string[];
  /** Whether a solver may run programs of this machine. @default false */
  readonly allowExec?: boolean;
}

/** The DNS providers of the issuers' solvers. */
export class Dns01Solvers implements Dns01 {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #clusterResourceNamespace: string;
  readonly #options: Dns01Options;

  constructor(options: {
    readonly store: Store;
    readonly clock: Clock;
    readonly clusterResourceNamespace: string;
    readonly dns01: Dns01Options;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#clusterResourceNamespace = options.clusterResourceNamespace;
    this.#options = options.dns01;
  }

  async present(challenge: Challenge, signal: AbortSignal): Promise<string> {
    const [solver, record] = await Promise.all([this.#solver(challenge), this.#record(challenge, signal)]);
    await solver.present(record, signal);
    return solver.provider;
  }

  async cleanup(challenge: Challenge, signal: AbortSignal): Promise<void> {
    const [solver, record] = await Promise.all([this.#solver(challenge), this.#record(challenge, signal)]);
    await solver.cleanup(record, signal);
  }

  async hasPersistentRecord(challenge: Challenge, signal: AbortSignal): Promise<boolean> {
    const name = `${PERSISTENT_LABEL}.${challenge.spec.dnsName}`;
    const records = await this.#resolver(challenge).records(name, DNS_TYPE.txt, signal);
    return records.some((record) => isPersistentRecord(txtOf(record), challenge.spec.key));
  }

  async lacking(challenge: Challenge, signal: AbortSignal): Promise<readonly string[]> {
    const { name, value } = await this.#record(challenge, signal);
    // Like a CA, the check follows CNAMEs, whoever made them.
    const resolver = this.#resolver(challenge);
    const at = await resolver.canonicalName(name, signal);
    return resolver.lacking(at, value, { nameservers: this.#nameservers(challenge), signal });
  }

  async #record(challenge: Challenge, signal: AbortSignal): Promise<ChallengeRecord> {
    const name = `_acme-challenge.${challenge.spec.dnsName}`;
    const follows = stringAt(configOf(challenge), "cnameStrategy") === "Follow";
    return {
      name: follows ? await this.#resolver(challenge).canonicalName(name, signal) : name,
      value: challenge.spec.key,
    };
  }

  #resolver(challenge: Challenge): Resolver {
    return new Resolver({ clock: this.#clock, nameservers: this.#nameservers(challenge) });
  }

  #nameservers(challenge: Challenge): readonly string[] {
    const { raw } = challenge.spec.solver;
    const named = [recordAt(raw, "dns01"), recordAt(raw, "dnsPersist01")].flatMap((config) =>
      arrayAt(config, "nameservers"),
    );
    const own = named.filter((entry) => typeof entry === "string");
    return own.length > 0 ? own : (this.#options.nameservers ?? []);
  }

  #solver(challenge: Challenge): Promise<DnsSolver> {
    const { issuerRef, dnsName } = challenge.spec;
    const namespace = issuerRef.kind === "ClusterIssuer" ? this.#clusterResourceNamespace : challenge.namespace;
    return openSolver({
      config: configOf(challenge),
      domain: dnsName,
      clock: this.#clock,
      allowExec: this.#options.allowExec ?? false,
      secret: async (name, key) => {
        const value = base64At((await this.#store.get(SECRET, namespace, name))?.["data"], key);
        if (value !== undefined) return value;
        throw new LintelError(`Cannot read entry "${key}" of Secret "${namespace}/${name}": it does not exist`, {
          code: "NotFound",
          fault: "user",
          hint: "Create it with the credentials of the DNS provider",
        });
      },
    });
  }
}

function configOf(challenge: Challenge): Readonly<Record<string, unknown>> {
  return recordAt(challenge.spec.solver.raw, "dns01");
}
