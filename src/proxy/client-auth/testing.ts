import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A certificate with its key, PEM. */
export interface MadeCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** What a certificate shall be like. */
export interface CertificateWish {
  /** As `openssl -subj` takes it. */
  readonly subject: string;
  /** The file name of what signs it. @default itself */
  readonly issuer?: string;
  /** @default that of a client */
  readonly kind?: "authority" | "client" | "server";
  /** As `openssl ca -enddate` takes it. @default in 2036 */
  readonly endDate?: string;
  readonly names?: string;
}

const EXTENSIONS = {
  authority: "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign",
  client: "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth",
  server: "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth",
} as const;

/** A folder in which OpenSSL makes authorities, certificates and revocation lists. */
export class TestAuthorities implements AsyncDisposable {
  readonly folder: string;
  #count = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<TestAuthorities> {
    const made = new TestAuthorities(await mkdtemp(join(tmpdir(), "test-authorities-")));
    await writeFile(made.#path("index.txt"), "");
    await writeFile(made.#path("index.txt.attr"), "unique_subject = no\n");
    await writeFile(made.#path("config"), CONFIG(made.folder));
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }

  /** Makes `<name>.crt` and `<name>.key`. */
  async make(name: string, wish: CertificateWish): Promise<MadeCertificate> {
    const [key, csr, crt, extensions] = ["key", "csr", "crt", "ext"].map((end) => this.#path(`${name}.${end}`));
    if (key === undefined || csr === undefined || crt === undefined || extensions === undefined) throw new Error(name);
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    await run("openssl", ["req", "-new", ...curve, "-utf8", "-subj", wish.subject, "-keyout", key, "-out", csr]);
    const names = wish.names === undefined ? "" : `\nsubjectAltName=${wish.names}`;
    await writeFile(extensions, `${EXTENSIONS[wish.kind ?? "client"]}${names}\n`);
    const serial = (0x1000 + ++this.#count).toString(16);
    await writeFile(this.#path("serial"), `${serial}\n`);
    const by = wish.issuer === undefined ? ["-selfsign", "-keyfile", key] : this.#signer(wish.issuer);
    const dates = ["-startdate", "20200101000000Z", "-enddate", wish.endDate ?? "20360101000000Z"];
    await this.#ca([...by, "-batch", "-notext", "-in", csr, "-out", crt, "-extfile", extensions, ...dates]);
    const [certificate, secret] = await Promise.all([readFile(crt, "utf8"), readFile(key, "utf8")]);
    return { certificate, key: secret };
  }

  /** Where the certificate of this name and its key are. */
  files(name: string): { readonly certificateFile: string; readonly keyFile: string } {
    return { certificateFile: this.#path(`${name}.crt`), keyFile: this.#path(`${name}.key`) };
  }

  /** The certificate of this name, PEM. */
  certificate(name: string): string {
    return readFileSync(this.#path(`${name}.crt`), "utf8");
  }

  /** The key of this name, PEM. */
  key(name: string): string {
    return readFileSync(this.#path(`${name}.key`), "utf8");
  }

  /** Revokes `<name>.crt`, which `issuer` has signed. */
  async revoke(name: string, issuer: string): Promise<void> {
    await this.#ca([...this.#signer(issuer), "-revoke", this.#path(`${name}.crt`)]);
  }

  /** Returns the list of what `issuer` has revoked. */
  async revocations(issuer: string): Promise<string> {
    const file = this.#path(`${issuer}.crl`);
    await this.#ca([...this.#signer(issuer), "-gencrl", "-crldays", "3000", "-out", file]);
    return readFile(file, "utf8");
  }

  #signer(name: string): readonly string[] {
    return ["-cert", this.#path(`${name}.crt`), "-keyfile", this.#path(`${name}.key`)];
  }

  #ca(options: readonly string[]): Promise<unknown> {
    return run("openssl", ["ca", "-config", this.#path("config"), ...options]);
  }

  #path(name: string): string {
    return join(this.folder, name);
  }
}

/** The settings of `openssl ca`, which has no options for them. */
const CONFIG = (folder: string): string => `[ca]
default_ca = all
[all]
database = ${folder}/index.txt
new_certs_dir = ${folder}
serial = ${folder}/serial
default_md = sha256
policy = any
[any]
countryName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
`;
