import { createHmac } from "node:crypto";
import {
  affinityCookie,
  type AffinityState,
  type EndpointTokens,
  isAffinityValue,
  pickByAffinity,
} from "../routing/affinity.ts";
import { cookieValue } from "../routing/cookie-value.ts";
import type { Backend, CookieAffinity, Endpoint } from "../routing/snapshot.ts";
import type { Exchange } from "./exchange.ts";

/** Characters of a token: 64 bits. */
const TOKEN_CHARS = 16;

const known = new WeakMap<Backend, EndpointTokens>();

/** One request of a client that is kept with an endpoint by a cookie. Reads what it needs of the head when it is made. */
export class AffinitySession {
  readonly #affinity: CookieAffinity;
  readonly #backend: Backend;
  readonly #exchange: Exchange;
  /** Of the client's cookie; undefined when it has none of ours. */
  readonly #value: string | undefined;
  readonly #userAgent: string;
  #newValue: string | undefined;

  constructor(affinity: CookieAffinity, backend: Backend, exchange: Exchange) {
    const { downstream } = exchange;
    const value = cookieValue(downstream.header("cookie") ?? "", affinity.name);
    this.#affinity = affinity;
    this.#backend = backend;
    this.#exchange = exchange;
    this.#value = isAffinityValue(value) ? value : undefined;
    this.#userAgent = affinity.unlessMisread ? (downstream.header("user-agent") ?? "") : "";
  }

  /** Returns the endpoint for the next attempt. */
  pick(state: AffinityState, random: () => number): Endpoint | undefined {
    const tokens = tokensOf(this.#backend);
    const choice = pickByAffinity(this.#affinity, {
      backend: this.#backend,
      state,
      tokens,
      value: this.#value,
      random,
    });
    this.#newValue = choice?.value;
    return choice?.endpoint;
  }

  /** Returns the Set-Cookie header's value for the endpoint picked last; undefined when the client has the right cookie. */
  cookie(nowMs: number): string | undefined {
    if (this.#newValue === undefined) return undefined;
    const { secure } = this.#exchange;
    return affinityCookie(this.#affinity, this.#newValue, { nowMs, secure, userAgent: this.#userAgent });
  }
}

/** With a key nobody outside knows, a token cannot be turned into an address by trying addresses. */
function tokensOf(backend: Backend): EndpointTokens {
  const made = known.get(backend);
  if (made !== undefined) return made;
  const byToken = new Map<string, Endpoint>();
  const byEndpoint = new Map<Endpoint, string>();
  for (const endpoint of backend.endpoints) {
    const name = `${endpoint.address} ${endpoint.port}`;
    const digest = createHmac("sha256", backend.affinityKey ?? backend.id)
      .update(name)
      .digest("hex");
    const token = digest.slice(0, TOKEN_CHARS);
    byToken.set(token, endpoint);
    byEndpoint.set(endpoint, token);
  }
  const tokens: EndpointTokens = {
    of: (endpoint) => byEndpoint.get(endpoint) ?? "",
    endpoint: (token) => byToken.get(token),
  };
  known.set(backend, tokens);
  return tokens;
}
