import { after, before, describe } from "node:test";
import { CERTIFICATE, CONFIG_MAP, INGRESS, NAMESPACE, SECRET } from "../../src/resource/kind.ts";
import { describeStore, objectOf } from "../../src/store/testing.ts";
import { ApiServer } from "./api-server.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";

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
  describeStore("cluster", open, { collectsGarbage: false, forgottenVersion: "1" });
});
