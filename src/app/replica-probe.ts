import { request } from "node:http";
import { connect as connectTcp, type Socket } from "node:net";
import { connect } from "node:tls";
import type { Replica } from "../control/leadership/replicas.ts";
import type { HttpChallenge } from "../routing/snapshot.ts";

/** A replica of the same cluster answers in milliseconds. */
const ANSWER_MS_MAX = 1_000;
const BODY_BYTES_MAX = 4_096;
const ACME_TLS_ALPN = "acme-tls/1";

/** Says of a connection of ours that nobody else is behind it. */
const PROXY_HEADER = "PROXY UNKNOWN\r\n";

/**
 * Returns whether `replica` answers the challenge as a CA would have it: over HTTP, or in the handshake. `proxyHeader`:
 * whether its connections begin with a PROXY header.
 */
export async function probeReplica(
  replica: Replica,
  challenge: HttpChallenge,
  signal: AbortSignal,
  proxyHeader: boolean,
): Promise<boolean> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
  return challenge.tlsAlpn === undefined
    ? (await answerOverHttp(replica.http, challenge, patience, proxyHeader)) === challenge.keyAuthorization
    : answersInHandshake(replica.https, challenge.tlsAlpn.serverName, patience, proxyHeader);
}

function answerOverHttp(
  address: string,
  challenge: HttpChallenge,
  signal: AbortSignal,
  proxyHeader: boolean,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const url = `http://${address}/.well-known/acme-challenge/${encodeURIComponent(challenge.token)}`;
    const outgoing = request(
      url,
      {
        headers: { host: challenge.host },
        createConnection: () => dial(address, proxyHeader),
        signal,
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > BODY_BYTES_MAX) response.destroy(new Error("the answer is too long"));
        });
        response.on("error", reject);
        response.on("end", () => resolve(response.statusCode === 200 ? text.trim() : ""));
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
}

function dial(address: string, proxyHeader: boolean): Socket {
  const { hostname, port } = new URL(`tcp://${address}`);
  const socket = connectTcp({ host: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port) });
  if (proxyHeader) socket.write(PROXY_HEADER);
  return socket;
}

/** Only who has the challenge's certificate agrees on this protocol. */
function answersInHandshake(
  address: string,
  serverName: string,
  signal: AbortSignal,
  proxyHeader: boolean,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      socket: dial(address, proxyHeader),
      servername: serverName,
      ALPNProtocols: [ACME_TLS_ALPN],
      // The certificate of a challenge is self-signed by its nature (RFC 8737 section 3).
      rejectUnauthorized: false,
    });
    const onAbort = (): void => void socket.destroy(new Error("no answer in time"));
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("close", () => signal.removeEventListener("abort", onAbort));
    socket.on("error", reject);
    socket.on("secureConnect", () => {
      resolve(socket.alpnProtocol === ACME_TLS_ALPN);
      socket.destroy();
    });
  });
}
