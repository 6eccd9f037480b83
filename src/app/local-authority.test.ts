import assert from "node:assert/strict";
import { writeFile, mkdir } from "node:fs/promises";
import { test, type TestContext } from "node:test";
import { isLintelError } from "../ground/errors.ts";
import { ManualClock } from "../ground/testing.ts";
import { LocalCa } from "../pki/local-ca.ts";
import { temporaryFolder } from "../pki/testing.ts";
import { LocalAuthority } from "./local-authority.ts";
import { stateFolderAt } from "./state-folder.ts";

test("LocalAuthority reports root and intermediates with the lists of this instance's port", async (t) => {
  const { authority, folder, ca } = await open(t);
  await ca.authority();
  await mkdir(folder.run);
  await writeFile(folder.ports, '{"acme":8555}');
  const report = await authority.report();
  assert.deepEqual(
    report.authorities.map(({ kind, state }) => [kind, state]),
    [
      ["root", "signing"],
      ["intermediate", "signing"],
    ],
  );
  assert.equal(report.directoryUrl, "https://127.0.0.1:8555/acme/local/directory");
  assert.equal(
    report.authorities[0]?.revocationListUrl,
    `https://127.0.0.1:8555/acme/local/crl/${ca.rootKeyIdHex}.crl`,
  );
  assert.deepEqual([report.accounts, report.certificates], [0, { valid: 0, revoked: 0 }]);
});

test("revokeIntermediate() shows in the next report", async (t) => {
  const { authority, ca } = await open(t);
  assert.equal(await authority.revokeIntermediate(4), undefined, "there is none yet");
  await ca.authority();
  await authority.revokeIntermediate(4);
  assert.equal((await authority.report()).authorities[1]?.state, "revoked");
});

test("externalAccounts() lists keys without their secret", async (t) => {
  const { authority } = await open(t);
  const key = authority.createExternalAccount({ note: "web-1", reusable: false });
  assert.equal(Buffer.from(key.hmacKey, "base64url").length, 32);
  assert.equal(authority.revokeExternalAccount(key.id), 0);
  const [listed] = authority.externalAccounts();
  assert.deepEqual([listed?.id, listed?.note, listed?.revokedMs], [key.id, "web-1", new ManualClock().nowMs()]);
  assert.ok(!JSON.stringify(listed).includes(key.hmacKey));
});

test("LocalAuthority throws NotFound where Lintel never ran", async (t) => {
  const directory = await temporaryFolder(t);
  assert.throws(
    () => new LocalAuthority([directory], new ManualClock()),
    (error) => isLintelError(error, "NotFound"),
  );
});

async function open(
  t: TestContext,
): Promise<{ authority: LocalAuthority; folder: ReturnType<typeof stateFolderAt>; ca: LocalCa }> {
  const folder = stateFolderAt(await temporaryFolder(t));
  const clock = new ManualClock();
  const ca = await LocalCa.open({ directory: folder.localCa, clock });
  return { authority: new LocalAuthority([folder.directory], clock), folder, ca };
}
