import { rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join, relative } from "node:path";
import { LintelError, messageOf } from "../ground/errors.ts";
import type { Program } from "../ground/host.ts";
import { arrayAt, numberAt, recordAt, stringAt } from "../ground/json.ts";
import type { StateFolder } from "./state-folder.ts";

/** Grows when a message changes its meaning: an older program on the other side is told so instead of misunderstood. */
const REPLACE_VERSION = 1;

/** The longest line either side takes. */
const LINE_CHARACTERS_MAX = 16_384;

/** How long a new version may take to serve before the old one goes on alone. */
export const REPLACE_MS_MAX = 60_000;

/** What another invocation wants to run in place of what runs. */
export interface ReplaceWish {
  readonly program: Program;
  /** The version that program says it is. */
  readonly version: string;
}

/** What became of a wish, in a sentence: `mixed` when some processes run the new program now, and some the old. */
export type ReplaceOutcome = { readonly done: string } | { readonly mixed: string };

/**
 * Listens in the state folder, which only its owner may enter, for a wish to run another program. `replace` resolves with
 * what was done; what it throws is why everything is as it was, and the other side is told. One wish at a time.
 */
export async function openReplaceSocket(
  place: { readonly folder: StateFolder; readonly workingDirectory: string },
  replace: (wish: ReplaceWish) => Promise<ReplaceOutcome>,
): Promise<Server> {
  const path = socketPath(place);
  rmSync(path, { force: true });
  let busy = false;
  const serve = async (socket: Socket): Promise<void> => {
    const wish = parseWish(await firstLine(socket));
    if (wish === undefined) throw new Error(`the running one speaks protocol ${REPLACE_VERSION}`);
    if (busy) throw new Error("another replacement is under way");
    busy = true;
    try {
      answer(socket, await replace(wish));
    } finally {
      busy = false;
    }
  };
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    serve(socket).catch((error: unknown) => answer(socket, { error: messageOf(error) }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return server;
}

/** Asks the instance on `folder` to run `wish`; resolves with what it says. Throws Unreachable, or Aborted with its reason. */
export async function askForReplacement(
  place: { readonly folder: StateFolder; readonly workingDirectory: string },
  wish: ReplaceWish,
): Promise<string> {
  const socket = connect(socketPath(place));
  // Three times as long: workers and control each have theirs, and the way back.
  socket.setTimeout(REPLACE_MS_MAX * 3, () => socket.destroy(new Error("No answer in time")));
  let line: string;
  try {
    const { program, version: programVersion } = wish;
    socket.write(`${JSON.stringify({ version: REPLACE_VERSION, program, programVersion })}\n`);
    line = await firstLine(socket);
  } catch (error) {
    throw new LintelError(`Cannot replace what runs on "${place.folder.directory}": nothing answers there`, {
      code: "Unreachable",
      fault: "user",
      hint: "Start it without --replace, or name its folder with --state",
      cause: error,
    });
  } finally {
    socket.destroy();
  }
  const value: unknown = JSON.parse(line);
  const done = stringAt(value, "done");
  if (done !== undefined) return done;
  const mixed = stringAt(value, "mixed");
  if (mixed !== undefined) {
    throw new LintelError(`Cannot replace the whole running version, so that processes of both serve now: ${mixed}`, {
      code: "Aborted",
      hint: `Look at ${place.folder.log}, then try --replace again, or stop and start it`,
    });
  }
  throw new LintelError(
    `Cannot replace the running version, which goes on: ${stringAt(value, "error") ?? "no reason"}`,
    {
      code: "Aborted",
      hint: `Look at ${place.folder.log}`,
    },
  );
}

function parseWish(line: string): ReplaceWish | undefined {
  const value: unknown = JSON.parse(line);
  if (numberAt(value, "version") !== REPLACE_VERSION) return undefined;
  const program = recordAt(value, "program");
  const runtime = stringAt(program, "runtime");
  const main = stringAt(program, "main");
  if (runtime === undefined || main === undefined) return undefined;
  const flags = arrayAt(program, "flags").filter((flag): flag is string => typeof flag === "string");
  return { program: { runtime, main, flags }, version: stringAt(value, "programVersion") ?? "" };
}

function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\n");
      if (end >= 0) resolve(text.slice(0, end));
      else if (text.length > LINE_CHARACTERS_MAX) socket.destroy(new Error("The line is too long"));
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("Closed before a line came")));
  });
}

function answer(socket: Socket, value: Readonly<Record<string, string>>): void {
  socket.end(`${JSON.stringify(value)}\n`);
}

/** The shorter spelling: the system allows about a hundred bytes for the path of a socket. */
function socketPath(place: { readonly folder: StateFolder; readonly workingDirectory: string }): string {
  const path = join(place.folder.run, "supervisor.sock");
  const near = relative(place.workingDirectory, path);
  return near.length < path.length ? near : path;
}
