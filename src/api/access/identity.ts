/** Who sends a request, as far as it was proven. */
export interface Identity {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** The group whose members may do everything. */
export const MASTERS = "system:masters";
/** The group of all who proved who they are. */
export const AUTHENTICATED = "system:authenticated";

/** Whoever has the token of the instance. */
export const ADMIN: Identity = { username: "lintel-admin", groups: [MASTERS, AUTHENTICATED] };

const SERVICE_ACCOUNT = "system:serviceaccount:";

/** Returns who a ServiceAccount is in requests. */
export function serviceAccountIdentity(namespace: string, name: string, uid?: string): Identity {
  return {
    username: `${SERVICE_ACCOUNT}${namespace}:${name}`,
    ...(uid === undefined ? {} : { uid }),
    groups: serviceAccountGroups(namespace),
  };
}

function serviceAccountGroups(namespace: string): readonly string[] {
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, AUTHENTICATED];
}

/** Returns the namespace and name of a ServiceAccount by its username, or undefined for another user. */
export function parseServiceAccount(
  username: string,
): { readonly namespace: string; readonly name: string } | undefined {
  if (!username.startsWith(SERVICE_ACCOUNT)) return undefined;
  const [namespace = "", name = "", ...more] = username.slice(SERVICE_ACCOUNT.length).split(":");
  return namespace === "" || name === "" || more.length > 0 ? undefined : { namespace, name };
}
