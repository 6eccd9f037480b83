// cert-manager's own command line, unchanged, with the edge's own API and with a real one.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, after, describe, it, type TestContext } from "node:test";
import { skipWithout } from "../../src/ground/testing.ts";
import { eventually } from "../e2e/eventually.ts";
import { goProgram } from "../e2e/go-program.ts";
import { run, stateFolder } from "../e2e/instance.ts";
import { startPebble } from "../e2e/pebble.ts";
import { APIS, Edge, skipWithoutApi } from "./edge.ts";

/** The newest that the Go module proxy hands out whole. */
const cmctl = goProgram("github.com/cert-manager/cmctl/v2", "v2.2.0");

const MANIFESTS = `
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: shop, labels: { app: shop } }
spec:
  secretName: shop-tls
  dnsNames: [shop.localhost]
  issuerRef: { name: acme, kind: ClusterIssuer }
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: { name: self }
spec: { selfSigned: {} }
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: root, labels: { app: root } }
spec: { isCA: true, commonName: Shop Root, secretName: root-tls, issuerRef: { name: self } }
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: { name: root }
spec: { ca: { secretName: root-tls } }
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: { name: careful, annotations: { lintel.dev/require-approval: "true" } }
spec: { ca: { secretName: root-tls } }
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: { name: nowhere }
spec:
  acme:
    server: https://127.0.0.1:1/directory
    privateKeySecretRef: { name: nowhere-account }
    solvers: [{ http01: { ingress: { ingressClassName: nginx } } }]
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: stuck }
spec: { secretName: stuck-tls, dnsNames: [stuck.localhost], issuerRef: { name: nowhere } }
`;

const BY_FILE = `
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: by-file }
spec:
  secretName: by-file-tls
  commonName: by-file.localhost
  dnsNames: [by-file.localhost]
  duration: 24h
  usages: [server auth, client auth]
  issuerRef: { name: root, kind: Issuer }
`;

function acmeIssuer(server: string, caPem: string): string {
  const solvers = [{ http01: { ingress: { ingressClassName: "lintel" } } }];
  const caBundle = Buffer.from(caPem).toString("base64");
  const acme = { server, caBundle, privateKeySecretRef: { name: "acme-account" }, solvers };
  return JSON.stringify({
    apiVersion: "cert-manager.io/v1",
    kind: "ClusterIssuer",
    metadata: { name: "acme" },
    spec: { acme },
  });
}

const missing = "missing" in cmctl ? cmctl.missing : skipWithout("kubectl", "openssl", "pebble", "pebble-challtestsrv");

for (const api of APIS) {
  describe(
    `cmctl on ${api === "real" ? "a real API server" : "the API of lintel up"}`,
    { skip: skipWithoutApi(api, missing) },
    () => {
      let instance: Edge;
      let folder: string;
      const ends: (() => unknown)[] = [];

      before(async () => {
        // The fixtures end with a test's own hook; here one edge serves the whole suite.
        const scope = { after: (end: () => unknown) => ends.unshift(end) } as unknown as TestContext;
        folder = stateFolder(scope);
        writeFileSync(join(folder, "by-file.yaml"), BY_FILE);
        instance = await Edge.start(scope, api, ["--preflight", "off"]);
        const ports = { httpPort: instance.port("edgeHttp"), tlsPort: instance.port("edgeHttps") };
        const pebble = await startPebble(scope, { program: "pebble", ...ports });
        await instance.apply(acmeIssuer(pebble.directoryUrl, pebble.caPem));
        await instance.apply(MANIFESTS);
        await instance.kubectl(
          "wait",
          "--for=condition=Ready",
          "certificate/shop",
          "certificate/root",
          "--timeout=90s",
        );
      });
      after(async () => {
        for (const end of ends) await end();
      });

      it("check api finds the API ready, where there is an admission webhook or need be none", async () => {
        if (api === "embedded")
          assert.equal((await ctl("check", "api", "--wait=10s")).trim(), "The cert-manager API is ready");
        else await assert.rejects(ctl("check", "api"), /webhook did not mutate the dry-run CertificateRequest/);
      });

      it("status certificate tells of a certificate, its events, its issuer and its Secret", async () => {
        const text = await eventually("its events are written", async () => {
          const printed = await ctl("status", "certificate", "shop");
          return printed.includes("successfully issued") ? printed : undefined;
        });
        for (const part of [
          "Ready: True, Reason: Ready, Message: Certificate is up to date and has not expired",
          "- shop.localhost",
          "Issuing certificate as Secret does not exist",
          'Created new CertificateRequest resource "shop-1"',
          "Ready: True, Reason: ACMEAccountRegistered",
          "Issuer Common Name: Pebble Intermediate CA",
          "Extended Key Usages: Server Authentication",
        ]) {
          assert.ok(text.includes(part), `"${part}" is missing in:\n${text}`);
        }
        assert.match(text, /Not Before: \d{4}-.*\nNot After: \d{4}-.*\nRenewal Time: \d{4}-/);
        assert.doesNotMatch(text, /error when|panic/);
      });

      it("status certificate leads to the cause while a certificate can't be issued", async () => {
        const text = await eventually("the issuer has failed", async () => {
          const printed = await ctl("status", "certificate", "stuck");
          return printed.includes("ErrInitIssuer") && printed.includes("IssuerNotReady") ? printed : undefined;
        });
        assert.match(text, /Ready: False, Reason: DoesNotExist, Message: Waiting for Issuer "nowhere" to become ready/);
        assert.match(text, /Issuing: True, Reason: DoesNotExist/);
        assert.match(text, /CertificateRequest:\n {2}Name: stuck-1/);
        assert.match(text, /Approved: True, Reason: cert-manager.io/);
        assert.match(text, /Reason: ErrRegisterACMEAccount, Message: Cannot register an ACME account/);
      });

      it("renew issues again by name, by label and for all", async () => {
        for (const [how, name] of [
          [["shop"], "shop"],
          [["-l", "app=root"], "root"],
          [["--all"], "shop"],
        ] as const) {
          const before = await revisionOf(name);
          assert.match(
            await ctl("renew", ...how),
            new RegExp(`Manually triggered issuance of Certificate default/${name}`),
          );
          await eventually(`revision after ${before}`, async () =>
            (await revisionOf(name)) > before ? true : undefined,
          );
        }
      });

      it("inspect secret shows what the Secret holds", async () => {
        const text = await ctl("inspect", "secret", "shop-tls");
        assert.match(text, /DNS Names: \n\t\t- shop\.localhost/);
        assert.match(text, /Common Name:\tPebble Intermediate CA/);
        assert.match(text, /Is a CA certificate: false/);
      });

      it("create certificaterequest gets a certificate as the file asks for it", async () => {
        const { certificate, key } = { certificate: join(folder, "got.crt"), key: join(folder, "got.key") };
        const files = ["--output-certificate-file", certificate, "--output-key-file", key];
        await ctl(
          "create",
          "certificaterequest",
          "mine",
          ...fromFile(),
          "--fetch-certificate",
          "--timeout=30s",
          ...files,
        );
        const { stdout } = await run("openssl", ["x509", "-in", certificate, "-noout", "-text"]);
        assert.match(stdout, /TLS Web Server Authentication, TLS Web Client Authentication/);
        assert.match(stdout, /Issuer: CN = Shop Root/);
        assert.match(readFileSync(key, "utf8"), /PRIVATE KEY/);
        // On a cluster only an admission webhook knows who asks.
        if (api === "embedded") {
          assert.match(await instance.kubectl("get", "certificaterequest", "mine", "-o", "wide"), /system:admin/);
        }
      });

      it("approve and deny decide on requests whose issuer asks for it", async () => {
        writeFileSync(join(folder, "careful.yaml"), BY_FILE.replace("name: root,", "name: careful,"));
        const file = ["--from-certificate-file", join(folder, "careful.yaml")];
        for (const name of ["yes", "no"]) {
          await ctl("create", "certificaterequest", name, ...file, "--output-key-file", join(folder, `${name}.key`));
          await eventually("it waits", async () => {
            const events = await instance.kubectl("events", "--for", `certificaterequest/${name}`);
            return events.includes("WaitingForApproval") ? true : undefined;
          });
        }
        await ctl("approve", "yes", "--reason", "Checked", "--message", "Known host");
        await instance.kubectl("wait", "--for=condition=Ready", "certificaterequest/yes", "--timeout=30s");
        await ctl("deny", "no", "--reason", "Unknown", "--message", "No such host");
        const denied = "jsonpath={.status.conditions[?(@.type=='Ready')].reason}";
        await eventually("it is denied", async () =>
          (await instance.kubectl("get", "certificaterequest", "no", "-o", denied)) === "Denied" ? true : undefined,
        );
        await assert.rejects(ctl("approve", "no"), /already denied/);
        await assert.rejects(ctl("deny", "yes"), /already approved/);
      });

      it("convert makes manifests that are accepted", async () => {
        const old = BY_FILE.replace("cert-manager.io/v1", "cert-manager.io/v1alpha2").replace(
          "name: by-file }",
          "name: old }",
        );
        const file = join(folder, "old.yaml");
        writeFileSync(file, old.replace("duration: 24h", "duration: 24h\n  keySize: 2048\n  organization: [Shop]"));
        writeFileSync(join(folder, "new.yaml"), await ctl("convert", "-f", file, "-o", "yaml"));
        await instance.kubectl("apply", "-f", join(folder, "new.yaml"));
        await instance.kubectl("wait", "--for=condition=Ready", "certificate/old", "--timeout=30s");
      });

      function fromFile(): readonly string[] {
        return ["--from-certificate-file", join(folder, "by-file.yaml")];
      }

      async function revisionOf(name: string): Promise<number> {
        return Number(await instance.kubectl("get", "certificate", name, "-o", "jsonpath={.status.revision}"));
      }

      /** Returns everything that it printed; rejects with that when it fails. */
      function ctl(...args: readonly string[]): Promise<string> {
        assert.ok("path" in cmctl);
        const { path } = cmctl;
        const env = { ...process.env, KUBECONFIG: instance.kubeconfig };
        return new Promise((resolve, reject) => {
          execFile(path, [...args], { env }, (error, stdout, stderr) => {
            if (error === null) resolve(stdout + stderr);
            else reject(new Error(`cmctl ${args.join(" ")}: ${stdout}${stderr}`));
          });
        });
      }
    },
  );
}
