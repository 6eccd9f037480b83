import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { isLintelError } from "../../ground/errors.ts";
import { recordAt, stringAt } from "../../ground/json.ts";
import { ManualClock } from "../../ground/testing.ts";
import { generateKey, parseKey, spkiFingerprint } from "../../pki/key.ts";
import { LocalCa } from "../../pki/local-ca.ts";
import { temporaryFolder } from "../../pki/testing.ts";
import { readCertificate } from "../../resource/certificate.ts";
import { type CertbotImport, importObjects } from "./import-objects.ts";
import { readCertbot } from "./read-installation.ts";

const SERVER = "https://acme-v02.api.letsencrypt.org/directory";
const ACCOUNT = "0123456789abcdef0123456789abcdef";
const DAY_MS = 86_400_000;

test("importObjects() makes a Secret that its Certificate finds to be its own", async (t) => {
  const { root, lineage, account } = await open(t);
  await account();
  await lineage("shop.example", ["shop.example", "www.shop.example"], "authenticator = webroot\nreuse_key = True");
  const { objects, certificates, notes } = await take(root);
  assert.deepEqual(
    objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    ["Secret letsencrypt-account", "Issuer letsencrypt", "Secret shop.example-tls", "Certificate shop.example"],
  );
  const [accountKey, issuer, secret, object] = objects;
  assert.ok(accountKey !== undefined && issuer !== undefined && secret !== undefined && object !== undefined);
  const { spec, problems } = readCertificate(object);
  assert.deepEqual(problems, []);
  assert.deepEqual([spec.secretName, spec.dnsNames], ["shop.example-tls", ["shop.example", "www.shop.example"]]);
  assert.deepEqual(
    [spec.privateKey.algorithm, spec.privateKey.size, spec.privateKey.rotationPolicy],
    ["ECDSA", 256, "Never"],
  );
  assert.equal(secret.metadata.annotations?.["cert-manager.io/issuer-name"], "letsencrypt");
  assert.equal(secret.metadata.annotations?.["cert-manager.io/certificate-name"], "shop.example");
  const acme = recordAt(issuer["spec"], "acme");
  assert.deepEqual([acme["server"], acme["email"]], [SERVER, "ops@shop.example"]);
  assert.deepEqual([certificates[0]?.state, notes], ["valid", []]);
});

test("importObjects() keeps the key of the account", async (t) => {
  const { root, lineage, account } = await open(t);
  const key = await account();
  await lineage("shop.example", ["shop.example"], "authenticator = nginx");
  const [secret] = (await take(root)).objects;
  const pem = Buffer.from(stringAt(recordAt(secret, "data"), "tls.key") ?? "", "base64").toString();
  assert.equal(spkiFingerprint(parseKey(pem)), key);
});

test("importObjects() gives an Issuer to each way of proof, and says when a certificate is due", async (t) => {
  const { root, lineage, account } = await open(t);
  await account();
  await lineage("a.example", ["a.example"], "authenticator = webroot");
  await lineage("b.example", ["b.example"], "authenticator = nginx");
  await lineage("c.example", ["*.c.example"], "authenticator = dns-linode\npost_hook = reload-it");
  const made = await take(root, 4 * DAY_MS);
  assert.deepEqual(
    made.certificates.map(({ name, issuer, state }) => [name, issuer, state]),
    [
      ["a.example", "letsencrypt", "due"],
      ["b.example", "letsencrypt", "due"],
      ["c.example", "letsencrypt-dns-linode", "due"],
    ],
  );
  assert.match(made.certificates[1]?.note ?? "", /^nginx: /, "each has its own sentence");
  assert.deepEqual(made.notes, ['Certificate "c.example": its post_hook "reload-it" is not run any more']);
  assert.equal((await take(root, 9 * DAY_MS)).certificates[0]?.state, "expired");
});

test("importObjects() leaves out what cannot be read, and says so", async (t) => {
  const { root, lineage } = await open(t);
  await lineage("a.example", ["a.example"], "authenticator = webroot");
  await lineage("b.example", ["b.example"], "authenticator = webroot");
  await rm(join(root, "live", "b.example", "privkey.pem"));
  await mkdir(join(root, "renewal-hooks", "deploy"), { recursive: true });
  await writeFile(join(root, "renewal-hooks", "deploy", "reload"), "");
  const { certificates, notes, objects } = await take(root);
  assert.deepEqual(
    certificates.map(({ name }) => name),
    ["a.example"],
  );
  assert.match(notes.join("\n"), /Certificate "b\.example" is left out: ENOENT/);
  assert.match(notes.join("\n"), /Account "0123.*" at https:.* is left out, a new one is registered/);
  assert.match(notes.join("\n"), /Hook ".*reload" is not run any more/);
  assert.equal(objects[0]?.kind, "Issuer", "without an account there is no Secret for its key");
});

test("readCertbot() says what is missing when the folder is another one", async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(readCertbot(folder), (error) => isLintelError(error, "NotFound"));
});

function take(root: string, laterMs = 0): Promise<CertbotImport> {
  return readCertbot(root).then((installation) =>
    importObjects(installation, {
      namespace: "default",
      caBundle: undefined,
      nowMs: new ManualClock().nowMs() + laterMs,
      read: () => Promise.resolve(undefined),
    }),
  );
}

/** A folder as certbot keeps it, with certificates of five days. */
async function open(t: TestContext): Promise<{
  root: string;
  lineage: (name: string, names: readonly string[], parameters: string) => Promise<void>;
  account: () => Promise<string>;
}> {
  const root = await temporaryFolder(t);
  const ca = await LocalCa.open({ directory: join(root, "ca"), clock: new ManualClock() });
  const lineage = async (name: string, names: readonly string[], parameters: string): Promise<void> => {
    const { chain, key } = await ca.issue({ names, durationMs: 5 * DAY_MS });
    const live = join(root, "live", name);
    for (const folder of [live, join(root, "renewal")]) await mkdir(folder, { recursive: true });
    await writeFile(join(live, "fullchain.pem"), chain);
    await writeFile(join(live, "privkey.pem"), key);
    const files = ["fullchain", "privkey"].map((file) => `${file} = /etc/letsencrypt/live/${name}/${file}.pem`);
    const rest = ["[renewalparams]", `account = ${ACCOUNT}`, `server = ${SERVER}`, parameters, ""];
    await writeFile(join(root, "renewal", `${name}.conf`), [...files, ...rest].join("\n"));
  };
  const account = async (): Promise<string> => {
    const folder = join(root, "accounts", "acme-v02.api.letsencrypt.org", "directory", ACCOUNT);
    await mkdir(folder, { recursive: true });
    const key = await generateKey({ algorithm: "RSA", size: 2048 });
    await writeFile(join(folder, "private_key.json"), JSON.stringify(key.export({ format: "jwk" })));
    const body = { contact: ["mailto:ops@shop.example"] };
    await writeFile(join(folder, "regr.json"), JSON.stringify({ body, uri: "https://ca/acct/1" }));
    return spkiFingerprint(key);
  };
  return { root, lineage, account };
}
