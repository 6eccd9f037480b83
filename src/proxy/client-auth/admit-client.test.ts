import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientAuth } from "../../routing/snapshot.ts";
import type { Peer } from "../peer.ts";
import { admitClient } from "./admit-client.ts";
import { HostAuth } from "./client-auth-table.ts";
import type { ClientIdentity } from "./client-identity.ts";

/** No authority is looked at: the terms are those of a host that leaves it to the endpoints. */
function terms(verify: ClientAuth["verify"]): HostAuth {
  const auth = { verify, ca: "shop/clients", intermediatesMax: 1, passCertificate: false };
  const wanted = new HostAuth(auth, undefined);
  Object.defineProperty(wanted, "problem", { value: undefined });
  return wanted;
}

function peerWith(identity: Partial<ClientIdentity> & Pick<ClientIdentity, "terms" | "verdict">): Peer {
  const base = { fault: "", subject: "CN=ann", notAfterMs: 1000, lines: Buffer.from("x") };
  return { address: "10.0.0.1", port: 1, localPort: 443, secure: true, identity: { ...base, ...identity } };
}

test("admitClient() refuses a certificate that has ended since the handshake, whoever signed it", () => {
  for (const [verify, verdict] of [
    ["on", "trusted"],
    ["optional", "trusted"],
    ["optional_no_ca", "trusted"],
    ["optional_no_ca", "unknown-ca"],
  ] as const) {
    const wanted = terms(verify);
    const peer = peerWith({ terms: wanted, verdict, fault: verdict === "trusted" ? "" : "nobody knows who signed it" });
    assert.equal(admitClient(wanted, peer, "a.example", 999).kind, "admitted");
    const after = admitClient(wanted, peer, "a.example", 1000);
    assert.ok(after.kind === "client-certificate");
    assert.equal(after.status, 400);
    assert.match(after.reason, /it has expired$/);
  }
});

test("admitClient() sends a connection away that was made under other terms, also equal ones of another time", () => {
  const peer = peerWith({ terms: terms("on"), verdict: "trusted" });
  const admission = admitClient(terms("on"), peer, "a.example", 0);
  assert.ok(admission.kind === "client-certificate");
  assert.equal(admission.status, 421);
});
