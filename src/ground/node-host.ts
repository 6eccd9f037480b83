import type { Host, HostSignal, Output, ParentChannel } from "./host.ts";

/** Returns `process` as a {@link Host}. `main` is the real path of the module the program starts with. */
export function nodeHost(process: NodeJS.Process, main: string): Host {
  return {
    pid: process.pid,
    arguments: process.argv.slice(2),
    environment: process.env,
    workingDirectory: process.cwd(),
    userId: process.getuid?.(),
    program: { runtime: process.execPath, flags: process.execArgv, main },
    output: outputOf(process.stdout, process.env),
    errors: outputOf(process.stderr, process.env),
    onSignal: (signal: HostSignal, callback) => void process.on(signal, callback),
    parent: process.channel === undefined ? undefined : channelOf(process),
    exit: (code) => process.exit(code),
    memoryBytes: () => process.memoryUsage.rss(),
    cpuMs: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
  };
}

function channelOf(process: NodeJS.Process): ParentChannel {
  return {
    send: (message) =>
      new Promise((resolve) => {
        // The parent may be gone: "disconnect" tells, and what we had to say no longer matters.
        if (process.connected) process.send?.(message, undefined, undefined, () => resolve());
        else resolve();
      }),
    onMessage: (callback) => void process.on("message", callback),
    onDisconnect: (callback) => void process.on("disconnect", callback),
  };
}

/** NO_COLOR (https://no-color.org) makes a terminal as plain as a file. */
function outputOf(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): Output {
  // A reader that went away, as in "lintel status | head -1", is not our failure.
  stream.on("error", () => undefined);
  return {
    isTerminal: stream.isTTY && (environment["NO_COLOR"] ?? "") === "",
    write: (text) => void stream.write(text),
  };
}
