import assert from "node:assert/strict";
import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { skipWithout } from "../../ground/testing.ts";
import { generateKey, type KeySpec, parseKey, spkiFingerprint } from "../key.ts";
import { selfSign, signRequest } from "../sign.ts";
import { temporaryFolder } from "../testing.ts";
import { certificateBlocks } from "../x509/certificate.ts";
import { createRequest } from "../x509/request.ts";
import { encodeJks } from "./jks.ts";
import { encodePkcs12, encodePkcs12Truststore, PKCS12_PROTECTIONS } from "./pkcs12.ts";
import { encryptRc2Cbc } from "./rc2.ts";

const run = promisify(execFile);
const NOW_MS = Date.UTC(2026, 10, 24);
const DAY_MS = 86_400_000;
const TERMS = { notBeforeMs: NOW_MS, durationMs: 30 * DAY_MS, usages: ["digital signature"] } as const;
/** Java takes no other characters than these in the passwords of new PKCS#12 files. */
const PASSWORD = "change it~1";
const PASSWORD_BEYOND_ASCII = "changeit äœ€";

interface Material {
  readonly key: KeyObject;
  readonly leaf: Uint8Array;
  readonly root: Uint8Array;
}

async function material(spec: KeySpec): Promise<Material> {
  const rootKey = await generateKey({ algorithm: "ECDSA", size: 256 });
  const root = await selfSign({
    ...TERMS,
    csr: await createRequest(rootKey, { commonName: "Keystore Root" }),
    key: rootKey,
    isCa: true,
  });
  const key = await generateKey(spec);
  const issued = await signRequest({
    ...TERMS,
    csr: await createRequest(key, { commonName: "shop.example", dnsNames: ["shop.example"] }),
    authority: { chain: root.chain, key: rootKey },
    isCa: false,
  });
  const [leaf] = certificateBlocks(issued.chain);
  const [rootDer] = certificateBlocks(root.chain);
  assert.ok(leaf !== undefined && rootDer !== undefined);
  return { key, leaf, root: rootDer };
}

async function written(t: TestContext, name: string, bytes: Uint8Array): Promise<string> {
  const file = join(await temporaryFolder(t), name);
  await writeFile(file, bytes);
  return file;
}

/** Opens a PKCS#12 file with OpenSSL and returns what it found as PEM. */
async function openWithOpenssl(
  file: string,
  password: string = PASSWORD,
  more: readonly string[] = [],
): Promise<string> {
  return (await run("openssl", ["pkcs12", "-in", file, "-passin", `pass:${password}`, "-nodes", ...more])).stdout;
}

/** Lists a keystore with Java's keytool. */
async function listWithKeytool(file: string, type: "PKCS12" | "JKS"): Promise<string> {
  const locale = ["-J-Duser.timezone=UTC", "-J-Duser.language=en", "-J-Duser.country=US"];
  const keystore = ["-keystore", file, "-storetype", type, "-storepass", PASSWORD];
  return (await run("keytool", [...locale, "-list", ...keystore])).stdout;
}

/** Has Java decrypt the key of a keystore, and returns it through a file that OpenSSL opens. */
async function keyByKeytool(t: TestContext, file: string, type: "PKCS12" | "JKS"): Promise<KeyObject> {
  const copy = join(await temporaryFolder(t), "copy.p12");
  const from = ["-srckeystore", file, "-srcstoretype", type, "-srcstorepass", PASSWORD];
  const to = ["-destkeystore", copy, "-deststoretype", "PKCS12", "-deststorepass", PASSWORD];
  await run("keytool", ["-importkeystore", "-noprompt", ...from, ...to]);
  return parseKey(await openWithOpenssl(copy));
}

test("encryptRc2Cbc() agrees with OpenSSL's legacy provider", { skip: skipWithout("openssl") }, async () => {
  const command =
    "printf 'hello world 12345' | openssl enc -provider legacy -provider default -rc2-40-cbc -K 0102030405 -iv 0000000000000001 | od -An -v -tx1";
  const { stdout } = await run("sh", ["-c", command]);
  const mine = encryptRc2Cbc(
    Buffer.from("0102030405", "hex"),
    Buffer.from("0000000000000001", "hex"),
    Buffer.from("hello world 12345"),
  );
  assert.equal(Buffer.from(mine).toString("hex"), stdout.replaceAll(/\s/g, ""));
});

for (const [profile, protection] of Object.entries(PKCS12_PROTECTIONS)) {
  test(
    `encodePkcs12() makes a file that OpenSSL opens when the profile is ${profile}`,
    { skip: skipWithout("openssl") },
    async (t) => {
      for (const spec of KEY_SPECS) {
        const { key, leaf, root } = await material(spec);
        const bytes = encodePkcs12({ key, certificates: [leaf, root], password: PASSWORD_BEYOND_ASCII, protection });
        const file = await written(t, "keystore.p12", bytes);
        // OpenSSL reads the newest kind of MAC from version 3.4 on; everything else of the file it reads before.
        const more = profile === "LegacyRC2" ? ["-legacy"] : profile === "Modern2026" ? ["-nomacver"] : [];
        const pem = await openWithOpenssl(file, PASSWORD_BEYOND_ASCII, more);
        assert.equal(spkiFingerprint(parseKey(pem)), spkiFingerprint(key));
        assert.deepEqual(certificateBlocks(pem).map(hexOf), [leaf, root].map(hexOf));
      }
    },
  );
}

const KEY_SPECS: readonly KeySpec[] = [
  { algorithm: "RSA", size: 2048 },
  { algorithm: "ECDSA", size: 521 },
  { algorithm: "Ed25519" },
];

test(
  "encodePkcs12() makes a file that OpenSSL refuses when the password is another",
  {
    skip: skipWithout("openssl"),
  },
  async (t) => {
    const { key, leaf } = await material({ algorithm: "ECDSA", size: 256 });
    const protection = PKCS12_PROTECTIONS.Modern2023;
    const bytes = encodePkcs12({ key, certificates: [leaf], password: "another", protection });
    await assert.rejects(openWithOpenssl(await written(t, "keystore.p12", bytes)), /invalid password/);
  },
);

test("encodePkcs12() makes files that Java opens", { skip: skipWithout("keytool", "openssl") }, async (t) => {
  const { key, leaf, root } = await material({ algorithm: "RSA", size: 2048 });
  for (const protection of [
    PKCS12_PROTECTIONS.LegacyRC2,
    PKCS12_PROTECTIONS.LegacyDES,
    PKCS12_PROTECTIONS.Modern2023,
  ]) {
    const bytes = encodePkcs12({ key, certificates: [leaf, root], password: PASSWORD, protection });
    const file = await written(t, "keystore.p12", bytes);
    assert.equal(spkiFingerprint(await keyByKeytool(t, file, "PKCS12")), spkiFingerprint(key));
  }
});

test(
  "encodePkcs12Truststore() makes a file whose certificates Java relies on",
  {
    skip: skipWithout("keytool"),
  },
  async (t) => {
    const { root } = await material({ algorithm: "ECDSA", size: 256 });
    for (const protection of [PKCS12_PROTECTIONS.LegacyRC2, PKCS12_PROTECTIONS.Modern2023]) {
      const entries = [{ certificate: root, name: "CN=Keystore Root" }];
      const bytes = encodePkcs12Truststore({ entries, password: PASSWORD, protection });
      const listed = await listWithKeytool(await written(t, "truststore.p12", bytes), "PKCS12");
      assert.match(listed, /cn=keystore root, .*trustedCertEntry/i);
      assert.ok(listed.includes(new X509Certificate(root).fingerprint256));
    }
  },
);

test(
  "encodeJks() makes a file whose key and certificates Java reads",
  {
    skip: skipWithout("keytool", "openssl"),
  },
  async (t) => {
    for (const spec of KEY_SPECS) {
      const { key, leaf, root } = await material(spec);
      const bytes = encodeJks({
        keyEntry: { alias: "Web", key, certificates: [leaf] },
        trusted: [{ certificate: root, name: "ca" }],
        password: PASSWORD,
        atMs: NOW_MS,
      });
      const file = await written(t, "keystore.jks", bytes);
      const listed = await listWithKeytool(file, "JKS");
      assert.match(listed, /^web, Nov 24, 2026, PrivateKeyEntry/m);
      assert.match(listed, /^ca, Nov 24, 2026, trustedCertEntry/m);
      const found = await keyByKeytool(t, file, "JKS");
      assert.equal(
        createPublicKey(found).export({ type: "spki", format: "pem" }),
        createPublicKey(key).export({ type: "spki", format: "pem" }),
      );
    }
  },
);

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
