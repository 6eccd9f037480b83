import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import { test, type TestContext } from "node:test";
import type { CertificateAlert } from "../control/alerts/reconcile.ts";
import type { Clock } from "../ground/clock.ts";
import { isRecord, recordAt } from "../ground/json.ts";
import { systemClock } from "../ground/system-clock.ts";
import { ManualClock, MemoryLog } from "../ground/testing.ts";
import { readCertificate } from "../resource/certificate.ts";
import { AlertWebhook, ATTEMPTS_MAX, WAITING_MAX } from "./alert-webhook.ts";

function alert(id: string): CertificateAlert {
  const certificate = readCertificate({
    apiVersion: "cert-manager.io/v1",
    kind: "Certificate",
    metadata: { namespace: "shop", name: "web" },
    spec: { secretName: "web-tls", dnsNames: ["shop.example"], issuerRef: { name: "le" } },
    status: { notAfter: "2026-02-01T00:00:00Z", failedIssuanceAttempts: 3 },
  });
  return { id, kind: "AttemptFailed", message: "port 80 is closed", certificate };
}

/** A receiver that answers with `statuses`, one after the other, and then with 200. */
async function receiver(
  t: TestContext,
  statuses: number[] = [],
): Promise<{ url: string; bodies: unknown[]; seen: IncomingMessage[] }> {
  const bodies: unknown[] = [];
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (text += chunk));
    request.on("end", () => {
      bodies.push(JSON.parse(text));
      response.writeHead(statuses.shift() ?? 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = isRecord(address) ? String(address["port"]) : "";
  return { url: `http://127.0.0.1:${port}/hook/s3cret`, bodies, seen };
}

/** A clock on which every wait is over at once, and no answer comes too late. Does not imitate: the passing of time. */
function hastyClock(): { readonly clock: Clock; readonly waits: number[] } {
  const waits: number[] = [];
  const sleep: Clock["sleep"] = async (ms) => {
    waits.push(ms);
  };
  return { clock: { nowMs: () => Date.UTC(2026, 0, 1), monotonicMs: () => 0, sleep, timer: neverRings }, waits };
}

function neverRings(): ReturnType<Clock["timer"]> {
  return { cancel: () => undefined };
}

async function until(enough: () => boolean): Promise<void> {
  for (let look = 0; look < 10_000 && !enough(); look++) await systemClock.sleep(2);
  assert.ok(enough());
}

test("AlertWebhook posts JSON that a receiver can act on, without secrets", async (t) => {
  const { url, bodies, seen } = await receiver(t);
  const log = new MemoryLog();
  const { clock } = hastyClock();
  const webhook = new AlertWebhook({ url, clock, log, instance: "edge-1" });
  webhook.send(alert("a"));
  await until(() => webhook.counts.delivered === 1);
  assert.equal(seen[0]?.method, "POST");
  assert.equal(seen[0]?.headers["content-type"], "application/json");
  const [body] = bodies;
  assert.equal(recordAt(body, "certificate")["name"], "web");
  assert.deepEqual(
    { ...(isRecord(body) ? body : {}), certificate: undefined },
    {
      version: 1,
      id: "a",
      kind: "AttemptFailed",
      message: "port 80 is closed",
      instance: "edge-1",
      sentAt: "2026-01-01T00:00:00Z",
      certificate: undefined,
    },
  );
  await webhook.close();
});

test("AlertWebhook tries again when the receiver fails, in order, and gives one up after six attempts", async (t) => {
  const { url, bodies } = await receiver(
    t,
    Array.from({ length: ATTEMPTS_MAX + 2 }, () => 503),
  );
  const log = new MemoryLog();
  const { clock, waits } = hastyClock();
  const webhook = new AlertWebhook({ url, clock, log, instance: "" });
  webhook.send(alert("first"));
  webhook.send(alert("second"));
  await until(() => webhook.counts.delivered === 1);
  assert.deepEqual(webhook.counts, { delivered: 1, failed: 1 });
  assert.deepEqual(
    bodies.map((body) => (isRecord(body) ? body["id"] : "")),
    [...Array.from({ length: ATTEMPTS_MAX }, () => "first"), "second", "second", "second"],
  );
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 1000, 2000]);
  assert.ok(log.lines.some((line) => line.level === "error" && line.message.startsWith("Alert given up")));
  assert.ok(!JSON.stringify(log.lines).includes("s3cret"), "the URL is not logged");
  await webhook.close();
});

test("AlertWebhook keeps a bounded number of alerts for a receiver that is away", async () => {
  const log = new MemoryLog();
  const webhook = new AlertWebhook({ url: "http://127.0.0.1:1/", clock: new ManualClock(), log, instance: "" });
  for (let count = 0; count < WAITING_MAX + 50; count++) webhook.send(alert(String(count)));
  assert.ok(webhook.counts.failed >= 48);
  await webhook.close();
});
