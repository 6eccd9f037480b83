import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import type { AccessLists, Snapshot } from "../routing/snapshot.ts";
import { get, openEdge, openEndpoint, say, shopSnapshot } from "./testing.ts";
import { skipWithout } from "../ground/testing.ts";

/** A snapshot with these lists, behind a proxy on loopback when `trusted`. */
function guarded(port: number, access: AccessLists, trusted: boolean, more: Partial<Snapshot> = {}): Snapshot {
  const settings = { trustedProxies: trusted ? ["127.0.0.0/8"] : [], httpsPort: 443 };
  const policy = { access, httpsRedirectStatus: 308 } as const;
  return shopSnapshot([port], { policy, more: { settings, ...more } });
}

async function curl(...words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("curl", [
    "--silent",
    "--max-time",
    "5",
    "-H",
    "Host: shop.example",
    ...words,
  ]);
  return stdout;
}

test(
  "An access list refuses ahead of the redirect, by HTTP/1.1 and HTTP/2, with the address in the answer",
  { skip: skipWithout("curl") },
  async () => {
    await using endpoint = await openEndpoint((_request, response) => response.end("in"));
    await using edge = await openEdge(guarded(endpoint.port, { allow: ["10.0.0.0/8"] }, false));
    const url = `http://127.0.0.1:${edge.httpPort}/`;
    for (const version of ["--http1.1", "--http2-prior-knowledge"]) {
      const answer = await curl(version, "-i", url);
      assert.match(answer, /^HTTP\/[\d.]+ 403/, version);
      assert.match(answer, /Client address "127\.0\.0\.1" does not get in here/);
    }
    assert.equal(edge.lines.at(-1)?.status, 403);
    assert.equal(edge.lines.at(-1)?.route, "Ingress/shop/web#0/0");
    edge.dataPlane.serve(guarded(endpoint.port, { allow: ["127.0.0.0/8"] }, false));
    assert.match(await curl("-i", url), /^HTTP\/1\.1 308 /);
    edge.dataPlane.serve(guarded(endpoint.port, { allow: ["127.0.0.0/8"], deny: ["::ffff:127.0.0.1"] }, false));
    assert.match(await curl("-i", url), /^HTTP\/1\.1 403 /);
  },
);

test("An access list lets ACME challenges pass", async () => {
  const challenge = { token: "t0ken", keyAuthorization: "t0ken.thumb", host: "shop.example" };
  const snapshot = guarded(1, { allow: [] }, false, { challenges: new Map([["t0ken", challenge]]) });
  await using edge = await openEdge(snapshot);
  assert.match(await say(edge.httpPort, get("/.well-known/acme-challenge/t0ken")), /200 OK[\s\S]*t0ken\.thumb/);
  assert.match(await say(edge.httpPort, get("/.well-known/acme-challenge/other")), /^HTTP\/1\.1 403 /);
});

test("An access list goes by what a trusted proxy says, and by nothing that a client claims", async () => {
  await using endpoint = await openEndpoint((request, response) =>
    response.end(`for ${String(request.headers["x-real-ip"])}`),
  );
  const lists = { allow: ["203.0.113.0/24"], deny: ["203.0.113.66"] };
  await using edge = await openEdge(guarded(endpoint.port, lists, true));
  const ask = (chain: string): Promise<string> =>
    say(edge.httpPort, get("/", `X-Forwarded-For: ${chain}`, "X-Forwarded-Proto: https"));
  assert.match(await ask("203.0.113.9"), /200 OK[\s\S]*for 203\.0\.113\.9/);
  assert.equal(edge.lines.at(-1)?.client, "203.0.113.9");
  assert.match(await ask("203.0.113.9, 127.0.0.9"), /200 OK/);
  assert.match(await ask("203.0.113.9, 198.51.100.1"), /403 [\s\S]*"198\.51\.100\.1"/);
  assert.match(await ask("203.0.113.66"), /^HTTP\/1\.1 403 /);
  assert.match(await ask("not an address"), /^HTTP\/1\.1 403 /);
  edge.dataPlane.serve(guarded(endpoint.port, lists, false));
  assert.match(await ask("203.0.113.9"), /403 [\s\S]*"127\.0\.0\.1"/);
});
