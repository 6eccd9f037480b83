import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { recordAt, stringAt } from "../../src/ground/json.ts";
import { FLAVORS } from "../../src/install/install-options.ts";
import { installObjects } from "../../src/install/install-objects.ts";
import { CLUSTER_RULES, NAMESPACE_RULES, webhookRules, type Rule } from "../../src/install/roles.ts";
import { conditionsOf } from "../../src/resource/condition.ts";
import { CERTIFICATE, CLUSTER_ISSUER, INGRESS, ISSUER, NAMESPACE, ORDER } from "../../src/resource/kind.ts";
import type { KubeObject } from "../../src/resource/object.ts";
import type { ClusterStore } from "../../src/store/cluster/cluster-store.ts";
import { freePort, skipWithout } from "../../src/ground/testing.ts";
import { eventually } from "../e2e/eventually.ts";
import { run } from "../e2e/instance.ts";
import { startPebble, type Pebble } from "../e2e/pebble.ts";
import { ApiServer } from "./api-server.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";
import { Replica } from "./replica.ts";
import { INSTALL_OPTIONS, webhookByUrl } from "./webhook-by-url.ts";
import { make } from "./shop.ts";

const binaries = findKubernetesBinaries();
const skip = typeof binaries === "string" ? binaries : skipWithout("kubectl", "pebble", "pebble-challtestsrv");

describe("what lintel manifests prints, on a real API server", { skip }, () => {
  let server: ApiServer;
  before(async () => {
    if (typeof binaries !== "string") server = await ApiServer.start(binaries);
  });
  after(async () => server.stop());

  async function apply(objects: readonly KubeObject[], ...more: readonly string[]): Promise<string> {
    const path = join(server.folder, "objects.json");
    writeFileSync(path, JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
    const args = [
      "--kubeconfig",
      server.kubeconfig,
      "apply",
      "--server-side",
      "--force-conflicts",
      "--validate=strict",
      "-f",
      path,
    ];
    const { stdout, stderr } = await run("kubectl", [...args, ...more]);
    return stdout + stderr;
  }

  /** A kubeconfig of the ServiceAccount, as its Pods are. */
  async function asServiceAccount(): Promise<string> {
    const args = ["--kubeconfig", server.kubeconfig, "create", "token", "lintel", "--namespace", "lintel"];
    const { stdout } = await run("kubectl", args);
    return server.writeKubeconfig(join(server.folder, "sa.kubeconfig"), "lintel", stdout.trim());
  }

  it("is taken by the server with strict validation and without a warning, in every flavour", async () => {
    await apply(installObjects(INSTALL_OPTIONS));
    for (const flavor of FLAVORS) {
      const said = await apply(installObjects({ ...INSTALL_OPTIONS, flavor }), "--dry-run=server");
      assert.doesNotMatch(said, /warning/i, flavor);
    }
  });

  it("has Pods that Pod Security admits at the level which each flavour's namespace gets", async () => {
    for (const flavor of FLAVORS) {
      const objects = installObjects({ ...INSTALL_OPTIONS, flavor, namespace: `level-${flavor}` });
      const workload = objects.find(({ apiVersion }) => apiVersion === "apps/v1");
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "one", namespace: `level-${flavor}` },
        spec: recordAt(recordAt(workload?.["spec"], "template"), "spec"),
      };
      await apply(objects.filter(({ kind }) => kind === "Namespace"));
      assert.match(await apply([pod], "--dry-run=server"), /pod\/one serverside-applied/, flavor);
    }
    // The level is the strictest that is possible: ports of a node are what the next one forbids.
    const [namespace] = installObjects({
      ...INSTALL_OPTIONS,
      namespace: "level-load-balancer",
      flavor: "load-balancer",
    });
    assert.equal(namespace?.metadata.labels?.["pod-security.kubernetes.io/enforce"], "restricted");
    const host = installObjects({ ...INSTALL_OPTIONS, namespace: "level-load-balancer" }).find(
      ({ kind }) => kind === "DaemonSet",
    );
    const spec = recordAt(recordAt(host?.["spec"], "template"), "spec");
    const metadata = { name: "two", namespace: "level-load-balancer" };
    await assert.rejects(
      apply([{ apiVersion: "v1", kind: "Pod", metadata, spec }], "--dry-run=server"),
      /violates PodSecurity "restricted:latest": hostPort/,
    );
  });

  it("explains every field of its kinds", async () => {
    const { stdout } = await run("kubectl", [
      "--kubeconfig",
      server.kubeconfig,
      "explain",
      "certificate.spec.privateKey.rotationPolicy",
      "--api-version=cert-manager.io/v1",
    ]);
    assert.match(stdout, /DESCRIPTION:\n\s+\S/);
  });

  it("grants what two replicas need to issue, renew and forget certificates by ACME, and nothing more", async (t) => {
    await apply(installObjects(INSTALL_OPTIONS));
    const kubeconfig = await asServiceAccount();
    const httpPort = await freePort();
    const webhookPort = await freePort();
    await apply(webhookByUrl("lintel", webhookPort));
    const webhook = ["--webhook", "lintel", "--webhook-port", String(webhookPort)];
    const pebble = await startPebble(t, { program: "pebble", httpPort, tlsPort: 1 });
    const first = await Replica.start(
      t,
      kubeconfig,
      "--http",
      String(httpPort),
      "--preflight",
      "off",
      ...webhook,
    ).serving();
    await first.printed("This replica leads: ");
    await first.printed("Answering admission reviews");
    const second = await Replica.start(t, kubeconfig, "--preflight", "off").serving();
    const store = await server.store();
    t.after(() => store.close());
    await walk(t, store, pebble);
    await second.stop();
    await first.stop();
    const { used, refused } = readAudit(readFileSync(server.auditLog, "utf8"));
    assert.deepEqual(refused, []);
    const granted = [...CLUSTER_RULES, ...NAMESPACE_RULES, ...webhookRules("lintel")].flatMap(grantsOf).sort();
    assert.deepEqual(used, [...new Set(granted)]);
    assert.equal((await store.list(ORDER)).items.length, 3, "a CA is asked once for each certificate");
  });

  it("is missed with a sentence that names it, when any part of reading is not granted", async (t) => {
    await apply(installObjects(INSTALL_OPTIONS));
    const kubeconfig = await asServiceAccount();
    for (const resource of ["secrets", "ingresses", "endpointslices", "certificates"]) {
      const rules = CLUSTER_RULES.map((rule) =>
        rule.resources.includes(resource)
          ? { ...rule, resources: rule.resources.filter((one) => one !== resource) }
          : rule,
      ).filter((rule) => rule.resources.length > 0);
      const role = {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRole",
        metadata: { name: "lintel" },
        rules,
      };
      await apply([role]);
      const replica = Replica.start(t, kubeconfig);
      await replica.printed(`may not list ${resource}`);
      await replica.stop();
    }
    await apply(installObjects(INSTALL_OPTIONS));
  });
});

/** Everything that happens to a certificate in its life. */
async function walk(t: TestContext, store: ClusterStore, pebble: Pebble): Promise<void> {
  await store.create(NAMESPACE, make(NAMESPACE, "shop", {}));
  const acme = {
    server: pebble.directoryUrl,
    caBundle: Buffer.from(pebble.caPem).toString("base64"),
    privateKeySecretRef: { name: "account" },
    solvers: [{ http01: { ingress: { ingressClassName: "lintel" } } }],
  };
  await store.create(ISSUER, make(ISSUER, "le", { spec: { acme } }));
  const toClose = { annotations: { "lintel.dev/deactivate-account-on-delete": "true" } };
  for (const kind of [ISSUER, CLUSTER_ISSUER]) {
    await store.create(kind, make(kind, "closing", { metadata: toClose, spec: { acme } }));
  }
  await store.create(INGRESS, ingress("shop.example"));
  await ready(store, 1);
  t.diagnostic("issued");
  await store.update(INGRESS, { ...ingress("www.shop.example") });
  await ready(store, 2);
  const withTls = ingress("www.shop.example");
  await store.update(INGRESS, { ...withTls, spec: { ...recordAt(withTls, "spec"), tls: [] } });
  await fail(store, pebble);
  await eventually("the Certificate gone", async () =>
    (await store.get(CERTIFICATE, "shop", "web-tls")) === undefined ? true : undefined,
  );
}

/** A name whose validation fails: the cause is noted for the attempts that follow. */
async function fail(store: ClusterStore, pebble: Pick<Pebble, "dnsControl">): Promise<void> {
  const host = "closed.example";
  const answer = { host: `${host}.`, addresses: ["127.0.0.99"] };
  await fetch(`${pebble.dnsControl}/add-a`, { method: "POST", body: JSON.stringify(answer) });
  await store.create(
    CERTIFICATE,
    make(CERTIFICATE, "closed", { spec: { secretName: "closed-tls", dnsNames: [host], issuerRef: { name: "le" } } }),
  );
  await eventually("the failure", async () => {
    const found = await store.get(CERTIFICATE, "shop", "closed");
    return recordAt(found, "status")["failedIssuanceAttempts"] === 1 ? true : undefined;
  });
}

async function ready(store: ClusterStore, revision: number): Promise<void> {
  await eventually(
    `revision ${String(revision)} Ready`,
    async () => {
      const found = await store.get(CERTIFICATE, "shop", "web-tls");
      const isReady = conditionsOf(found?.["status"]).some((one) => one.type === "Ready" && one.status === "True");
      return isReady && recordAt(found, "status")["revision"] === revision ? true : undefined;
    },
    60_000,
  );
}

function ingress(host: string): KubeObject {
  const backend = { service: { name: "web", port: { number: 80 } } };
  return make(INGRESS, "web", {
    metadata: { annotations: { "cert-manager.io/issuer": "le" } },
    spec: {
      ingressClassName: "lintel",
      tls: [{ hosts: [host], secretName: "web-tls" }],
      rules: [{ host, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
    },
  });
}

function grantsOf(rule: Rule): readonly string[] {
  return rule.resources.flatMap((resource) =>
    rule.verbs.map((verb) => `${verb} ${rule.apiGroups[0] === "" ? "" : `${rule.apiGroups[0] ?? ""}/`}${resource}`),
  );
}

/** What the audit log says was done, and what was not allowed. Where cert-manager's Lease may be is only tried. */
function readAudit(text: string): { readonly used: readonly string[]; readonly refused: readonly string[] } {
  const used = new Set<string>();
  const refused = new Set<string>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const event: unknown = JSON.parse(line);
    const reference = recordAt(event, "objectRef");
    const group = stringAt(reference, "apiGroup");
    const sub = stringAt(reference, "subresource");
    const resource = `${stringAt(reference, "resource") ?? ""}${sub === undefined ? "" : `/${sub}`}`;
    const act = `${stringAt(event, "verb") ?? ""} ${group === undefined ? "" : `${group}/`}${resource}`;
    if (recordAt(event, "responseStatus")["code"] === 403) refused.add(act);
    else used.add(act);
  }
  return { used: [...used].sort(), refused: [...refused].sort() };
}
