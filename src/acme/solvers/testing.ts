import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { portOf } from "../testing.ts";
import { freePort } from "../../ground/testing.ts";

/** A key of the test zone, in base64. */
export const KNOT_SECRET = "c2VjcmV0LW9mLXRoZS10ZXN0LXpvbmUtMzItYnl0ZXM=";
const KNOT = "/usr/sbin/knotd";

/** Whether Debian's knot is installed. */
export function hasKnot(): boolean {
  return existsSync(KNOT);
}

/** Starts Knot DNS on a free port of 127.0.0.1 with the zone `shop.example`, which one key for each algorithm may update. */
export async function startKnot(t: TestContext): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "lintel-knot-"));
  for (const part of ["run", "db"]) mkdirSync(join(folder, part));
  const port = await freePort();
  const algorithms = ["hmac-md5", "hmac-sha1", "hmac-sha256", "hmac-sha512"];
  writeFileSync(
    join(folder, "shop.example.zone"),
    "$ORIGIN shop.example.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n" +
      "alias CNAME _acme-challenge.www\n",
  );
  writeFileSync(
    join(folder, "knot.conf"),
    [
      `server:\n    rundir: "${folder}/run"\n    listen: 127.0.0.1@${port}`,
      `database:\n    storage: "${folder}/db"`,
      "key:",
      ...algorithms.map((name) => `  - id: ${name}-key\n    algorithm: ${name}\n    secret: ${KNOT_SECRET}`),
      `acl:\n  - id: update\n    key: [${algorithms.map((name) => `${name}-key`).join(", ")}]\n    action: update`,
      `zone:\n  - domain: shop.example\n    storage: "${folder}"\n    file: shop.example.zone\n    acl: update\n    zonefile-sync: -1\n    journal-content: none`,
      "log:\n  - target: stderr\n    any: warning\n",
    ].join("\n"),
  );
  const child = spawn(KNOT, ["-c", join(folder, "knot.conf")], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  t.after(async () => {
    child.kill("SIGKILL");
    await gone;
    rmSync(folder, { recursive: true, force: true });
  });
  for (let attempt = 0; attempt < 100; attempt++) {
    if (child.exitCode !== null) throw new Error(`knotd ended: ${said}`);
    if (digs(port)) return port;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`knotd does not answer: ${said}`);
}

function digs(port: number): boolean {
  try {
    const args = [
      "-e",
      `require("net").connect(${port},"127.0.0.1").on("connect",()=>process.exit(0)).on("error",()=>process.exit(1))`,
    ];
    execFileSync(process.execPath, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** What a stand-in API was asked. */
export interface StandInCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What it answers: a status and JSON, or text. */
export type StandInAnswer = readonly [status: number, body: unknown];

/**
 * An HTTP API on a free port of 127.0.0.1, answered by `answer`. Imitates of a provider only what `answer` does: no TLS, no
 * limits, no delays, no pages.
 */
export async function openStandIn(
  t: TestContext,
  answer: (call: StandInCall) => StandInAnswer,
): Promise<{ readonly url: string; readonly calls: StandInCall[] }> {
  const calls: StandInCall[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://stand.in");
      const { method = "", headers } = request;
      const call = { method, path: pathname, query: searchParams, headers, body };
      calls.push(call);
      const [status, answered] = answer(call);
      response.writeHead(status, { "Content-Type": typeof answered === "string" ? "text/xml" : "application/json" });
      response.end(typeof answered === "string" ? answered : JSON.stringify(answered));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${portOf(server)}`, calls };
}

/** Writes an executable script that ends with the test. */
export function writeProgram(t: TestContext, text: string): { readonly path: string; readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), "lintel-hook-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "hook");
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return { path, folder };
}
