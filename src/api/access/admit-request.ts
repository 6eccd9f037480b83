import type { ApiIncoming, ApiRequest } from "../request.ts";
import type { ApiRoute } from "../route.ts";
import { ApiStatusError, forbidden } from "../status.ts";
import type { Authenticator } from "./authenticate.ts";
import { AUTHENTICATED, parseServiceAccount, serviceAccountIdentity, type Identity } from "./identity.ts";
import type { RoleAuthorizer, Wish } from "./rbac.ts";
import { wishOf } from "./wish-of.ts";

const USER = "impersonate-user";
const GROUP = "impersonate-group";
const UID = "impersonate-uid";
const EXTRA = "impersonate-extra-";

/**
 * Returns who a request is from, or whom it speaks for by `Impersonate-…` headers. Throws Unauthorized or Forbidden unless that one
 * may do what the request wishes.
 */
export async function admitRequest(
  access: { readonly authenticator: Authenticator; readonly authorizer: RoleAuthorizer },
  route: ApiRoute,
  request: ApiRequest,
  incoming: ApiIncoming,
): Promise<Identity> {
  const sender = await access.authenticator.identify(request.header("authorization"), incoming.socket);
  const identity = await impersonated(access.authorizer, sender, incoming);
  const wish = wishOf(route, request);
  const { allowed } = await access.authorizer.decide(identity, wish);
  if (!allowed) throw refusal(identity, wish);
  return identity;
}

/** 403: what `identity` wishes is not granted. */
export function refusal(identity: Identity, wish: Wish): ApiStatusError {
  const user = `User ${JSON.stringify(identity.username)}`;
  if (wish.to === "path") {
    const message = `forbidden: ${user} cannot ${wish.verb} path ${JSON.stringify(wish.path)}`;
    return new ApiStatusError(403, "Forbidden", message, {});
  }
  const resource = wish.subresource === "" ? wish.resource : `${wish.resource}/${wish.subresource}`;
  const where = wish.namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(wish.namespace)}`;
  const why = `${user} cannot ${wish.verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(wish.group)} ${where}`;
  return forbidden({ group: wish.group, plural: wish.resource, kind: "" }, wish.name, why);
}

/** The values of each header by its lower-case name, from names and values in turn. */
function distinctHeaders(raw: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const distinct = new Map<string, string[]>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? "").toLowerCase();
    distinct.set(name, [...(distinct.get(name) ?? []), raw[index + 1] ?? ""]);
  }
  return distinct;
}

/** Each part of whom the sender speaks for must be granted to it. */
async function impersonated(authorizer: RoleAuthorizer, sender: Identity, incoming: ApiIncoming): Promise<Identity> {
  const headers = distinctHeaders(incoming.rawHeaders);
  const [username = ""] = headers.get(USER) ?? [];
  const groups = headers.get(GROUP) ?? [];
  const [uid] = headers.get(UID) ?? [];
  const extra = [...headers]
    .filter(([name]) => name.startsWith(EXTRA))
    .map(([name, values]): [string, readonly string[]] => [decodeURIComponent(name.slice(EXTRA.length)), values]);
  if (username === "") {
    if (groups.length === 0 && uid === undefined && extra.length === 0) return sender;
    const message = 'requested [{Group}] without impersonating a user: the header "Impersonate-User" is missing';
    throw new ApiStatusError(500, "InternalError", `Internal error occurred: ${message}`);
  }
  const account = parseServiceAccount(username);
  await assertGranted(authorizer, sender, [
    account === undefined
      ? impersonating("users", username)
      : impersonating("serviceaccounts", account.name, { namespace: account.namespace }),
    ...groups.map((group) => impersonating("groups", group)),
    ...(uid === undefined ? [] : [impersonating("uids", uid, { group: AUTHENTICATION })]),
    ...extra.flatMap(([key, values]) =>
      values.map((value) => impersonating("userextras", value, { group: AUTHENTICATION, subresource: key })),
    ),
  ]);
  const standard = account === undefined ? [] : serviceAccountIdentity(account.namespace, account.name).groups;
  const own = groups.length === 0 ? standard : groups;
  return {
    username,
    ...(uid === undefined ? {} : { uid }),
    groups: username === "system:anonymous" ? own : [...new Set([...own, AUTHENTICATED])],
    ...(extra.length === 0 ? {} : { extra: Object.fromEntries(extra) }),
  };
}

const AUTHENTICATION = "authentication.k8s.io";

function impersonating(
  resource: string,
  name: string,
  more: { readonly namespace?: string; readonly group?: string; readonly subresource?: string } = {},
): Wish {
  const { namespace = "", group = "", subresource = "" } = more;
  return { to: "resource", verb: "impersonate", group, resource, subresource, namespace, name };
}

async function assertGranted(authorizer: RoleAuthorizer, sender: Identity, wishes: readonly Wish[]): Promise<void> {
  for (const wish of wishes) {
    if (!(await authorizer.decide(sender, wish)).allowed) throw refusal(sender, wish);
  }
}
