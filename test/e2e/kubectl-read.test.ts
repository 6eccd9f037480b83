import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CERTIFICATE, INGRESS, WORKLOAD } from "./kubectl-manifests.ts";
import { KubectlCluster, kubectlIsMissing } from "./kubectl.ts";

/** Returns the lines of a table with runs of blanks made one, ages made `AGE`. */
function table(text: string): readonly string[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) =>
      line
        .trimEnd()
        .replaceAll(/ {2,}/g, "  ")
        .replace(/(?<=  )\d+s$/, "AGE")
        .replace(/(?<=  )\d+s(?=  )/, "AGE"),
    );
}

describe("kubectl reading", { skip: await kubectlIsMissing() }, () => {
  let cluster: KubectlCluster;

  before(async () => {
    cluster = await KubectlCluster.open();
    for (const manifest of [INGRESS, CERTIFICATE, WORKLOAD]) {
      const applied = await cluster.apply(manifest);
      assert.equal(applied.code, 0, applied.stderr);
    }
  });

  after(() => cluster[Symbol.asyncDispose]());

  it("sees a server of its own minor version", async () => {
    const { stdout, stderr } = await cluster.run(["version"]);
    assert.match(stdout, /Server Version: v1\.32\./);
    assert.doesNotMatch(stderr, /version difference/);
  });

  it("finds the kinds by name, short name and group", async () => {
    const resources = await cluster.output(["api-resources"]);
    for (const line of [
      /^ingresses +ing +networking\.k8s\.io\/v1 +true +Ingress$/m,
      /^certificates +cert,certs +cert-manager\.io\/v1 +true +Certificate$/m,
      /^clusterissuers +ciss +cert-manager\.io\/v1 +false +ClusterIssuer$/m,
      /^secrets +v1 +true +Secret$/m,
    ]) {
      assert.match(resources, line);
    }
    const versions = await cluster.output(["api-versions"]);
    assert.match(versions, /^acme\.cert-manager\.io\/v1$/m);
    const names = await cluster.run(["get", "ing,svc,certs,iss", "-o", "name"]);
    assert.equal(names.stderr, "");
    assert.deepEqual(names.stdout.trim().split("\n"), [
      "ingress.networking.k8s.io/shop",
      "service/web",
      "certificate.cert-manager.io/shop",
      "issuer.cert-manager.io/own",
    ]);
  });

  it("prints the tables of a real cluster", async () => {
    assert.deepEqual(table(await cluster.output(["get", "ns"])), [
      "NAME  STATUS  AGE",
      "default  Active  AGE",
      "kube-node-lease  Active  AGE",
      "kube-public  Active  AGE",
      "kube-system  Active  AGE",
    ]);
    assert.deepEqual(table(await cluster.output(["get", "ingress", "-A"])), [
      "NAMESPACE  NAME  CLASS  HOSTS  ADDRESS  PORTS  AGE",
      "default  shop  nginx  shop.test  80, 443  AGE",
    ]);
    assert.deepEqual(table(await cluster.output(["get", "certificate", "-o", "wide"])), [
      "NAME  READY  SECRET  ISSUER  STATUS  EXPIRATION  AGE",
      "shop  shop-tls  own  AGE",
    ]);
    assert.deepEqual(table(await cluster.output(["get", "deploy", "-o", "wide"])), [
      "NAME  READY  UP-TO-DATE  AVAILABLE  AGE  CONTAINERS  IMAGES  SELECTOR",
      "web  0/1  0  0  AGE  c  registry.test/web:1  app=web",
    ]);
    assert.match(await cluster.output(["get", "all"]), /^service\/web .*\n\n.*\ndeployment\.apps\/web /m);
  });

  it("prints every other form", async () => {
    assert.match(await cluster.output(["get", "ingress", "shop", "-o", "yaml"]), /^ {2}ingressClassName: nginx$/m);
    const json = JSON.parse(await cluster.output(["get", "ingress", "-o", "json"])) as { items: { kind: string }[] };
    assert.deepEqual([json.items.length, json.items[0]?.kind], [1, "Ingress"]);
    assert.equal(await cluster.output(["get", "ing", "shop", "-o", "jsonpath={.spec.rules[0].host}"]), "shop.test");
    const columns = ["get", "svc", "-o", "custom-columns=N:.metadata.name,P:.spec.ports[0].port"];
    assert.deepEqual(table(await cluster.output(columns)), ["N  P", "web  80"]);
    assert.equal(await cluster.output(["get", "svc", "-o", "go-template={{len .items}}"]), "1");
    assert.match(await cluster.output(["get", "svc", "--sort-by=.metadata.name"]), /^web /m);
    assert.match(await cluster.output(["get", "svc", "--show-labels"]), /tier=front$/m);
  });

  it("selects by label and field, and reads page by page", async () => {
    assert.match(await cluster.output(["get", "svc", "-l", "tier in (front)"]), /^web /m);
    assert.match(
      (await cluster.run(["get", "svc", "-l", "tier=back"])).stderr,
      /No resources found in default namespace/,
    );
    assert.match(await cluster.output(["get", "svc", "--field-selector", "metadata.name=web"]), /^web /m);
    assert.equal(table(await cluster.output(["get", "ns", "--chunk-size=2"])).length, 5);
  });

  it("says what is missing as it does of a real cluster", async () => {
    const missing = await cluster.run(["get", "ingress", "nope"]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^Error from server \(NotFound\): ingresses\.networking\.k8s\.io "nope" not found$/m);
    const unknown = await cluster.run(["get", "frobs"]);
    assert.match(unknown.stderr, /the server doesn't have a resource type "frobs"/);
  });

  it("explains fields from either document", async () => {
    const rules = await cluster.output(["explain", "ingress.spec.rules"]);
    assert.match(rules, /^GROUP: +networking\.k8s\.io$/m);
    assert.match(rules, /^FIELD: rules <\[\]IngressRule>$/m);
    assert.match(await cluster.output(["explain", "certificate", "--recursive"]), /^ {4}dnsNames\t<\[\]string>$/m);
    const old = await cluster.output(["explain", "issuer.spec.acme", "--output", "plaintext-openapiv2"]);
    assert.match(old, /^RESOURCE: acme <Object>$/m);
  });

  it("describes objects with their events", async () => {
    const uid = await cluster.output(["get", "ing", "shop", "-o", "jsonpath={.metadata.uid}"]);
    const created = await cluster.run(["create", "-f", "-"], {
      stdin: `
apiVersion: v1
kind: Event
metadata: {name: shop.1}
involvedObject: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: shop, namespace: default, uid: ${uid}}
reason: Synced
message: serves shop.test
type: Normal
count: 1
firstTimestamp: "2026-01-01T00:00:00Z"
lastTimestamp: "2026-01-01T00:00:00Z"
source: {component: lintel}
`,
    });
    assert.equal(created.code, 0, created.stderr);
    const described = await cluster.output(["describe", "ingress", "shop"]);
    assert.match(described, /shop-tls terminates shop\.test/);
    assert.match(described, /Normal +Synced +\S+ +lintel +serves shop\.test/);
    assert.match(await cluster.output(["events", "--for", "ingress/shop"]), /Synced +Ingress\/shop +serves shop\.test/);
    assert.match(await cluster.output(["get", "events"]), /Synced +ingress\/shop +serves shop\.test/);
    assert.match(await cluster.output(["describe", "certificate", "shop"]), /Secret Name: +shop-tls/);
    assert.match(await cluster.output(["describe", "svc", "web"]), /TargetPort: +8080\/TCP/);
    assert.match(await cluster.output(["describe", "ns", "default"]), /No resource quota/);
  });

  it("may do everything, and knows who it is", async () => {
    assert.equal((await cluster.output(["auth", "can-i", "create", "ingress"])).trim(), "yes");
    assert.match(await cluster.output(["auth", "can-i", "--list"]), /\*\.\* +\[\] +\[\] +\[\*\]/);
    assert.match(await cluster.output(["auth", "whoami"]), /system:masters/);
    assert.match(await cluster.output(["cluster-info"]), /control plane.* is running at/);
  });

  it("follows changes while it watches", async () => {
    using watching = cluster.start(["get", "svc", "web", "--watch", "--output-watch-events"]);
    await watching.until(/^ADDED +web /m);
    await cluster.output(["label", "svc", "web", "seen=yes"]);
    const text = await watching.until(/^MODIFIED +web /m);
    assert.equal(text.match(/^EVENT/gm)?.length, 1);
  });
});
