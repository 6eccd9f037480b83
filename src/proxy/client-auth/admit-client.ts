import type { HostAuth } from "./client-auth-table.ts";
import { type ClientIdentity, nobody } from "./client-identity.ts";
import { fromCommonNames } from "./distinguished-name.ts";
import type { Peer } from "../peer.ts";

/** Why a request goes no further for want of the right client certificate. */
export interface ClientRefusal {
  readonly kind: "client-certificate";
  readonly status: 400 | 403 | 421 | 503;
  readonly reason: string;
  /** Where to send the client instead; undefined: it gets the reason. */
  readonly errorPage: string | undefined;
}

/** A client that gets in, and what its endpoint is told; or why it does not. */
export type Admission = { readonly kind: "admitted"; readonly lines: Buffer } | ClientRefusal;

/**
 * Decides whether the client of a connection may speak to a host that asks for certificates. What nginx answers: 400 for a
 * missing or wrong certificate, 403 for another name than the one wanted, and 421 (RFC 9110 section 15.5.20) when the
 * connection was made for a name whose terms are others: a handshake proves what that name asked for, and nothing else.
 */
export function admitClient(wanted: HostAuth, peer: Peer, host: string, nowMs: number): Admission {
  const { auth, problem } = wanted;
  if (problem !== undefined) return refusal(503, problem);
  if (auth.verify === "off") return matchName(wanted, nobody(wanted), host);
  if (!peer.secure) return withoutTls(wanted, host);
  const { identity } = peer;
  if (identity?.terms !== wanted) {
    return refusal(
      421,
      `Host "${host}" asks for other client certificates than the name that this connection was made for`,
    );
  }
  if (identity.verdict === "none") {
    if (auth.verify !== "on") return matchName(wanted, identity, host);
    return refusal(400, `Host "${host}" asks for a client certificate, and none was sent`, auth.errorPage);
  }
  const fault = nowMs >= identity.notAfterMs ? "it has expired" : identity.fault;
  const tolerated =
    identity.verdict === "unknown-ca" && auth.verify === "optional_no_ca" && nowMs < identity.notAfterMs;
  if (fault !== "" && !tolerated) {
    return refusal(400, `The client certificate does not get in at host "${host}": ${fault}`, auth.errorPage);
  }
  return matchName(wanted, identity, host);
}

/** Nothing can be shown without TLS. */
function withoutTls(wanted: HostAuth, host: string): Admission {
  if (wanted.auth.verify !== "on") return matchName(wanted, nobody(wanted), host);
  return refusal(400, `Host "${host}" asks for a client certificate, which only HTTPS can carry`);
}

function matchName(wanted: HostAuth, identity: ClientIdentity, host: string): Admission {
  const { pattern } = wanted;
  if (pattern === undefined || fromCommonNames(identity.subject).some((name) => pattern.test(name))) {
    return { kind: "admitted", lines: identity.lines };
  }
  return refusal(403, `The name in the client certificate is not one that host "${host}" lets in`);
}

function refusal(status: ClientRefusal["status"], reason: string, errorPage?: string): ClientRefusal {
  return { kind: "client-certificate", status, reason, errorPage };
}
