import type { Backend, Endpoint, WeightedTarget } from "./snapshot.ts";

/** What balancing must remember of one backend between requests. The owner keeps it; a new one may start anywhere. */
export interface BalanceState {
  /** Advanced by each round-robin pick; any whole number is valid, so that it survives a change of endpoints. */
  cursor: number;
  /**
   * The cost of giving this endpoint one more request: requests in flight for `least-request`, expected latency for
   * `ewma`. Never negative. Not called for the other ways.
   */
  load(endpoint: Endpoint): number;
  /** Whether to prefer any other endpoint: it failed lately, or this request has tried it. */
  avoid(endpoint: Endpoint): boolean;
}

/**
 * Returns the target for one request, with a chance proportional to its weight; undefined when no target has a weight
 * above 0. `random` gives numbers in [0, 1) and is not called when there is no choice.
 */
export function pickTarget(targets: readonly WeightedTarget[], random: () => number): WeightedTarget | undefined {
  const first = targets[0];
  if (targets.length === 1 && first !== undefined) return first.weight > 0 ? first : undefined;
  let total = 0;
  for (const target of targets) if (target.weight > 0) total += target.weight;
  if (total === 0) return undefined;
  let rest = random() * total;
  let last: WeightedTarget | undefined;
  for (const target of targets) {
    if (target.weight <= 0) continue;
    last = target;
    rest -= target.weight;
    if (rest < 0) return target;
  }
  return last;
}

/**
 * Returns the endpoint for one request by the backend's way of balancing; undefined only when it has no endpoints.
 * Endpoints to avoid are taken only when there is no other: a failing one is better than none.
 *
 * - `round-robin`: in turn.
 * - `least-request`, `ewma`: the cheaper of two taken at random, so that many workers do not rush to the same one.
 * - `hash`: the same endpoint for the same `key` while it exists; without a key, in turn.
 */
export function pickEndpoint(
  backend: Backend,
  state: BalanceState,
  random: () => number,
  key?: string,
): Endpoint | undefined {
  const { endpoints } = backend;
  if (endpoints.length <= 1) return endpoints[0];
  switch (backend.balance) {
    case "round-robin":
      return pickInTurn(endpoints, state);
    case "least-request":
    case "ewma":
      return pickCheaperOfTwo(endpoints, state, random);
    case "hash":
      return key === undefined
        ? pickInTurn(endpoints, state)
        : pickByHash(endpoints, (endpoint) => state.avoid(endpoint), key);
    default:
      return backend.balance satisfies never;
  }
}

/** Equal shares are smooth when simply taken in turn: any `n` requests in a row reach `n` different endpoints. */
function pickInTurn(endpoints: readonly Endpoint[], state: BalanceState): Endpoint | undefined {
  const count = endpoints.length;
  const start = ((state.cursor % count) + count) % count;
  for (let step = 0; step < count; step++) {
    const index = (start + step) % count;
    const endpoint = endpoints[index];
    if (endpoint === undefined || state.avoid(endpoint)) continue;
    state.cursor = index + 1;
    return endpoint;
  }
  state.cursor = start + 1;
  return endpoints[start];
}

function pickCheaperOfTwo(
  endpoints: readonly Endpoint[],
  state: BalanceState,
  random: () => number,
): Endpoint | undefined {
  const count = endpoints.length;
  const firstIndex = Math.floor(random() * count);
  // The second is drawn among the others, so the two are never the same.
  const secondIndex = (firstIndex + 1 + Math.floor(random() * (count - 1))) % count;
  const first = endpoints[firstIndex];
  const second = endpoints[secondIndex];
  if (first === undefined || second === undefined) return first ?? second;
  const avoidFirst = state.avoid(first);
  const avoidSecond = state.avoid(second);
  if (avoidFirst && avoidSecond) return pickInTurn(endpoints, state);
  if (avoidFirst !== avoidSecond) return avoidFirst ? second : first;
  return state.load(second) < state.load(first) ? second : first;
}

/**
 * Returns the endpoint of `key`, by rendezvous hashing: removing an endpoint moves only the keys it had. One to `avoid` is
 * taken only when all are.
 */
export function pickByHash(
  endpoints: readonly Endpoint[],
  avoid: (endpoint: Endpoint) => boolean,
  key: string,
): Endpoint | undefined {
  let best: Endpoint | undefined;
  let bestScore = -1;
  let bestAvoided = true;
  for (const endpoint of endpoints) {
    const score = hash(key, endpoint);
    const avoided = avoid(endpoint);
    if ((bestAvoided && !avoided) || (bestAvoided === avoided && score > bestScore)) {
      best = endpoint;
      bestScore = score;
      bestAvoided = avoided;
    }
  }
  return best;
}

/** FNV-1a with a final mix (murmur3's), over the key, the address and the port. Not for secrets. */
function hash(key: string, endpoint: Endpoint): number {
  let value = fnv(0x811c9dc5, key);
  value = fnv(value, endpoint.address);
  value = Math.imul(value ^ endpoint.port, 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

function fnv(seed: number, text: string): number {
  let value = seed;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value;
}
