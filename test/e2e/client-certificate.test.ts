import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { skipWithout } from "../../src/ground/testing.ts";
import { Instance } from "./instance.ts";

const run = promisify(execFile);

describe("lintel up, its API", { skip: skipWithout("kubectl", "openssl") }, () => {
  it("lets in who has a client certificate that was approved, to do what roles grant", async (t) => {
    const instance = await Instance.start(t, { arguments: [] }).ready();
    const file = (name: string): string => join(instance.state, name);
    const admin = (...args: readonly string[]): Promise<string> => kubectl(instance.kubeconfig, args);
    const subject = ["-subj", "/CN=jane/O=team"];
    await openssl("req", ...NEW_KEY, ...subject, "-keyout", file("jane.key"), "-out", file("jane.csr"));
    const { stdout: request } = await run("base64", ["-w0", file("jane.csr")]);
    const spec = { signerName: "kubernetes.io/kube-apiserver-client", usages: ["client auth"], request };
    const kind = { apiVersion: "certificates.k8s.io/v1", kind: "CertificateSigningRequest" };
    writeFileSync(file("csr.json"), JSON.stringify({ ...kind, metadata: { name: "jane" }, spec }));
    await admin("create", "-f", file("csr.json"));
    await admin("certificate", "approve", "jane");
    const encoded = await admin("get", "csr", "jane", "-o", "jsonpath={.status.certificate}");
    writeFileSync(file("jane.crt"), Buffer.from(encoded, "base64"));
    assert.match(await admin("get", "csr", "jane"), /kube-apiserver-client +lintel-admin +<none> +Approved,Issued/);

    const server = await admin("config", "view", "-o", "jsonpath={.clusters[0].cluster.server}");
    const credentials = [`--client-key=${file("jane.key")}`, `--client-certificate=${file("jane.crt")}`];
    const connection = [`--server=${server}`, `--certificate-authority=${file("ca.crt")}`, "--kubeconfig=/dev/null"];
    const jane = (...args: readonly string[]): Promise<string> => kubectl("", [...connection, ...credentials, ...args]);
    assert.match(await jane("auth", "whoami"), /Username +jane\nGroups +\[team system:authenticated\]/);
    await assert.rejects(jane("get", "cm"), /User "jane" cannot list resource "configmaps" in API group ""/);
    await admin("create", "rolebinding", "jane", "--clusterrole=view", "--group=team");
    await jane("get", "cm");
    await assert.rejects(jane("create", "cm", "c"), /User "jane" cannot create resource "configmaps"/);

    const forged = [...NEW_KEY, "-x509", "-subj", "/CN=eve/O=system:masters"];
    await openssl("req", ...forged, "-keyout", file("eve.key"), "-out", file("eve.crt"));
    const own = [`--client-key=${file("eve.key")}`, `--client-certificate=${file("eve.crt")}`];
    await assert.rejects(kubectl("", [...connection, ...own, "get", "ns"]), /Unauthorized|must be logged in/);
  });
});

const NEW_KEY = ["-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"] as const;

async function openssl(...args: readonly string[]): Promise<void> {
  await run("openssl", args);
}

async function kubectl(kubeconfig: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run("kubectl", args, { env: { ...process.env, KUBECONFIG: kubeconfig } });
  return stdout;
}
