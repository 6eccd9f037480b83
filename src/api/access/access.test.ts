import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TestApi, at, type TestAnswer } from "../testing.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const JANE = { "impersonate-user": "jane" };

async function bind(api: TestApi, rules: readonly object[], namespace = "default", user = "jane"): Promise<void> {
  const path = `${RBAC}/namespaces/${namespace}`;
  const role = await api.call("POST", `${path}/roles`, { body: { metadata: { name: user }, rules } });
  assert.equal(role.status, 201, role.text);
  const roleRef = { kind: "Role", name: user };
  const body = { metadata: { name: user }, roleRef, subjects: [{ kind: "User", name: user }] };
  assert.equal((await api.call("POST", `${path}/rolebindings`, { body })).status, 201);
}

function said(answer: TestAnswer): unknown {
  return [answer.status, at(answer.json, "reason"), at(answer.json, "message")];
}

describe("ApiServer authorization", () => {
  it("refuses everything that no role grants, in the words of a real server", async () => {
    await using api = await TestApi.open();
    assert.deepEqual(said(await api.call("GET", CONFIG_MAPS, { headers: JANE })), [
      403,
      "Forbidden",
      'configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" in the namespace "default"',
    ]);
    assert.deepEqual(said(await api.call("DELETE", "/api/v1/namespaces/default", { headers: JANE })), [
      403,
      "Forbidden",
      'namespaces "default" is forbidden: User "jane" cannot delete resource "namespaces" in API group "" in the namespace "default"',
    ]);
    assert.deepEqual(said(await api.call("GET", "/nosuch", { headers: JANE })), [
      403,
      "Forbidden",
      'forbidden: User "jane" cannot get path "/nosuch"',
    ]);
    assert.equal((await api.call("GET", "/apis", { headers: JANE })).status, 200);
  });

  it("grants what a role says, of that verb, resource, name and namespace", async () => {
    await using api = await TestApi.open();
    await bind(api, [
      { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"] },
      { apiGroups: ["apps"], resources: ["deployments/scale"], resourceNames: ["web"], verbs: ["*"] },
    ]);
    const status = async (method: string, path: string): Promise<number> =>
      (await api.call(method, path, { headers: JANE, ...(method === "POST" ? { body: {} } : {}) })).status;
    assert.equal(await status("GET", CONFIG_MAPS), 200);
    assert.equal(await status("GET", `${CONFIG_MAPS}/missing`), 404);
    assert.equal(await status("GET", `${CONFIG_MAPS}?watch=true`), 403);
    assert.equal(await status("POST", CONFIG_MAPS), 403);
    assert.equal(await status("GET", "/api/v1/configmaps"), 403);
    assert.equal(await status("GET", "/api/v1/namespaces/kube-system/configmaps"), 403);
    assert.equal(await status("GET", "/api/v1/namespaces/default/secrets"), 403);
    const deployments = "/apis/apps/v1/namespaces/default/deployments";
    assert.equal(await status("GET", `${deployments}/web/scale`), 404);
    assert.equal(await status("GET", `${deployments}/other/scale`), 403);
    assert.equal(await status("GET", `${deployments}/web`), 403);
  });

  it("asks for create as well when a patch or put would make the object", async () => {
    await using api = await TestApi.open();
    await bind(api, [{ apiGroups: ["", "coordination.k8s.io"], resources: ["*"], verbs: ["get", "patch", "update"] }]);
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } };
    const applied = await api.call("PATCH", `${CONFIG_MAPS}/a?fieldManager=x`, {
      headers: JANE,
      body,
      type: "application/apply-patch+yaml",
    });
    assert.match(applied.text, /cannot create resource/);
    const lease = "/apis/coordination.k8s.io/v1/namespaces/default/leases/a";
    assert.match((await api.call("PUT", lease, { headers: JANE, body: {} })).text, /cannot create resource/);
  });

  it("lets nobody grant what they do not have", async () => {
    await using api = await TestApi.open();
    const roles = { apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles", "rolebindings"], verbs: ["*"] };
    const mine = { apiGroups: [""], resources: ["configmaps"], verbs: ["get"] };
    await bind(api, [{ ...roles, verbs: ["create", "update", "patch", "get"] }, mine]);
    const create = async (plural: string, name: string, fields: object): Promise<TestAnswer> =>
      api.call("POST", `${RBAC}/namespaces/default/${plural}`, {
        headers: JANE,
        body: { metadata: { name }, ...fields },
      });
    assert.equal((await create("roles", "same", { rules: [mine] })).status, 201);
    const more = await create("roles", "more", { rules: [{ ...mine, resources: ["secrets"] }] });
    assert.equal(more.status, 403);
    assert.match(more.text, /attempting to grant RBAC permissions not currently held/);
    const subjects = [{ kind: "User", name: "jane" }];
    const toAdmin = { roleRef: { kind: "ClusterRole", name: "cluster-admin" }, subjects };
    assert.equal((await create("rolebindings", "up", toAdmin)).status, 403);
    const toMissing = { roleRef: { kind: "ClusterRole", name: "made-later" }, subjects };
    assert.equal((await create("rolebindings", "later", toMissing)).status, 403);
    assert.equal(
      (await create("rolebindings", "fine", { roleRef: { kind: "Role", name: "same" }, subjects })).status,
      201,
    );
    const patched = await api.call("PATCH", `${RBAC}/namespaces/default/roles/same`, {
      headers: JANE,
      body: { rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }] },
      type: "application/merge-patch+json",
    });
    assert.equal(patched.status, 403);
  });

  it("lets only those speak for others who may", async () => {
    await using api = await TestApi.open();
    await bind(api, [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get"] }]);
    const account = await api.call("POST", "/api/v1/namespaces/default/serviceaccounts", {
      body: { metadata: { name: "bot" } },
    });
    assert.equal(account.status, 201);
    const made = await api.call("POST", "/api/v1/namespaces/default/serviceaccounts/bot/token", { body: {} });
    const authorization = `Bearer ${String(at(made.json, "status.token"))}`;
    const refused = await api.call("GET", CONFIG_MAPS, { headers: { authorization, ...JANE } });
    assert.match(refused.text, /User \\"system:serviceaccount:default:bot\\" cannot impersonate resource \\"users\\"/);
    const groups = await api.call("GET", CONFIG_MAPS, {
      headers: { "impersonate-user": "bob", "impersonate-group": "system:masters" },
    });
    assert.equal(groups.status, 200);
  });
});

describe("ServiceAccountTokens", () => {
  const ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts";

  async function open(): Promise<{ api: TestApi; headers: { authorization: string } }> {
    const api = await TestApi.open();
    await api.call("POST", ACCOUNTS, { body: { metadata: { name: "bot" } } });
    const made = await api.call("POST", `${ACCOUNTS}/bot/token`, { body: { spec: { expirationSeconds: 700 } } });
    assert.equal(made.status, 201, made.text);
    return { api, headers: { authorization: `Bearer ${String(at(made.json, "status.token"))}` } };
  }

  it("say who has them, until their time is over", async () => {
    const { api, headers } = await open();
    await using _ = api;
    const answer = await whoAmI(api, headers);
    assert.equal(at(answer.json, "status.userInfo.username"), "system:serviceaccount:default:bot");
    assert.deepEqual(at(answer.json, "status.userInfo.groups"), [
      "system:serviceaccounts",
      "system:serviceaccounts:default",
      "system:authenticated",
    ]);
    await api.clock.advance(701_000);
    assert.equal((await whoAmI(api, headers)).status, 401);
  });

  it("end with their ServiceAccount, and are not those of the next one of the same name", async () => {
    const { api, headers } = await open();
    await using _ = api;
    await api.call("DELETE", `${ACCOUNTS}/bot`);
    assert.equal((await whoAmI(api, headers)).status, 401);
    await api.call("POST", ACCOUNTS, { body: { metadata: { name: "bot" } } });
    assert.equal((await whoAmI(api, headers)).status, 401);
  });

  it("are refused when a single part of them is changed, or when they ask for no signature", async () => {
    const { api, headers } = await open();
    await using _ = api;
    const [header = "", claims = "", signature = ""] = headers.authorization.slice("Bearer ".length).split(".");
    const text = Buffer.from(claims, "base64url").toString().replaceAll("bot", "not");
    const forged = Buffer.from(text).toString("base64url");
    const unsigned = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
    for (const token of [`${header}.${forged}.${signature}`, `${unsigned}.${claims}.`, `${header}.${claims}.`]) {
      assert.equal((await whoAmI(api, { authorization: `Bearer ${token}` })).status, 401);
    }
  });

  it("may not be asked for less than ten minutes", async () => {
    const { api } = await open();
    await using _ = api;
    const answer = await api.call("POST", `${ACCOUNTS}/bot/token`, { body: { spec: { expirationSeconds: 10 } } });
    assert.equal(answer.status, 422);
    assert.match(answer.text, /may not specify a duration less than 10 minutes/);
  });
});

describe("reviews", () => {
  it("tell what others may do", async () => {
    await using api = await TestApi.open();
    await bind(api, [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get"] }]);
    const ask = async (verb: string): Promise<unknown> => {
      const resourceAttributes = { namespace: "default", verb, resource: "configmaps" };
      const body = { spec: { user: "jane", resourceAttributes } };
      const answer = await api.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", { body });
      return [at(answer.json, "status.allowed"), at(answer.json, "status.reason")];
    };
    assert.deepEqual(await ask("get"), [
      true,
      'RBAC: allowed by RoleBinding "jane/default" of Role "jane" to User "jane"',
    ]);
    assert.deepEqual(await ask("list"), [false, undefined]);
  });
});

async function whoAmI(api: TestApi, headers: Readonly<Record<string, string>>): Promise<TestAnswer> {
  return api.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", { headers, body: {} });
}
