import { Argument, Command, type Option } from "commander";
import type { Host } from "../ground/host.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** `lintel completion`: prints the script that teaches a shell the commands and options of `root`. */
export function completionCommand(host: Host, root: Command): Command {
  return new Command("completion")
    .description("Print a completion script for bash, zsh or fish")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .addHelpText("after", EXAMPLES)
    .action((shell: (typeof SHELLS)[number]) => host.output.write(scriptFor(shell, wordsOf(root))));
}

const EXAMPLES = `
Examples:
  source <(lintel completion bash)
  lintel completion zsh > "\${fpath[1]}/_lintel"
  lintel completion fish > ~/.config/fish/completions/lintel.fish
`;

interface Words {
  readonly name: string;
  /** Names of what is below it. */
  readonly commands: readonly string[];
  readonly description: string;
  readonly options: readonly { readonly long: string; readonly description: string }[];
}

function wordsOf(root: Command): readonly Words[] {
  return root.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    commands: command.commands.map((child) => child.name()),
    options: optionsBelow(command).flatMap(({ long, description }) =>
      typeof long === "string" ? [{ long, description }] : [],
    ),
  }));
}

/** The options of a command and of all below it, each once. */
function optionsBelow(command: Command): readonly Option[] {
  const all = [...command.options, ...command.commands.flatMap(optionsBelow)];
  return [...new Map(all.map((option) => [option.long, option])).values()];
}

function scriptFor(shell: (typeof SHELLS)[number], commands: readonly Words[]): string {
  switch (shell) {
    case "bash":
      return bash(commands);
    case "zsh":
      return zsh(commands);
    case "fish":
      return fish(commands);
    default:
      return shell satisfies never;
  }
}

function bash(commands: readonly Words[]): string {
  const cases = commands.map(
    ({ name, commands: below, options }) =>
      `    ${name}) words="${[...below, ...options.map((option) => option.long)].join(" ")}" ;;`,
  );
  return [
    "_lintel() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" words',
    `  if [ "$COMP_CWORD" -eq 1 ]; then words="${commands.map(({ name }) => name).join(" ")} --help --version"`,
    '  else case "${COMP_WORDS[1]}" in',
    ...cases,
    "  esac; fi",
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "}",
    "complete -o default -F _lintel lintel",
    "",
  ].join("\n");
}

function zsh(commands: readonly Words[]): string {
  const cases = commands.map(({ name, commands: below, options }) => {
    const list = options.map((option) => `'${option.long}[${zshText(option.description)}]'`);
    if (below.length > 0) list.push(`'1:command:(${below.join(" ")})'`);
    return `    ${name}) _arguments ${[...list, "'*:file:_files'"].join(" ")} ;;`;
  });
  return [
    "#compdef lintel",
    "_lintel() {",
    "  if (( CURRENT == 2 )); then",
    `    local -a commands=(${commands.map(({ name, description }) => `'${name}:${zshText(description)}'`).join(" ")})`,
    "    _describe command commands",
    "    return",
    "  fi",
    '  local name="${words[2]}"',
    "  shift words; (( CURRENT-- ))",
    '  case "$name" in',
    ...cases,
    "  esac",
    "}",
    'if [ "$funcstack[1]" = "_lintel" ]; then _lintel "$@"; else compdef _lintel lintel; fi',
    "",
  ].join("\n");
}

function fish(commands: readonly Words[]): string {
  const lines = commands.flatMap(({ name, description, commands: below, options }) => [
    `complete -c lintel -n __fish_use_subcommand -a ${name} -d ${fishWord(description)}`,
    ...(below.length === 0
      ? []
      : [`complete -c lintel -n '__fish_seen_subcommand_from ${name}' -a '${below.join(" ")}'`]),
    ...options.map(
      (option) =>
        `complete -c lintel -n '__fish_seen_subcommand_from ${name}' -l ${option.long.slice(2)} -d ${fishWord(option.description)}`,
    ),
  ]);
  return `${lines.join("\n")}\n`;
}

/** Inside single quotes and the brackets of a specification. */
function zshText(text: string): string {
  return text.replaceAll("'", "").replaceAll(/[[\]:]/g, " ");
}

function fishWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`\'`)}'`;
}
