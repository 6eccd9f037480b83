import { recordAt, stringAt } from "../ground/json.ts";

/** A question a client may ask about itself; it is answered and never stored. */
export interface Review {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
  readonly answer: (asked: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
}

/** Whoever has the token may do everything: the API has no other users. */
const USER = { username: "lintel-admin", groups: ["system:masters", "system:authenticated"] } as const;

export const REVIEWS: readonly Review[] = [
  { group: "authentication.k8s.io", plural: "selfsubjectreviews", kind: "SelfSubjectReview", answer: whoAmI },
  {
    group: "authorization.k8s.io",
    plural: "selfsubjectaccessreviews",
    kind: "SelfSubjectAccessReview",
    answer: mayI,
  },
  { group: "authorization.k8s.io", plural: "selfsubjectrulesreviews", kind: "SelfSubjectRulesReview", answer: rules },
];

/** Returns the review posted to `/apis/<group>/v1/<plural>`, or undefined. */
export function findReview(group: string, plural: string): Review | undefined {
  return REVIEWS.find((review) => review.group === group && review.plural === plural);
}

function whoAmI(): Readonly<Record<string, unknown>> {
  return { status: { userInfo: USER } };
}

function mayI(asked: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const spec = recordAt(asked, "spec");
  return { spec, status: { allowed: true } };
}

function rules(asked: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const namespace = stringAt(recordAt(asked, "spec"), "namespace");
  return {
    spec: namespace === undefined ? {} : { namespace },
    status: {
      resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
      nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
      incomplete: false,
    },
  };
}
