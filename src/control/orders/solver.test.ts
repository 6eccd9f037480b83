import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stringAt } from "../../ground/json.ts";
import { readSolver, type Solver } from "../../resource/issuer.ts";
import { chooseSolver, type SolverChoice } from "./solver.ts";

function solver(id: string, selector?: unknown, type: "http01" | "dns01" = "http01"): Solver {
  return readSolver({ id, [type]: {}, ...(selector === undefined ? {} : { selector }) });
}

function choose(solvers: readonly Solver[], name: string, labels: Readonly<Record<string, string>> = {}): SolverChoice {
  const wildcard = name.startsWith("*.");
  return chooseSolver(solvers, { name: wildcard ? name.slice(2) : name, wildcard, labels });
}

function idOf(choice: SolverChoice): string | undefined {
  return choice.kind === "none" ? choice.kind : stringAt(choice.solver.raw, "id");
}

describe("chooseSolver()", () => {
  it("takes the first that fits when none has a selector", () => {
    assert.equal(idOf(choose([solver("a"), solver("b")], "shop.example")), "a");
  });

  it("prefers dnsNames to dnsZones, longer zones to shorter, and zones to labels", () => {
    const byLabel = solver("label", { matchLabels: { team: "red" } });
    const byZone = solver("zone", { dnsZones: ["example"] });
    const byLongZone = solver("long", { dnsZones: ["shop.example"] });
    const byName = solver("name", { dnsNames: ["www.shop.example"] });
    const labels = { team: "red" };
    assert.equal(idOf(choose([byLabel, byZone, byLongZone, byName], "www.shop.example", labels)), "name");
    assert.equal(idOf(choose([byLabel, byZone, byLongZone], "www.shop.example", labels)), "long");
    assert.equal(idOf(choose([byLabel, byZone], "www.shop.example", labels)), "zone");
    assert.equal(idOf(choose([solver("any"), byLabel], "www.shop.example", labels)), "label");
  });

  it("does not take a zone for part of a label", () => {
    assert.equal(idOf(choose([solver("zone", { dnsZones: ["op.example"] })], "shop.example")), "none");
  });

  it("demands every label", () => {
    const both = solver("both", { matchLabels: { team: "red", tier: "web" } });
    assert.equal(idOf(choose([both], "shop.example", { team: "red" })), "none");
  });

  it("takes the DNS-01 solver for a wildcard, whatever ranks higher", () => {
    const byName = solver("name", { dnsNames: ["*.shop.example"] });
    const byDns = solver("dns", undefined, "dns01");
    assert.equal(idOf(choose([byName, byDns], "*.shop.example")), "dns");
    assert.equal(idOf(choose([byName, byDns], "shop.example")), "dns");
  });

  it("takes what the CA offers", () => {
    const solvers = [solver("http"), readSolver({ id: "alpn", tlsALPN01: {} })];
    const wanted = { name: "shop.example", wildcard: false, labels: {} };
    assert.equal(idOf(chooseSolver(solvers, { ...wanted, offered: ["tls-alpn-01"] })), "alpn");
    const none = chooseSolver(solvers, { ...wanted, offered: ["dns-01"] });
    assert.match(none.kind === "none" ? none.message : "", /the CA offers dns-01 for it/);
  });

  for (const [when, solvers, name, sentence] of [
    ["there are no solvers", [], "shop.example", /the issuer has no solvers; add "http01/],
    ["no selector fits", [solver("a", { dnsNames: ["other"] })], "shop.example", /no solver's selector fits it/],
    ["an address has DNS-01 only", [solver("a", undefined, "dns01")], "192.0.2.1", /addresses can't be proven by DNS/],
    [
      "a wildcard has HTTP-01 only",
      [solver("a")],
      "*.shop.example",
      /"\*\.shop\.example": wildcards are proven by DNS only/,
    ],
  ] as const) {
    it(`says why when ${when}`, () => {
      const choice = choose(solvers, name);
      assert.equal(choice.kind, "none");
      assert.match(choice.kind === "none" ? choice.message : "", sentence);
    });
  }
});
