import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { LocalCa } from "../../src/pki/local-ca.ts";
import { systemClock } from "../../src/ground/system-clock.ts";
import { CERTIFICATE, CONTROLLER, INGRESS, WORKLOAD } from "./kubectl-manifests.ts";
import { KubectlCluster, kubectlIsMissing } from "./kubectl.ts";

describe("kubectl writing", { skip: await kubectlIsMissing() }, () => {
  let cluster: KubectlCluster;

  beforeEach(async () => {
    cluster = await KubectlCluster.open();
  });

  afterEach(() => cluster[Symbol.asyncDispose]());

  /** Runs a command line that must succeed; returns what it printed, trimmed. */
  async function does(line: string): Promise<string> {
    return (await cluster.output(line.split(" "))).trim();
  }

  /** Runs a command line that must fail; returns its complaint. */
  async function complains(line: string, stdin?: string): Promise<string> {
    const result = await cluster.run(line.split(" "), stdin === undefined ? {} : { stdin });
    assert.notEqual(result.code, 0, result.stdout);
    return result.stderr.trim();
  }

  async function applies(manifest: string, ...args: readonly string[]): Promise<string> {
    const result = await cluster.apply(manifest, ...args);
    assert.equal(result.code, 0, result.stderr);
    return result.stdout.trim();
  }

  it("creates what it sends as protobuf", async () => {
    assert.equal(await does("create namespace demo"), "namespace/demo created");
    assert.equal(await does("create configmap c --from-literal=a=b --save-config -n demo"), "configmap/c created");
    assert.equal(await does("create secret generic s --from-literal=user=u"), "secret/s created");
    assert.equal(await does("get secret s -o jsonpath={.data.user}"), "dQ==");
    const rule = "shop.test/*=web:80,tls=shop-tls";
    assert.equal(await does(`create ingress i --class=nginx --rule=${rule}`), "ingress.networking.k8s.io/i created");
    assert.equal(await does("get ingress i -o jsonpath={.spec.rules[0].http.paths[0].pathType}"), "Prefix");
    assert.equal(await does("create service clusterip web --tcp=80:8080"), "service/web created");
    assert.equal(await does("get service web -o jsonpath={.spec.ports[0].targetPort}"), "8080");
    assert.equal(await does("create deployment d --image=nginx --replicas=2"), "deployment.apps/d created");
    assert.match(await does("get deployment d"), /^d +0\/2 /m);
    assert.equal(await does("create job j --image=nginx"), "job.batch/j created");
    assert.equal(await does("get job j -o jsonpath={.spec.template.spec.containers[0].image}"), "nginx");
    const cron = await cluster.output(["create", "cronjob", "cj", "--image=nginx", "--schedule=0 3 * * *"]);
    assert.equal(cron.trim(), "cronjob.batch/cj created");
    assert.match(await does("get cronjob cj"), /^cj +0 3 \* \* \* +<none> +False +0 +<none> /m);
    assert.equal(await does("create quota q --hard=pods=1"), "resourcequota/q created");
    assert.equal(await does("get quota q -o jsonpath={.spec.hard.pods}"), "1");
    assert.equal(await does("create serviceaccount robot"), "serviceaccount/robot created");
    const role = "create role reader --verb=get --resource=pods";
    assert.equal(await does(role), "role.rbac.authorization.k8s.io/reader created");
    assert.match(await complains("create configmap c --from-literal=a=b -n demo"), /configmaps "c" already exists/);
    assert.match(await complains("create configmap c --from-literal=a=b -n none"), /namespaces "none" not found/);
  });

  it("creates TLS secrets from files", async () => {
    const ca = await LocalCa.open({ directory: path.join(cluster.directory, "other-ca"), clock: systemClock });
    const { chain, key } = await ca.issue({ names: ["shop.test"], durationMs: 3_600_000 });
    const files = { cert: path.join(cluster.directory, "t.crt"), key: path.join(cluster.directory, "t.key") };
    await writeFile(files.cert, chain);
    await writeFile(files.key, key);
    assert.equal(await does(`create secret tls t --cert=${files.cert} --key=${files.key}`), "secret/t created");
    assert.match(await does("get secret t"), /^t +kubernetes\.io\/tls +2 /m);
    assert.match(await does("describe secret t"), /tls\.crt: +\d+ bytes/);
  });

  it("applies: created, unchanged, configured", async () => {
    assert.equal(await applies(INGRESS), "ingress.networking.k8s.io/shop created");
    assert.equal(await applies(INGRESS), "ingress.networking.k8s.io/shop unchanged");
    assert.equal(await applies(INGRESS.replace("8m", "16m")), "ingress.networking.k8s.io/shop configured");
    assert.equal(await does("get ing shop -o jsonpath={.metadata.generation}"), "1");
    assert.equal(
      await applies(INGRESS.replace("8m", "32m"), "--dry-run=server"),
      "ingress.networking.k8s.io/shop configured (server dry run)",
    );
    assert.match(await does("get ing shop -o yaml"), /proxy-body-size: 16m/);
    const custom = "issuer.cert-manager.io/own created\ncertificate.cert-manager.io/shop created";
    assert.equal(await applies(CERTIFICATE), custom);
    assert.equal(await applies(CERTIFICATE), custom.replaceAll("created", "unchanged"));
    const moved = await applies(CERTIFICATE.replace("[shop.test]", "[shop.test, www.shop.test]"));
    assert.equal(moved, "issuer.cert-manager.io/own unchanged\ncertificate.cert-manager.io/shop configured");
    assert.equal(await does("get cert shop -o jsonpath={.metadata.generation}"), "2");
  });

  it("applies a kustomization and deletes it again", async () => {
    const directory = path.join(cluster.directory, "overlay");
    await mkdir(directory);
    await writeFile(path.join(directory, "ingress.yaml"), INGRESS);
    await writeFile(path.join(directory, "web.yaml"), WORKLOAD);
    await writeFile(
      path.join(directory, "kustomization.yaml"),
      "resources: [ingress.yaml, web.yaml]\nnamePrefix: k-\nconfigMapGenerator: [{name: cfg, literals: [a=b]}]\n",
    );
    const applied = await does(`apply -k ${directory}`);
    assert.match(applied, /^configmap\/k-cfg-\w+ created$/m);
    assert.match(applied, /^ingress\.networking\.k8s\.io\/k-shop created$/m);
    assert.match(await does(`delete -k ${directory}`), /^service "k-web" deleted$/m);
    assert.equal((await cluster.run(["get", "ing,svc,deploy,cm"])).stdout, "");
  });

  it("refuses manifests that are wrong, in the words of a real server", async () => {
    const misspelled = INGRESS.replace("ingressClassName", "ingressKlassName");
    const strict = await complains("apply -f -", misspelled);
    assert.match(strict, /strict decoding error: unknown field "spec\.ingressKlassName"/);
    assert.equal(await applies(misspelled, "--validate=false"), "ingress.networking.k8s.io/shop created");
    const bad = await complains("create -f -", INGRESS.replace("shop.test\n", "'a b'\n").replace("path: /", "path: x"));
    assert.match(bad, /^The Ingress "shop" is invalid:/);
    assert.match(bad, /\* spec\.rules\[0\]\.host: Invalid value: "a b"/);
    assert.match(bad, /\* spec\.rules\[0\]\.http\.paths\[0\]\.path: Invalid value: "x": must be an absolute path/);
    assert.match(await complains("create ns bad_name"), /The Namespace "bad_name" is invalid: metadata\.name/);
    assert.match(
      await complains("apply -f -", "apiVersion: v2\nkind: Frob\nmetadata: {name: a}\n"),
      /no matches for kind "Frob"/,
    );
  });

  it("applies server-side, and says who owns what when it can't", async () => {
    assert.equal(await applies(INGRESS, "--server-side"), "ingress.networking.k8s.io/shop serverside-applied");
    const changed = INGRESS.replace("8m", "16m");
    const conflict = await complains("apply --server-side --field-manager=other -f -", changed);
    assert.match(conflict, /Apply failed with 1 conflict: conflict with "kubectl": \.metadata\.annotations\.nginx/);
    await applies(changed, "--server-side", "--field-manager=other", "--force-conflicts");
    assert.match(await does("get ing shop -o yaml --show-managed-fields"), /manager: other\n {4}operation: Apply/);
  });

  it("takes over what it applied client-side before", async () => {
    await applies(INGRESS);
    assert.equal(await applies(INGRESS, "--server-side"), "ingress.networking.k8s.io/shop serverside-applied");
    await applies(INGRESS.replace(/  annotations: .*\n/, ""), "--server-side");
    assert.equal(
      await does("get ing shop -o jsonpath={.metadata.annotations.nginx\\.ingress\\.kubernetes\\.io/proxy-body-size}"),
      "",
    );
  });

  it("patches, labels, annotates, edits, replaces and diffs", async () => {
    await applies(INGRESS + "---" + CERTIFICATE + "---" + WORKLOAD);
    assert.match(await does('patch ingress shop -p {"metadata":{"annotations":{"a":"b"}}}'), / patched$/);
    assert.match(await does('patch issuer own --type=merge -p {"metadata":{"annotations":{"a":"b"}}}'), / patched$/);
    assert.match(
      await does('patch ingress shop --type=json -p [{"op":"remove","path":"/metadata/annotations/a"}]'),
      / patched$/,
    );
    assert.match(
      await complains('patch issuer own -p {"metadata":{}}'),
      /strategic-merge-patch\+json is not supported by cert-manager\.io\/v1, Kind=Issuer/,
    );
    const status = '{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}';
    await does(`patch ingress shop --subresource=status --type=merge -p ${status}`);
    assert.match(await does("get ing shop"), /192\.0\.2\.1/);
    assert.match(await does("label ingress shop tier=front"), / labeled$/);
    assert.match(await complains("label ingress shop tier=back"), /already has a value \(front\)/);
    assert.match(await does("annotate svc --all note=1"), /^service\/web annotated$/);
    assert.match(await does("set image deploy/web c=registry.test/web:2"), / image updated$/);
    assert.equal(
      await does("get deploy web -o jsonpath={.spec.template.spec.containers[0].ports[0].containerPort}"),
      "8080",
    );
    assert.match(await does("scale deploy web --replicas=3"), / scaled$/);
    const edited = await cluster.run(["edit", "ingress", "shop"], { environment: { EDITOR: "sed -i s/8m/16m/" } });
    assert.match(edited.stdout, /shop edited$/m);
    const diff = await cluster.run(["diff", "-f", "-"], { stdin: INGRESS });
    assert.deepEqual([diff.code, /^\+.*proxy-body-size: 8m$/m.test(diff.stdout)], [1, true]);
    const replaced = await cluster.run(["replace", "-f", "-"], { stdin: INGRESS });
    assert.match(replaced.stdout, /shop replaced$/m);
    const forced = await cluster.run(["replace", "--force", "-f", "-"], { stdin: INGRESS });
    assert.match(forced.stdout, /shop" deleted\n.*shop replaced$/m);
  });

  it("deletes by name, label and namespace, and waits until it is done", async () => {
    await does("create namespace demo");
    await applies(WORKLOAD, "-n", "demo");
    assert.equal(await does("delete svc -l tier=front -n demo"), 'service "web" deleted');
    assert.match(await complains("delete svc web -n demo"), /Error from server \(NotFound\): services "web" not found/);
    assert.equal(await does("delete svc web -n demo --ignore-not-found"), "");
    assert.equal(await does("delete ns demo"), 'namespace "demo" deleted');
    assert.equal((await cluster.run(["get", "deploy", "-A"])).stdout, "");
    assert.match(await complains("delete ns default"), /this namespace may not be deleted/);
  });

  it("waits for conditions, for deletion, and no longer than told", async () => {
    await applies(CERTIFICATE);
    const late = await complains("wait --for=condition=Ready certificate/shop --timeout=1s");
    assert.match(late, /timed out waiting for the condition on certificates\/shop/);
    using ready = cluster.start(["wait", "--for=condition=Ready", "certificate/shop", "--timeout=20s"]);
    const condition = '{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}';
    await does(`patch cert shop --subresource=status --type=merge -p {"status":{"conditions":[${condition}]}}`);
    await ready.until(/certificate\.cert-manager\.io\/shop condition met/);
    await does('patch cert shop --type=merge -p {"metadata":{"finalizers":["a.test/hold"]}}');
    await does("delete cert shop --wait=false");
    using gone = cluster.start(["wait", "--for=delete", "certificate/shop", "--timeout=20s"]);
    await does('patch cert shop --type=merge -p {"metadata":{"finalizers":null}}');
    assert.equal(await gone.ended(), 0);
    assert.match(await complains("get cert shop"), /not found/);
  });

  it("ends well when the manifest of a certificate controller is applied", async () => {
    const applied = await cluster.apply(CONTROLLER);
    assert.equal(applied.code, 0, applied.stderr);
    assert.equal(applied.stdout.trim().split("\n").length, 8);
    const warnings = applied.stderr.trim().split("\n");
    assert.ok(
      warnings.includes(
        'Warning: CustomResourceDefinition "certificates.cert-manager.io": accepted: already served by Lintel',
      ),
    );
    assert.ok(
      warnings.includes('Warning: Deployment "cert-manager": not needed here, Lintel issues certificates itself'),
    );
    assert.match(
      await does("wait --for=condition=Available deployment --all -n cert-manager --timeout=5s"),
      /condition met/,
    );
    assert.match(
      await does("rollout status deploy/cert-manager -n cert-manager --timeout=5s"),
      /successfully rolled out/,
    );
    assert.match(
      await does("wait --for=condition=Established crd/certificates.cert-manager.io --timeout=5s"),
      /condition met/,
    );
    assert.match(await does("get clusterroles"), /\ncert-manager-view +\d{4}-/);
    const again = await cluster.apply(CONTROLLER);
    assert.doesNotMatch(again.stdout, /created|configured/);
  });

  it("takes ingresses of older versions", async () => {
    const old = `
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: old}
spec: {rules: [{host: old.test, http: {paths: [{path: /, backend: {serviceName: web, servicePort: http}}]}}]}
`;
    const applied = await cluster.apply(old);
    assert.equal(applied.stdout.trim(), "ingress.extensions/old created");
    assert.match(applied.stderr, /Warning: extensions\/v1beta1 Ingress is deprecated/);
    assert.equal(
      await does("get ing old -o jsonpath={.spec.rules[0].http.paths[0].backend.service.port.name}"),
      "http",
    );
    assert.match(await does("get ingress.extensions old -o yaml"), /servicePort: http/);
  });
});
