import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Program } from "../ground/host.ts";
import { makeFolder, writeFileAtomically } from "./state-folder.ts";

/** The ports that the example's backends have in `examples/hello/hello.yaml`. */
export const EXAMPLE_PORTS: readonly [number, number] = [9001, 9002];

/** Writes the example's manifests to `directory` with the ports its backends really got; returns that folder. */
export function writeExample(options: {
  readonly program: Program;
  readonly directory: string;
  readonly ports: readonly [number, number];
}): string {
  const source = join(dirname(options.program.main), "..", "examples", "hello", "hello.yaml");
  const text = EXAMPLE_PORTS.reduce(
    (text, port, index) => text.replace(`port: ${port}`, `port: ${options.ports[index] ?? port}`),
    readFileSync(source, "utf8"),
  );
  makeFolder(options.directory);
  writeFileAtomically(join(options.directory, "hello.yaml"), text, 0o600);
  return options.directory;
}
