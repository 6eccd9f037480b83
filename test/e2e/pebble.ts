/** Runs Pebble, a CA that is strict on purpose, and the DNS that it asks, on free loopback ports for a test. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { freePort } from "../../src/ground/testing.ts";
import { systemClock } from "../../src/ground/system-clock.ts";
import { LocalCa } from "../../src/pki/local-ca.ts";
import { eventually } from "./eventually.ts";

/** How one Pebble is run. */
export interface PebbleOptions {
  readonly program: string;
  readonly httpPort: number;
  readonly tlsPort: number;
  /** Of its configuration, beside addresses. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A running Pebble. */
export interface Pebble {
  readonly directoryUrl: string;
  readonly managementUrl: string;
  /** PEM of who signed its own certificate. */
  readonly caPem: string;
  /** `127.0.0.1:port` of its DNS server. */
  readonly dns: string;
  /** Where its DNS server is told what to answer. */
  readonly dnsControl: string;
  /** How many orders it has made. */
  readonly orders: () => number;
}

/** Starts both; they are killed after the test. */
export async function startPebble(t: TestContext, options: PebbleOptions): Promise<Pebble> {
  const folder = mkdtempSync(join(tmpdir(), "lintel-pebble-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const authority = await LocalCa.open({ directory: folder, clock: systemClock });
  const { chain, key } = await authority.issue({ names: ["127.0.0.1"], durationMs: 3_600_000 });
  const [listen, management, dns, dnsControl] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const certificate = join(folder, "cert.pem");
  const privateKey = join(folder, "key.pem");
  const path = join(folder, "config.json");
  writeFileSync(certificate, chain);
  writeFileSync(privateKey, key);
  const pebble = {
    listenAddress: at(listen),
    managementListenAddress: at(management),
    certificate,
    privateKey,
    httpPort: options.httpPort,
    tlsPort: options.tlsPort,
    ocspResponderURL: "",
    ...options.config,
  };
  writeFileSync(path, JSON.stringify({ pebble }));
  const off = ["-http01", "", "-https01", "", "-tlsalpn01", ""];
  run(t, "pebble-challtestsrv", ["-dns01", at(dns), "-management", at(dnsControl), "-defaultIPv6", "", ...off]);
  let orders = 0;
  const ca = run(t, options.program, ["-strict", "-config", path, "-dnsserver", at(dns)], {
    PEBBLE_VA_NOSLEEP: "1",
    PEBBLE_WFE_NONCEREJECT: "20",
    ...options.environment,
  });
  if (ca.stdout !== null) {
    createInterface({ input: ca.stdout }).on("line", (line) => {
      if (line.includes("Added order ")) orders += 1;
    });
  }
  for (const port of [listen, management, dnsControl]) {
    await eventually(`something that listens on port ${String(port)}`, () => answers(port ?? 0));
  }
  return {
    directoryUrl: `https://${at(listen)}/dir`,
    managementUrl: `https://${at(management)}`,
    caPem: authority.rootPem,
    dns: at(dns),
    dnsControl: `http://${at(dnsControl)}`,
    orders: () => orders,
  };
}

function run(
  t: TestContext,
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProcess {
  const child = spawn(program, [...args], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "ignore"],
  });
  t.after(() => child.kill("SIGKILL"));
  child.stdout?.resume();
  return child;
}

function at(port: number | undefined): string {
  return `127.0.0.1:${String(port)}`;
}

function answers(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(undefined));
  });
}
