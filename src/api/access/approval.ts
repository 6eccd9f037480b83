import { arrayAt, isRecord, recordAt, stringAt } from "../../ground/json.ts";
import { rfc3339 } from "../../resource/condition.ts";
import type { Answer } from "../answer.ts";
import { objectOf, readObjectBody } from "../body.ts";
import { objectAnswer } from "../object-answer.ts";
import { getObject, presentationOf, storedObject, type ObjectContext } from "../read-objects.ts";
import type { ApiRequest } from "../request.ts";
import type { ResourceRoute } from "../route.ts";
import { methodNotAllowed } from "../status.ts";
import { storeNext } from "../stored-write.ts";
import { parseWriteChoices } from "../write-options.ts";
import { refusal } from "./admit-request.ts";
import type { RoleAuthorizer, Wish } from "./rbac.ts";
import { signApproved, type ClientSigner } from "./signing-request.ts";

/** What approvals need besides what all handlers do. */
export interface ApprovalContext extends ObjectContext {
  readonly signer: ClientSigner | undefined;
  readonly authorizer: RoleAuthorizer;
}

/**
 * Answers the `approval` subresource of CertificateSigningRequests: an update sets their conditions and nothing else, and a request
 * that is approved for the signer of this API is signed at once.
 */
export async function answerApproval(
  context: ApprovalContext,
  route: ResourceRoute,
  request: ApiRequest,
): Promise<Answer> {
  if (request.method === "GET") return getObject(context, route, request);
  if (request.method !== "PUT") throw methodNotAllowed();
  const choices = parseWriteChoices(request);
  const presentation = presentationOf(context, route, request);
  const body = objectOf(await readObjectBody(request));
  const existing = await storedObject(context, route);
  await assertMayApprove(context, stringAt(existing["spec"], "signerName") ?? "");
  const now = rfc3339(context.clock.nowMs());
  const conditions = arrayAt(body["status"], "conditions").map((condition) => {
    const fields = isRecord(condition) ? condition : {};
    return { ...fields, lastTransitionTime: fields["lastTransitionTime"] ?? now };
  });
  const resourceVersion = stringAt(body["metadata"], "resourceVersion");
  const metadata = { ...existing.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
  const input = { ...existing, metadata, status: { ...recordAt(existing, "status"), conditions } };
  const written = await storeNext(context, { ...route, subresource: "status" }, existing, { input, choices });
  const { signer, store, clock } = context;
  const isSigned = signer !== undefined && !choices.dryRun;
  const object = isSigned ? await signApproved(store, signer, written.object, clock.nowMs()) : written.object;
  return objectAnswer(200, object, presentation);
}

/** Who approves speaks for the signer. */
async function assertMayApprove(context: ApprovalContext, name: string): Promise<void> {
  const wish = { to: "resource", verb: "approve", group: "certificates.k8s.io", resource: "signers" } as const;
  const domain = `${name.split("/")[0] ?? ""}/*`;
  const wishes = [name, domain].map((signer): Wish => ({ ...wish, subresource: "", namespace: "", name: signer }));
  for (const one of wishes) if ((await context.authorizer.decide(context.identity, one)).allowed) return;
  throw refusal(context.identity, wishes[0] ?? { to: "path", verb: "approve", path: name });
}
