import type { Backend, Host, PathMatch, Route, RoutePolicy, Snapshot } from "./snapshot.ts";
import { EMPTY_SNAPSHOT } from "./snapshot.ts";

/** A policy with the defaults of translation, for tests that do not care. */
export const TEST_POLICY: RoutePolicy = {
  connectTimeoutMs: 5000,
  readTimeoutMs: 60_000,
  sendTimeoutMs: 60_000,
  attemptsMax: 3,
};

/** A route to the backend of its own name. Does not imitate translation: the path is taken as it is. */
export function testRoute(id: string, path: PathMatch): Route {
  return {
    id,
    source: { kind: "Ingress", namespace: "test", name: id },
    path,
    action: { kind: "forward", targets: [{ backend: id, weight: 1 }] },
    policy: TEST_POLICY,
  };
}

/** A snapshot with these routes by host key, in the order given. */
export function testSnapshot(hosts: Readonly<Record<string, readonly Route[]>>): Snapshot {
  const entries = Object.entries(hosts).map(([host, routes]): [string, Host] => [host, { host, routes }]);
  return { ...EMPTY_SNAPSHOT, generation: 1, hosts: new Map(entries) };
}

/** A backend with these endpoints, as `address:port`. IPv4 and names only. */
export function testBackend(balance: Backend["balance"], endpoints: readonly string[]): Backend {
  return {
    id: "test/web:80",
    protocol: "http",
    balance,
    endpoints: endpoints.map((text) => {
      const colon = text.lastIndexOf(":");
      return { address: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
    }),
  };
}
