/** Every permission of the generated roles taken away, one at a time: what is said, and that it comes back by itself. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isLintelError, LintelError } from "../../src/ground/errors.ts";
import { systemClock } from "../../src/ground/system-clock.ts";
import { accessObjects, CLUSTER_RULES, NAMESPACE_RULES, type Rule } from "../../src/install/roles.ts";
import { conditionsOf } from "../../src/resource/condition.ts";
import { ACCEPTED_KINDS, CERTIFICATE, ISSUER, NAMESPACE, SECRET } from "../../src/resource/kind.ts";
import type { KubeObject } from "../../src/resource/object.ts";
import { actOfRequest } from "../../src/store/cluster/denial.ts";
import { Denials, type AccessChange } from "../../src/store/cluster/denials.ts";
import { KubeClient, type KubeRequest } from "../../src/store/cluster/kube-client.ts";
import { kubeconfigAccess } from "../../src/store/cluster/kubeconfig-access.ts";
import { objectOf } from "../../src/store/testing.ts";
import { eventually } from "../e2e/eventually.ts";
import { ApiServer } from "./api-server.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";
import { Replica } from "./replica.ts";
import { make } from "./shop.ts";

const binaries = findKubernetesBinaries();
const USER = "system:serviceaccount:lintel:lintel";
const ACCOUNT = ACCEPTED_KINDS.find(({ kind }) => kind === "ServiceAccount") ?? SECRET;

interface Permission {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  readonly name: string | undefined;
  readonly inNamespace: boolean;
}

const PERMISSIONS: readonly Permission[] = [
  ...permissionsOf(CLUSTER_RULES, false),
  ...permissionsOf(NAMESPACE_RULES, true),
];

function permissionsOf(rules: readonly Rule[], inNamespace: boolean): readonly Permission[] {
  return rules.flatMap(({ apiGroups: [group = ""], resources, verbs, resourceNames }) =>
    resources.flatMap((resource) =>
      verbs.map((verb) => ({ group, resource, verb, name: resourceNames?.[0], inNamespace })),
    ),
  );
}

/** A request that needs the permission and, where it is given, is refused for another reason or reads. */
function requestFor({ group, resource, verb, name = "nobody", inNamespace }: Permission): KubeRequest {
  const root = group === "" ? "/api/v1" : `/apis/${group}/v1`;
  const [plural = "", sub] = resource.split("/");
  const isClusterWide = plural === "ingressclasses" || plural === "clusterissuers";
  const inside = isClusterWide
    ? ""
    : `/namespaces/${inNamespace ? "lintel" : name === "nobody" ? "shop" : "kube-system"}`;
  const all = inNamespace ? `${root}${inside}/${plural}` : `${root}/${plural}`;
  const one = `${root}${inside}/${plural}/${name}${sub === undefined ? "" : `/${sub}`}`;
  const apiVersion = root.replace(/^\/apis?\//, "");
  switch (verb) {
    case "list":
      return { method: "GET", path: `${all}?limit=1` };
    case "watch":
      return { method: "GET", path: `${all}?watch=true&timeoutSeconds=1` };
    case "create":
      return { method: "POST", path: `${root}${inside}/${plural}?dryRun=All`, body: { apiVersion, metadata: {} } };
    case "update":
      return { method: "PUT", path: `${one}?dryRun=All`, body: { apiVersion, metadata: { name } } };
    case "patch":
      return { method: "PATCH", path: one, body: [], contentType: "application/json-patch+json" };
    case "delete":
      return { method: "DELETE", path: `${one}?dryRun=All` };
    default:
      return { method: "GET", path: one };
  }
}

/** The roles without one permission. */
function rolesWithout(missing: Permission | undefined): readonly KubeObject[] {
  return accessObjects({
    flavor: "bare-metal",
    name: "lintel",
    namespace: "lintel",
    image: "lintel:test",
    version: "1",
    replicas: 1,
    priorityClass: "",
    webhook: false,
    classes: ["lintel"],
    arguments: [],
  }).map((object) => {
    const rules = object["rules"];
    if (missing === undefined || !Array.isArray(rules) || (object.kind === "Role") !== missing.inNamespace)
      return object;
    return { ...object, rules: rules.flatMap((rule: Rule) => withoutOne(rule, missing)) };
  });
}

function withoutOne(rule: Rule, { group, resource, verb, name }: Permission): readonly Rule[] {
  const meant = rule.apiGroups[0] === group && rule.resources.includes(resource) && rule.resourceNames?.[0] === name;
  if (!meant) return [rule];
  return [
    { ...rule, resources: rule.resources.filter((one) => one !== resource) },
    { ...rule, resources: [resource], verbs: rule.verbs.filter((one) => one !== verb) },
  ].filter(({ resources, verbs }) => resources.length > 0 && verbs.length > 0);
}

async function ask(client: KubeClient, request: KubeRequest): Promise<LintelError | undefined> {
  try {
    if (/watch=true/.test(request.path)) {
      for await (const _ of client.stream({ ...request, idleMs: 5_000 })) break;
    } else await client.request(request);
    return undefined;
  } catch (error) {
    if (error instanceof LintelError) return error;
    throw error;
  }
}

describe("each permission taken away", { skip: typeof binaries === "string" ? binaries : false }, () => {
  let server: ApiServer;
  let admin: KubeClient;
  let kubeconfig = "";
  before(async () => {
    if (typeof binaries === "string") return;
    server = await ApiServer.start(binaries);
    admin = await server.client();
    const store = await server.store();
    for (const name of ["lintel", "shop"]) await store.create(NAMESPACE, objectOf(NAMESPACE, name));
    const inside = { name: "lintel", namespace: "lintel" };
    await store.create(ACCOUNT, { apiVersion: "v1", kind: ACCOUNT.kind, metadata: inside });
    const token = await store.serviceAccountToken("lintel", "lintel", [server.url]);
    await store.close();
    kubeconfig = server.writeKubeconfig(join(server.folder, "lintel.kubeconfig"), "lintel", token);
  });
  after(async () => {
    admin.close();
    await server.stop();
  });

  async function give(missing: Permission | undefined): Promise<void> {
    for (const object of rolesWithout(missing)) {
      const { name, namespace } = object.metadata;
      if (object.kind === "ServiceAccount") continue;
      const place = namespace === undefined ? "" : `/namespaces/${namespace}`;
      await admin.request({
        method: "PATCH",
        path: `/apis/rbac.authorization.k8s.io/v1${place}/${object.kind.toLowerCase()}s/${name}?fieldManager=test&force=true`,
        contentType: "application/apply-patch+yaml",
        body: object,
      });
    }
  }

  async function clientOf(told: AccessChange[]): Promise<KubeClient> {
    const access = await kubeconfigAccess({ path: kubeconfig, clock: systemClock, environment: {} });
    const denials = new Denials({ clock: systemClock, tell: (change) => told.push(change) });
    return new KubeClient({ access, clock: systemClock, userAgent: "lintel/test", denials });
  }

  it("is missed with who, verb, resource, namespace, consequence, rule and command; and is told when it is back", async (t) => {
    const told: AccessChange[] = [];
    const client = await clientOf(told);
    t.after(() => client.close());
    for (const permission of PERMISSIONS) {
      const { verb, resource, group } = permission;
      const request = requestFor(permission);
      const what = `${verb} ${resource}`;
      await give(permission);
      const denied = await eventually(`${what} denied`, async () => {
        const error = await ask(client, request);
        return isLintelError(error, "Forbidden") ? error : undefined;
      });
      const { namespace } = actOfRequest(request.method, request.path);
      const where = namespace === "" ? "in the cluster" : `in namespace "${namespace}"`;
      const which = group === "" ? resource : `${resource} of ${group}`;
      assert.ok(
        denied.message.startsWith(`ServiceAccount "lintel/lintel" may not ${verb} ${which} ${where}: `),
        denied.message,
      );
      assert.doesNotMatch(denied.message, /what needs it does not work/, "the consequence is named");
      const hint = denied.hint ?? "";
      assert.ok(hint.includes(`{"apiGroups":["${group}"],"resources":["${resource}"],"verbs":["${verb}"]}`), hint);
      assert.ok(
        hint.includes(`kubectl auth can-i ${verb} ${resource.split("/")[0] ?? ""}`) && hint.includes(USER),
        hint,
      );
      assert.equal(told.at(-1)?.sentence?.startsWith(denied.message), true, what);
      await give(undefined);
      await eventually(`${what} allowed`, async () => {
        const error = await ask(client, request);
        return isLintelError(error, "Forbidden") ? undefined : true;
      });
    }
    t.diagnostic(`${PERMISSIONS.length} permissions`);
  });

  it("leaves the rest of a replica at work, and what waited goes on when it is given", async (t) => {
    await give(undefined);
    const store = await server.store();
    t.after(() => store.close());
    mkdirSync(join(server.folder, "replica"), { recursive: true });
    const replica = await Replica.start(t, kubeconfig).serving();
    await replica.printed("This replica leads: ");
    await store.create(ISSUER, make(ISSUER, "self", { spec: { selfSigned: {} } }));
    const cases: readonly (readonly [Permission, string])[] = [
      [{ group: "", resource: "secrets", verb: "create", name: undefined, inNamespace: false }, "create secrets"],
      [
        {
          group: "cert-manager.io",
          resource: "certificaterequests/status",
          verb: "patch",
          name: undefined,
          inNamespace: false,
        },
        "patch certificaterequests/status of cert-manager.io",
      ],
    ];
    for (const [index, [permission, act]] of cases.entries()) {
      const name = `c${index}`;
      await give(permission);
      await eventually("the server takes it away", async () => {
        const told: AccessChange[] = [];
        const client = await clientOf(told);
        const error = await ask(client, requestFor(permission));
        client.close();
        return isLintelError(error, "Forbidden") ? true : undefined;
      });
      const spec = { secretName: `${name}-tls`, dnsNames: [`${name}.example`], issuerRef: { name: "self" } };
      await store.create(CERTIFICATE, make(CERTIFICATE, name, { spec }));
      await replica.printed(`may not ${act} in namespace "shop": `);
      const found = await store.get(CERTIFICATE, "shop", name);
      assert.ok(conditionsOf(found?.["status"]).length > 0, "the status of the Certificate is written meanwhile");
      await give(undefined);
      await replica.printed(`May ${act} in namespace "shop" again`);
      await eventually("the Certificate Ready", async () => {
        const certificate = await store.get(CERTIFICATE, "shop", name);
        const ready = conditionsOf(certificate?.["status"]).find(({ type }) => type === "Ready");
        return ready?.status === "True" ? true : undefined;
      });
    }
  });
});
