import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explainProblem } from "./acme-advice.ts";
import { problemOf } from "./testing.ts";

describe("explainProblem()", () => {
  it("gives the CA's words, the type and the next step", () => {
    assert.equal(
      explainProblem(problemOf("connection", "Connection refused."), "shop.example"),
      "Connection refused (connection). Make port 80 of shop.example reachable from the CA: " +
        "it asks http://shop.example/.well-known/acme-challenge/",
    );
  });

  it("speaks of DNS when the connection failed for want of an address", () => {
    const problem = problemOf("connection", 'lookup shop.example: no such host"');
    assert.match(explainProblem(problem, "shop.example"), /Create an A or AAAA record for shop\.example/);
  });

  it("takes the name from the subproblems when it is not given", () => {
    const subproblem = { ...problemOf("caa", "forbidden"), identifier: { type: "dns", value: "a.example" } } as const;
    const problem = { ...problemOf("caa", "some names failed"), subproblems: [subproblem] };
    assert.match(explainProblem(problem, undefined), /CAA record of a\.example/);
  });

  it("speaks of the account, not of DNS, when an unauthorized problem is about no name", () => {
    const said = explainProblem(problemOf("unauthorized", "The key id is unknown."), undefined);
    assert.match(said, /Compare spec\.acme\.externalAccountBinding of the issuer/);
    assert.doesNotMatch(said, /DNS|port 80/);
    assert.match(
      explainProblem(problemOf("unauthorized", "404"), "shop.example"),
      /Something else answered for shop\.example/,
    );
  });

  it("adds nothing to a problem that only the CA understands", () => {
    assert.equal(explainProblem(problemOf("badSignatureAlgorithm", "oops"), "x"), "oops (badSignatureAlgorithm)");
  });
});
