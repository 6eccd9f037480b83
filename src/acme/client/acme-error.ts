import { LintelError } from "../../ground/errors.ts";
import { type AcmeProblem, describeProblem, shortType } from "../wire.ts";

/** What a person can do about the types of problems they meet (RFC 8555 section 6.7). */
const HINTS: Readonly<Record<string, string>> = {
  accountDoesNotExist: "The account key is not known to this CA: delete its Secret to register anew",
  badCSR: "Change the certificate's names, key or usages to what this CA accepts",
  badRevocationReason: "Use another reason code, or none",
  caa: "Add a CAA record that allows this CA, or remove the one that forbids it",
  connection: "Make port 80 of the name reachable from the internet, then try again",
  dns: "Create an A or AAAA record for the name, and check it with a resolver outside your network",
  externalAccountRequired: "Set spec.acme.externalAccountBinding with the key id and secret the CA gave you",
  invalidContact: "Correct spec.acme.email",
  rateLimited: "Wait until the CA takes orders again; the sentence of the CA says when",
  rejectedIdentifier: "This CA does not certify that name: use another issuer for it",
  unauthorized: "Make sure the name leads to this edge: the CA found another answer there",
  unsupportedContact: "Use a plain e-mail address in spec.acme.email",
  userActionRequired: "Open the page the CA names and accept its terms",
};

/** A CA's refusal: its problem document, with a message that a person can act on. */
export class AcmeError extends LintelError {
  readonly problem: AcmeProblem;

  /** `act` completes "Cannot …": `order a certificate for "shop.example"`. */
  constructor(act: string, problem: AcmeProblem) {
    const hint = HINTS[shortType(problem)];
    super(`Cannot ${act}: ${describeProblem(problem)}`, {
      code: "AcmeRefused",
      fault: "upstream",
      ...(hint === undefined ? {} : { hint }),
    });
    this.name = "AcmeError";
    this.problem = problem;
  }
}

/** Returns whether trying again later may help: the server was busy or broken, or asked to wait. */
export function isTemporary(problem: AcmeProblem): boolean {
  return (
    problem.status >= 500 ||
    problem.status === 429 ||
    ["rateLimited", "serverInternal", "badNonce"].includes(shortType(problem))
  );
}
