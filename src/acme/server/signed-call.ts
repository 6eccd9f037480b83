import type { IncomingMessage } from "node:http";
import type { Clock } from "../../ground/clock.ts";
import type { SignedCall } from "./call.ts";
import { openJws, type OpenJws, parseJson, verificationKey, verifiedPayload } from "./jws.ts";
import type { Ledger } from "./ledger.ts";
import type { Nonces } from "./nonces.ts";
import type { AccountRecord } from "./records.ts";
import { ServerProblem } from "./server-problem.ts";

/** Longest request: a request for a hundred names is some KiB. */
const REQUEST_BYTES_MAX = 131_072;
const REQUEST_DURATION_MAX_MS = 30_000;

/** What a signed request is checked against. */
export interface SignedCallContext {
  /** The absolute URL that was called. */
  readonly url: string;
  /** The path below which accounts live, with a slash at its end. */
  readonly accountPath: string;
  readonly ledger: Ledger;
  readonly nonces: Nonces;
  readonly clock: Clock;
  /** Ends the reading of requests that are still arriving. */
  readonly stop: AbortSignal;
}

/**
 * Returns what `request` asks for and who asks, verified (RFC 8555 sections 6.2 to 6.5): media type, form, url, key,
 * signature, and only then the nonce, so that nobody can use up the nonces of others. Throws a ServerProblem otherwise.
 */
export async function readSignedCall(request: IncomingMessage, context: SignedCallContext): Promise<SignedCall> {
  const mediaType = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (mediaType !== "application/jose+json") {
    const detail = `The media type of a request must be application/jose+json, not "${mediaType}"`;
    throw new ServerProblem(415, "malformed", detail);
  }
  const jws = openJws(parseJson(await readText(request, context)));
  const { url } = context;
  if (jws.url !== url) {
    const detail = `The url of the JWS is "${(jws.url ?? "").slice(0, 300)}", but the request went to "${url}"`;
    throw new ServerProblem(403, "unauthorized", detail);
  }
  const account = jws.signer.by === "kid" ? accountOf(jws.signer.kid, context) : undefined;
  const key = verificationKey(jws.signer.by === "jwk" ? jws.signer.jwk : account?.jwk);
  const payload = await verifiedPayload(jws, key);
  useNonce(jws, context.nonces);
  if (account?.deactivated === true) throw new ServerProblem(403, "unauthorized", "The account is deactivated");
  return { payload, key, account, url };
}

function useNonce(jws: OpenJws, nonces: Nonces): void {
  if (jws.nonce !== undefined && nonces.use(jws.nonce)) return;
  const why =
    jws.nonce === undefined
      ? "The JWS has no nonce"
      : "The nonce was used before, is too old, or is not of this server";
  throw new ServerProblem(400, "badNonce", `${why}; try again with the one of this answer`);
}

function accountOf(kid: string, context: SignedCallContext): AccountRecord {
  const path = URL.parse(kid)?.pathname ?? "";
  // By path only: the server may have moved to another port since the client registered.
  const id = path.startsWith(context.accountPath) ? path.slice(context.accountPath.length) : "";
  const account = context.ledger.account(id);
  if (account !== undefined) return account;
  throw new ServerProblem(400, "accountDoesNotExist", `This CA has no account "${kid.slice(0, 300)}"`);
}

async function readText(request: IncomingMessage, { clock, stop }: SignedCallContext): Promise<string> {
  const onStop = (): void => void request.destroy(new Error("the server is stopping"));
  stop.addEventListener("abort", onStop);
  const timer = clock.timer(REQUEST_DURATION_MAX_MS, () => {
    request.destroy(new Error("the request took too long"));
  });
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    // Not destroyed when it is too long: the answer goes out on the same connection.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const bytes: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      length += bytes.length;
      if (length > REQUEST_BYTES_MAX) {
        throw new ServerProblem(413, "malformed", `The request is longer than ${REQUEST_BYTES_MAX} bytes`);
      }
      chunks.push(bytes);
    }
  } finally {
    timer.cancel();
    stop.removeEventListener("abort", onStop);
  }
  return Buffer.concat(chunks).toString("utf8");
}
