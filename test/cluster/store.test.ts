import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { arrayAt, numberAt, stringAt } from "../../src/ground/json.ts";
import { ACCEPTED_KINDS, CERTIFICATE, CONFIG_MAP, INGRESS, NAMESPACE, SECRET } from "../../src/resource/kind.ts";
import { describeStore, objectOf } from "../../src/store/testing.ts";
import { ApiServer } from "./api-server.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";

const ACCOUNT = ACCEPTED_KINDS.find(({ kind }) => kind === "ServiceAccount") ?? SECRET;
const binaries = findKubernetesBinaries();

describe("on a real API server", { skip: typeof binaries === "string" ? binaries : false }, () => {
  let server: ApiServer;
  before(async () => {
    if (typeof binaries === "string") return;
    server = await ApiServer.start(binaries);
    // Its watch caches begin anew, so the first version is forgotten.
    await server.compact();
    await server.stopApi();
    server.startApi();
    await server.ready();
  });
  after(async () => server.stop());

  const open = async (): Promise<Awaited<ReturnType<ApiServer["store"]>>> => {
    await server.wipe([CERTIFICATE, CONFIG_MAP, INGRESS, SECRET], ["demo", "other"]);
    const store = await server.store();
    await store.create(NAMESPACE, objectOf(NAMESPACE, "demo"));
    return store;
  };
  it("hands out tokens of service accounts for the audiences asked for", async () => {
    const store = await open();
    await store.create(ACCOUNT, objectOf(ACCOUNT, "issuer"));
    const token = await store.serviceAccountToken("demo", "issuer", ["vault://demo/issuer"]);
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
    assert.deepEqual(arrayAt(claims, "aud"), ["vault://demo/issuer"]);
    assert.equal(stringAt(claims, "sub"), "system:serviceaccount:demo:issuer");
    assert.equal((numberAt(claims, "exp") ?? 0) - (numberAt(claims, "iat") ?? 0), 600);
    await assert.rejects(store.serviceAccountToken("demo", "nobody", ["a"]), /not found/);
    await store.close();
  });

  describeStore("cluster", open, { collectsGarbage: false, forgottenVersion: "1" });
});
