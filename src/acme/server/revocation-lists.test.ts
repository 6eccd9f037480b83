// Revocation lists as openssl reads and believes them.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ManualClock, skipWithout } from "../../ground/testing.ts";
import { LocalCa } from "../../pki/local-ca.ts";
import { temporaryFolder } from "../../pki/testing.ts";
import { parseCertificate } from "../../pki/x509/certificate.ts";
import { Ledger } from "./ledger.ts";
import type { CertificateRecord } from "./records.ts";
import { RevocationLists } from "./revocation-lists.ts";

const run = promisify(execFile);
const HOUR_MS = 3_600_000;
const needs = { skip: skipWithout("openssl") };

test("RevocationLists has what was revoked, with its reason, and openssl refuses exactly that", needs, async (t) => {
  const { directory, clock, ca, ledger, lists, issue } = await open(t);
  const [good, bad] = [await issue("good.internal"), await issue("bad.internal")];
  ledger.revoke({ ...bad.record, revokedMs: clock.nowMs(), revocationReason: 1 }, bad.issuer);
  const crls = [await pemOf(directory, lists, bad.issuer), await pemOf(directory, lists, ca.rootKeyIdHex)];
  const { stdout } = await run("openssl", ["crl", "-in", crls[0] ?? "", "-noout", "-text"]);
  assert.match(stdout, new RegExp(`Serial Number: ${bad.record.id}`, "i"));
  assert.match(stdout, /Key Compromise/);
  assert.match(stdout, /X509v3 CRL Number/);
  assert.match(stdout, /Next Update/);
  const verify = (file: string): Promise<unknown> => {
    const options = ["-crl_check_all", "-x509_strict", "-attime", String(Math.floor(clock.nowMs() / 1000) + 1)];
    const trust = ["-CAfile", join(directory, "root.crt"), "-untrusted", file];
    return run("openssl", ["verify", ...options, ...trust, ...crls.flatMap((crl) => ["-CRLfile", crl]), file]);
  };
  await verify(good.file);
  await assert.rejects(verify(bad.file), /certificate revoked/);
});

test("RevocationLists of the root has the revoked intermediates", needs, async (t) => {
  const { directory, ca, lists, issue } = await open(t);
  const { file, issuer } = await issue("shop.internal");
  const before = await pemOf(directory, lists, issuer);
  await ca.revokeIntermediate(4);
  const crls = ["-CRLfile", before, "-CRLfile", await pemOf(directory, lists, ca.rootKeyIdHex)];
  const trust = ["-CAfile", join(directory, "root.crt"), "-untrusted", file];
  await assert.rejects(
    run("openssl", ["verify", "-crl_check_all", ...trust, ...crls, "-no_check_time", file]),
    /error 23 at 1 depth lookup: certificate revoked/,
  );
});

test("RevocationLists signs again after an hour or a revocation, and not in between", needs, async (t) => {
  const { clock, ledger, lists, issue } = await open(t);
  const { record, issuer } = await issue("shop.internal");
  const first = (await lists.read(issuer)).body;
  assert.equal((await lists.read(issuer)).body, first);
  await clock.advance(HOUR_MS);
  const second = (await lists.read(issuer)).body;
  assert.notEqual(second, first);
  ledger.revoke({ ...record, revokedMs: clock.nowMs() }, issuer);
  assert.notEqual((await lists.read(issuer)).body, second);
});

test("RevocationLists knows no authority but its own", needs, async (t) => {
  const { lists } = await open(t);
  await assert.rejects(lists.read("00".repeat(20)), /no authority with that key identifier/);
});

interface Bench {
  readonly directory: string;
  readonly clock: ManualClock;
  readonly ca: LocalCa;
  readonly ledger: Ledger;
  readonly lists: RevocationLists;
  readonly issue: (name: string) => Promise<{ file: string; record: CertificateRecord; issuer: string }>;
}

async function open(t: Parameters<typeof temporaryFolder>[0]): Promise<Bench> {
  const directory = await temporaryFolder(t);
  const clock = new ManualClock();
  const ca = await LocalCa.open({ directory, clock });
  const ledger = Ledger.open(directory);
  t.after(() => ledger.close());
  const issue: Bench["issue"] = async (name) => {
    const { chain } = await ca.issue({ names: [name], durationMs: 24 * HOUR_MS });
    const file = join(directory, `${name}.pem`);
    await writeFile(file, chain);
    const { serialHex, notBeforeMs, notAfterMs, authorityKeyIdHex = "" } = parseCertificate(chain);
    const identifiers = [{ type: "dns", value: name } as const];
    const record = { id: serialHex, accountId: "a", identifiers, chain, notBeforeMs, notAfterMs, renewalId: serialHex };
    return { file, record, issuer: authorityKeyIdHex };
  };
  return { directory, clock, ca, ledger, lists: new RevocationLists({ ca, clock, ledger }), issue };
}

async function pemOf(directory: string, lists: RevocationLists, keyIdHex: string): Promise<string> {
  const { body } = await lists.read(keyIdHex);
  assert.ok(body instanceof Uint8Array);
  const file = join(directory, `${keyIdHex}.crl`);
  await writeFile(`${file}.der`, body);
  await run("openssl", ["crl", "-inform", "DER", "-in", `${file}.der`, "-out", file]);
  return file;
}
