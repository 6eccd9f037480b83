// Each provider against a stand-in of its HTTP API: zones, records of one name, and changes of them. The stand-ins imitate no
// limits, no pages, no delays until servers show a record, and check of a login only what is asserted here.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { arrayAt, isRecord, recordAt } from "../../ground/json.ts";
import { systemClock } from "../../ground/system-clock.ts";
import { AcmeDnsSolver } from "./acme-dns.ts";
import { signAwsRequest } from "./aws-signature.ts";
import { AzureDnsSolver } from "./azure-dns.ts";
import { CloudDnsSolver } from "./cloud-dns.ts";
import { CloudflareSolver } from "./cloudflare.ts";
import { DigitalOceanSolver } from "./digital-ocean.ts";
import type { DnsSolver } from "./dns-solver.ts";
import { ExecSolver, HttpHookSolver } from "./hook.ts";
import { openSolver } from "./open-solver.ts";
import { ProviderApi } from "./provider-api.ts";
import { Route53Solver } from "./route53.ts";
import { openStandIn, type StandInAnswer, type StandInCall, writeProgram } from "./testing.ts";

const { signal } = new AbortController();
const NAME = "_acme-challenge.www.shop.example";
const clock = systemClock;

function api(provider: string): ProviderApi {
  return new ProviderApi({ provider, clock });
}

/** Two values at one name, each set twice and removed twice, in turn: neither touches the other. */
async function exercise(solver: DnsSolver, values: () => readonly string[]): Promise<void> {
  const [one, two] = [
    { name: NAME, value: "one" },
    { name: NAME, value: "two" },
  ];
  for (const record of [one, one, two]) await solver.present(record, signal);
  assert.deepEqual([...values()].sort(), ["one", "two"]);
  for (const record of [one, one]) await solver.cleanup(record, signal);
  assert.deepEqual(values(), ["two"]);
  await solver.cleanup(two, signal);
  assert.deepEqual(values(), []);
}

function recordIn(body: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(body);
  assert.ok(isRecord(value));
  return value;
}

interface Entry {
  readonly id: number;
  readonly value: string;
}

function flatRecords(t: TestContext, shape: (call: StandInCall, records: Entry[]) => StandInAnswer) {
  const records: Entry[] = [];
  return { records, opening: openStandIn(t, (call) => shape(call, records)) };
}

describe("DNS providers", () => {
  it("Cloudflare creates and deletes one record for each value", async (t) => {
    const { records, opening } = flatRecords(t, (call, kept) => {
      assert.equal(call.headers.authorization, "Bearer token");
      if (call.path === "/zones")
        return [200, { result: call.query.get("name") === "shop.example" ? [{ id: "z1" }] : [] }];
      if (call.method === "GET")
        return [200, { result: kept.map(({ id, value }) => ({ id: String(id), content: `"${value}"` })) }];
      if (call.method === "DELETE") {
        kept.splice(
          kept.findIndex(({ id }) => call.path === `/zones/z1/dns_records/${id}`),
          1,
        );
        return [200, {}];
      }
      kept.push({ id: kept.length + 10, value: String(recordIn(call.body)["content"]).replaceAll('"', "") });
      return [200, {}];
    });
    const { url } = await opening;
    const solver = new CloudflareSolver({ api: api("Cloudflare"), login: { token: "token" }, base: url });
    await exercise(solver, () => records.map(({ value }) => value));
  });

  it("DigitalOcean creates and deletes one record for each value", async (t) => {
    const { records, opening } = flatRecords(t, (call, kept) => {
      if (!call.path.startsWith("/domains/shop.example")) return [404, {}];
      if (call.path === "/domains/shop.example") return [200, {}];
      if (call.method === "GET") return [200, { domain_records: kept.map(({ id, value }) => ({ id, data: value })) }];
      if (call.method === "DELETE") {
        kept.splice(
          kept.findIndex(({ id }) => call.path.endsWith(`/${id}`)),
          1,
        );
        return [204, {}];
      }
      const { name, data } = recordIn(call.body);
      assert.equal(name, "_acme-challenge.www");
      kept.push({ id: kept.length + 10, value: String(data) });
      return [201, {}];
    });
    const { url } = await opening;
    const solver = new DigitalOceanSolver({ api: api("DigitalOcean"), token: "t", base: url });
    await exercise(solver, () => records.map(({ value }) => value));
  });

  it("Route 53 replaces the record set as a whole", async (t) => {
    let values: string[] = [];
    const { url } = await openStandIn(t, (call) => {
      assert.match(call.headers.authorization ?? "", /^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/us-east-1\/route53\//);
      if (call.path.endsWith("/hostedzonesbyname")) {
        const found = call.query.get("dnsname") === "shop.example.";
        const zone =
          "<HostedZone><Id>/hostedzone/Z1</Id><Name>shop.example.</Name><PrivateZone>false</PrivateZone></HostedZone>";
        return [200, `<Zones>${found ? zone : ""}</Zones>`];
      }
      assert.equal(call.path, "/2013-04-01/hostedzone/Z1/rrset");
      if (call.method === "GET") {
        const kept = values.map((value) => `<ResourceRecord><Value>&quot;${value}&quot;</Value></ResourceRecord>`);
        const set = `<ResourceRecordSet><Name>${NAME}.</Name><Type>TXT</Type><TTL>60</TTL>${kept.join("")}</ResourceRecordSet>`;
        return [200, `<List>${values.length === 0 ? "" : set}</List>`];
      }
      const created = /<Action>CREATE<\/Action>.*/s.exec(call.body)?.[0] ?? "";
      values = [...created.matchAll(/<Value>&quot;(.*?)&quot;<\/Value>/g)].map((match) => match[1] ?? "");
      return [200, "<Done/>"];
    });
    const credentials = { accessKeyId: "AKID", secretAccessKey: "secret" };
    await exercise(new Route53Solver({ api: api("Route 53"), clock, credentials, base: url }), () => values);
  });

  it("Google Cloud DNS logs in with a JWT and replaces the record set as a whole", async (t) => {
    let values: string[] = [];
    const { url, calls } = await openStandIn(t, (call) => {
      if (call.path === "/token") return [200, { access_token: "access" }];
      assert.equal(call.headers.authorization, "Bearer access");
      const at = "/dns/v1/projects/p/managedZones";
      if (call.path === at) return [200, { managedZones: [{ name: "shop", dnsName: "shop.example." }] }];
      if (call.path === `${at}/shop/rrsets`)
        return [200, values.length === 0 ? {} : { rrsets: [{ name: `${NAME}.`, rrdatas: values }] }];
      values = arrayAt(arrayAt(recordIn(call.body), "additions")[0], "rrdatas").map(String);
      return [200, {}];
    });
    const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" });
    const serviceAccount = JSON.stringify({ client_email: "a@p.example", private_key: key, token_uri: `${url}/token` });
    const solver = new CloudDnsSolver({ api: api("Cloud DNS"), clock, project: "p", serviceAccount, base: url });
    await exercise(solver, () => values.map((value) => value.replaceAll('"', "")));
    assert.match(calls[0]?.body ?? "", /jwt-bearer&assertion=ey/);
  });

  it("Azure DNS replaces the record set it has read and no other", async (t) => {
    let values: string[] = [];
    let version = 0;
    const { url } = await openStandIn(t, (call) => {
      if (call.path === "/tenant/oauth2/v2.0/token") return [200, { access_token: "access" }];
      const zones = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnsZones";
      if (call.path === `${zones}/shop.example`) return [200, {}];
      if (call.path !== `${zones}/shop.example/TXT/_acme-challenge.www`) return [404, {}];
      const etag = String(version);
      if (call.method === "GET") {
        const properties = { TXTRecords: values.map((value) => ({ value: [value] })) };
        return values.length === 0 ? [404, {}] : [200, { etag, properties }];
      }
      if (values.length > 0) assert.equal(call.headers["if-match"], etag);
      version += 1;
      const properties = call.method === "PUT" ? recordAt(recordIn(call.body), "properties") : {};
      values = arrayAt(properties, "TXTRecords").map((entry) => arrayAt(entry, "value").join(""));
      return [200, {}];
    });
    const login = { tenantId: "tenant", clientId: "c", clientSecret: "x", subscriptionId: "s", resourceGroup: "g" };
    const endpoints = { login: url, management: url };
    await exercise(new AzureDnsSolver({ api: api("Azure DNS"), ...login, endpoints }), () => values);
  });

  it("acme-dns is told the value of the account of the name", async (t) => {
    const { url, calls } = await openStandIn(t, () => [200, {}]);
    const accounts = JSON.stringify({ "www.shop.example": { username: "u", password: "p", subdomain: "sub" } });
    const options = { api: api("acme-dns"), host: url, accounts };
    await new AcmeDnsSolver({ ...options, domain: "www.shop.example" }).present({ name: NAME, value: "v" }, signal);
    assert.equal(calls[0]?.headers["x-api-user"], "u");
    assert.deepEqual(JSON.parse(calls[0]?.body ?? ""), { subdomain: "sub", txt: "v" });
    const other = new AcmeDnsSolver({ ...options, domain: "other.example" });
    await assert.rejects(
      other.present({ name: NAME, value: "v" }, signal),
      /the accounts in the Secret have no such name/,
    );
  });

  it("the HTTP hook is posted what to do, and its refusal is told", async (t) => {
    const { url, calls } = await openStandIn(t, ({ body }) => [body.includes("cleanup") ? 403 : 204, "no such right"]);
    const solver = new HttpHookSolver({ api: api("the HTTP hook"), url, token: "t", domain: "www.shop.example" });
    await solver.present({ name: NAME, value: "v" }, signal);
    const expected = { action: "present", fqdn: `${NAME}.`, value: "v", domain: "www.shop.example" };
    assert.deepEqual(JSON.parse(calls[0]?.body ?? ""), expected);
    await assert.rejects(solver.cleanup({ name: NAME, value: "v" }, signal), /status 403, no such right/);
  });
});

describe("signAwsRequest()", () => {
  it("signs the suite's vanilla request as AWS documents it", () => {
    const headers = signAwsRequest(
      { method: "GET", url: "https://example.amazonaws.com/", headers: {}, body: "" },
      {
        credentials: {
          accessKeyId: "AKIDEXAMPLE",
          secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        },
        region: "us-east-1",
        service: "service",
        nowMs: Date.UTC(2015, 7, 30, 12, 36),
      },
    );
    assert.match(
      headers["Authorization"] ?? "",
      /Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31$/,
    );
  });
});

describe("ExecSolver", () => {
  it("runs the program with its arguments as they are, without a shell", async (t) => {
    const { path, folder } = writeProgram(t, '#!/bin/sh\nprintf "%s\\n" "$@" > "$(dirname "$0")/seen"\n');
    await new ExecSolver({ command: [path, "$(id)"], clock }).present({ name: NAME, value: "v" }, signal);
    assert.equal(readFileSync(join(folder, "seen"), "utf8"), `$(id)\npresent\n${NAME}.\nv\n`);
  });

  it("tells what the program said when it failed", async (t) => {
    const { path } = writeProgram(t, "#!/bin/sh\necho the zone is locked >&2\nexit 3\n");
    const solver = new ExecSolver({ command: [path], clock });
    await assert.rejects(solver.present({ name: NAME, value: "v" }, signal), /the zone is locked/);
  });
});

describe("openSolver()", () => {
  const source = { domain: "www.shop.example", clock, allowExec: false, secret: async () => "secret" };

  it("runs no program unless that is allowed", async (t) => {
    const { path, folder } = writeProgram(t, '#!/bin/sh\ntouch "$(dirname "$0")/ran"\n');
    const webhook = { groupName: "lintel.dev", solverName: "exec", config: { command: [path] } };
    await assert.rejects(openSolver({ ...source, config: { webhook } }), /running programs is not allowed/);
    const solver = await openSolver({ ...source, allowExec: true, config: { webhook } });
    assert.equal(existsSync(join(folder, "ran")), false);
    await solver.present({ name: NAME, value: "v" }, signal);
    assert.equal(existsSync(join(folder, "ran")), true);
  });

  it("says that a foreign webhook cannot run here", async () => {
    const webhook = { groupName: "acme.example", solverName: "own" };
    await assert.rejects(openSolver({ ...source, config: { webhook } }), /"acme.example\/own" runs inside a cluster/);
  });
});
