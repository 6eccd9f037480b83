import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { arrayAt } from "../../ground/json.ts";
import { CERTIFICATE, INGRESS } from "../../resource/kind.ts";
import { controllerReference, type KubeObject } from "../../resource/object.ts";
import { make } from "../testing.ts";
import { decide, type ShimDecision } from "./decide.ts";

const DEFAULT_ISSUER = { name: "lintel-local", kind: "ClusterIssuer", group: "cert-manager.io" };
const TLS = [{ hosts: ["shop.example"], secretName: "web-tls" }];

function ingress(annotations: Readonly<Record<string, string>>, tls: readonly unknown[] = TLS): KubeObject {
  return make(INGRESS, "web", { spec: { tls } }, { uid: "ingress-uid", annotations, labels: { app: "web" } });
}

function decideFor(object: KubeObject, certificates: readonly KubeObject[] = []): ShimDecision {
  return decide({ ingress: object, certificates, defaultIssuer: DEFAULT_ISSUER });
}

function specOf(decision: ShimDecision): unknown {
  const [action] = decision.actions;
  return action?.certificate["spec"];
}

describe("ingress-shim decide()", () => {
  it("creates a Certificate named as the Secret and owned by the Ingress", () => {
    const object = ingress({ "cert-manager.io/issuer": "le" });
    const { actions, problems } = decideFor(object);
    assert.deepEqual(problems, []);
    assert.equal(actions.length, 1);
    assert.equal(actions[0]?.kind, "create");
    assert.deepEqual(actions[0]?.certificate.metadata, {
      name: "web-tls",
      namespace: "shop",
      labels: { app: "web" },
      ownerReferences: [controllerReference(object)],
    });
    assert.deepEqual(actions[0]?.certificate["spec"], {
      secretName: "web-tls",
      dnsNames: ["shop.example"],
      issuerRef: { name: "le", kind: "Issuer", group: "cert-manager.io" },
      usages: ["digital signature", "key encipherment"],
    });
  });

  for (const [annotations, issuerRef] of [
    [{ "cert-manager.io/cluster-issuer": "le" }, { name: "le", kind: "ClusterIssuer", group: "cert-manager.io" }],
    [{ "certmanager.k8s.io/issuer": "le" }, { name: "le", kind: "Issuer", group: "cert-manager.io" }],
    [{ "certmanager.k8s.io/cluster-issuer": "le" }, { name: "le", kind: "ClusterIssuer", group: "cert-manager.io" }],
    [{ "kubernetes.io/tls-acme": "true" }, DEFAULT_ISSUER],
    [
      { "cert-manager.io/issuer": "x", "cert-manager.io/issuer-kind": "Fancy", "cert-manager.io/issuer-group": "a.b" },
      { name: "x", kind: "Fancy", group: "a.b" },
    ],
  ] as const) {
    it(`chooses ${issuerRef.kind} "${issuerRef.name}" for ${Object.keys(annotations).join(" and ")}`, () => {
      const spec = specOf(decideFor(ingress(annotations))) as { issuerRef: unknown };
      assert.deepEqual(spec.issuerRef, issuerRef);
    });
  }

  it("does nothing without an issuer annotation, and leaves a Certificate it once made", () => {
    const owner = ingress({});
    const made = make(CERTIFICATE, "old", { spec: {} }, { ownerReferences: [controllerReference(owner)] });
    assert.deepEqual(decideFor(owner, [made]), { actions: [], problems: [] });
  });

  for (const [what, annotations, tls, problem] of [
    [
      "hosts are missing",
      { "cert-manager.io/issuer": "le" },
      [{ secretName: "a" }],
      /^Skipped a TLS block: spec\.tls\[0\]\.hosts: Required value/,
    ],
    [
      "the Secret is missing",
      { "cert-manager.io/issuer": "le" },
      [{ hosts: ["a"] }],
      /^Skipped a TLS block: spec\.tls\[0\]\.secretName: Required value/,
    ],
    [
      "issuer and cluster-issuer are both there",
      { "cert-manager.io/issuer": "a", "cert-manager.io/cluster-issuer": "b" },
      TLS,
      /^Could not determine issuer for ingress due to bad annotations: both ".*" and ".*" may not be set/,
    ],
    [
      "cluster-issuer has a kind",
      { "cert-manager.io/cluster-issuer": "a", "cert-manager.io/issuer-kind": "b" },
      TLS,
      /^Could not determine issuer for ingress due to bad annotations: both ".*" and ".*" may not be set/,
    ],
    ...(
      [
        ["renew-before-percentage", "100"],
        ["usages", "server auth,tea"],
        ["revision-history-limit", "0"],
        ["private-key-algorithm", "DSA"],
        ["private-key-size", "1024"],
        ["private-key-rotation-policy", "Sometimes"],
        ["secret-template", '{"annotations":{"cert-manager.io/issuer-name":"x"}}'],
        ["secret-template", "{"],
        ["subject-organizations", '"Shop'],
      ] as const
    ).map(
      ([name, value]) =>
        [
          `${name} is ${value}`,
          { "cert-manager.io/issuer": "le", [`cert-manager.io/${name}`]: value },
          TLS,
          new RegExp(`^invalid ingress annotation "cert-manager.io/${name}"`),
        ] as const,
    ),
    [
      "a duration can't be read",
      { "cert-manager.io/issuer": "le", "cert-manager.io/duration": "90d" },
      TLS,
      /^invalid ingress annotation "cert-manager\.io\/duration": "90d" is not a duration such as 2160h/,
    ],
  ] as const) {
    it(`reports BadConfig when ${what}`, () => {
      const { actions, problems } = decideFor(ingress(annotations, tls));
      assert.deepEqual(actions, []);
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? "", problem);
    });
  }

  it("skips only the entries that share a Secret", () => {
    const tls = [
      { hosts: ["a.example"], secretName: "twice" },
      { hosts: ["b.example"], secretName: "twice" },
      { hosts: ["c.example"], secretName: "once" },
    ];
    const { actions, problems } = decideFor(ingress({ "cert-manager.io/issuer": "le" }, tls));
    assert.deepEqual(
      actions.map((action) => action.certificate.metadata.name),
      ["once"],
    );
    assert.equal(problems.length, 2);
    assert.match(
      problems[0] ?? "",
      /^spec\.tls\[0\]\.secretName: Invalid value: "twice": this secret name must only appear in a single TLS entry but is also used in spec\.tls\[1\]\.secretName/,
    );
  });

  it("reads every annotation that shapes the Certificate", () => {
    const annotations = {
      "cert-manager.io/issuer": "le",
      "cert-manager.io/common-name": "shop.example",
      "cert-manager.io/alt-names": "www.shop.example, shop.example",
      "cert-manager.io/duration": "2160h",
      "cert-manager.io/renew-before": "360h",
      "cert-manager.io/usages": "server auth,client auth",
      "cert-manager.io/revision-history-limit": "3",
      "cert-manager.io/private-key-algorithm": "ECDSA",
      "cert-manager.io/private-key-size": "384",
      "cert-manager.io/private-key-encoding": "PKCS8",
      "cert-manager.io/private-key-rotation-policy": "Never",
      "cert-manager.io/subject-organizations": '"Shop, Inc",Shop',
      "cert-manager.io/secret-template": '{"labels":{"team":"web"}}',
      "cert-manager.io/subject-countries": "DE,FR",
    };
    assert.deepEqual(specOf(decideFor(ingress(annotations))), {
      secretName: "web-tls",
      dnsNames: ["shop.example", "www.shop.example"],
      issuerRef: { name: "le", kind: "Issuer", group: "cert-manager.io" },
      commonName: "shop.example",
      duration: "2160h",
      renewBefore: "360h",
      usages: ["server auth", "client auth"],
      revisionHistoryLimit: 3,
      privateKey: { algorithm: "ECDSA", size: 384, encoding: "PKCS8", rotationPolicy: "Never" },
      secretTemplate: { labels: { team: "web" } },
      subject: { organizations: ["Shop, Inc", "Shop"], countries: ["DE", "FR"] },
    });
  });

  it("updates its Certificate when a host is added, and not when nothing changed", () => {
    const before = ingress({ "cert-manager.io/issuer": "le" });
    const made = decideFor(before).actions[0]?.certificate ?? before;
    assert.deepEqual(decideFor(before, [made]).actions, []);
    const tls = [{ hosts: ["shop.example", "www.shop.example"], secretName: "web-tls" }];
    const [action] = decideFor(ingress({ "cert-manager.io/issuer": "le" }, tls), [made]).actions;
    assert.equal(action?.kind, "update");
    const spec = action?.certificate["spec"];
    assert.deepEqual(arrayAt(spec, "dnsNames"), ["shop.example", "www.shop.example"]);
  });

  it("deletes its Certificate when no entry names the Secret any more", () => {
    const before = ingress({ "cert-manager.io/issuer": "le" });
    const made = decideFor(before).actions[0]?.certificate ?? before;
    const { actions } = decideFor(ingress({ "cert-manager.io/issuer": "le" }, []), [made]);
    assert.deepEqual(
      actions.map((action) => action.kind),
      ["delete"],
    );
  });

  it("leaves a Certificate of that name alone when it is somebody else's", () => {
    const foreign = make(CERTIFICATE, "web-tls", { spec: { secretName: "web-tls" } });
    assert.deepEqual(decideFor(ingress({ "cert-manager.io/issuer": "le" }), [foreign]).actions, []);
  });

  it("sends IP addresses to ipAddresses", () => {
    const tls = [{ hosts: ["192.0.2.7", "shop.example"], secretName: "web-tls" }];
    const spec = specOf(decideFor(ingress({ "cert-manager.io/issuer": "le" }, tls))) as Record<string, unknown>;
    assert.deepEqual(spec["ipAddresses"], ["192.0.2.7"]);
    assert.deepEqual(spec["dnsNames"], ["shop.example"]);
  });
});
