import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { freePort, skipWithout } from "../../src/ground/testing.ts";
import { type KeyPair, TestAuthority } from "../../src/proxy/testing.ts";
import { eventually } from "./eventually.ts";
import { httpsGet } from "./https-get.ts";
import { stateFolder } from "./instance.ts";
import { type Site, startSites } from "./site.ts";

const PREFIX = "nginx.ingress.kubernetes.io/";
const PROGRAM = "nginx";

describe("HTTPS endpoints", { skip: skipWithout("openssl", "kubectl", "nginx") }, () => {
  test("are served over HTTP/1.1 and HTTP/2 when they prove who they are, and shown a certificate", async (t) => {
    const { authority, other, port } = await startNginx(t);
    const client = await authority.issue(["edge.example"]);
    const tls = { "proxy-ssl-verify": "on", "proxy-ssl-secret": "default/trust", "proxy-ssl-name": "web.internal" };
    const site = (name: string, annotations: Readonly<Record<string, string>>): Site => ({
      name,
      port,
      annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [PREFIX + key, value])),
    });
    const file = join(stateFolder(t), "secrets.yaml");
    writeFileSync(file, secret("trust", authority, client) + secret("foreign", other, client));
    const instance = await startSites(
      t,
      [
        site("plain", { "backend-protocol": "HTTPS", ...tls }),
        site("multiplexed", { "backend-protocol": "GRPCS", ...tls, "proxy-ssl-server-name": "on" }),
        site("misnamed", { "backend-protocol": "HTTPS", ...tls, "proxy-ssl-name": "other.internal" }),
        site("foreign", { "backend-protocol": "HTTPS", ...tls, "proxy-ssl-secret": "default/foreign" }),
        site("anyone", { "backend-protocol": "HTTPS" }),
        site("nothing", { "backend-protocol": "HTTPS", ...tls, "proxy-ssl-secret": "default/absent" }),
      ],
      [file],
    );
    const ask = async (name: string): Promise<string> => {
      const { status, body } = await httpsGet(instance, `${name}.localhost`);
      return `${status} ${body.trim()}`;
    };
    assert.equal(await ask("plain"), "200 HTTP/1.1 CN=edge.example web.internal:off");
    assert.equal(await ask("multiplexed"), "200 HTTP/2.0 CN=edge.example web.internal:on");
    const named = (service: string): string => `Service "default/${service}" endpoint 127.0.0.1:${port} is not trusted`;
    const misnamed = `${named("misnamed")} to be "other.internal": its certificate is for "web.internal"`;
    assert.equal(await ask("misnamed"), `502 502 Bad Gateway: ${misnamed}`);
    const foreign = `to be "web.internal": no authority in Secret "default/foreign" has signed its certificate`;
    assert.equal(await ask("foreign"), `502 502 Bad Gateway: ${named("foreign")} ${foreign}`);
    // Without a certificate of ours, nginx says so itself.
    assert.match(await ask("anyone"), /^400 .*No required SSL certificate was sent/s);
    assert.match(await ask("nothing"), /^503 .*Secret "default\/absent" does not exist/);
    const events = (): Promise<string> => instance.kubectl("get", "events", "-o", "jsonpath={.items[*].message}");
    await eventually("an Event about the Secret", async () =>
      /"default\/absent" does not/.test(await events()) ? true : undefined,
    );

    // What was agreed on under one Secret is not used under the next.
    writeFileSync(file, secret("trust", other, client));
    await instance.kubectl("apply", "-f", file);
    const refused = /^502 .*no authority in Secret "default\/trust"/;
    for (const name of ["plain", "multiplexed"]) {
      await eventually(`the new Secret of ${name}`, async () => (refused.test(await ask(name)) ? true : undefined));
    }
    writeFileSync(file, secret("trust", authority, client));
    await instance.kubectl("apply", "-f", file);
    await eventually("the old Secret to count", async () =>
      (await ask("plain")).startsWith("200") ? true : undefined,
    );
  });
});

function secret(name: string, { certificate }: TestAuthority, { chain, key }: KeyPair): string {
  const data = { "ca.crt": encode(certificate), "tls.crt": encode(chain), "tls.key": encode(key) };
  return `---\napiVersion: v1\nkind: Secret\nmetadata: { name: ${name}, namespace: default }\ndata: ${JSON.stringify(data)}\n`;
}

/** An nginx that speaks TLS to those who have a certificate of its authority, and says who they are. */
async function startNginx(t: TestContext): Promise<{ authority: TestAuthority; other: TestAuthority; port: number }> {
  const [authority, other] = await Promise.all([TestAuthority.open("Shop CA"), TestAuthority.open("Other CA")]);
  const folder = stateFolder(t);
  const port = await freePort();
  const { chain, key } = await authority.issue(["web.internal"]);
  writeFileSync(join(folder, "server.crt"), chain);
  writeFileSync(join(folder, "server.key"), key);
  writeFileSync(join(folder, "ca.crt"), authority.certificate);
  const isRoot = process.getuid?.() === 0;
  const config = `daemon off; worker_processes 1; pid nginx.pid; error_log error.log; ${isRoot ? "user root;" : ""}
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  map $ssl_server_name $sent { "" off; default on; }
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate server.crt; ssl_certificate_key server.key;
    ssl_client_certificate ca.crt; ssl_verify_client on;
    location / { return 200 "$server_protocol $ssl_client_s_dn web.internal:$sent"; }
  }
}
`;
  writeFileSync(join(folder, "nginx.conf"), config);
  const child = spawn(PROGRAM, ["-p", folder, "-c", "nginx.conf", "-e", "error.log"], { stdio: "ignore" });
  t.after(async () => {
    if (child.exitCode === null) {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    }
    await Promise.all([authority[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
  });
  return { authority, other, port };
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64");
}
