import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkIngressStatus, checkServiceStatus } from "./load-balancer-status.ts";

const withStatus = (ingress: readonly unknown[], type = "LoadBalancer"): Readonly<Record<string, unknown>> => ({
  spec: { type },
  status: { loadBalancer: { ingress } },
});

describe("checkIngressStatus()", () => {
  it("takes addresses of both families, and names", () => {
    assert.deepEqual(
      checkIngressStatus(withStatus([{ ip: "192.0.2.1" }, { ip: "2001:db8::1" }, { hostname: "a.example" }])),
      [],
    );
    assert.deepEqual(checkIngressStatus({}), []);
  });

  it("refuses what is neither, by its place", () => {
    const errors = checkIngressStatus(withStatus([{ ip: "x" }, { hostname: "A_B" }, { hostname: "192.0.2.1" }]));
    assert.deepEqual(
      errors.map(({ field }) => field),
      [0, 1, 2].map((index) => `status.loadBalancer.ingress[${String(index)}].${index === 0 ? "ip" : "hostname"}`),
    );
    assert.match(errors[2]?.message ?? "", /must be a DNS name, not an IP address$/);
  });
});

describe("checkServiceStatus()", () => {
  it("refuses addresses for a Service that has no load balancer", () => {
    assert.deepEqual(checkServiceStatus(withStatus([], "ClusterIP")), []);
    assert.match(
      checkServiceStatus(withStatus([{ ip: "192.0.2.1" }], "ClusterIP"))[0]?.message ?? "",
      /'LoadBalancer'$/,
    );
  });

  it("refuses a mode that there is not, and one without an address", () => {
    assert.deepEqual(checkServiceStatus(withStatus([{ ip: "192.0.2.1", ipMode: "Proxy" }])), []);
    assert.equal(
      checkServiceStatus(withStatus([{ ip: "192.0.2.1", ipMode: "x" }]))[0]?.reason,
      "FieldValueNotSupported",
    );
    assert.equal(
      checkServiceStatus(withStatus([{ hostname: "a.example", ipMode: "VIP" }]))[0]?.reason,
      "FieldValueForbidden",
    );
  });
});
