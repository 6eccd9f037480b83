import { createServer as createPlainServer, type RequestListener } from "node:http";
import { createServer } from "node:https";
import type { TestContext } from "node:test";
import type { Clock } from "../../ground/clock.ts";
import { systemClock } from "../../ground/system-clock.ts";
import { MemoryLog, seededRandom } from "../../ground/testing.ts";
import { LocalCa } from "../../pki/local-ca.ts";
import { portOf } from "../testing.ts";
import { AcmeServer, revocationListUrlPath } from "./acme-server.ts";
import type { Http01Dialer } from "./http01-dialer.ts";
import type { TlsAlpnDialer } from "./tls-alpn-dialer.ts";

/** An ACME server that listens on a free port of 127.0.0.1, over HTTPS with a certificate of its own CA. */
export interface TestServer {
  readonly baseUrl: string;
  readonly directoryUrl: string;
  readonly caBundle: string;
  readonly ca: LocalCa;
  readonly log: MemoryLog;
  readonly ownExternalAccount: () => AcmeServer["ownExternalAccount"];
  /** Closes the server and opens it again on the same port and folder, as a restart does. */
  readonly restart: () => Promise<void>;
}

/** The machine's clock for one who cannot wait: sleeps end at once. Timers, which are for what takes too long, stay. */
export const hastyClock: Clock = { ...systemClock, sleep: () => Promise.resolve() };

/** Opens a server that ends with the test; `plain` is for clients that trust the system's authorities alone. */
export async function openTestServer(
  t: TestContext,
  options: {
    readonly directory: string;
    readonly dial: Http01Dialer;
    readonly clock?: Clock;
    readonly plain?: boolean;
    readonly requireExternalAccount?: boolean;
    /** The resolvers of DNS-01. @default the system's */
    readonly nameservers?: readonly string[];
    readonly dialTls?: TlsAlpnDialer;
  },
): Promise<TestServer> {
  const clock = options.clock ?? hastyClock;
  const log = new MemoryLog();
  let baseUrl = "";
  const ca = await LocalCa.open({
    directory: options.directory,
    clock,
    revocationListUrl: (keyIdHex) => `${baseUrl}${revocationListUrlPath(keyIdHex)}`,
  });
  const issued = await ca.issue({ names: ["127.0.0.1", "localhost"], durationMs: 86_400_000 });
  const open = (): Promise<AcmeServer> =>
    AcmeServer.open({
      ...options,
      baseUrl: () => baseUrl,
      otherHosts: ["ca.internal"],
      ca,
      clock,
      log,
      random: seededRandom(1),
    });
  let server = await open();
  const handle: RequestListener = (request, response) => server.handle(request, response);
  const plain = options.plain ?? false;
  const listener = plain ? createPlainServer(handle) : createServer({ cert: issued.chain, key: issued.key }, handle);
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  baseUrl = `${plain ? "http" : "https"}://127.0.0.1:${portOf(listener)}`;
  t.after(async () => {
    listener.closeAllConnections();
    await new Promise((resolve) => listener.close(resolve));
    await server.close();
  });
  return {
    baseUrl,
    directoryUrl: `${baseUrl}/acme/local/directory`,
    caBundle: ca.rootPem,
    ca,
    log,
    ownExternalAccount: () => server.ownExternalAccount,
    restart: async () => {
      await server.close();
      server = await open();
    },
  };
}
