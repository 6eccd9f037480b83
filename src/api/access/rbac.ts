import { arrayAt, recordAt, stringAt, stringsAt } from "../../ground/json.ts";
import { CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import type { Store } from "../../store/contract.ts";
import { MASTERS, parseServiceAccount, type Identity } from "./identity.ts";

/** What somebody wants to do. */
export type Wish =
  | {
      readonly to: "resource";
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      /** Empty for none. */
      readonly subresource: string;
      /** Empty for all namespaces and cluster-scoped kinds. */
      readonly namespace: string;
      /** Empty for collections. */
      readonly name: string;
    }
  | { readonly to: "path"; readonly verb: string; readonly path: string };

/** One rule of a role. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** Whether a wish is granted, and by which binding. */
export interface Verdict {
  readonly allowed: boolean;
  readonly reason: string;
}

/**
 * Role-based access control: members of `system:masters` may do everything, everybody else what the Roles and ClusterRoles
 * grant that are bound to them, and nothing more.
 */
export class RoleAuthorizer {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Returns whether `identity` may do what it wishes. */
  async decide(identity: Identity, wish: Wish): Promise<Verdict> {
    if (identity.groups.includes(MASTERS)) return { allowed: true, reason: "" };
    const namespace = wish.to === "resource" ? wish.namespace : "";
    for (const grant of await this.#grants(identity, namespace)) {
      if (grant.rules.some((rule) => grants(rule, wish))) return { allowed: true, reason: grant.reason };
    }
    return { allowed: false, reason: "" };
  }

  /** Returns the rules that hold for `identity` in a namespace, those of the whole cluster first. */
  async rulesOf(identity: Identity, namespace: string): Promise<readonly PolicyRule[]> {
    if (identity.groups.includes(MASTERS)) return EVERYTHING;
    return (await this.#grants(identity, namespace)).flatMap((grant) => grant.rules);
  }

  async #grants(
    identity: Identity,
    namespace: string,
  ): Promise<readonly { readonly rules: readonly PolicyRule[]; readonly reason: string }[]> {
    const everywhere = (await this.#store.list(CLUSTER_ROLE_BINDING)).items;
    const here = namespace === "" ? [] : (await this.#store.list(ROLE_BINDING, { namespace })).items;
    const bound = [...everywhere, ...here].filter((binding) => binds(binding, identity));
    return Promise.all(
      bound.map(async (binding) => ({ rules: await this.#rulesOfRole(binding), reason: reasonOf(binding, identity) })),
    );
  }

  async #rulesOfRole(binding: KubeObject): Promise<readonly PolicyRule[]> {
    const reference = recordAt(binding, "roleRef");
    const name = stringAt(reference, "name") ?? "";
    const isOfNamespace = stringAt(reference, "kind") === "Role";
    const role = isOfNamespace
      ? await this.#store.get(ROLE, binding.metadata.namespace ?? "", name)
      : await this.#store.get(CLUSTER_ROLE, "", name);
    return role === undefined ? [] : rulesIn(role);
  }
}

const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"], resourceNames: [], nonResourceURLs: [] },
  { verbs: ["*"], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: ["*"] },
];

/** Returns the rules of a Role or ClusterRole. */
export function rulesIn(role: Readonly<Record<string, unknown>>): readonly PolicyRule[] {
  return arrayAt(role, "rules").map((rule) => ({
    verbs: stringsAt(rule, "verbs"),
    apiGroups: stringsAt(rule, "apiGroups"),
    resources: stringsAt(rule, "resources"),
    resourceNames: stringsAt(rule, "resourceNames"),
    nonResourceURLs: stringsAt(rule, "nonResourceURLs"),
  }));
}

/** Returns whether one rule grants a wish. */
export function grants(rule: PolicyRule, wish: Wish): boolean {
  if (!includes(rule.verbs, wish.verb)) return false;
  if (wish.to === "path") return rule.nonResourceURLs.some((url) => matchesPath(url, wish.path));
  const wanted = wish.subresource === "" ? wish.resource : `${wish.resource}/${wish.subresource}`;
  const isResource =
    includes(rule.resources, wanted) || (wish.subresource !== "" && rule.resources.includes(`*/${wish.subresource}`));
  const isNamed = rule.resourceNames.length === 0 || (wish.name !== "" && rule.resourceNames.includes(wish.name));
  return isResource && isNamed && includes(rule.apiGroups, wish.group);
}

function includes(granted: readonly string[], wanted: string): boolean {
  return granted.includes("*") || granted.includes(wanted);
}

function matchesPath(granted: string, path: string): boolean {
  return granted === "*" || granted === path || (granted.endsWith("*") && path.startsWith(granted.slice(0, -1)));
}

function binds(binding: KubeObject, identity: Identity): boolean {
  return arrayAt(binding, "subjects").some((subject) => isSubject(subject, identity, binding.metadata.namespace ?? ""));
}

function isSubject(subject: unknown, identity: Identity, namespace: string): boolean {
  const name = stringAt(subject, "name") ?? "";
  switch (stringAt(subject, "kind") ?? "") {
    case "User":
      return name === identity.username;
    case "Group":
      return identity.groups.includes(name);
    case "ServiceAccount": {
      const account = parseServiceAccount(identity.username);
      return account?.name === name && account.namespace === (stringAt(subject, "namespace") ?? namespace);
    }
    default:
      return false;
  }
}

function reasonOf(binding: KubeObject, identity: Identity): string {
  const { name, namespace } = binding.metadata;
  const where = namespace === undefined ? name : `${name}/${namespace}`;
  const reference = recordAt(binding, "roleRef");
  const subject = arrayAt(binding, "subjects").find((entry) => isSubject(entry, identity, namespace ?? ""));
  const account = stringAt(subject, "kind") === "ServiceAccount" ? `/${stringAt(subject, "namespace") ?? ""}` : "";
  const who = `${stringAt(subject, "kind") ?? ""} "${stringAt(subject, "name") ?? ""}${account}"`;
  return `RBAC: allowed by ${binding.kind} "${where}" of ${stringAt(reference, "kind") ?? ""} "${stringAt(reference, "name") ?? ""}" to ${who}`;
}
