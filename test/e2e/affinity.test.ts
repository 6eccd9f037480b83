// Clients that keep to an endpoint by a cookie: curl with its cookie jar, and a WebSocket, over several workers.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { skipWithout } from "../../src/ground/testing.ts";
import { eventually } from "./eventually.ts";
import { Instance, run, stateFolder } from "./instance.ts";

const ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

for (const mode of ["balanced", "persistent"]) {
  test(
    `curl stays with its endpoint by the cookie when ${mode}, and moves when it is gone`,
    { skip: skipWithout("curl", "kubectl") },
    async (t) => {
      const { instance, port, folder } = await start(t, mode);
      const jar = join(folder, "jar");
      const curl = async (...more: readonly string[]): Promise<string> => {
        const target = [
          "--resolve",
          `sticky.localhost:${instance.http.port}:127.0.0.1`,
          `http://sticky.localhost:${instance.http.port}/`,
        ];
        return (await run("curl", ["-s", ...more, ...target])).stdout;
      };
      const seen = new Set<string>();
      for (let client = 0; client < 40 && seen.size < ADDRESSES.length; client++) {
        rmSync(jar, { force: true });
        const address = await curl("-c", jar);
        seen.add(address);
        // Each curl is a connection, and any worker may take it.
        for (let turn = 0; turn < 4; turn++) assert.equal(await curl("-c", jar, "-b", jar), address);
      }
      assert.deepEqual([...seen].sort(), ADDRESSES);
      const [, value = ""] = /\tINGRESSCOOKIE\t([0-9a-f]{16})$/m.exec(readFileSync(jar, "utf8")) ?? [];
      assert.notEqual(value, "");
      assert.match(readFileSync(jar, "utf8"), /^#HttpOnly_/m);

      const socket = new WebSocket(`ws://127.0.0.1:${instance.http.port}/`, {
        headers: { host: "sticky.localhost", cookie: `INGRESSCOOKIE=${value}` },
      });
      const [greeting] = (await once(socket, "message")) as [Buffer];
      const home = await curl("-b", jar);
      assert.equal(greeting.toString(), home);
      socket.terminate();

      const left = ADDRESSES.filter((address) => address !== home);
      const file = join(folder, "left.yaml");
      writeFileSync(file, slice(port, left));
      await instance.kubectl("apply", "-f", file);
      const moved = await eventually("the client to be moved", async () => {
        const address = await curl("-c", jar, "-b", jar);
        return address === home ? undefined : address;
      });
      assert.ok(left.includes(moved), moved);
      // Workers move to the next snapshot one by one.
      await eventually("all workers to agree", async () => {
        const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => curl("-b", jar)));
        return answers.every((address) => address === answers[0] && address !== home) ? true : undefined;
      });
    },
  );
}

async function start(
  t: TestContext,
  mode: string,
): Promise<{ readonly instance: Instance; readonly port: number; readonly folder: string }> {
  const folder = stateFolder(t);
  const manifests = stateFolder(t);
  const first = await openEndpoint(t, ADDRESSES[0] ?? "", 0);
  const { port } = first.address() as AddressInfo;
  for (const address of ADDRESSES.slice(1)) await openEndpoint(t, address, port);
  writeFileSync(
    join(manifests, "sticky.yaml"),
    `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: sticky
  namespace: default
  annotations:
    nginx.ingress.kubernetes.io/affinity: cookie
    nginx.ingress.kubernetes.io/affinity-mode: ${mode}
spec:
  rules:
    - host: sticky.localhost
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: sticky, port: { number: 80 } } } }] }
---
apiVersion: v1
kind: Service
metadata: { name: sticky, namespace: default }
spec: { ports: [{ name: main, port: 80 }] }
`,
  );
  const endpoints = join(folder, "endpoints.yaml");
  writeFileSync(endpoints, slice(port, ADDRESSES));
  const instance = await Instance.start(t, { arguments: [manifests] }).ready();
  await instance.kubectl("apply", "-f", endpoints);
  const { port: edge } = instance.http;
  await eventually("the endpoints to be served by every worker", async () => {
    const asks = Array.from({ length: 8 }, () =>
      run("curl", ["-s", "-H", "Host: sticky.localhost", `http://127.0.0.1:${edge}/`]),
    );
    const answers = await Promise.all(asks);
    return answers.every(({ stdout }) => ADDRESSES.includes(stdout)) ? true : undefined;
  });
  return { instance, port, folder };
}

function slice(port: number, addresses: readonly string[]): string {
  return `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: sticky, namespace: default, labels: { kubernetes.io/service-name: sticky } }
addressType: IPv4
ports: [{ name: main, port: ${port} }]
endpoints: [${addresses.map((address) => `{ addresses: [${address}] }`).join(", ")}]
`;
}

/** Says its own address, to HTTP and to WebSocket clients. */
async function openEndpoint(t: TestContext, address: string, port: number): Promise<Server> {
  const server = createServer((_request, response) => response.end(address));
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => socket.send(address));
  server.listen(port, address);
  await once(server, "listening");
  t.after(() => {
    for (const client of sockets.clients) client.terminate();
    server.closeAllConnections();
    server.close();
  });
  return server;
}
