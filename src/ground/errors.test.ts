// What is said of errors that others throw.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { messageOf } from "./errors.ts";

describe("messageOf()", () => {
  it("joins the causes, each once", () => {
    const cause = new Error("connection refused");
    assert.equal(messageOf(new Error("Cannot reach it", { cause })), "Cannot reach it: connection refused");
    assert.equal(
      messageOf(new Error("Cannot reach it: connection refused", { cause })),
      "Cannot reach it: connection refused",
    );
  });

  it("leaves out the advice to run Node.js otherwise when a certificate is not trusted", () => {
    const message =
      "self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca";
    assert.equal(messageOf(new Error(message)), "self-signed certificate");
  });
});
