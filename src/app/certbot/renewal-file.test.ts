import assert from "node:assert/strict";
import { test } from "node:test";
import { listOf, parseSettings } from "./renewal-file.ts";

test("parseSettings() reads values, sections and sections below them", () => {
  const settings = parseSettings(
    [
      "# renew_before_expiry = 30 days",
      "version = 2.1.0",
      "cert = /etc/letsencrypt/live/a.example/cert.pem",
      "[renewalparams]",
      "account = 0123abcd",
      'post_hook = "systemctl reload x=y"',
      "[[webroot_map]]",
      "a.example = /var/www/a",
      "[acme_renewal_info]",
      "ari_retry_after = 2026-11-24T00:00:00",
    ].join("\r\n"),
  );
  const parameters = settings.sections.get("renewalparams");
  assert.equal(settings.values.get("version"), "2.1.0");
  assert.equal(settings.values.has("# renew_before_expiry"), false);
  assert.equal(parameters?.values.get("post_hook"), "systemctl reload x=y");
  assert.equal(parameters?.sections.get("webroot_map")?.values.get("a.example"), "/var/www/a");
  assert.deepEqual([...settings.sections.keys()], ["renewalparams", "acme_renewal_info"]);
});

test("listOf() takes the commas that certbot leaves at the end, and None for nothing", () => {
  assert.deepEqual(listOf("/var/www/a, /var/www/b,"), ["/var/www/a", "/var/www/b"]);
  assert.deepEqual([listOf("None"), listOf(undefined), listOf("")], [[], [], []]);
});
