import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { CERTIFICATE_REQUEST_REASONS } from "../resource/certificate-request.ts";
import { CERTIFICATE_REASONS } from "../resource/certificate.ts";
import { ISSUER_REASONS } from "../resource/issuer.ts";
import { DIAGNOSTIC_CODES } from "../translate/diagnostic.ts";
import { EVENT_REASONS } from "./event-reasons.ts";

const page = readFileSync("docs/reasons.md", "utf8");

/** The words in the first column of the table below a heading. */
function documented(heading: string): readonly string[] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| +`([^`]+)` +\|/gm)].map((match) => match[1] ?? "").sort();
}

describe("docs/reasons.md", () => {
  for (const [heading, reasons] of [
    ["Conditions of a Certificate", CERTIFICATE_REASONS],
    ["Conditions of a CertificateRequest", CERTIFICATE_REQUEST_REASONS],
    ["Conditions of an Issuer or ClusterIssuer", ISSUER_REASONS],
    ["Events of controllers", EVENT_REASONS],
    ["Events about routes", Object.keys(DIAGNOSTIC_CODES)],
  ] as const) {
    it(`lists exactly the reasons of "${heading}"`, () => assert.deepEqual(documented(heading), [...reasons].sort()));
  }
});
