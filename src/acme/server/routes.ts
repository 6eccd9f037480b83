import { changeKey, listOrders, newAccount, updateAccount } from "./account-handlers.ts";
import type { AccountCall, Reply, ServerParts, SignedCall } from "./call.ts";
import { revokeCertificate } from "./certificate-handlers.ts";
import {
  answerChallenge,
  finalizeOrder,
  newOrder,
  readAuthorization,
  readCertificate,
  readOrder,
} from "./order-handlers.ts";
import { ServerProblem } from "./server-problem.ts";

/** What answers a signed request. `ids` are the variable parts of its path, in order. */
export type Handler = (
  parts: ServerParts,
  call: SignedCall,
  ids: readonly string[],
  query: URLSearchParams,
) => Reply | Promise<Reply>;

/** Every resource that takes a signed request, below the server's base path; `:` stands for any one part. */
const ROUTES: readonly (readonly [string, Handler])[] = [
  ["new-account", (parts, call) => newAccount(parts, byKey(call))],
  ["new-order", (parts, call) => newOrder(parts, byAccount(call))],
  ["key-change", (parts, call) => changeKey(parts, byAccount(call))],
  ["revoke-certificate", (parts, call) => revokeCertificate(parts, call)],
  ["account/:", (parts, call, [id = ""]) => updateAccount(parts, byAccount(call), id)],
  ["account/:/orders", (parts, call, [id = ""], query) => listOrders(parts, read(call), id, query.get("cursor") ?? "")],
  ["order/:", (parts, call, [id = ""]) => readOrder(parts, read(call), id)],
  ["order/:/finalize", (parts, call, [id = ""]) => finalizeOrder(parts, byAccount(call), id)],
  ["authorization/:", (parts, call, [id = ""]) => readAuthorization(parts, byAccount(call), id)],
  ["challenge/:/:", (parts, call, [id = "", second = ""]) => answerChallenge(parts, byAccount(call), id, second)],
  ["certificate/:", (parts, call, [id = ""]) => readCertificate(parts, read(call), id)],
];

/** Returns what answers signed requests to `path`, relative to the base path, or undefined when nothing is there. */
export function routeOf(path: string): { readonly handler: Handler; readonly ids: readonly string[] } | undefined {
  const given = path.split("/");
  for (const [pattern, handler] of ROUTES) {
    const wanted = pattern.split("/");
    const fits = wanted.length === given.length && wanted.every((part, at) => part === ":" || part === given[at]);
    if (fits) return { handler, ids: given.filter((_part, at) => wanted[at] === ":") };
  }
  return undefined;
}

function byAccount(call: SignedCall): AccountCall {
  const { account } = call;
  if (account === undefined) {
    throw new ServerProblem(400, "malformed", "The JWS of this request must name its account as kid");
  }
  return { ...call, account };
}

function byKey(call: SignedCall): SignedCall {
  if (call.account === undefined) return call;
  throw new ServerProblem(400, "malformed", "The JWS of this request must carry its key as jwk");
}

/** RFC 8555 section 6.3. */
function read(call: SignedCall): AccountCall {
  if (call.payload === undefined) return byAccount(call);
  throw new ServerProblem(400, "malformed", "The payload of a POST-as-GET must be empty");
}
