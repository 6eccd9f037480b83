// The conformance suite of HTTP/2, against the ports that the program really serves on.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { goProgram } from "./go-program.ts";
import { startSites } from "./site.ts";

/** With `--strict`, which adds what the RFC only recommends. */
const TESTS = 146;

const h2spec = goProgram("github.com/summerwind/h2spec/cmd/h2spec", "v2.2.1+incompatible");

test(
  `h2spec passes all of its ${TESTS} tests, over TLS and with prior knowledge on the port of HTTP/1.1`,
  {
    skip: "missing" in h2spec ? h2spec.missing : false,
  },
  async (t) => {
    const server = createServer((request, response) => {
      request.resume().on("end", () => response.end("x".repeat(100)));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const annotations = { "nginx.ingress.kubernetes.io/ssl-redirect": "false" };
    // The suite looks its host up: this one is known on every machine.
    const site = { name: "conformance", host: "localhost", port: (server.address() as AddressInfo).port, annotations };
    const instance = await startSites(t, [site]);
    for (const [port, how] of [
      [instance.https.port, ["--tls", "--insecure"]],
      [instance.http.port, []],
    ] as const) {
      const report = await conform([...how, "--host", "localhost", "--port", String(port)]);
      assert.ok(report.includes(`${TESTS} tests, ${TESTS} passed, 0 skipped, 0 failed`), report);
    }
  },
);

/** Returns what the suite printed from its failures on. */
function conform(args: readonly string[]): Promise<string> {
  assert.ok("path" in h2spec);
  const { path } = h2spec;
  return new Promise((resolve) => {
    // It exits with 1 when a test fails.
    execFile(path, ["--strict", "--timeout", "5", ...args], { maxBuffer: 1 << 24 }, (_error, stdout, stderr) => {
      const at = stdout.indexOf("\nFailures:");
      resolve(`${at < 0 ? stdout.slice(-1_000) : stdout.slice(at)}${stderr}`);
    });
  });
}
