import type { AcmeOrder } from "../../acme/order.ts";
import { describeProblem } from "../../acme/wire.ts";
import { toBase64 } from "../../resource/certificate-request.ts";
import { rfc3339 } from "../../resource/condition.ts";
import type { StatusFields } from "../status-writer.ts";

/** Returns the fields of Order.status that hold `machine`, for a crash at any moment after they are stored. */
export function statusOfMachine(machine: AcmeOrder, before: StatusFields, nowMs: number): StatusFields {
  switch (machine.state) {
    case "new":
      return before;
    case "issued":
      return { ...before, state: "valid", reason: undefined, certificate: toBase64(machine.chain) };
    case "invalid":
      return {
        ...before,
        state: "invalid",
        reason: describeProblem(machine.problem),
        failureTime: before["failureTime"] ?? rfc3339(nowMs),
      };
    case "pending":
    case "ready":
    case "processing":
    case "valid": {
      const authorizations = machine.state === "pending" ? authorizationFields(machine) : before["authorizations"];
      return {
        ...before,
        url: machine.url,
        finalizeURL: machine.finalizeUrl,
        authorizations: authorizations ?? machine.authorizationUrls.map((url) => ({ url })),
        state: machine.state === "valid" ? "processing" : machine.state,
        reason: undefined,
      };
    }
    default:
      return machine satisfies never;
  }
}

function authorizationFields(machine: Extract<AcmeOrder, { state: "pending" }>): readonly StatusFields[] {
  const known = new Map(machine.authorizations.map((authorization) => [authorization.url, authorization]));
  return machine.authorizationUrls.map((url) => {
    const authorization = known.get(url);
    if (authorization === undefined) return { url };
    return {
      url,
      identifier: authorization.identifier.value,
      wildcard: authorization.wildcard,
      initialState: authorization.status,
      challenges: authorization.challenges.map(({ url: address, token, type }) => ({ url: address, token, type })),
    };
  });
}
