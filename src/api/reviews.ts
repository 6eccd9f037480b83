import { arrayAt, isRecord, recordAt, stringAt, stringsAt } from "../ground/json.ts";
import type { Identity } from "./access/identity.ts";
import type { RoleAuthorizer, Wish } from "./access/rbac.ts";
import { ISSUER, type ServiceAccountTokens } from "./access/service-account-tokens.ts";
import { badRequest } from "./status.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A question about who somebody is or what they may do; it is answered and never stored. */
export interface Review {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly answer: (asked: Fields, about: ReviewContext) => Promise<Fields>;
}

/** What reviews are answered from. */
export interface ReviewContext {
  /** Who asks. */
  readonly identity: Identity;
  /** Empty for reviews of the whole cluster. */
  readonly namespace: string;
  readonly authorizer: RoleAuthorizer;
  readonly tokens: ServiceAccountTokens | undefined;
}

const AUTHENTICATION = "authentication.k8s.io";
const AUTHORIZATION = "authorization.k8s.io";

export const REVIEWS: readonly Review[] = [
  review(AUTHENTICATION, "SelfSubjectReview", whoAmI),
  review(AUTHENTICATION, "TokenReview", whoHasToken),
  { ...review(AUTHORIZATION, "LocalSubjectAccessReview", mayTheyHere), namespaced: true },
  review(AUTHORIZATION, "SelfSubjectAccessReview", mayI),
  review(AUTHORIZATION, "SelfSubjectRulesReview", rules),
  review(AUTHORIZATION, "SubjectAccessReview", mayThey),
];

function review(group: string, kind: string, answer: Review["answer"]): Review {
  return { group, plural: `${kind.toLowerCase()}s`, kind, namespaced: false, answer };
}

/** Returns the review posted to `/apis/<group>/v1/<plural>`, or undefined. */
export function findReview(group: string, plural: string): Review | undefined {
  return REVIEWS.find((entry) => entry.group === group && entry.plural === plural);
}

function whoAmI(_asked: Fields, { identity }: ReviewContext): Promise<Fields> {
  return Promise.resolve({ status: { userInfo: identity } });
}

async function whoHasToken(asked: Fields, { tokens }: ReviewContext): Promise<Fields> {
  const spec = recordAt(asked, "spec");
  const token = stringAt(spec, "token") ?? "";
  const audiences = stringsAt(spec, "audiences");
  const wanted = audiences.length === 0 ? [ISSUER] : audiences;
  const user = await tokens?.identify(token, wanted);
  const shown = { ...spec, token };
  if (user === undefined) {
    return { spec: shown, status: { user: {}, error: "[invalid bearer token, the token is of no ServiceAccount]" } };
  }
  return { spec: shown, status: { authenticated: true, user, audiences: wanted } };
}

async function mayI(asked: Fields, { identity, authorizer }: ReviewContext): Promise<Fields> {
  const spec = recordAt(asked, "spec");
  return { spec, status: statusOf(await authorizer.decide(identity, wishIn(spec))) };
}

async function mayThey(asked: Fields, { authorizer }: ReviewContext): Promise<Fields> {
  const spec = recordAt(asked, "spec");
  const groups = stringsAt(spec, "groups");
  const identity = { username: stringAt(spec, "user") ?? "", groups };
  if (identity.username === "" && groups.length === 0) {
    throw badRequest("spec.user: Invalid value: at least one of user or group must be specified");
  }
  return { spec, status: statusOf(await authorizer.decide(identity, wishIn(spec))) };
}

function mayTheyHere(asked: Fields, context: ReviewContext): Promise<Fields> {
  const namespace = stringAt(recordAt(recordAt(asked, "spec"), "resourceAttributes"), "namespace") ?? "";
  if (namespace !== context.namespace)
    throw badRequest(`spec.resourceAttributes.namespace must be ${context.namespace}`);
  return mayThey(asked, context);
}

function statusOf(verdict: { readonly allowed: boolean; readonly reason: string }): Fields {
  return { allowed: verdict.allowed, ...(verdict.reason === "" ? {} : { reason: verdict.reason }) };
}

function wishIn(spec: Fields): Wish {
  const resource = spec["resourceAttributes"];
  if (isRecord(resource)) {
    return {
      to: "resource",
      verb: stringAt(resource, "verb") ?? "",
      group: stringAt(resource, "group") ?? "",
      resource: stringAt(resource, "resource") ?? "",
      subresource: stringAt(resource, "subresource") ?? "",
      namespace: stringAt(resource, "namespace") ?? "",
      name: stringAt(resource, "name") ?? "",
    };
  }
  const path = recordAt(spec, "nonResourceAttributes");
  return { to: "path", verb: stringAt(path, "verb") ?? "", path: stringAt(path, "path") ?? "" };
}

async function rules(asked: Fields, { identity, authorizer }: ReviewContext): Promise<Fields> {
  const namespace = stringAt(recordAt(asked, "spec"), "namespace");
  const granted = await authorizer.rulesOf(identity, namespace ?? "");
  const part = (names: readonly string[], rule: Fields): Fields =>
    Object.fromEntries(names.filter((name) => arrayAt(rule, name).length > 0).map((name) => [name, rule[name]]));
  return {
    spec: namespace === undefined ? {} : { namespace },
    status: {
      resourceRules: granted
        .filter((rule) => rule.resources.length > 0)
        .map((rule) => part(["verbs", "apiGroups", "resources", "resourceNames"], { ...rule })),
      nonResourceRules: granted
        .filter((rule) => rule.nonResourceURLs.length > 0)
        .map((rule) => part(["verbs", "nonResourceURLs"], { ...rule })),
      incomplete: false,
    },
  };
}
