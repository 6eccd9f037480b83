import { describeProblem, shortType, type AcmeProblem } from "../acme/wire.ts";

/**
 * Returns what a CA's refusal means for the person who waits: its own words and the next step, one sentence each, the
 * step after a full stop. `name` is the host it is about, where there is one.
 */
export function explainProblem(problem: AcmeProblem, name: string | undefined): string {
  const about = name ?? firstName(problem);
  // About no name is about the account: a key id that the CA does not know, or a MAC key of another one.
  if (about === undefined && shortType(problem) === "unauthorized")
    return `${describeProblem(problem)}. ${ACCOUNT_ADVICE}`;
  const step = nextStepFor(problem, about ?? "the name");
  return step === undefined ? describeProblem(problem) : `${describeProblem(problem)}. ${step}`;
}

const ACCOUNT_ADVICE =
  "Compare spec.acme.externalAccountBinding of the issuer, its keyID and the key in its Secret, with what the CA gave you";

function firstName(problem: AcmeProblem): string | undefined {
  return problem.subproblems?.find((part) => part.identifier !== undefined)?.identifier?.value;
}

/** By error type of RFC 8555 section 6.7. Types that only a bug can cause have no advice. */
function nextStepFor(problem: AcmeProblem, name: string): string | undefined {
  switch (shortType(problem)) {
    case "connection":
      // Some CAs report a name that does not resolve as a connection that failed.
      if (/no such host|NXDOMAIN/i.test(problem.detail)) return dnsAdvice(name);
      return `Make port 80 of ${name} reachable from the CA: it asks http://${name}/.well-known/acme-challenge/`;
    case "dns":
      return dnsAdvice(name);
    case "unauthorized":
    case "incorrectResponse":
      return `Something else answered for ${name}: point its DNS to this edge and leave port 80 to it`;
    case "caa":
      return `Allow this CA in the CAA record of ${name}, or remove the record`;
    case "tls":
      return `The CA met a TLS error at ${name}: point its DNS to this edge`;
    case "rejectedIdentifier":
    case "unsupportedIdentifier":
      return `This CA does not certify ${name}: use a name of a public domain, or another issuer`;
    case "rateLimited":
      return "Wait until the limit allows more, and try things out with the CA's staging server";
    case "externalAccountRequired":
      return "Set spec.acme.externalAccountBinding of the issuer to the key that the CA gave you";
    case "accountDoesNotExist":
      return "Remove spec.acme.disableAccountKeyGeneration, or use the key of an account that exists";
    case "invalidContact":
    case "unsupportedContact":
      return "Correct spec.acme.email of the issuer";
    case "userActionRequired":
      return problem.instance === undefined
        ? "Follow the link in the CA's message, then change any field of the issuer to try again"
        : `Open ${problem.instance} and do what it asks; it is tried again by itself`;
    case "invalidProfile":
      return "Correct spec.acme.profile of the issuer, or remove it";
    case "serverInternal":
    case "badNonce":
    case "about:blank":
      return "It is tried again by itself; when it stays, look at the status page of the CA, or ask its operator";
    case "unsupportedAlgorithm":
    case "badPublicKey":
    case "badCSR":
      return "Change the key or the names of the Certificate";
    default:
      return undefined;
  }
}

function dnsAdvice(name: string): string {
  return `Create an A or AAAA record for ${name} that points to this edge`;
}
