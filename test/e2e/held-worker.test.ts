// Served before validated, in the real program: while one of two workers stands still, the CA is not told to look; the other one has
// the token meanwhile. Also how long a token takes from its Challenge object to the edge.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { recordAt, stringAt } from "../../src/ground/json.ts";
import { skipWithout } from "../../src/ground/testing.ts";
import { eventually } from "./eventually.ts";
import { Instance } from "./instance.ts";

interface Seen {
  readonly token: string;
  readonly key: string;
  readonly atMs: number;
}

/** Follows Challenge objects as kubectl's watch tells them. */
function followChallenges(t: TestContext, instance: Instance): readonly Seen[] {
  const seen: Seen[] = [];
  const columns = "custom-columns=TOKEN:.spec.token,KEY:.spec.key";
  const args = ["--kubeconfig", instance.kubeconfig, "get", "challenges", "-w", "--no-headers", "-o", columns];
  const child = spawn("kubectl", args, { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => child.kill());
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [token = "", key = ""] = line.trim().split(/\s+/);
    if (!seen.some((one) => one.token === token)) seen.push({ token, key, atMs: performance.now() });
  });
  return seen;
}

function answer(port: number, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const path = `/.well-known/acme-challenge/${token}`;
    const headers = { host: "held.localhost" };
    get({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
      resolve(response.statusCode === 200 ? text(response) : (response.resume(), ""));
    }).on("error", reject);
  });
}

test(
  "lintel up has the CA validate only after every worker has the token",
  { skip: skipWithout("kubectl") },
  async (t) => {
    const instance = await Instance.start(t, { arguments: [] }).ready();
    const held = (await instance.processes()).find(({ name }) => name === "worker-2")?.pid ?? 0;
    assert.notEqual(held, 0);
    const challenges = followChallenges(t, instance);
    process.kill(held, "SIGSTOP");
    t.after(() => {
      try {
        process.kill(held, "SIGCONT");
      } catch {
        // It is gone with its instance.
      }
    });
    const path = join(instance.state, "held.json");
    const issuerRef = { name: "lintel-local", kind: "ClusterIssuer" };
    const spec = {
      secretName: "held-tls",
      dnsNames: ["held.localhost"],
      issuerRef,
      privateKey: { algorithm: "ECDSA" },
    };
    const metadata = { name: "held", namespace: "default" };
    writeFileSync(path, JSON.stringify({ apiVersion: "cert-manager.io/v1", kind: "Certificate", metadata, spec }));
    await instance.kubectl("apply", "-f", path);

    const challenge = await eventually("the Challenge", () => challenges[0]);
    await eventually("the token at the other worker", async () =>
      (await answer(instance.http.port, challenge.token)) === challenge.key ? true : undefined,
    );
    t.diagnostic(
      `token answered ${(performance.now() - challenge.atMs).toFixed(0)} ms after kubectl saw its Challenge`,
    );

    const reason = await eventually(
      "the sentence",
      async () => {
        const message = await instance.kubectl("get", "challenges", "-o", "jsonpath={.items[0].status.reason}");
        return message.includes("not every worker") ? message : undefined;
      },
      30_000,
    );
    assert.match(reason, /Cannot present "held\.localhost": not every worker of the edge answers its token yet/);
    const status: unknown = JSON.parse(
      await instance.kubectl("get", "challenges", "-o", "jsonpath={.items[0].status}"),
    );
    assert.notEqual(recordAt({ status }, "status")["presented"], true);
    assert.notEqual(stringAt(status, "state"), "valid");
    assert.equal(await instance.kubectl("get", "secret", "held-tls", "--ignore-not-found"), "");

    process.kill(held, "SIGCONT");
    await instance.kubectl("wait", "--for=condition=Ready", "certificate/held", "--timeout=60s");
  },
);
