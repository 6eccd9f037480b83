import { Command } from "commander";
import type { ExternalAccountSummary } from "../app/local-authority.ts";
import type { Host } from "../ground/host.ts";
import { authorityOf, type CaOptions, jsonText, momentText, withOutput, withState } from "./ca-options.ts";
import { table } from "./terminal.ts";

/** `lintel ca eab`: keys that let clients register with the local CA's ACME server (external account binding). */
export function eabCommand(host: Host): Command {
  const eab = new Command("eab")
    .description("Give clients keys to register with, and take them back")
    .addHelpText("after", EXAMPLES);
  eab.addCommand(
    withOutput(withState(new Command("create")))
      .description("Make a key id and a MAC key for a client; they are shown this once")
      .option("--note <text>", "for whom it is, as the list shows it")
      .option("--reusable", "let any number of accounts be registered with it (default: one)")
      .action((options: CaOptions & { readonly note?: string; readonly reusable?: boolean }) => {
        const { note = "", reusable = false } = options;
        const { id, hmacKey } = authorityOf(host, options).createExternalAccount({
          note: note.slice(0, NOTE_CHARACTERS_MAX),
          reusable,
        });
        const shown = { keyId: id, hmacKey };
        host.output.write(
          options.output === "json" ? jsonText(shown) : `Key id:   ${shown.keyId}\nMAC key:  ${shown.hmacKey}\n`,
        );
      }),
  );
  eab.addCommand(
    withOutput(withState(new Command("list")))
      .description("Show the keys and what was registered with them")
      .action((options: CaOptions) => {
        const keys = authorityOf(host, options).externalAccounts();
        host.output.write(options.output === "json" ? jsonText(keys) : table(host.output, HEADING, keys.map(row)));
      }),
  );
  eab.addCommand(
    withState(new Command("revoke"))
      .description("Revoke a key, and deactivate the accounts that were registered with it")
      .argument("<key-id>", "as the list shows it")
      .action((id: string, options: CaOptions) => {
        const count = authorityOf(host, options).revokeExternalAccount(id);
        host.output.write(`Revoked "${id}"; accounts deactivated: ${count}\n`);
      }),
  );
  return eab;
}

const EXAMPLES = `
Examples:
  lintel ca eab create --note web-1
  certbot register --server URL --eab-kid KEY_ID --eab-hmac-key MAC_KEY --agree-tos -m ops@shop.internal
  lintel ca eab create --reusable -o json | jq -r .hmacKey      for the Secret of a cert-manager Issuer
  lintel ca eab revoke KEY_ID
`;

const HEADING = ["KEY ID", "NOTE", "CREATED", "ACCOUNTS", "STATE"];
const NOTE_CHARACTERS_MAX = 200;

function row(key: ExternalAccountSummary): readonly string[] {
  const used = key.accountIds.length > 0;
  const state = key.revokedMs !== undefined ? "revoked" : key.reusable ? "reusable" : used ? "used" : "unused";
  return [key.id, key.note, momentText(key.createdMs), String(key.accountIds.length), state];
}
