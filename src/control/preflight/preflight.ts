import { createHttp01Dialer } from "../../acme/server/http01-dialer.ts";
import type { Resolver } from "../../acme/dns/resolver.ts";
import { HTTP01_PATH } from "../../acme/key-authorization.ts";
import { isPrivateAddress, nameFacts } from "../../acme/preflight/name-facts.ts";
import type { Clock } from "../../ground/clock.ts";
import { messageOf } from "../../ground/errors.ts";
import { isOnThisMachine } from "../acme-limits/ca-limits.ts";
import { findingFor, selfCheckFinding, type Finding } from "./decide.ts";

/** A name that is about to be proven to a CA. */
export interface NameToCheck {
  /** Without `*.`. */
  readonly name: string;
  readonly wildcard: boolean;
  /** `http-01` and the like. */
  readonly method: string;
}

/** The CA as the preflight needs to know it. */
export interface CaToAsk {
  readonly directoryUrl: string;
  /** How it calls itself in CAA records. */
  readonly caaIdentities: readonly string[];
  readonly accountUrl: string | undefined;
}

/** Looks at what a CA will look at, before an attempt is spent. Finds nothing where it is not meant to look. */
export interface Preflight {
  /** What speaks against ordering: DNS and CAA of each name; the first finding counts. */
  beforeOrder(ca: CaToAsk, names: readonly NameToCheck[], signal: AbortSignal): Promise<Finding | undefined>;
  /** What speaks against validation by HTTP-01: the token is not found through the name. */
  beforeValidation(
    ca: Pick<CaToAsk, "directoryUrl">,
    proof: { readonly name: string; readonly token: string; readonly key: string },
    signal: AbortSignal,
  ): Promise<Finding | undefined>;
}

/** When a preflight looks: `auto` leaves out CAs on this machine, which see what this machine sees. */
export type PreflightWhen = "auto" | "always" | "off";

/** How {@link NetworkPreflight} looks. */
export interface PreflightOptions {
  readonly clock: Clock;
  readonly when: PreflightWhen;
  readonly resolver: Pick<Resolver, "ask" | "records" | "canonicalName">;
  /** Where HTTP is expected. @default 80 */
  readonly httpPort?: number;
}

/** Names looked at of one order; the rest is left to the CA. */
const NAMES_MAX = 100;
/** One look at everything. */
const LOOK_MS_MAX = 10_000;
const SEEN_CHARACTERS_MAX = 80;

/** Never looks. */
export const NO_PREFLIGHT: Preflight = {
  beforeOrder: () => Promise.resolve(undefined),
  beforeValidation: () => Promise.resolve(undefined),
};

/** The preflight over the network. */
export class NetworkPreflight implements Preflight {
  readonly #options: PreflightOptions;

  constructor(options: PreflightOptions) {
    this.#options = options;
  }

  async beforeOrder(ca: CaToAsk, names: readonly NameToCheck[], signal: AbortSignal): Promise<Finding | undefined> {
    if (!this.#looksAt(ca.directoryUrl)) return undefined;
    return this.#within(signal, async (bounded) => {
      const { resolver } = this.#options;
      const caHost = URL.parse(ca.directoryUrl)?.hostname.replace(/^\[(.*)\]$/, "$1") ?? "";
      const [caFacts, ...facts] = await Promise.all(
        [caHost, ...names.slice(0, NAMES_MAX).map(({ name }) => name)].map((name) =>
          nameFacts(resolver, name, bounded),
        ),
      );
      const caIsPublic = caFacts?.addresses.some((address) => !isPrivateAddress(address)) ?? false;
      for (const [at, dns] of facts.entries()) {
        const { wildcard = false, method = "" } = names[at] ?? {};
        const wish = { identities: ca.caaIdentities, wildcard, accountUrl: ca.accountUrl, method };
        const finding = findingFor({ dns, wish, caIsPublic, isPrivate: isPrivateAddress });
        if (finding !== undefined) return finding;
      }
      return undefined;
    });
  }

  async beforeValidation(
    ca: Pick<CaToAsk, "directoryUrl">,
    proof: { readonly name: string; readonly token: string; readonly key: string },
    signal: AbortSignal,
  ): Promise<Finding | undefined> {
    if (!this.#looksAt(ca.directoryUrl)) return undefined;
    return this.#within(signal, (bounded) => this.#selfCheck(proof, bounded));
  }

  async #selfCheck(
    { name, token, key }: { readonly name: string; readonly token: string; readonly key: string },
    signal: AbortSignal,
  ): Promise<Finding | undefined> {
    const { resolver, httpPort } = this.#options;
    const dial = createHttp01Dialer({
      port: httpPort,
      addressesOf: async (host) => (await nameFacts(resolver, host, signal)).addresses,
    });
    try {
      const answer = await dial(name, `${HTTP01_PATH}${token}`, { signal });
      if (answer.status === 200 && answer.body.trimEnd() === key) return undefined;
      const body = answer.body
        .replaceAll(/[\p{Cc}\s]+/gu, " ")
        .trim()
        .slice(0, SEEN_CHARACTERS_MAX);
      const said = body === "" ? "" : ` and "${body}"`;
      return selfCheckFinding(name, `${answer.address ?? "something"} answers with status ${answer.status}${said}`);
    } catch (error) {
      signal.throwIfAborted();
      return selfCheckFinding(name, messageOf(error));
    }
  }

  #looksAt(directoryUrl: string): boolean {
    const { when } = this.#options;
    if (when !== "auto") return when === "always";
    return !isOnThisMachine(URL.parse(directoryUrl)?.hostname ?? "");
  }

  /** A look that takes too long found nothing: it must never be what keeps a certificate from being issued. */
  async #within(
    signal: AbortSignal,
    look: (signal: AbortSignal) => Promise<Finding | undefined>,
  ): Promise<Finding | undefined> {
    const tooLong = new AbortController();
    const timer = this.#options.clock.timer(LOOK_MS_MAX, () => tooLong.abort());
    try {
      return await look(AbortSignal.any([signal, tooLong.signal]));
    } catch (error) {
      signal.throwIfAborted();
      if (tooLong.signal.aborted) return undefined;
      throw error;
    } finally {
      timer.cancel();
    }
  }
}
