import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithout } from "../../src/ground/testing.ts";
import { eventually } from "./eventually.ts";
import { httpsGet } from "./https-get.ts";
import { Instance, lintel, run, stateFolder } from "./instance.ts";

const HOST = "hello.localhost";

test(
  "up --example serves HTTPS with a certificate of the local CA, and prints a curl line that works",
  { skip: skipWithout("curl") },
  async (t) => {
    const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
    const answer = await httpsGet(instance, HOST);
    assert.equal(answer.status, 200);
    assert.match(answer.body, /^Hello from backend [ab]\n/);
    const command = /curl .*/.exec(instance.output)?.[0] ?? "";
    const { stdout } = await run("sh", ["-c", command.replace("curl", "curl --silent --show-error --fail")]);
    assert.match(stdout, /^Hello from backend [ab]\n/);
    assert.match(instance.output, /hello\/hello-tls\s+hello\.localhost\s+Issuer local\s+True/);
  },
);

test(
  "up writes a kubeconfig for this user alone with which kubectl sees the certificate",
  { skip: skipWithout("kubectl") },
  async (t) => {
    const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
    assert.equal(statSync(instance.kubeconfig).mode & 0o777, 0o600);
    await instance.kubectl("wait", "--for=condition=Ready", "certificate/hello-tls", "-n", "hello", "--timeout=10s");
    const ingress = await instance.kubectl("get", "ingress", "hello", "-n", "hello");
    assert.match(ingress, /hello\.localhost\s+127\.0\.0\.1/);
  },
);

test("up exits with 0 on Ctrl-C and on SIGTERM, also during its start", async (t) => {
  const ready = await Instance.start(t, { arguments: ["--example"] }).ready();
  assert.equal(await ready.stop("SIGINT"), 0);
  const early = Instance.start(t, { arguments: [] });
  await eventually("the state folder is claimed", () => early.log() !== "" || undefined);
  assert.equal(await early.stop("SIGTERM"), 0);
});

test("up serves the same certificate again after a stop, and after kill -9 of its supervisor", async (t) => {
  const state = stateFolder(t);
  const first = await Instance.start(t, { state, arguments: ["--example"] }).ready();
  const { serial } = await httpsGet(first, HOST);
  assert.equal(await first.stop(), 0);
  const second = await Instance.start(t, { state, arguments: ["--example"] }).ready();
  assert.equal((await httpsGet(second, HOST)).serial, serial);
  await second.stop("SIGKILL");
  const third = await Instance.start(t, { state, arguments: ["--example"] }).ready();
  assert.equal((await httpsGet(third, HOST)).serial, serial);
  assert.doesNotMatch(third.output, /Ordered/);
  assert.deepEqual(third.https, first.https, "free ports are kept");
});

test("a second up on the same state says who holds it and exits with 75", async (t) => {
  const instance = Instance.start(t, { arguments: [] });
  await instance.ready();
  const second = await lintel("up", "--state", instance.state, "--listen", "127.0.0.1", "--http", "0", "--https", "0");
  assert.equal(second.code, 75);
  assert.match(second.stderr, new RegExp(`process ${instance.child.pid} since 20\\d\\d-.*Z holds it`));
  assert.match(second.stderr, new RegExp(`kill ${instance.child.pid}`));
  assert.equal(second.stderr.trim().split("\n").length, 2);
});

test("up says which port is taken and exits with 69 when it was asked for exactly that port", async (t) => {
  const instance = await Instance.start(t, { arguments: [] }).ready();
  const port = String(instance.http.port);
  const second = await lintel("up", "--state", stateFolder(t), "--listen", "127.0.0.1", "--http", port, "--https", "0");
  assert.equal(second.code, 69);
  assert.match(second.stderr, new RegExp(`Cannot listen on "127.0.0.1:${port}": another program listens there`));
});

test(
  "up reports a bad manifest with file and line, and applies the others",
  { skip: skipWithout("kubectl") },
  async (t) => {
    const folder = stateFolder(t);
    writeFileSync(join(folder, "good.yaml"), configMap("good", "1"));
    writeFileSync(join(folder, "broken.yaml"), "kind: ConfigMap\nmetadata: {name: [\n");
    writeFileSync(join(folder, "refused.yaml"), configMap("Not_A_Name", "1"));
    const instance = await Instance.start(t, { arguments: [folder] }).ready();
    assert.match(instance.output, new RegExp(`${folder}/broken.yaml:\\d: Not valid YAML`));
    assert.match(instance.output, new RegExp(`${folder}/refused.yaml:\\d: .*Not_A_Name`));
    assert.match(await instance.kubectl("get", "configmap", "good", "-o", "jsonpath={.data.key}"), /^1$/);
  },
);

test(
  "up applies a file again when it changes, leaves fields of others alone, and removes what left the files",
  { skip: skipWithout("kubectl") },
  async (t) => {
    const state = stateFolder(t);
    const folder = stateFolder(t);
    const file = join(folder, "a.yaml");
    writeFileSync(file, `${configMap("a", "1")}---\n${configMap("b", "1")}`);
    const instance = await Instance.start(t, { state, arguments: [folder] }).ready();
    const read = (name: string, key: string): Promise<string> =>
      instance.kubectl("get", "configmap", name, "--ignore-not-found", "-o", `jsonpath={.data.${key}}`);
    await instance.kubectl("patch", "configmap", "a", "--type=merge", "-p", '{"data":{"mine":"yes"}}');
    writeFileSync(file, configMap("a", "2"));
    await eventually("the change is applied", async () => (await read("a", "key")) === "2" || undefined);
    assert.equal(await read("a", "mine"), "yes");
    await eventually("b is gone", async () => (await read("b", "key")) === "" || undefined);
    await instance.stop();
    writeFileSync(file, configMap("c", "1"));
    const again = await Instance.start(t, { state, arguments: [folder] }).ready();
    assert.equal(await again.kubectl("get", "configmap", "a", "--ignore-not-found"), "");
    assert.match(await again.kubectl("get", "configmap", "c"), /c /);
  },
);

test("up listens on IPv6 when told, and validates challenges there", async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example"], listen: "::1" }).ready();
  assert.equal(instance.https.host, "::1");
  assert.equal((await httpsGet(instance, HOST)).status, 200);
});

test("up works in a state folder whose path is longer than a socket's may be", async (t) => {
  const state = join(stateFolder(t), "a".repeat(120));
  const instance = await Instance.start(t, { state, arguments: ["--example"] }).ready();
  assert.equal((await httpsGet(instance, HOST)).status, 200);
});

test("up --offline answers an issuer of a public CA with the local one, and says so", async (t) => {
  const folder = stateFolder(t);
  writeFileSync(join(folder, "site.yaml"), PUBLIC_SITE);
  const instance = await Instance.start(t, { arguments: ["--offline", folder] }).ready();
  assert.match(instance.output, /default\/shop-tls\s+shop\.example\.com\s+Issuer public\s+True/);
  const { serial } = await httpsGet(instance, "shop.example.com");
  assert.notEqual(serial, "");
  assert.match(instance.output, /offline/i);
});

test("status shows hosts, certificates and processes, for people and as JSON", async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
  const { code, stdout } = await lintel("status", "--state", instance.state);
  assert.equal(code, 0);
  assert.match(stdout, /hello\.localhost\s+\/\s+hello\/hello:http \(2 endpoints\)\s+valid/);
  assert.match(stdout, /control\s+\d+\s+ready/);
  const names = (await instance.processes()).map((process) => process.name);
  assert.deepEqual(names, ["control", "worker-1", "worker-2", "example"]);
});

test("status exits with 69 when nothing runs", async (t) => {
  const { code, stderr } = await lintel("status", "--state", stateFolder(t));
  assert.equal(code, 69);
  assert.match(stderr, /Start one with "lintel up"/);
});

test("the admin port answers health, readiness and metrics, and status only with the token", async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
  const base = `http://127.0.0.1:${instance.admin.port}`;
  assert.equal((await fetch(`${base}/healthz`)).status, 200);
  assert.equal((await fetch(`${base}/readyz`)).status, 200);
  assert.match(await (await fetch(`${base}/metrics`)).text(), /^lintel_worker_generation\{worker="worker-1"\} \d+$/m);
  assert.equal((await fetch(`${base}/status`)).status, 401);
});

test("no secret reaches the log", async (t) => {
  const instance = await Instance.start(t, { arguments: ["--example"] }).ready();
  const token = readFileSync(join(instance.state, "token"), "utf8").trim();
  const log = readFileSync(join(instance.state, "lintel.log"), "utf8");
  assert.ok(!log.includes(token));
  assert.ok(!log.includes("PRIVATE KEY"));
});

function configMap(name: string, value: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  key: "${value}"\n`;
}

const PUBLIC_SITE = `
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: public}
spec:
  acme:
    server: https://acme-v02.api.letsencrypt.org/directory
    email: someone@example.com
    privateKeySecretRef: {name: public-account}
    solvers: [{http01: {ingress: {}}}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, annotations: {cert-manager.io/issuer: public}}
spec:
  tls: [{hosts: [shop.example.com], secretName: shop-tls}]
  rules:
    - host: shop.example.com
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
`;
