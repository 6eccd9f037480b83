import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { isLintelError } from "../ground/errors.ts";
import { bindPort } from "./bound-port.ts";

test("bindPort() gives a port of its own when asked for any", () => {
  const port = bindPort({ host: "127.0.0.1", port: 0 });
  assert.ok(port.port > 0);
  assert.equal(port.host, "127.0.0.1");
  port.close();
});

test("bindPort() binds IPv6 beside IPv4 when both ask for one port", () => {
  const four = bindPort({ host: "127.0.0.1", port: 0 });
  const six = bindPort({ host: "::1", port: four.port });
  assert.equal(six.port, four.port);
  four.close();
  six.close();
});

test("bindPort() throws CannotBind naming the address when another program listens there", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  assert.throws(
    () => bindPort({ host: "127.0.0.1", port: address.port }),
    (error) =>
      isLintelError(error, "CannotBind") &&
      error.message === `Cannot listen on "127.0.0.1:${address.port}": another program listens there`,
  );
  server.close();
});

test("bindPort() throws CannotBind when the machine does not have the address", () => {
  assert.throws(() => bindPort({ host: "192.0.2.1", port: 0 }), /this machine does not have that address/);
});
