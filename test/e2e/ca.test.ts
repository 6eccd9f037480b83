// The local CA of the real program, as its operator and the clients of others see it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { arrayAt, stringAt } from "../../src/ground/json.ts";
import { skipWithout } from "../../src/ground/testing.ts";
import { Instance, lintel, run, stateFolder } from "./instance.ts";

test(
  "lintel ca gives out keys that certbot registers with, and lists that openssl believes",
  { skip: skipWithout("certbot", "curl", "openssl") },
  async (t) => {
    const instance = await Instance.start(t, { arguments: ["--acme-require-eab"] }).ready();
    const state = ["--state", instance.state];
    const show = async (): Promise<unknown> => JSON.parse((await lintel("ca", "show", "-o", "json", ...state)).stdout);
    const server = stringAt(await show(), "directoryUrl") ?? "";
    const folder = stateFolder(t);
    const root = join(instance.state, "ca.crt");
    const folders = ["config", "work", "logs"].flatMap((name) => [`--${name}-dir`, join(folder, name)]);
    const register = (...eab: readonly string[]): Promise<unknown> =>
      run(
        "certbot",
        ["register", "-n", ...folders, "--server", server, "--agree-tos", "-m", "ops@shop.internal", ...eab],
        { REQUESTS_CA_BUNDLE: root },
      );
    await assert.rejects(register(), /external account/i);
    const made = await lintel("ca", "eab", "create", "--note", "web-1", "-o", "json", ...state);
    const key: unknown = JSON.parse(made.stdout);
    await register("--eab-kid", stringAt(key, "keyId") ?? "", "--eab-hmac-key", stringAt(key, "hmacKey") ?? "");
    assert.match((await lintel("ca", "eab", "list", ...state)).stdout, /web-1 +\S+ +1 +used/);

    assert.match((await lintel("ca", "revoke-intermediate", ...state)).stdout, /^Revoked the intermediate/);
    const [rootEntry, intermediate] = arrayAt(await show(), "authorities");
    assert.equal(stringAt(intermediate, "state"), "revoked");
    const list = await run("curl", [
      "-sS",
      "--cacert",
      root,
      stringAt(rootEntry, "revocationListUrl") ?? "",
      "-o",
      join(folder, "crl"),
    ]);
    assert.equal(list.stderr, "");
    const text = await run("openssl", [
      "crl",
      "-inform",
      "DER",
      "-in",
      join(folder, "crl"),
      "-noout",
      "-text",
      "-CAfile",
      root,
    ]);
    assert.match(text.stderr, /verify OK/);
    assert.match(text.stdout.toLowerCase(), new RegExp(`serial number: ${stringAt(intermediate, "serialHex")}`));
  },
);

test(
  "lintel up --acme-listen serves the directory at another address, under its name",
  { skip: skipWithout("curl") },
  async (t) => {
    const arguments_ = ["--acme-listen", "127.0.0.7", "--acme-name", "ca.lan"];
    const instance = await Instance.start(t, { arguments: arguments_ }).ready();
    const shown: unknown = JSON.parse((await lintel("ca", "show", "-o", "json", "--state", instance.state)).stdout);
    const { port, pathname } = new URL(stringAt(shown, "directoryUrl") ?? "");
    const trust = ["-sS", "--cacert", join(instance.state, "ca.crt")];
    for (const host of ["ca.lan", "127.0.0.7"]) {
      const resolve = ["--resolve", `ca.lan:${port}:127.0.0.7`];
      const { stdout } = await run("curl", [...trust, ...resolve, `https://${host}:${port}${pathname}`]);
      assert.equal(stringAt(JSON.parse(stdout), "newAccount"), `https://${host}:${port}/acme/local/new-account`);
    }
  },
);
