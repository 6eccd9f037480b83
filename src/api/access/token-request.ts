import { numberAt, recordAt, stringsAt } from "../../ground/json.ts";
import { rfc3339 } from "../../resource/condition.ts";
import { encoded, type Answer } from "../answer.ts";
import { objectOf, readObjectBody } from "../body.ts";
import { storedObject, type ObjectContext } from "../read-objects.ts";
import type { ApiRequest } from "../request.ts";
import type { ResourceRoute } from "../route.ts";
import { invalid, noSuchPath } from "../status.ts";
import { invalidValue } from "../validate/field-error.ts";
import { ISSUER, type ServiceAccountTokens } from "./service-account-tokens.ts";

const HOUR_SECONDS = 3_600;
/** As on a real server: shorter ones would end before they are used. */
const SECONDS_MIN = 600;
/** Longer ones are cut. */
const SECONDS_MAX = 365 * 24 * HOUR_SECONDS;
const SECONDS_ASKED_MAX = 2 ** 32;

/** Answers POST to `serviceaccounts/<name>/token`: a new token of the ServiceAccount. */
export async function createToken(
  context: ObjectContext,
  tokens: ServiceAccountTokens | undefined,
  route: ResourceRoute,
  request: ApiRequest,
): Promise<Answer> {
  if (tokens === undefined) throw noSuchPath();
  const account = await storedObject(context, route);
  const spec = recordAt(objectOf(await readObjectBody(request)), "spec");
  const asked = numberAt(spec, "expirationSeconds") ?? HOUR_SECONDS;
  const problem =
    asked < SECONDS_MIN
      ? "may not specify a duration less than 10 minutes"
      : asked > SECONDS_ASKED_MAX
        ? "may not specify a duration larger than 2^32 seconds"
        : undefined;
  if (problem !== undefined) {
    const kind = { group: "authentication.k8s.io", plural: "tokenrequests", kind: "TokenRequest" };
    throw invalid(kind, "", [invalidValue("spec.expirationSeconds", asked, problem)]);
  }
  const audiences = stringsAt(spec, "audiences");
  const seconds = Math.min(asked, SECONDS_MAX);
  const { token, expiresAtMs } = tokens.issue(account, audiences, seconds);
  const { name, namespace = "" } = account.metadata;
  return encoded(201, {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: { name, namespace, creationTimestamp: rfc3339(context.clock.nowMs()) },
    spec: {
      audiences: audiences.length === 0 ? [ISSUER] : audiences,
      expirationSeconds: seconds,
      boundObjectRef: null,
    },
    status: { token, expirationTimestamp: rfc3339(expiresAtMs) },
  });
}
