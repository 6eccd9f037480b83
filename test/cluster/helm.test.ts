import assert from "node:assert/strict";
import { homedir } from "node:os";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parseAllDocuments } from "yaml";
import { isRecord, recordAt, stringAt } from "../../src/ground/json.ts";
import { FLAVORS, type InstallOptions } from "../../src/install/install-options.ts";
import { installObjects } from "../../src/install/install-objects.ts";
import { CUSTOM_RESOURCE_DEFINITION, ISSUER } from "../../src/resource/kind.ts";
import { run } from "../e2e/instance.ts";
import { ApiServer } from "./api-server.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";

const CHART = join(import.meta.dirname, "../../charts/lintel");
const CACHE = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
const HELM = join(CACHE, "lintel-tests/helm-3.22.0/helm");
const skip = existsSync(HELM) ? false : 'run ".ci/build-helm" with Go installed to build helm';

const VERSION = stringAt(JSON.parse(readFileSync(join(CHART, "../../package.json"), "utf8")), "version") ?? "";

const OPTIONS: InstallOptions = {
  flavor: "bare-metal",
  name: "lintel",
  namespace: "edge",
  image: `lintel:${VERSION}`,
  version: VERSION,
  replicas: 2,
  classes: ["lintel"],
  arguments: [],
  priorityClass: "",
  webhook: false,
};

/** By what is asked of `lintel manifests`, the values that ask the same of the chart. */
const WISHES: readonly (readonly [string, Partial<InstallOptions>, Readonly<Record<string, unknown>>])[] = [
  ["nothing more", {}, {}],
  [
    "everything else",
    {
      image: "registry.example/edge:2",
      replicas: 5,
      classes: ["nginx", "internal"],
      arguments: ["--certificates=always", "--workers=2"],
      priorityClass: "system-cluster-critical",
      webhook: true,
    },
    {
      image: { repository: "registry.example/edge", tag: "2" },
      replicas: 5,
      ingressClasses: ["nginx", "internal"],
      arguments: ["--certificates=always", "--workers=2"],
      priorityClassName: "system-cluster-critical",
      "webhook.enabled": true,
    },
  ],
];

const HELM_MARKS: readonly string[] = ["helm.sh/chart", "app.kubernetes.io/managed-by"];

async function helm(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(HELM, args);
  return stdout;
}

/** The documents in the order of their kinds and names, without the marks of Helm. */
function sorted(objects: readonly unknown[]): readonly unknown[] {
  return objects.map(withoutMarks).sort((a, b) => (identity(a) < identity(b) ? -1 : 1));
}

function identity(object: unknown): string {
  return `${stringAt(object, "kind") ?? ""} ${stringAt(recordAt(object, "metadata"), "name") ?? ""}`;
}

function withoutMarks(object: unknown): unknown {
  const whole: unknown = JSON.parse(JSON.stringify(object));
  const metadata = recordAt(whole, "metadata");
  const { annotations: _, ...rest } = metadata;
  const labels = Object.entries(recordAt(metadata, "labels")).filter(([name]) => !HELM_MARKS.includes(name));
  return { ...(isRecord(whole) ? whole : {}), metadata: { ...rest, labels: Object.fromEntries(labels) } };
}

describe("the Helm chart", { skip }, () => {
  it("is without a fault that helm would find", async () => {
    assert.match(await helm("lint", "--strict", CHART), /0 chart\(s\) failed/);
  });

  for (const flavor of FLAVORS) {
    for (const [what, wish, values] of WISHES) {
      it(`makes of ${flavor} what lintel manifests makes, with ${what}`, async () => {
        const set = ["--set-json", `flavor=${JSON.stringify(flavor)}`].concat(
          Object.entries(values).flatMap(([name, value]) => ["--set-json", `${name}=${JSON.stringify(value)}`]),
        );
        const text = await helm("template", "lintel", CHART, "--namespace", "edge", ...set);
        const rendered = parseAllDocuments(text).map((document) => withoutMarks(document));
        const expected = installObjects({ ...OPTIONS, ...wish, flavor }).filter(({ kind }) => kind !== "Namespace");
        assert.deepEqual(sorted(rendered), sorted(expected));
      });
    }
  }

  for (const [what, value] of [
    ["a flavour that there is not", 'flavor="cloud"'],
    ["a value that there is not", "replica=3"],
    ["no class at all", "ingressClasses=[]"],
    ["an argument that is none", 'arguments=["controller"]'],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(
        helm("template", "lintel", CHART, "--set-json", value),
        /values don't meet the specifications/,
      );
    });
  }
});

const binaries = findKubernetesBinaries();
const skipServer = skip === false ? (typeof binaries === "string" ? binaries : false) : skip;

describe("the Helm chart on a real API server", { skip: skipServer }, () => {
  let server: ApiServer;
  before(async () => {
    if (typeof binaries === "string") return;
    server = await ApiServer.start(binaries);
    const store = await server.store();
    // The chart brings the definitions itself.
    for (const { metadata } of (await store.list(CUSTOM_RESOURCE_DEFINITION)).items) {
      await store.delete(CUSTOM_RESOURCE_DEFINITION, "", metadata.name);
    }
    await store.close();
  });
  after(async () => server.stop());

  const asAdmin = async (...args: readonly string[]): Promise<string> =>
    helm("--kubeconfig", server.kubeconfig, "--namespace", "edge", ...args);

  it("installs, changes the flavour, and leaves definitions and what is written in them when it goes", async () => {
    await asAdmin("install", "lintel", CHART, "--create-namespace");
    const store = await server.store();
    const issuer = { apiVersion: "cert-manager.io/v1", kind: "Issuer", metadata: { name: "own", namespace: "edge" } };
    await store.create(ISSUER, { ...issuer, spec: { selfSigned: {} } });
    assert.match(await asAdmin("upgrade", "lintel", CHART, "--set", "flavor=load-balancer"), /deployment\/lintel/);
    const manifest = await asAdmin("get", "manifest", "lintel");
    assert.match(manifest, /kind: Deployment/);
    assert.match(await asAdmin("history", "lintel", "-o", "json"), /"revision":2/);
    await asAdmin("uninstall", "lintel");
    assert.ok((await store.get(ISSUER, "edge", "own")) !== undefined, "what users wrote stays");
    // A second installation finds the definitions of the first.
    await asAdmin("install", "lintel", CHART);
    await asAdmin("uninstall", "lintel");
    await store.close();
  });

  it("is taken by the server with strict validation", async () => {
    const path = join(server.folder, "chart.yaml");
    writeFileSync(path, await helm("template", "lintel", CHART, "--namespace", "edge"));
    const args = ["--kubeconfig", server.kubeconfig, "apply", "--server-side", "--force-conflicts", "--dry-run=server"];
    const { stdout, stderr } = await run("kubectl", [...args, "--validate=strict", "-f", path]);
    assert.match(stdout, /daemonset.apps\/lintel serverside-applied/);
    assert.doesNotMatch(stdout + stderr, /warning/i);
  });
});
