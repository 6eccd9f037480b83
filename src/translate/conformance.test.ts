import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { match } from "../routing/match.ts";
import type { Snapshot } from "../routing/snapshot.ts";
import { goldenInput } from "./testing.ts";
import { translate } from "./translate.ts";

/**
 * The Ingress API's promises about hosts, paths, default backends, classes and TLS, tested through translation and
 * matching together: what a request gets is what counts.
 */
interface Rule {
  readonly host?: string;
  readonly paths: readonly (readonly [path: string, pathType: string, service: string])[];
}

function backendOf(service: string): unknown {
  return { service: { name: service, port: { number: 80 } } };
}

function ingress(name: string, rules: readonly Rule[], more: Readonly<Record<string, unknown>> = {}): unknown {
  return {
    kind: "Ingress",
    metadata: { name },
    spec: {
      rules: rules.map(({ host, paths }) => ({
        host,
        http: { paths: paths.map(([path, pathType, service]) => ({ path, pathType, backend: backendOf(service) })) },
      })),
      ...more,
    },
  };
}

function snapshotOf(...documents: readonly unknown[]): Snapshot {
  const input = goldenInput(documents, () => "");
  return { generation: 1, ...translate(input).content };
}

/** The Service that answers, or `-` when none does. */
function served(snapshot: Snapshot, host: string, path: string): string {
  const found = match(snapshot, host, path);
  if (found.kind === "none" || found.route.action.kind !== "forward") return "-";
  const id = found.route.action.targets[0]?.backend ?? "";
  return id.replace(/^default\//, "").replace(/:80$/, "");
}

function expectAll(
  snapshot: Snapshot,
  cases: readonly (readonly [host: string, path: string, service: string])[],
): void {
  for (const [host, path, service] of cases) {
    assert.equal(served(snapshot, host, path), service, `http://${host}${path}`);
  }
}

function one(...paths: Rule["paths"]): Snapshot {
  return snapshotOf(ingress("paths", [{ host: "paths.example", paths }]));
}

function at(path: string, service: string): readonly [string, string, string] {
  return ["paths.example", path, service];
}

function all(host: string, service: string): Rule {
  return { host, paths: [["/", "Prefix", service]] };
}

describe("Ingress paths", () => {
  test("an exact path matches itself only: no final slash, no deeper path, no other case", () => {
    const snapshot = one(["/foo", "Exact", "foo"]);
    expectAll(snapshot, [at("/foo", "foo"), at("/foo/", "-"), at("/foo/bar", "-"), at("/FOO", "-"), at("/bar", "-")]);
  });

  test("an exact path with a final slash does not match without it", () => {
    expectAll(one(["/foo/", "Exact", "foo"]), [at("/foo/", "foo"), at("/foo", "-")]);
  });

  test("a prefix matches by whole elements, with and without a final slash in the request", () => {
    const snapshot = one(["/foo", "Prefix", "foo"]);
    expectAll(snapshot, [
      at("/foo", "foo"),
      at("/foo/", "foo"),
      at("/foo/bar", "foo"),
      at("/foobar", "-"),
      at("/FOO", "-"),
      at("/", "-"),
    ]);
  });

  test("a final slash of a prefix is ignored", () => {
    const snapshot = one(["/aaa/bbb/", "Prefix", "b"]);
    expectAll(snapshot, [at("/aaa/bbb", "b"), at("/aaa/bbb/", "b"), at("/aaa/bbb/ccc", "b"), at("/aaa/bbbxyz", "-")]);
  });

  test("the prefix / matches everything", () => {
    expectAll(one(["/", "Prefix", "all"]), [at("/", "all"), at("/any/thing", "all")]);
  });

  test("the longest of several prefixes wins, whatever their order", () => {
    const snapshot = one(["/", "Prefix", "root"], ["/aaa", "Prefix", "a"], ["/aaa/bbb", "Prefix", "b"]);
    expectAll(snapshot, [
      at("/aaa/bbb/ccc", "b"),
      at("/aaa/bbb", "b"),
      at("/aaa/ccc", "a"),
      at("/aaabbb", "root"),
      at("/ccc", "root"),
    ]);
  });

  test("an exact path is preferred to the same prefix, whatever their order", () => {
    const snapshot = one(["/foo", "Prefix", "prefix"], ["/foo", "Exact", "exact"]);
    expectAll(snapshot, [at("/foo", "exact"), at("/foo/", "prefix"), at("/foo/bar", "prefix")]);
    const slash = one(["/foo/", "Prefix", "prefix"], ["/foo", "Exact", "exact"]);
    expectAll(slash, [at("/foo", "exact"), at("/foo/", "prefix")]);
  });

  test("an implementation-specific path is a prefix by elements", () => {
    expectAll(one(["/foo", "ImplementationSpecific", "foo"]), [at("/foo/bar", "foo"), at("/foobar", "-")]);
  });

  test("paths of several Ingresses of a host are one list", () => {
    const snapshot = snapshotOf(
      ingress("one", [{ host: "paths.example", paths: [["/", "Prefix", "root"]] }]),
      ingress("two", [{ host: "paths.example", paths: [["/deep", "Prefix", "deep"]] }]),
    );
    expectAll(snapshot, [at("/deep/x", "deep"), at("/x", "root")]);
  });
});

describe("Ingress hosts", () => {
  test("an exact host matches no other label and no deeper name", () => {
    const snapshot = snapshotOf(ingress("hosts", [all("foo.bar.example", "foo")]));
    expectAll(snapshot, [
      ["foo.bar.example", "/", "foo"],
      ["wrong.bar.example", "/", "-"],
      ["a.foo.bar.example", "/", "-"],
      ["bar.example", "/", "-"],
    ]);
  });

  test("a wildcard host matches exactly one label", () => {
    const snapshot = snapshotOf(ingress("hosts", [all("*.foo.example", "wild")]));
    expectAll(snapshot, [
      ["a.foo.example", "/", "wild"],
      ["a.b.foo.example", "/", "-"],
      ["foo.example", "/", "-"],
    ]);
  });

  test("an exact host is preferred to a wildcard, and a wildcard to no host", () => {
    const snapshot = snapshotOf(
      ingress("hosts", [
        { paths: [["/", "Prefix", "any"]] },
        all("*.foo.example", "wild"),
        all("a.foo.example", "exact"),
      ]),
    );
    expectAll(snapshot, [
      ["a.foo.example", "/", "exact"],
      ["b.foo.example", "/", "wild"],
      ["elsewhere.example", "/", "any"],
    ]);
  });

  test("a host is compared without regard to case and final dot of the rule", () => {
    expectAll(snapshotOf(ingress("hosts", [all("Shop.Example.", "shop")])), [["shop.example", "/", "shop"]]);
  });
});

describe("Ingress default backends", () => {
  test("a default backend without rules gets every request that no rule matches", () => {
    const snapshot = snapshotOf(
      { kind: "Ingress", metadata: { name: "all" }, spec: { defaultBackend: backendOf("default") } },
      ingress("one", [{ host: "shop.example", paths: [["/a", "Prefix", "a"]] }]),
    );
    expectAll(snapshot, [
      ["shop.example", "/a", "a"],
      ["shop.example", "/b", "default"],
      ["other.example", "/", "default"],
      ["", "/", "default"],
    ]);
  });

  test("a default backend beside rules gets what their hosts do not match, ahead of the one for all", () => {
    const snapshot = snapshotOf(
      { kind: "Ingress", metadata: { name: "all" }, spec: { defaultBackend: backendOf("everyone") } },
      ingress("one", [{ host: "shop.example", paths: [["/a", "Prefix", "a"]] }], { defaultBackend: backendOf("own") }),
    );
    expectAll(snapshot, [
      ["shop.example", "/b", "own"],
      ["other.example", "/b", "everyone"],
    ]);
  });

  test("a rule for the path / keeps the default backend out", () => {
    const snapshot = snapshotOf(
      ingress("one", [{ host: "shop.example", paths: [["/", "Prefix", "root"]] }], {
        defaultBackend: backendOf("own"),
      }),
    );
    expectAll(snapshot, [["shop.example", "/x", "root"]]);
  });
});

describe("Ingress classes and TLS", () => {
  test("an Ingress of another class is not served", () => {
    const other = parse(
      "{ kind: IngressClass, metadata: { name: other }, spec: { controller: example.com/x } }",
    ) as unknown;
    const rules = [{ host: "shop.example", paths: [["/", "Prefix", "shop"]] }] as const;
    const snapshot = snapshotOf(other, ingress("one", rules, { ingressClassName: "other" }));
    assert.equal(snapshot.hosts.size, 0);
    assert.equal(snapshot.backends.size, 0);
  });

  test("only hosts with TLS are redirected to it", () => {
    const rules = [
      { host: "tls.example", paths: [["/", "Prefix", "a"]] },
      { host: "plain.example", paths: [["/", "Prefix", "a"]] },
    ] as const;
    const snapshot = snapshotOf(ingress("one", rules, { tls: [{ hosts: ["tls.example"], secretName: "x" }] }));
    const redirect = (host: string): unknown => snapshot.hosts.get(host)?.routes[0]?.policy.httpsRedirectStatus;
    assert.equal(redirect("tls.example"), 308);
    assert.equal(redirect("plain.example"), undefined);
  });
});
