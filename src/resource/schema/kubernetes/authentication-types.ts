/** The fields of the authentication types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const AUTHENTICATION_TYPES: Readonly<Record<string, string>> = {
  "authentication.BoundObjectReference": "kind 1 string; apiVersion 2 string; name 3 string; uid 4 string(types.UID)",
  "authentication.SelfSubjectReview": "metadata 1 meta.ObjectMeta; status 2 authentication.SelfSubjectReviewStatus",
  "authentication.SelfSubjectReviewStatus": "userInfo 1 authentication.UserInfo",
  "authentication.TokenRequest":
    "metadata 1 meta.ObjectMeta; spec 2! authentication.TokenRequestSpec; status 3 authentication.TokenRequestStatus",
  "authentication.TokenRequestSpec":
    "audiences 1! []string/list:atomic; expirationSeconds 4*? int64; boundObjectRef 3*? authentication.BoundObjectReference",
  "authentication.TokenRequestStatus": "token 1! string; expirationTimestamp 2! time",
  "authentication.TokenReview":
    "metadata 1 meta.ObjectMeta; spec 2! authentication.TokenReviewSpec; status 3 authentication.TokenReviewStatus",
  "authentication.TokenReviewSpec": "token 1 string; audiences 2 []string/list:atomic",
  "authentication.TokenReviewStatus":
    "authenticated 1 bool; user 2 authentication.UserInfo; audiences 4 []string/list:atomic; error 3 string",
  "authentication.UserInfo": "username 1 string; uid 2 string; groups 3 []string/list:atomic; extra 4 {}[]string",
};
