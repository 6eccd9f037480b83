import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isLintelError } from "../../ground/errors.ts";
import {
  decodeDnsMessage,
  DNS_CLASS,
  DNS_TYPE,
  type DnsMessage,
  encodeDnsMessage,
  encodeDnsName,
  txtData,
  txtOf,
} from "./dns-message.ts";

function messageWith(text: string): DnsMessage {
  return {
    id: 7,
    flags: 0x8400,
    questions: [{ name: "_acme-challenge.shop.example", type: DNS_TYPE.txt, dnsClass: DNS_CLASS.internet }],
    answers: [{ name: "_acme-challenge.shop.example", type: DNS_TYPE.txt, dnsClass: 1, ttl: 60, data: txtData(text) }],
    authorities: [],
    additionals: [],
  };
}

describe("decodeDnsMessage()", () => {
  it("reads what encodeDnsMessage() wrote, also texts longer than one string", () => {
    for (const text of ["", "value", "x".repeat(600)]) {
      const read = decodeDnsMessage(encodeDnsMessage(messageWith(text)));
      assert.equal(txtOf(read.answers[0]!), text);
      assert.equal(read.questions[0]?.name, "_acme-challenge.shop.example");
    }
  });

  it("follows compressed names", () => {
    const question = Buffer.concat([encodeDnsName("shop.example"), Buffer.from([0, 5, 0, 1])]);
    // www + pointer to offset 12, CNAME with a pointer to offset 17 (example).
    const answer = Buffer.from([3, 119, 119, 119, 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 1, 0, 2, 0xc0, 17]);
    const header = Buffer.from([0, 1, 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
    const [record] = decodeDnsMessage(Buffer.concat([header, question, answer])).answers;
    assert.equal(record?.name, "www.shop.example");
    assert.equal(record?.target, "example");
  });

  it("refuses a name that points to itself", () => {
    const loop = Buffer.from([0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 16, 0, 1]);
    assert.throws(() => decodeDnsMessage(loop), /it is malformed/);
  });

  it("answers any bytes with a message or Unreachable", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeDnsMessage(Buffer.from(bytes));
        } catch (error) {
          assert.ok(isLintelError(error, "Unreachable"));
        }
      }),
    );
  });
});

describe("encodeDnsName()", () => {
  it("refuses labels and names that are too long or empty", () => {
    for (const name of ["a..b", `${"x".repeat(64)}.example`, Array.from({ length: 60 }, () => "abcde").join(".")]) {
      assert.throws(() => encodeDnsName(name), /a name has at most 253 characters/);
    }
  });
});
