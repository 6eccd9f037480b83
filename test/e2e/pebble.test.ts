// The real program against Pebble, Debian's and the newest: nonces refused, authorizations reused or not, several chains, external
// accounts, profiles, renewal information, every way to prove a name. Alerts and commands go along.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { createServer, type Server } from "node:http";
import { get } from "node:https";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { arrayAt, recordAt, stringAt } from "../../src/ground/json.ts";
import { skipWithout } from "../../src/ground/testing.ts";
import { portOf } from "../../src/acme/testing.ts";
import { eventually } from "./eventually.ts";
import { goProgram } from "./go-program.ts";
import { Instance, lintel, run } from "./instance.ts";
import { startPebble, type Pebble, type PebbleOptions } from "./pebble.ts";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** The newest in the Go module proxy when this was written. */
const NEWEST = "v2.10.1";
const noTools = skipWithout("kubectl", "pebble", "pebble-challtestsrv");

interface Wish {
  readonly name: string;
  readonly dnsNames: readonly string[];
  readonly acme?: Readonly<Record<string, unknown>>;
  readonly solver?: Readonly<Record<string, unknown>>;
}

/** Applies an issuer for `pebble` and one Certificate from it. */
async function ask(instance: Instance, pebble: Pebble, wish: Wish): Promise<void> {
  const acme = {
    server: pebble.directoryUrl,
    caBundle: Buffer.from(pebble.caPem).toString("base64"),
    privateKeySecretRef: { name: `${wish.name}-account` },
    solvers: [wish.solver ?? { http01: { ingress: {} } }],
    ...wish.acme,
  };
  const issuerRef = { name: wish.name };
  const spec = {
    secretName: `${wish.name}-tls`,
    dnsNames: wish.dnsNames,
    issuerRef,
    privateKey: { algorithm: "ECDSA" },
  };
  const metadata = { name: wish.name, namespace: "default" };
  await apply(instance, [
    { apiVersion: "cert-manager.io/v1", kind: "Issuer", metadata, spec: { acme } },
    { apiVersion: "cert-manager.io/v1", kind: "Certificate", metadata, spec },
  ]);
}

async function apply(instance: Instance, items: readonly unknown[]): Promise<void> {
  const path = join(instance.state, "apply.json");
  writeFileSync(path, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  await instance.kubectl("apply", "-f", path);
}

async function issued(instance: Instance, name: string): Promise<readonly X509Certificate[]> {
  try {
    await instance.kubectl("wait", "--for=condition=Ready", `certificate/${name}`, "--timeout=60s");
  } catch (error) {
    const about = await instance.kubectl("describe", "certificate,order,challenge");
    throw new Error(`Certificate "${name}" is not Ready:\n${about}`, { cause: error });
  }
  const pem = await instance.kubectl("get", "secret", `${name}-tls`, "-o", "jsonpath={.data.tls\\.crt}");
  const chain = Buffer.from(pem, "base64").toString("utf8");
  return chain.split(/(?=-----BEGIN)/).map((block) => new X509Certificate(block));
}

async function challengesPresented(instance: Instance, name: string): Promise<number> {
  const list: unknown = JSON.parse(await instance.kubectl("get", "events", "-o", "json"));
  const presented = arrayAt(list, "items").filter(
    (event) =>
      stringAt(event, "reason") === "Presented" &&
      (stringAt(recordAt(event, "involvedObject"), "name") ?? "").startsWith(`${name}-`),
  );
  return presented.length;
}

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { rejectUnauthorized: false }, (response) => resolve(text(response))).on("error", reject);
  });
}

async function start(t: TestContext, more: readonly string[] = []): Promise<Instance> {
  return Instance.start(t, { arguments: more }).ready();
}

function portsOf(instance: Instance): Pick<PebbleOptions, "httpPort" | "tlsPort"> {
  return { httpPort: instance.http.port, tlsPort: instance.https.port };
}

const DEBIANS = { name: "Debian's", program: (): { path: string } => ({ path: "pebble" }) };
const NEW = {
  name: `the newest (${NEWEST})`,
  program: () => goProgram("github.com/letsencrypt/pebble/v2/cmd/pebble", NEWEST),
};

for (const { name: which, program } of [DEBIANS, NEW]) {
  test(
    `lintel up gets certificates from Pebble, ${which}, in every way it can be set`,
    { skip: noTools },
    async (t) => {
      const found = program();
      if ("missing" in found) {
        t.skip(found.missing);
        return;
      }
      const instance = await start(t);
      const base = { program: found.path, ...portsOf(instance) };

      await t.test("proves each name anew when nothing is reused", async () => {
        const pebble = await startPebble(t, { ...base, environment: { PEBBLE_AUTHZREUSE: "0" } });
        for (const name of ["fresh-1", "fresh-2"]) {
          const acme = { privateKeySecretRef: { name: "fresh-account" } };
          await ask(instance, pebble, { name, dnsNames: ["shop.example", "www.shop.example"], acme });
          await issued(instance, name);
          assert.equal(await challengesPresented(instance, name), 2);
        }
      });

      await t.test("proves nothing twice when authorizations are reused", async () => {
        const pebble = await startPebble(t, { ...base, environment: { PEBBLE_AUTHZREUSE: "100" } });
        const acme = { privateKeySecretRef: { name: "reused-account" } };
        await ask(instance, pebble, { name: "reused-1", dnsNames: ["reused.example"], acme });
        await issued(instance, "reused-1");
        await ask(instance, pebble, { name: "reused-2", dnsNames: ["reused.example"], acme });
        await issued(instance, "reused-2");
        assert.equal(await challengesPresented(instance, "reused-1"), 1);
        assert.equal(await challengesPresented(instance, "reused-2"), 0);
      });

      await t.test("takes the chain that is preferred", async () => {
        const environment = { PEBBLE_ALTERNATE_ROOTS: "2", PEBBLE_CHAIN_LENGTH: "3" };
        const pebble = await startPebble(t, { ...base, environment });
        const root = new X509Certificate(await fetchText(`${pebble.managementUrl}/roots/2`));
        const commonName = /CN=(.*)/.exec(root.subject)?.[1] ?? "";
        assert.notEqual(commonName, "");
        await ask(instance, pebble, {
          name: "chain",
          dnsNames: ["chain.example"],
          acme: { preferredChain: commonName },
        });
        const chain = await issued(instance, "chain");
        assert.equal(chain.length, 4);
        assert.equal(chain.at(-1)?.issuer, root.subject);
      });

      await t.test("binds the account where the CA asks for it, and says so where it can't", async () => {
        const mac = Buffer.alloc(32, 7).toString("base64url");
        const config = { externalAccountBindingRequired: true, externalAccountMACKeys: { "kid-1": mac } };
        const pebble = await startPebble(t, { ...base, config });
        await ask(instance, pebble, { name: "bound", dnsNames: ["bound.example"] });
        await eventually("the reason", async () => {
          const path = 'jsonpath={.status.conditions[?(@.type=="Ready")].message}';
          const message = await instance.kubectl("get", "certificate", "bound", "-o", path);
          return message.includes("Set spec.acme.externalAccountBinding of the issuer") ? true : undefined;
        });
        const metadata = { name: "eab", namespace: "default" };
        await apply(instance, [{ apiVersion: "v1", kind: "Secret", metadata, stringData: { hmac: mac } }]);
        const externalAccountBinding = { keyID: "kid-1", keySecretRef: { name: "eab", key: "hmac" } };
        await ask(instance, pebble, { name: "bound", dnsNames: ["bound.example"], acme: { externalAccountBinding } });
        await issued(instance, "bound");
      });

      await t.test("proves a name by TLS-ALPN-01, and a wildcard by DNS-01", async () => {
        const pebble = await startPebble(t, base);
        await ask(instance, pebble, { name: "alpn", dnsNames: ["alpn.example"], solver: { tlsALPN01: {} } });
        await issued(instance, "alpn");
        const hook = await dnsHook(t, pebble);
        const config = { url: `http://127.0.0.1:${String(portOf(hook))}/` };
        const webhook = { groupName: "lintel.dev", solverName: "http", config };
        const solver = { dns01: { webhook, nameservers: [pebble.dns] } };
        await ask(instance, pebble, { name: "wild", dnsNames: ["*.wild.example", "wild.example"], solver });
        const [leaf] = await issued(instance, "wild");
        assert.match(leaf?.subjectAltName ?? "", /DNS:\*\.wild\.example/);
      });

      if (program === NEW.program) {
        await t.test("tells the record of DNS-PERSIST-01 and goes on once somebody made it", async () => {
          const pebble = await startPebble(t, { ...base, config: { caaIdentities: ["pebble.example"] } });
          const solver = { dnsPersist01: { nameservers: [pebble.dns] } };
          await ask(instance, pebble, { name: "kept", dnsNames: ["*.kept.example"], solver });
          const [, host = "", value = ""] = await eventually("the record to make", async () => {
            const path = 'jsonpath={.status.conditions[?(@.type=="Ready")].message}';
            const message = await instance.kubectl("get", "certificate", "kept", "-o", path);
            return /keep it: (\S+) "([^"]+)"/.exec(message) ?? undefined;
          });
          assert.equal(host, "_validation-persist.kept.example");
          assert.match(value, /^pebble\.example; accounturi=https:\/\/127\.0\.0\.1:\d+\/\S+; policy=wildcard$/);
          await fetch(`${pebble.dnsControl}/set-txt`, {
            method: "POST",
            body: JSON.stringify({ host: `${host}.`, value }),
          });
          const [leaf] = await issued(instance, "kept");
          assert.match(leaf?.subjectAltName ?? "", /DNS:\*\.kept\.example/);
        });

        await t.test("asks for a profile, follows renewal information and renews on demand", async () => {
          const profiles = {
            default: { description: "90 days", validityPeriod: 7_776_000 },
            shortlived: { description: "6 days", validityPeriod: 518_400 },
          };
          const pebble = await startPebble(t, { ...base, config: { profiles } });
          await ask(instance, pebble, { name: "short", dnsNames: ["short.example"], acme: { profile: "shortlived" } });
          const [leaf] = await issued(instance, "short");
          const days = (Date.parse(leaf?.validTo ?? "") - Date.parse(leaf?.validFrom ?? "")) / 86_400_000;
          assert.ok(days > 5.9 && days < 6.1, String(days));
          await eventually("the window that the CA suggests", async () => {
            const window = await instance.kubectl(
              "get",
              "certificate",
              "short",
              "-o",
              "jsonpath={.status.acme.ari.suggestedWindow.start}",
            );
            return window === "" ? undefined : true;
          });
          const renewed = await lintel("renew", "short", "--state", instance.state, "--timeout", "60s", "-o", "json");
          assert.equal(renewed.code, 0, renewed.stderr);
          const [outcome] = arrayAt({ items: JSON.parse(renewed.stdout) as unknown }, "items");
          assert.equal(stringAt(outcome, "outcome"), "renewed");
          const replaces = await instance.kubectl("get", "orders", "-o", "jsonpath={.items[*].spec.replaces}");
          assert.match(replaces, /\w+\.\w+/);
          await ask(instance, pebble, { name: "nope", dnsNames: ["nope.example"], acme: { profile: "invented" } });
          await eventually("the reason", async () => {
            const path = 'jsonpath={.status.conditions[?(@.type=="Ready")].message}';
            const message = await instance.kubectl("get", "certificate", "nope", "-o", path);
            return message.includes("Correct spec.acme.profile of the issuer") ? true : undefined;
          });
          const missing = await lintel("renew", "no-such", "--state", instance.state);
          assert.deepEqual([missing.code, missing.stdout], [66, ""]);
          const doctor = await lintel("doctor", "--lifetimes", "--state", instance.state, "-o", "json");
          // Only the one that cannot be issued today would come too late.
          assert.equal(doctor.code, 1, doctor.stderr);
          assert.match(doctor.stderr, /1 of \d+ certificates would come too late/);
          assert.ok(arrayAt(JSON.parse(doctor.stdout) as unknown, "certificates").length >= 5);
        });
      }
    },
  );
}

test("lintel up posts an alert when a CA cannot reach a name, and counts the attempt", { skip: noTools }, async (t) => {
  const alerts: unknown[] = [];
  const receiver = createServer((request, response) => {
    void text(request).then((body) => {
      alerts.push(JSON.parse(body));
      response.end();
      return undefined;
    });
  });
  await listening(t, receiver);
  const instance = await start(t, [
    "--preflight",
    "auto",
    "--alert-webhook",
    `http://127.0.0.1:${String(portOf(receiver))}/hook`,
  ]);
  // Nobody answers on this port: the CA finds it closed.
  const pebble = await startPebble(t, { program: "pebble", httpPort: 1, tlsPort: 1 });
  await ask(instance, pebble, { name: "closed", dnsNames: ["closed.example"] });
  const alert = await eventually("the alert", () => alerts[0], 60_000);
  assert.equal(stringAt(alert, "kind"), "AttemptFailed");
  assert.match(stringAt(alert, "message") ?? "", /closed\.example/);
  assert.equal(stringAt(recordAt(alert, "certificate"), "name"), "closed");
  const metrics = await run("curl", ["-s", `http://127.0.0.1:${String(instance.admin.port)}/metrics`]);
  assert.match(metrics.stdout, /lintel_certificate_failed_attempts\{name="closed"[^}]*\} 1/);
  assert.match(metrics.stdout, /lintel_alerts_total\{outcome="delivered"\} [1-9]/);
});

/** Tells Pebble's DNS server what a `lintel.dev` webhook solver posts. */
async function dnsHook(t: TestContext, pebble: Pebble): Promise<Server> {
  const hook = createServer((request, response) => {
    void text(request).then(async (body) => {
      const wish: unknown = JSON.parse(body);
      const host = `${(stringAt(wish, "fqdn") ?? "").replace(/\.$/, "")}.`;
      const act = stringAt(wish, "action") === "present" ? "set-txt" : "clear-txt";
      await fetch(`${pebble.dnsControl}/${act}`, {
        method: "POST",
        body: JSON.stringify({ host, value: stringAt(wish, "value") }),
      });
      response.end("{}");
      return undefined;
    });
  });
  await listening(t, hook);
  return hook;
}

async function listening(t: TestContext, server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
}
