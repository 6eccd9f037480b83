import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Argument, Command } from "commander";
import { stateFolderAt } from "../app/state-folder.ts";
import { trustAuthority, trustCommand, untrustAuthority } from "../app/trust-store.ts";
import { LintelError } from "../ground/errors.ts";
import type { Host } from "../ground/host.ts";
import { defaultStateDirectory } from "./state-directory.ts";

const ACTS = ["export", "trust", "untrust"] as const;

/** `lintel ca`: the certificate of the local CA, for the programs that should trust it. */
export function caCommand(host: Host): Command {
  return new Command("ca")
    .description("Print the local CA's certificate, or have this machine trust it")
    .addArgument(new Argument("<act>", "what to do").choices(ACTS))
    .option(
      "--state <dir>",
      "the instance's state folder (default: the default one, else the example's or the proxy's)",
    )
    .addHelpText("after", EXAMPLES)
    .action(async (act: (typeof ACTS)[number], options: { readonly state?: string }) => {
      if (act === "untrust") return untrust(host);
      const path = certificatePath(host, options.state);
      const pem = readFileSync(path, "utf8");
      if (act === "export") return host.output.write(pem);
      if (host.userId !== 0) return host.output.write(`${trustCommand(act, path)}\n`);
      host.output.write(`This machine trusts the local CA: ${await trustAuthority(pem)}\n`);
    });
}

const EXAMPLES = `
Only root may change what the machine trusts: for others the command to run is printed. Browsers with certificate stores
of their own, such as Firefox, need the file that "export" prints.

Examples:
  lintel ca export > lintel.crt
  sudo lintel ca trust --state ~/.local/state/lintel/default
`;

async function untrust(host: Host): Promise<void> {
  if (host.userId !== 0) return host.output.write(`${trustCommand("untrust", "")}\n`);
  await untrustAuthority();
  host.output.write("This machine does not trust the local CA any more\n");
}

function certificatePath(host: Host, state: string | undefined): string {
  const folders =
    state === undefined
      ? (["default", "example", "proxy"] as const).map((name) => defaultStateDirectory(host, name))
      : [resolve(host.workingDirectory, state)];
  const found = folders.map((folder) => stateFolderAt(folder).caCertificate).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new LintelError(`Cannot find the local CA in "${folders.join('", "')}": Lintel never ran there`, {
    code: "NotFound",
    fault: "user",
    hint: 'Name the state folder with "--state"',
  });
}
