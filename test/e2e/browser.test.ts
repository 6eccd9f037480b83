import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { connect } from "node:tls";
import { test } from "node:test";
import { WebSocketServer } from "ws";
import { type Instance, stateFolder } from "./instance.ts";
import { startSites } from "./site.ts";

const CHROMIUM = "/usr/bin/chromium";
const browser = { skip: existsSync(CHROMIUM) ? false : "install the Debian package chromium" };

/** Asks and speaks, and tells the server what came of it. */
const PAGE = `<!doctype html><title>waiting</title><script>
const answers = [fetch("/data", { method: "POST", body: "x".repeat(100000) }).then((response) => response.text())];
answers.push(new Promise((resolve, reject) => {
  const socket = new WebSocket("wss://" + location.host + "/chat");
  socket.onopen = () => socket.send("hello");
  socket.onmessage = (event) => { socket.close(1000); resolve(event.data); };
  socket.onerror = () => reject(new Error("no WebSocket"));
}));
Promise.all(answers).then((all) => all.join(" | "), String).then((text) => {
  const [entry] = performance.getEntriesByType("navigation");
  return fetch("/report", { method: "POST", body: text + " | " + entry.nextHopProtocol });
});
</script>`;

test("Chromium loads a page, fetches and speaks WebSocket through the edge", browser, async (t) => {
  const { promise: reported, resolve: report } = Promise.withResolvers<string>();
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      if (request.url === "/report") report(body);
      const isPage = request.url === "/";
      if (isPage) response.setHeader("Content-Type", "text/html");
      response.end(isPage ? PAGE : `${body.length} bytes`);
    });
  });
  const sockets = new WebSocketServer({ server, path: "/chat" });
  sockets.on("connection", (socket) => socket.on("message", () => socket.send("hello yourself")));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const instance = await startSites(t, [{ name: "browser", port: (server.address() as AddressInfo).port }]);
  const child = spawn(
    CHROMIUM,
    [
      "--headless",
      // It stays until the page has reported: how long that takes is the machine's business.
      "--remote-debugging-port=0",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--user-data-dir=${join(stateFolder(t), "profile")}`,
      `--ignore-certificate-errors-spki-list=${await keyHash(instance)}`,
      `https://browser.localhost:${instance.https.port}/`,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const exited = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const ended = exited.then(() => Promise.reject(new Error(`Chromium ended by itself:\n${said}`)));
  assert.equal(await Promise.race([reported, ended]), "100000 bytes | hello yourself | h2");
});

/** The hash of the served key, in the form Chromium takes. */
async function keyHash(instance: Instance): Promise<string> {
  const { host, port } = instance.https;
  const socket = connect({ host, port, servername: "browser.localhost", ca: instance.ca });
  await once(socket, "secureConnect");
  const raw = socket.getPeerX509Certificate()?.raw ?? Buffer.alloc(0);
  socket.destroy();
  const key = new X509Certificate(raw).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(key).digest("base64");
}
