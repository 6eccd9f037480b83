import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { stringify } from "yaml";
import { isLintelError } from "../../ground/errors.ts";
import { ManualClock } from "../../ground/testing.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { findAccess } from "./find-access.ts";
import { inClusterAccess } from "./in-cluster-access.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

class Place {
  readonly folder: string = mkdtempSync(join(tmpdir(), "lintel-access-"));
  readonly clock: ManualClock = new ManualClock();

  constructor(t: TestContext) {
    t.after(() => rmSync(this.folder, { recursive: true }));
  }

  write(name: string, text: string, mode = 0o600): string {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode });
    chmodSync(path, mode);
    return path;
  }

  kubeconfig(user: unknown, cluster: Readonly<Record<string, unknown>> = {}, name = "config"): string {
    const content = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster: { server: "https://10.0.0.1:6443/", ...cluster } }],
      users: [{ name: "u", user }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u", namespace: "edge" } }],
      "current-context": "x",
    };
    return this.write(name, stringify(content));
  }

  find(kubeconfig: string, more: { readonly context?: string } = {}): Promise<ClusterAccess> {
    return findAccess({ kubeconfig, clock: this.clock, environment: { PATH: process.env["PATH"] }, ...more });
  }
}

describe("findAccess()", () => {
  it("reads server, authority and client certificate, inline or from files beside", async (t) => {
    const place = new Place(t);
    place.write("ca.pem", "CA from a file");
    const inline = { "client-certificate-data": base64("CERT"), "client-key-data": base64("KEY") };
    const access = await place.find(place.kubeconfig(inline, { "certificate-authority": "ca.pem" }));
    assert.equal(access.server, "https://10.0.0.1:6443");
    assert.equal(access.caPem, "CA from a file");
    assert.equal(access.namespace, "edge");
    assert.equal(access.skipVerify, false);
    assert.deepEqual(await access.credentials(), { certificatePem: "CERT", keyPem: "KEY", token: undefined });
  });

  it("reads a token file again after a minute, and at once when the token was refused", async (t) => {
    const place = new Place(t);
    place.write("token", "first\n");
    const access = await place.find(place.kubeconfig({ tokenFile: "token" }));
    assert.equal((await access.credentials()).token, "first");
    place.write("token", "second\n");
    assert.equal((await access.credentials()).token, "first");
    await place.clock.advance(60_000);
    assert.equal((await access.credentials()).token, "second");
    place.write("token", "third\n");
    assert.equal((await access.credentials(true)).token, "third");
  });

  it("runs a credential plugin once while its credential lasts, for all who wait", async (t) => {
    const place = new Place(t);
    const counter = join(place.folder, "runs");
    const expires = new Date(place.clock.nowMs() + 3_600_000).toISOString();
    const credential = `{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t-'$LABEL'","expirationTimestamp":"${expires}"}}`;
    const command = place.write(
      "plugin",
      `#!/bin/sh\necho run >> ${counter}\ncase "$KUBERNETES_EXEC_INFO" in *client.authentication.k8s.io/v1*) ;; *) exit 9;; esac\necho '${credential}'\n`,
      0o700,
    );
    const exec = {
      apiVersion: "client.authentication.k8s.io/v1",
      command,
      env: [{ name: "LABEL", value: "x" }],
    };
    const access = await place.find(place.kubeconfig({ exec }));
    const [first, second] = await Promise.all([access.credentials(), access.credentials()]);
    assert.deepEqual([first.token, second.token], ["t-x", "t-x"]);
    await access.credentials();
    assert.equal(readFileSync(counter, "utf8"), "run\n");
    await place.clock.advance(3_600_000);
    await access.credentials();
    assert.equal(readFileSync(counter, "utf8"), "run\nrun\n");
  });

  it("says what is wrong with a plugin that fails, without repeating what it printed", async (t) => {
    const place = new Place(t);
    const failing = place.write("plugin", "#!/bin/sh\necho secret-token\nexit 3\n", 0o700);
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: failing, installHint: "Install it" };
    const access = await place.find(place.kubeconfig({ exec }));
    await assert.rejects(access.credentials(), (error) => {
      assert.ok(isLintelError(error, "BadConfig"));
      assert.match(error.message, /it ended with 3/);
      assert.doesNotMatch(error.message, /secret-token/);
      assert.equal(error.hint, "Install it");
      return true;
    });
  });

  for (const [what, user, cluster, pattern] of [
    ["an auth-provider", { "auth-provider": { name: "gcp" } }, {}, /"auth-provider", which is not supported/],
    ["a proxy", {}, { "proxy-url": "http://proxy" }, /"proxy-url", which is not supported/],
    ["a certificate without a key", { "client-certificate-data": base64("C") }, {}, /without a key/],
    ["no server", {}, { server: "" }, /no usable server/],
    ["an old plugin version", { exec: { apiVersion: "v1alpha1", command: "x" } }, {}, /apiVersion "v1alpha1"/],
  ] as const) {
    it(`refuses ${what}, naming the file`, async (t) => {
      const place = new Place(t);
      const path = place.kubeconfig(user, cluster);
      await assert.rejects(place.find(path), (error) => {
        assert.ok(isLintelError(error, "BadConfig"));
        assert.match(error.message, pattern);
        assert.ok(error.message.includes(path));
        return true;
      });
    });
  }

  it("names the context that is missing, and the file that cannot be read", async (t) => {
    const place = new Place(t);
    await assert.rejects(place.find(place.kubeconfig({}), { context: "other" }), /no context "other"/);
    await assert.rejects(place.find(join(place.folder, "none")), /Cannot read the kubeconfig/);
    await assert.rejects(place.find(place.write("bad", ": : :\n- x")), /it is not YAML/);
  });

  it("takes the first file of KUBECONFIG that exists, and says so when there is no cluster at all", async (t) => {
    const place = new Place(t);
    const path = place.kubeconfig({ token: "t" });
    const environment = { KUBECONFIG: `${place.folder}/none:${path}` };
    const access = await findAccess({ clock: place.clock, environment });
    assert.equal((await access.credentials()).token, "t");
    const nowhere = findAccess({ clock: place.clock, environment: { HOME: place.folder } });
    await assert.rejects(nowhere, /there is no kubeconfig, and this is no Pod/);
  });
});

describe("inClusterAccess()", () => {
  it("reads what Kubernetes mounts, and the token again when it has rotated", async (t) => {
    const place = new Place(t);
    const mount = join(place.folder, "mount");
    mkdirSync(mount);
    for (const [name, text] of [
      ["ca.crt", "CA"],
      ["namespace", "edge"],
      ["token", "one\n"],
    ] as const)
      writeFileSync(join(mount, name), text);
    const environment = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
    const access = await inClusterAccess({ environment, clock: place.clock, mount });
    assert.equal(access?.server, "https://[fd00::1]:443");
    assert.equal(access.namespace, "edge");
    assert.equal((await access.credentials()).token, "one");
    writeFileSync(join(mount, "token"), "two\n");
    assert.equal((await access.credentials()).token, "one");
    await place.clock.advance(60_000);
    assert.equal((await access.credentials()).token, "two");
  });

  it("is undefined outside a Pod", async () => {
    assert.equal(await inClusterAccess({ environment: {}, clock: new ManualClock() }), undefined);
  });
});
