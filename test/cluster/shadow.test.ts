import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { CERTIFICATE, DAEMON_SET, INGRESS, INGRESS_CLASS, ISSUER, NAMESPACE, SECRET } from "../../src/resource/kind.ts";
import type { KubeObject } from "../../src/resource/object.ts";
import { conditionsOf } from "../../src/resource/condition.ts";
import { arrayAt, recordAt, stringAt } from "../../src/ground/json.ts";
import { eventually } from "../e2e/eventually.ts";
import { ApiServer } from "./api-server.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";
import { Replica } from "./replica.ts";
import { make } from "./shop.ts";

const binaries = findKubernetesBinaries();
const skip = typeof binaries === "string" ? binaries : false;
const LINTEL = join(import.meta.dirname, "../../bin/lintel");

function ingress(name: string, annotations: object): KubeObject {
  const backend = { service: { name: "web", port: { number: 80 } } };
  return {
    ...make(INGRESS, name, {}),
    metadata: { name, namespace: "shop", annotations: { "cert-manager.io/issuer": "own", ...annotations } },
    spec: {
      ingressClassName: "nginx",
      tls: [{ hosts: [`${name}.example`], secretName: `${name}-tls` }],
      rules: [{ host: `${name}.example`, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
    },
  };
}

describe("lintel shadow, on a real API server", { skip }, () => {
  let server: ApiServer;
  before(async () => {
    if (typeof binaries !== "string") server = await ApiServer.start(binaries);
  });
  after(async () => server.stop());

  function changes(): readonly string[] {
    const args = ["shadow", "--kubeconfig", server.kubeconfig, "--ingress-class", "nginx", "-o", "json"];
    const { stdout, stderr } = spawnSync(LINTEL, [...args, "--publish-address", "192.0.2.1"], { encoding: "utf8" });
    assert.equal(stderr, "");
    return arrayAt(JSON.parse(stdout), "changes").map((one) =>
      ["object", "act", "detail"].map((field) => stringAt(one, field) ?? "").join(" | "),
    );
  }

  it("tells before a take-over what it changes, and after it that nothing is left to change", async (t) => {
    const store = await server.store();
    t.after(() => store.close());
    for (const name of ["shop", "lintel"]) await store.create(NAMESPACE, { ...make(NAMESPACE, name, {}) });
    const nginx = make(INGRESS_CLASS, "nginx", { spec: { controller: "k8s.io/ingress-nginx" } });
    await store.create(INGRESS_CLASS, nginx);
    const labels = { app: "nginx" };
    const ports = [{ containerPort: 80, hostPort: 80 }];
    const containers = [{ name: "c", image: "registry.example/ingress-nginx/controller:v1", ports }];
    const template = { metadata: { labels }, spec: { containers } };
    await store.create(
      DAEMON_SET,
      make(DAEMON_SET, "nginx", { spec: { selector: { matchLabels: labels }, template } }),
    );
    await store.create(ISSUER, make(ISSUER, "own", { spec: { selfSigned: {} } }));
    await store.create(INGRESS, ingress("web", {}));
    await store.create(INGRESS, ingress("login", { "nginx.ingress.kubernetes.io/auth-url": "https://auth.example" }));
    const first = changes();
    for (const expected of [
      /^Ingress shop\/web \| set-status \| The status changes from no address to 192\.0\.2\.1$/,
      /^Ingress shop\/login \| refuse \| .*auth-url/,
      /^Certificate shop\/web-tls \| create \| For Ingress shop\/web$/,
    ]) {
      assert.ok(
        first.some((line) => expected.test(line)),
        `${String(expected)} in\n${first.join("\n")}`,
      );
    }
    const { stdout } = spawnSync(LINTEL, ["shadow", "--kubeconfig", server.kubeconfig], { encoding: "utf8" });
    assert.match(stdout, /ingress-nginx is here: DaemonSet shop\/nginx, on port 80 of its nodes/);

    const shadow = await Replica.start(t, server.kubeconfig, "--ingress-class", "nginx", "--shadow").serving();
    await shadow.stop();
    assert.deepEqual(changes(), first, "in shadow nothing is written");

    const more = ["--ingress-class", "nginx", "--publish-address", "192.0.2.1"];
    const replica = await Replica.start(t, server.kubeconfig, ...more).serving();
    await eventually("both Certificates Ready and both Ingresses with the address", async () => {
      const certificates = (await store.list(CERTIFICATE)).items;
      const ready = certificates.filter((one) =>
        conditionsOf(one["status"]).some(({ type, status }) => type === "Ready" && status === "True"),
      );
      const addressed = (await store.list(INGRESS)).items.filter(
        (one) => arrayAt(recordAt(one["status"], "loadBalancer"), "ingress").length === 1,
      );
      return ready.length === 2 && addressed.length === 2 ? true : undefined;
    });
    await replica.stop();
    const left = changes().filter((line) => !/ \| (refuse|serve-otherwise) \| /.test(line));
    assert.deepEqual(left, []);

    await store.delete(SECRET, "shop", "web-tls");
    assert.ok(
      changes().some((line) => line.startsWith("Certificate shop/web-tls | issue | ")),
      "a missing Secret is issued anew",
    );
  });
});
