import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSettings } from "./renewal-file.ts";
import { type ReplacedAuthenticator, solverFor } from "./solver-for.ts";

function solve(settings: string, credentials?: string): Promise<ReplacedAuthenticator> {
  return solverFor(parseSettings(settings), "ca-dns", (path) =>
    Promise.resolve(path === "/root/secret" ? credentials : undefined),
  );
}

for (const [authenticator, said] of [
  ["webroot", /HTTP-01 itself, the folder "\/var\/www" is not needed/],
  ["standalone", /on port 80, which nothing else must hold/],
  ["nginx", /write an Ingress for what nginx forwarded/],
  ["apache", /write an Ingress for what apache forwarded/],
  ["manual", /hooks are not needed/],
] as const) {
  test(`solverFor() proves by HTTP-01 in place of ${authenticator}`, async () => {
    const { solver, note } = await solve(`authenticator = ${authenticator}\nwebroot_path = /var/www,\n`);
    assert.deepEqual(solver, { http01: { ingress: {} } });
    assert.match(note, said);
  });
}

const reference = (key: string): unknown => ({ name: "ca-dns", key });

for (const [plugin, credentials, dns01, secrets] of [
  [
    "cloudflare",
    "dns_cloudflare_api_token = t0ken",
    { cloudflare: { apiTokenSecretRef: reference("api-token") } },
    { "api-token": "t0ken" },
  ],
  [
    "cloudflare",
    "dns_cloudflare_email = a@b.example\ndns_cloudflare_api_key = k",
    { cloudflare: { email: "a@b.example", apiKeySecretRef: reference("api-key") } },
    { "api-key": "k" },
  ],
  [
    "digitalocean",
    "dns_digitalocean_token = t",
    { digitalocean: { tokenSecretRef: reference("token") } },
    { token: "t" },
  ],
  [
    "google",
    '{"project_id":"p"}',
    { cloudDNS: { project: "p", serviceAccountSecretRef: reference("key.json") } },
    { "key.json": '{"project_id":"p"}' },
  ],
  [
    "rfc2136",
    "dns_rfc2136_server = 192.0.2.1\ndns_rfc2136_name = key.\ndns_rfc2136_secret = c2VjcmV0\ndns_rfc2136_algorithm = HMAC-SHA512",
    {
      rfc2136: {
        nameserver: "192.0.2.1:53",
        tsigKeyName: "key.",
        tsigAlgorithm: "HMACSHA512",
        tsigSecretSecretRef: reference("tsig"),
      },
    },
    { tsig: "c2VjcmV0" },
  ],
] as const) {
  test(`solverFor() takes the credentials of dns-${plugin} over: ${Object.keys(secrets).join("")}`, async () => {
    const settings = `authenticator = dns-${plugin}\ndns_${plugin}_credentials = /root/secret\n`;
    const found = await solve(settings, credentials);
    assert.deepEqual(found.solver, { dns01 });
    assert.deepEqual(found.secrets, secrets);
    assert.ok(!found.note.includes("t0ken"), "no secret in what is said");
    assert.match((await solve(settings)).note, /credentials \/root\/secret cannot be read/);
    assert.match((await solve(settings, "nothing = here")).note, /credentials \/root\/secret lack what is needed/);
  });
}

for (const [settings, said] of [
  ["authenticator = dns-route53", /add a route53 solver with an access key/],
  ["authenticator = dns-linode", /dns-linode: there is no counterpart/],
  ["authenticator = manual\npref_challs = dns-01,", /"exec" and "http"/],
  ["authenticator = toString", /does not know it/],
] as const) {
  test(`solverFor() says what to choose when there is no counterpart for ${settings.split("\n")[0]}`, async () => {
    const { solver, note } = await solve(settings);
    assert.deepEqual([solver === undefined, said.test(note)], [true, true], note);
  });
}
