import { request } from "node:https";
import type { TLSSocket } from "node:tls";
import type { Instance } from "./instance.ts";

/** What came back, and the certificate that was shown. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The leaf's serial number. */
  readonly serial: string;
}

/** Fetches `https://HOST/` from the instance as a client that trusts its local CA and nothing else, on a new connection. */
export function httpsGet(instance: Instance, host: string, path = "/"): Promise<Answer> {
  const { host: address, port } = instance.https;
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: address,
        port,
        servername: host,
        path,
        headers: { host },
        ca: instance.ca,
        agent: false,
        timeout: 60_000,
      },
      (response) => {
        const socket = response.socket as TLSSocket;
        const serial = socket.getPeerCertificate().serialNumber;
        let body = "";
        response.on("data", (chunk: Buffer) => (body += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body, serial }));
        response.on("error", reject);
      },
    );
    call.on("timeout", () => call.destroy(new Error("No answer within a minute")));
    call.on("error", reject);
    call.end();
  });
}
