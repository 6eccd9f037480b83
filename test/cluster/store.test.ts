import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { arrayAt, numberAt, stringAt } from "../../src/ground/json.ts";
import { ACCEPTED_KINDS, CERTIFICATE, CONFIG_MAP, INGRESS, NAMESPACE, SECRET } from "../../src/resource/kind.ts";
import type { KubeObject } from "../../src/resource/object.ts";
import type { ClusterStore } from "../../src/store/cluster/cluster-store.ts";
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

  it("tells of TLS Secrets whole and of others by their metadata, in lists and watches", async (t) => {
    const store = await open();
    const { tls, others } = store.secretSources();
    t.after(async () => Promise.all([tls, others, store].map((one) => one.close())));
    await store.create(SECRET, secret("pair", "kubernetes.io/tls"));
    await store.create(SECRET, secret("opaque", "Opaque"));
    await store.create(SECRET, secret("release", "helm.sh/release.v1"));
    assert.deepEqual(await seen(tls), [["Secret", "pair", true]]);
    assert.deepEqual(await seen(others), [["Secret", "opaque", false]]);
    const ending = new AbortController();
    t.after(() => ending.abort());
    for (const [part, name, isWhole] of [
      [tls, "pair", true],
      [others, "opaque", false],
    ] as const) {
      const { resourceVersion } = await part.list(SECRET);
      const found = await store.get(SECRET, "demo", name);
      await store.update(SECRET, {
        ...objectOf(SECRET, name),
        ...found,
        data: { "tls.crt": "eQ==", "tls.key": "eA==" },
      });
      for await (const { type, object } of part.watch(SECRET, { resourceVersion, signal: ending.signal })) {
        assert.deepEqual([type, object.kind, object.metadata.name], ["MODIFIED", "Secret", name]);
        assert.equal(object["data"] !== undefined, isWhole);
        break;
      }
    }
  });

  describeStore("cluster", open, { collectsGarbage: false, forgottenVersion: "1" });
});

function secret(name: string, type: string): KubeObject {
  return { ...objectOf(SECRET, name), type, data: { "tls.crt": "eA==", "tls.key": "eA==" } };
}

async function seen(part: ClusterStore): Promise<readonly unknown[]> {
  const { items } = await part.list(SECRET);
  return items.map(({ kind, metadata, data }) => [kind, metadata.name, data !== undefined]);
}
