import { Command, CommanderError } from "commander";
import { LintelError, messageOf } from "../ground/errors.ts";
import type { Host } from "../ground/host.ts";
import { caCommand } from "./ca.ts";
import { completionCommand } from "./completion.ts";
import { controllerCommand } from "./controller.ts";
import { doctorCommand } from "./doctor.ts";
import { exitCodeOf } from "./exit-codes.ts";
import { importCommand } from "./import.ts";
import { manifestsCommand } from "./manifests.ts";
import { shadowCommand } from "./shadow.ts";
import { proxyCommand } from "./proxy.ts";
import { renewCommand } from "./renew.ts";
import { statusCommand } from "./status.ts";
import { paint } from "./terminal.ts";
import { upCommand } from "./up.ts";
import { programVersion } from "./version.ts";

/** Runs the command in the host's arguments and returns the exit code. Never throws: a failure is one line on standard error. */
export async function runCommand(host: Host): Promise<number> {
  const program = buildProgram(host);
  try {
    await program.parseAsync([...host.arguments], { from: "user" });
    return 0;
  } catch (error) {
    // Commander has said it itself.
    if (!(error instanceof CommanderError)) host.errors.write(failureText(host, error));
    return exitCodeOf(error);
  }
}

/** Returns the whole command line. */
export function buildProgram(host: Host): Command {
  const program = new Command("lintel")
    .description("The HTTPS edge of a cluster or of one machine that looks after its own certificates")
    .version(programVersion(host.program), "-V, --version", "print the version")
    .helpCommand("help [command]", "show the help of a command")
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", EXAMPLES);
  program.addCommand(upCommand(host));
  program.addCommand(proxyCommand(host));
  program.addCommand(controllerCommand(host));
  program.addCommand(manifestsCommand(host));
  program.addCommand(shadowCommand(host));
  program.addCommand(statusCommand(host));
  program.addCommand(renewCommand(host));
  program.addCommand(doctorCommand(host));
  program.addCommand(caCommand(host));
  program.addCommand(importCommand(host));
  program.addCommand(
    new Command("version")
      .description("Print the version")
      .action(() => host.output.write(`${programVersion(host.program)}\n`)),
  );
  program.addCommand(completionCommand(host, program));
  speakAsOne(host, program, "lintel");
  return program;
}

/** Has a command and all below it throw instead of exit, and write where the host says. */
function speakAsOne(host: Host, command: Command, path: string): void {
  command
    .exitOverride()
    .showHelpAfterError(`Run "${path} --help"`)
    .configureOutput({
      writeOut: (text) => host.output.write(text),
      writeErr: (text) => host.errors.write(text),
      outputError: (text, write) =>
        write(
          text.replace(
            /^error: (.)/,
            (_, first: string) => `${paint(host.errors, "red", "lintel:")} ${first.toUpperCase()}`,
          ),
        ),
    });
  for (const child of command.commands) speakAsOne(host, child, `${path} ${child.name()}`);
}

const EXAMPLES = `
Examples:
  lintel up --example                  HTTPS on this machine in seconds, to look around
  lintel up site.yaml                  serve the Ingresses of a file, with certificates
  lintel proxy shop.example.com --to http://10.0.0.5:8081    HTTPS before one server
  lintel controller --kubeconfig ~/.kube/config    the edge of a cluster, from its own API server
  KUBECONFIG=~/.local/state/lintel/default/kubeconfig kubectl get certificates
  lintel renew shop-tls                a new certificate, now
  lintel doctor --lifetimes            what would not be renewed in time when lifetimes get shorter
  lintel status                        hosts, certificates and processes of what runs

Exit codes: 0 done, 1 failed, 2 wrong usage, 66 no such file, 69 not running or port taken, 73 state folder unusable,
75 another instance holds the state folder.
`;

function failureText(host: Host, error: unknown): string {
  const hint = error instanceof LintelError && error.hint !== undefined ? `\n${error.hint}\n` : "\n";
  return `${paint(host.errors, "red", "lintel:")} ${messageOf(error)}${hint}`;
}
