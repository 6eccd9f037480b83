import { readFileSync } from "node:fs";
import { Command } from "commander";
import type { AuthorityReport } from "../app/local-authority.ts";
import { trustAuthority, trustCommand, untrustAuthority } from "../app/trust-store.ts";
import type { Host, Output } from "../ground/host.ts";
import { eabCommand } from "./ca-eab.ts";
import { authorityOf, type CaOptions, jsonText, momentText, withOutput, withState } from "./ca-options.ts";
import { table } from "./terminal.ts";

/** `lintel ca`: the local CA: its certificate for programs that should trust it, its state, and who may register. */
export function caCommand(host: Host): Command {
  const ca = new Command("ca")
    .description("Show the local CA, have this machine trust it, and give out keys for its ACME server")
    .addHelpText("after", EXAMPLES);
  ca.addCommand(
    withState(new Command("export"))
      .description("Print the root's certificate, in PEM")
      .action((options: CaOptions) =>
        host.output.write(readFileSync(authorityOf(host, options).certificatePath, "utf8")),
      ),
  );
  ca.addCommand(
    withState(new Command("trust"))
      .description("Have this machine's programs trust the root")
      .action((options: CaOptions) => trust(host, options)),
  );
  ca.addCommand(
    withState(new Command("untrust"))
      .description("Take the root away from what this machine's programs trust")
      .action(() => untrust(host)),
  );
  ca.addCommand(
    withOutput(withState(new Command("show")))
      .description("Show the root, the intermediates, their revocation lists, and what was issued")
      .action(async (options: CaOptions) => {
        const report = await authorityOf(host, options).report();
        host.output.write(options.output === "json" ? jsonText(report) : reportText(host.output, report));
      }),
  );
  ca.addCommand(
    withState(new Command("revoke-intermediate"))
      .description("Revoke the intermediate that signs now: certificates below it are renewed early, another one signs")
      .option("--compromised", "its key is in wrong hands (default: it is superseded)")
      .action((options: CaOptions & { readonly compromised?: boolean }) => revokeIntermediate(host, options)),
  );
  ca.addCommand(eabCommand(host));
  return ca;
}

const EXAMPLES = `
Only root may change what the machine trusts: for others the command to run is printed. Browsers with certificate stores
of their own, such as Firefox, need the file that "export" prints.

Examples:
  lintel ca export > lintel.crt
  sudo lintel ca trust --state ~/.local/state/lintel/default
  lintel ca show
  lintel ca show -o json | jq -r '.authorities[].revocationListUrl'
  lintel ca eab create --note web-1       a key for one client, where "lintel up --acme-require-eab" asks for it
  certbot certonly --standalone -d shop.internal --server https://127.0.0.1:8555/acme/local/directory
`;

function reportText(output: Output, report: AuthorityReport): string {
  const { certificates, accounts, externalAccounts } = report;
  const rows = report.authorities.map((authority) => [
    authority.kind,
    authority.state,
    momentText(authority.notBeforeMs),
    momentText(authority.notAfterMs),
    authority.serialHex,
    authority.revocationListUrl ?? "-",
  ]);
  return [
    `Local CA in ${report.state}\n`,
    `ACME directory ${report.directoryUrl ?? "-"}\n\n`,
    table(output, ["AUTHORITY", "STATE", "FROM", "UNTIL", "SERIAL", "REVOCATION LIST"], rows),
    `\nCertificates by ACME: ${certificates.valid} valid, ${certificates.revoked} revoked; `,
    `accounts: ${accounts}; external account keys: ${externalAccounts}\n`,
  ].join("");
}

async function trust(host: Host, options: CaOptions): Promise<void> {
  const path = authorityOf(host, options).certificatePath;
  const pem = readFileSync(path, "utf8");
  if (host.userId !== 0) return host.output.write(`${trustCommand("trust", path)}\n`);
  host.output.write(`This machine trusts the local CA: ${await trustAuthority(pem)}\n`);
}

async function untrust(host: Host): Promise<void> {
  if (host.userId !== 0) return host.output.write(`${trustCommand("untrust", "")}\n`);
  await untrustAuthority();
  host.output.write("This machine does not trust the local CA any more\n");
}

/** Reasons of RFC 5280 section 5.3.1. */
const REASON = { cACompromise: 2, superseded: 4 } as const;

async function revokeIntermediate(host: Host, options: CaOptions & { readonly compromised?: boolean }): Promise<void> {
  const reason = options.compromised === true ? REASON.cACompromise : REASON.superseded;
  const revoked = await authorityOf(host, options).revokeIntermediate(reason);
  host.output.write(
    revoked === undefined
      ? "There is no intermediate that could be revoked: the next certificate brings a new one\n"
      : `Revoked the intermediate ${revoked.serialHex}: the root's list names it, and clients are asked to renew at once\n`,
  );
}
