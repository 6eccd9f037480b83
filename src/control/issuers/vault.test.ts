// Vault issuers: every case runs against a stand-in of Vault and, where it is installed, against OpenBao.
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { systemClock } from "../../ground/system-clock.ts";
import { MemoryLog, seededRandom } from "../../ground/testing.ts";
import { parseChain } from "../../pki/x509/certificate.ts";
import { base64At } from "../../resource/certificate-request.ts";
import { conditionsOf, type Condition } from "../../resource/condition.ts";
import { CERTIFICATE, CERTIFICATE_REQUEST, EVENT, ISSUER, NAMESPACE, SECRET, type Kind } from "../../resource/kind.ts";
import { MemoryStore } from "../../store/memory.ts";
import { ControlPlane } from "../control-plane.ts";
import { FakeEdge, make, TestPlane } from "../testing.ts";
import { openBaoIsMissing, ROLE, SIGN_PATH, startOpenBao, VaultStandIn, type VaultCounterpart } from "./testing.ts";

/** A busy machine takes longer than any answer. */
const PATIENCE_MS = 60_000;

type Auth = "tokenSecretRef" | "appRole" | "kubernetes" | "clientCertificate";

/** The Secrets that the issuers below name, and `spec.vault.auth` for each way to log in. */
function credentials(vault: VaultCounterpart): {
  secrets: readonly (readonly [string, Record<string, string>])[];
  auth: Record<Auth, unknown>;
} {
  const secrets = [
    ["vault-token", { token: `${vault.token}\n` }],
    ["vault-app-role", { secretId: vault.secretId }],
    ["vault-account", { token: vault.jwt }],
    ["vault-client", { "tls.crt": vault.clientPair.certificate, "tls.key": vault.clientPair.key }],
    ["vault-ca", { "ca.crt": vault.caBundle }],
  ] as const;
  const auth = {
    tokenSecretRef: { name: "vault-token" },
    appRole: { path: "approle", roleId: vault.roleId, secretRef: { name: "vault-app-role", key: "secretId" } },
    kubernetes: { role: ROLE, secretRef: { name: "vault-account", key: "token" } },
    clientCertificate: { name: ROLE, secretName: "vault-client" },
  };
  return { secrets, auth };
}

function secretOf(name: string, entries: Record<string, string>): ReturnType<typeof make> {
  const data = Object.fromEntries(Object.entries(entries).map(([key, text]) => [key, base64(text)]));
  return make(SECRET, name, { type: "Opaque", data });
}

function vaultIssuer(name: string, vault: VaultCounterpart, auth: unknown, more: object = {}): ReturnType<typeof make> {
  const spec = {
    server: vault.server,
    path: SIGN_PATH,
    caBundle: base64(vault.caBundle),
    auth: { ...(auth as object) },
    ...more,
  };
  return make(ISSUER, name, { spec: { vault: spec } });
}

function certificateFor(name: string, issuer: string, dnsName: string): ReturnType<typeof make> {
  const spec = {
    secretName: `${name}-tls`,
    dnsNames: [dnsName],
    duration: "24h",
    issuerRef: { name: issuer },
    privateKey: { algorithm: "ECDSA" },
  };
  return make(CERTIFICATE, name, { spec });
}

for (const [what, skip, start] of [
  ["a stand-in of Vault", false, (t: TestContext): Promise<VaultCounterpart> => VaultStandIn.start(t)],
  ["OpenBao", openBaoIsMissing(), startOpenBao],
] as const) {
  describe(`vault issuer with ${what}`, { skip }, () => {
    it("gets certificates by every login, and gives nothing away", async (t) => {
      const vault = await start(t);
      const store = new MemoryStore({ clock: systemClock });
      const log = new MemoryLog();
      await using _ = await openPlane(store, log);
      const { secrets, auth } = credentials(vault);
      for (const [name, entries] of secrets) await store.create(SECRET, secretOf(name, entries));
      for (const [kind, config] of Object.entries(auth)) {
        const name = kind.toLowerCase();
        await store.create(ISSUER, vaultIssuer(name, vault, { [kind]: config }));
        await store.create(CERTIFICATE, certificateFor(name, name, "shop.example"));
      }
      for (const kind of Object.keys(auth)) {
        const name = kind.toLowerCase();
        const issuer = await condition(store, ISSUER, name, (ready) => ready.status === "True");
        assert.deepEqual([issuer.reason, issuer.message], ["VaultVerified", "Vault verified"]);
        await condition(store, CERTIFICATE, name, (ready) => ready.status === "True");
        const data = (await store.get(SECRET, "shop", `${name}-tls`))?.["data"];
        const chain = parseChain(base64At(data, "tls.crt") ?? "");
        assert.deepEqual(chain[0]?.dnsNames, ["shop.example"]);
        assert.deepEqual([chain.length, chain[1]?.isCa, chain[1]?.selfIssued], [2, true, false]);
        assert.equal(parseChain(base64At(data, "ca.crt") ?? "")[0]?.selfIssued, true);
        const lifetimeMs = (chain[0]?.notAfterMs ?? 0) - (chain[0]?.notBeforeMs ?? 0);
        assert.ok(Math.abs(lifetimeMs - 86_400_000) < 120_000);
      }
      const said = JSON.stringify([log.lines, (await store.list(EVENT)).items, (await store.list(ISSUER)).items]);
      for (const secret of [vault.token, vault.secretId, vault.jwt]) assert.ok(!said.includes(secret));
    });

    it("says why the login is refused, and goes on once the Secret is right", async (t) => {
      const vault = await start(t);
      const store = new MemoryStore({ clock: systemClock });
      await using _ = await openPlane(store, new MemoryLog());
      const { auth } = credentials(vault);
      const created = await store.create(SECRET, secretOf("vault-app-role", { secretId: "wrong" }));
      await store.create(ISSUER, vaultIssuer("le", vault, { appRole: auth.appRole }));
      const refused = await condition(store, ISSUER, "le", (ready) => ready.status === "False");
      assert.equal(refused.reason, "VaultError");
      assert.match(refused.message, /Cannot log in at Vault "127\.0\.0\.1:\d+": status 400, invalid .*secret.?id/i);
      assert.match(refused.message, /Check roleId/);
      await store.update(SECRET, { ...created, data: { secretId: base64(vault.secretId) } });
      await condition(store, ISSUER, "le", (ready) => ready.status === "True");
    });

    it("fails a request that the role does not allow, in Vault's words", async (t) => {
      const vault = await start(t);
      const store = new MemoryStore({ clock: systemClock });
      await using _ = await openPlane(store, new MemoryLog());
      const { secrets, auth } = credentials(vault);
      for (const [name, entries] of secrets) await store.create(SECRET, secretOf(name, entries));
      const place = { caBundle: undefined, caBundleSecretRef: { name: "vault-ca" } };
      await store.create(ISSUER, vaultIssuer("le", vault, { tokenSecretRef: auth.tokenSecretRef }, place));
      await store.create(CERTIFICATE, certificateFor("web", "le", "shop.forbidden"));
      const failed = await condition(store, CERTIFICATE_REQUEST, "web-1", (ready) => ready.reason === "Failed");
      assert.match(failed.message, /Cannot sign at Vault .*status 400.*shop\.forbidden not allowed by this role/);
      assert.match(failed.message, /Check the path "pki\/sign\/web"/);
    });
  });
}

describe("vault issuer", () => {
  it("waits while Vault is sealed, and signs soon after", async (t) => {
    await using plane = await TestPlane.open();
    const vault = await VaultStandIn.start(t, () => plane.clock.nowMs());
    vault.sealed = true;
    await setUp(plane, vault);
    await plane.quiet();
    const sealed = await plane.condition(ISSUER, "vault", "Ready");
    assert.equal(sealed?.reason, "VaultError");
    assert.match(sealed.message, /it is sealed\. Unseal it with "vault operator unseal"/);
    const waiting = await plane.condition(CERTIFICATE, "web", "Ready");
    assert.match(waiting?.message ?? "", /Waiting for Issuer "vault" to become ready: Vault at .* is sealed/);
    vault.sealed = false;
    await plane.untilReady("web");
    assert.equal(vault.openLogins, 0);
  });

  it("keeps a request while Vault is broken, and asks less and less often", async (t) => {
    await using plane = await TestPlane.open();
    const vault = await VaultStandIn.start(t, () => plane.clock.nowMs());
    vault.broken = true;
    await setUp(plane, vault);
    await plane.pass(3_600_000, 60_000);
    const signs = vault.calls.filter((call) => call.endsWith(SIGN_PATH)).length;
    assert.ok(signs >= 5 && signs <= 40, `${String(signs)} attempts in an hour`);
    const pending = await plane.condition(CERTIFICATE_REQUEST, "web-1", "Ready");
    assert.equal(pending?.reason, "Pending");
    assert.match(pending.message, /status 500, 1 error occurred: storage is gone/);
    vault.broken = false;
    await plane.pass(10 * 60_000, 60_000);
    await plane.untilReady("web");
    assert.equal(vault.openLogins, 0);
  });

  it("names the namespace in every call but the one for health", async (t) => {
    await using plane = await TestPlane.open();
    const vault = await VaultStandIn.start(t, () => plane.clock.nowMs());
    await setUp(plane, vault, { namespace: "team" });
    await plane.untilReady("web");
    const calls = new Set(vault.calls);
    assert.ok(calls.has("GET /v1/sys/health") && calls.has(`[team] POST /v1/${SIGN_PATH}`), vault.calls.join("\n"));
    assert.ok(calls.has("[team] POST /v1/auth/approle/login"));
  });

  it("asks the cluster for a token that names the issuer when a service account is given", async (t) => {
    const asked: unknown[] = [];
    const tokens: { jwt: string } = { jwt: "" };
    await using plane = await TestPlane.open({
      serviceAccountTokens: (...args) => {
        asked.push(args);
        return Promise.resolve(tokens.jwt);
      },
    });
    const vault = await VaultStandIn.start(t, () => plane.clock.nowMs());
    tokens.jwt = vault.jwt;
    const kubernetes = { role: ROLE, serviceAccountRef: { name: "issuer", audiences: ["more"] } };
    await plane.store.create(ISSUER, vaultIssuer("vault", vault, { kubernetes }));
    await plane.store.create(CERTIFICATE, certificateFor("web", "vault", "shop.example"));
    await plane.untilReady("web");
    assert.deepEqual(asked[0], ["shop", "issuer", ["vault://shop/vault", "more"]]);
  });

  for (const [what, auth, message] of [
    ["no login", {}, /needs one of tokenSecretRef, appRole, kubernetes, clientCertificate/],
    ["two logins", { tokenSecretRef: { name: "a" }, appRole: {} }, /has both tokenSecretRef and appRole/],
    ["a login it can't do", { aws: { role: "x" } }, /aws is not supported/],
    [
      "a Secret that is not there",
      { tokenSecretRef: { name: "no" } },
      /Cannot read entry "token" of Secret "shop\/no"/,
    ],
    [
      "a service account without a cluster",
      { kubernetes: { role: "x", serviceAccountRef: { name: "a" } } },
      /no cluster/,
    ],
  ] as const) {
    it(`is not ready with ${what}`, async (t) => {
      await using plane = await TestPlane.open();
      const vault = await VaultStandIn.start(t, () => plane.clock.nowMs());
      await plane.store.create(ISSUER, vaultIssuer("vault", vault, auth));
      await plane.quiet();
      const ready = await plane.condition(ISSUER, "vault", "Ready");
      assert.equal(ready?.reason, "VaultError");
      assert.match(ready.message, message);
    });
  }
});

async function setUp(plane: TestPlane, vault: VaultCounterpart, more: object = {}): Promise<void> {
  const { secrets, auth } = credentials(vault);
  for (const [name, entries] of secrets) await plane.store.create(SECRET, secretOf(name, entries));
  await plane.store.create(ISSUER, vaultIssuer("vault", vault, { appRole: auth.appRole }, more));
  await plane.store.create(CERTIFICATE, certificateFor("web", "vault", "shop.example"));
}

async function openPlane(store: MemoryStore, log: MemoryLog): Promise<ControlPlane> {
  for (const name of ["default", "shop"]) await store.create(NAMESPACE, make(NAMESPACE, name));
  return ControlPlane.open({
    store,
    edge: new FakeEdge(),
    clock: systemClock,
    random: seededRandom(1),
    log,
    localCa: { issue: () => Promise.reject(new Error("not needed")) },
    acmeDirectory: (server) => ({ url: server, offline: false }),
    addresses: [],
    settings: { trustedProxies: [], httpsPort: 443 },
    classes: [],
    serveClassless: true,
    clusterResourceNamespace: "default",
  });
}

/** Resolves with the Ready condition of an object once `enough` holds for it. */
async function condition(
  store: MemoryStore,
  kind: Kind,
  name: string,
  enough: (ready: Condition) => boolean,
): Promise<Condition> {
  let last = "nothing";
  try {
    for await (const { object } of store.watch(kind, { signal: AbortSignal.timeout(PATIENCE_MS) })) {
      const ready = conditionsOf(object["status"]).find(({ type }) => type === "Ready");
      if (object.metadata.name !== name || ready === undefined) continue;
      if (enough(ready)) return ready;
      last = ready.message;
    }
  } catch (error) {
    throw new Error(`${kind.kind} "${name}" stayed at: ${last}`, { cause: error });
  }
  throw new Error(`${kind.kind} "${name}" stayed at: ${last}`);
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
