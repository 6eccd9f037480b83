import { recordAt, stringAt, stringsAt } from "../../ground/json.ts";
import { CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING, type Kind } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import type { Store } from "../../store/contract.ts";
import { forbidden } from "../status.ts";
import { MASTERS, type Identity } from "./identity.ts";
import { rulesIn, type PolicyRule, type RoleAuthorizer, type Wish } from "./rbac.ts";

/** Rules that name more combinations than this are granted by nobody but who may do everything. */
const COMBINATIONS_MAX = 10_000;

/**
 * Throws Forbidden when `object` is a role that says more, or a binding to a role that says more, than `identity` may do: nobody
 * may give what they do not have, unless they may `escalate` the role or `bind` to it.
 */
export async function assertNoEscalation(
  store: Store,
  authorizer: RoleAuthorizer,
  identity: Identity,
  kind: Kind,
  object: KubeObject,
): Promise<void> {
  const isRole = kind === ROLE || kind === CLUSTER_ROLE;
  if ((!isRole && kind !== ROLE_BINDING && kind !== CLUSTER_ROLE_BINDING) || identity.groups.includes(MASTERS)) return;
  const { name } = object.metadata;
  const namespace = object.metadata.namespace ?? "";
  const target = isRole ? { kind, name } : referredRole(object);
  const verb = isRole ? "escalate" : "bind";
  const wish: Wish = {
    to: "resource",
    verb,
    group: kind.group,
    resource: target.kind.plural,
    subresource: "",
    namespace,
    name: target.name,
  };
  if ((await authorizer.decide(identity, wish)).allowed) return;
  const role = isRole ? object : await store.get(target.kind, target.kind.namespaced ? namespace : "", target.name);
  for (const rule of role === undefined ? [NOBODY_HAS] : rulesIn(role)) {
    if (await covers(authorizer, identity, namespace, rule)) continue;
    const user = `user ${JSON.stringify(identity.username)} (groups=${JSON.stringify(identity.groups)})`;
    throw forbidden(kind, name, `${user} is attempting to grant RBAC permissions not currently held:\n${shown(rule)}`);
  }
  // What is gathered from other roles is not known by what is written here.
  if (isRole && object["aggregationRule"] !== undefined) {
    throw forbidden(kind, name, "must have cluster-admin privileges to use an aggregationRule");
  }
}

const NOBODY_HAS: PolicyRule = {
  verbs: ["*"],
  apiGroups: ["*"],
  resources: ["*"],
  resourceNames: [],
  nonResourceURLs: [],
};

function referredRole(binding: KubeObject): { readonly kind: Kind; readonly name: string } {
  const reference = recordAt(binding, "roleRef");
  return {
    kind: stringAt(reference, "kind") === "Role" ? ROLE : CLUSTER_ROLE,
    name: stringAt(reference, "name") ?? "",
  };
}

async function covers(
  authorizer: RoleAuthorizer,
  identity: Identity,
  namespace: string,
  rule: PolicyRule,
): Promise<boolean> {
  const names = rule.resourceNames.length === 0 ? [""] : rule.resourceNames;
  const count =
    rule.verbs.length * (rule.nonResourceURLs.length + rule.apiGroups.length * rule.resources.length * names.length);
  if (count > COMBINATIONS_MAX) return false;
  for (const verb of rule.verbs) {
    for (const path of rule.nonResourceURLs) {
      if (!(await authorizer.decide(identity, { to: "path", verb, path })).allowed) return false;
    }
    for (const group of rule.apiGroups) {
      for (const entry of rule.resources) {
        const [resource = "", subresource = ""] = entry.split("/");
        for (const name of names) {
          const wish: Wish = { to: "resource", verb, group, resource, subresource, namespace, name };
          if (!(await authorizer.decide(identity, wish)).allowed) return false;
        }
      }
    }
  }
  return true;
}

function shown(rule: PolicyRule): string {
  const parts = (["apiGroups", "resources", "resourceNames", "nonResourceURLs"] as const)
    .map((field) => [field, stringsAt(rule, field)] as const)
    .filter(([, values]) => values.length > 0)
    .map(([field, values]) => `${field.charAt(0).toUpperCase()}${field.slice(1)}:${JSON.stringify(values)}`);
  return `{${[...parts, `Verbs:${JSON.stringify(rule.verbs)}`].join(", ")}}`;
}
