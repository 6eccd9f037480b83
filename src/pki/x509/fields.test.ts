import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { isLintelError } from "../../ground/errors.ts";
import { skipWithout } from "../../ground/testing.ts";
import { generateKey, type KeySpec } from "../key.ts";
import { selfSign, signRequest } from "../sign.ts";
import { parseCertificate } from "./certificate.ts";
import { createRequest, parseRequest, type RequestSubject } from "./request.ts";

const ECDSA: KeySpec = { algorithm: "ECDSA", size: 256 };
const TERMS = { notBeforeMs: Date.UTC(2026, 10, 24), durationMs: 86_400_000, isCa: false, usages: ["server auth"] };
const SKIP = { skip: skipWithout("openssl") };
const UPN = "1.3.6.1.4.1.311.20.2.3";

/** What `openssl req -text` or `openssl x509 -text` says, as one line with single spaces. */
async function textOf(kind: "req" | "x509", pem: string): Promise<string> {
  const child = promisify(execFile)("openssl", [kind, "-noout", "-text", "-nameopt", "RFC2253,utf8,-esc_msb"]);
  child.child.stdin?.end(pem);
  return (await child).stdout.replaceAll(/\s+/g, " ");
}

async function signed(subject: RequestSubject, more: Partial<Parameters<typeof selfSign>[0]> = {}): Promise<string> {
  const key = await generateKey(ECDSA);
  return (await selfSign({ ...TERMS, ...more, csr: await createRequest(key, subject), key })).chain;
}

test("other names reach the certificate as OpenSSL reads them", SKIP, async () => {
  const otherNames = [
    { oid: UPN, utf8Value: "jürgen@corp.example" },
    { oid: "1.2.3.4.5", utf8Value: "株式会社" },
  ];
  const chain = await signed({ commonName: "someone", emailAddresses: ["a@corp.example"], otherNames });
  const text = await textOf("x509", chain);
  assert.match(text, /othername: ?UPN::?j.*rgen@corp\.example/);
  assert.match(text, /email:a@corp\.example/);
  assert.deepEqual(parseCertificate(chain).otherNames, otherNames);
});

test("a literal subject keeps its order, its repeated types and its kinds of strings", SKIP, async () => {
  const relativeNames = [
    [{ type: "0.9.2342.19200300.100.1.25", value: "com" }],
    [{ type: "0.9.2342.19200300.100.1.25", value: "example" }],
    [{ type: "2.5.4.10", value: "Corp." }],
    [{ type: "2.5.4.11", value: "Dept., East" }],
    [{ type: "2.5.4.11", value: "Ünter" }],
    [
      { type: "2.5.4.3", value: "*.shop.example" },
      { type: "0.9.2342.19200300.100.1.1", value: "u1" },
    ],
  ];
  const csr = await createRequest(await generateKey(ECDSA), { relativeNames, dnsNames: ["*.shop.example"] });
  const text = await textOf("req", csr);
  const expected = String.raw`Subject: UID=u1+CN=*.shop.example,OU=Ünter,OU=Dept.\, East,O=Corp.,DC=example,DC=com`;
  assert.ok(
    text.includes(expected) || text.includes(expected.replace("UID=u1+CN=*.shop.example", "CN=*.shop.example+UID=u1")),
    text,
  );
  const facts = parseRequest(csr);
  assert.equal(facts.commonName, "*.shop.example");
  assert.deepEqual(facts.relativeNames.slice(0, 5), relativeNames.slice(0, 5));
  // As Go does: 0x13 is PrintableString, 0x16 IA5String, 0x0c UTF8String.
  const der = Buffer.from(csr.replaceAll(/-----.*-----|\s/g, ""), "base64").toString("latin1");
  for (const text of ["\x13\x05Corp.", "\x16\x03com", "\x0c\x0e*.shop.example"]) assert.ok(der.includes(text), text);
});

test("name constraints of a request reach a CA's certificate, and no other", SKIP, async () => {
  const none = { dnsDomains: [], ipRanges: [], emailAddresses: [], uriDomains: [] };
  const nameConstraints = {
    critical: true,
    permitted: { ...none, dnsDomains: ["corp.example"], ipRanges: ["10.1.2.3/8", "2001:db8::/33"] },
    excluded: { ...none, emailAddresses: [".bad.example"], uriDomains: ["bad.example"] },
  };
  const chain = await signed({ commonName: "Sub CA", isCa: true, nameConstraints }, { isCa: true });
  const text = await textOf("x509", chain);
  assert.match(
    text,
    /Name Constraints: critical Permitted: DNS:corp\.example IP:10\.0\.0\.0\/255\.0\.0\.0 IP:2001:DB8:.*\/FFFF:FFFF:8000:0:0:0:0:0 Excluded: email:\.bad\.example URI:bad\.example/,
  );
  const csr = await createRequest(await generateKey(ECDSA), { commonName: "leaf", nameConstraints });
  assert.deepEqual(parseRequest(csr).nameConstraints?.permitted.ipRanges, ["10.0.0.0/8", "2001:db8::/33"]);
  const key = await generateKey(ECDSA);
  const root = await selfSign({ ...TERMS, isCa: true, csr: await createRequest(key, { commonName: "Root" }), key });
  await assert.rejects(signRequest({ ...TERMS, csr, authority: { chain: root.chain, key } }), (error) =>
    isLintelError(error, "BadConfig"),
  );
});

test("OpenSSL holds certificates of a constrained CA to its constraints", SKIP, async () => {
  const none = { dnsDomains: [], ipRanges: [], emailAddresses: [], uriDomains: [] };
  const nameConstraints = { critical: true, permitted: { ...none, dnsDomains: ["corp.example"] }, excluded: none };
  const key = await generateKey(ECDSA);
  const csr = await createRequest(key, { commonName: "Constrained", isCa: true, nameConstraints });
  const authority = { chain: (await selfSign({ ...TERMS, isCa: true, csr, key })).chain, key };
  const verdict = async (name: string): Promise<string> => {
    const leaf = await createRequest(await generateKey(ECDSA), { dnsNames: [name] });
    const { chain } = await signRequest({ ...TERMS, csr: leaf, authority });
    const script =
      'cd "$(mktemp -d)" && printf %s "$CA" > ca && printf %s "$LEAF" > leaf && openssl verify -attime "$AT" -CAfile ca leaf 2>&1; rm -f ca leaf; rmdir "$PWD"';
    const env = { ...process.env, CA: authority.chain, LEAF: chain, AT: String(TERMS.notBeforeMs / 1000 + 60) };
    return promisify(execFile)("sh", ["-c", script], { env }).then(({ stdout }) => stdout);
  };
  assert.match(await verdict("www.corp.example"), /leaf: OK/);
  await assert.rejects(verdict("www.other.example"), (error) => {
    assert.ok(isLintelError(error, "BadConfig"));
    assert.match(error.message, /CA "Constrained": its name constraints do not allow "www\.other\.example"/);
    return true;
  });
});

test("pointers to revocation lists, OCSP and the authority's certificate are where OpenSSL looks", SKIP, async () => {
  const revocationListUrls = ["http://crl.example/1.crl", "ldap://crl.example/2"];
  const authorityAccess = {
    ocspServers: ["http://ocsp.example"],
    issuingCertificateUrls: ["http://ca.example/ca.crt"],
  };
  const text = await textOf("x509", await signed({ commonName: "x" }, { revocationListUrls, authorityAccess }));
  assert.match(
    text,
    /CRL Distribution Points: Full Name: ?URI:http:\/\/crl\.example\/1\.crl .*URI:ldap:\/\/crl\.example\/2/,
  );
  assert.match(text, /OCSP - URI:http:\/\/ocsp\.example CA Issuers - URI:http:\/\/ca\.example\/ca\.crt/);
});

for (const [word, spec, name] of [
  ["SHA384WithRSA", { algorithm: "RSA", size: 2048 }, "sha384WithRSAEncryption"],
  ["SHA512WithRSA", { algorithm: "RSA", size: 2048 }, "sha512WithRSAEncryption"],
  ["ECDSAWithSHA512", { algorithm: "ECDSA", size: 256 }, "ecdsa-with-SHA512"],
  ["ECDSAWithSHA256", { algorithm: "ECDSA", size: 384 }, "ecdsa-with-SHA256"],
  ["PureEd25519", { algorithm: "Ed25519" }, "ED25519"],
] as const) {
  test(`createRequest() signs by ${word} when asked to`, SKIP, async () => {
    const csr = await createRequest(await generateKey(spec), { commonName: "x", signatureAlgorithm: word });
    assert.ok((await textOf("req", csr)).includes(`Signature Algorithm: ${name}`));
    const facts = parseRequest(csr);
    assert.equal(facts.signatureAlgorithm, word);
    assert.ok(await facts.signatureValid);
  });
}

test("createRequest() refuses a signature algorithm that is not the key's", async () => {
  const key = await generateKey(ECDSA);
  await assert.rejects(createRequest(key, { commonName: "x", signatureAlgorithm: "SHA256WithRSA" }), (error) =>
    isLintelError(error, "BadPem"),
  );
});

test("createRequest() names no usages when there are none, not even a CA's", SKIP, async () => {
  const csr = await createRequest(await generateKey(ECDSA), { commonName: "x", isCa: true });
  assert.doesNotMatch(await textOf("req", csr), /Key Usage/);
  assert.deepEqual(parseRequest(csr).usages, []);
});
