import { nodeHost } from "./ground/node-host.ts";

/**
 * Starts what this process is to be. Each role loads only what it needs: a worker never sees the control plane's code,
 * and the supervisor, which runs inside the command "up", sees neither.
 */
async function main(): Promise<void> {
  const host = nodeHost(process, import.meta.filename);
  const [first, role] = host.arguments;
  switch (first === "--role" ? role : undefined) {
    case "control":
      await (await import("./app/control.ts")).runControl(host);
      return;
    case "cluster-control":
      await (await import("./app/cluster-control.ts")).runClusterControl(host);
      return;
    case "worker":
      await (await import("./app/worker.ts")).runWorker(host);
      return;
    case "example":
      await (await import("./app/example-backends.ts")).runExampleBackends(host);
      return;
    case undefined:
    default: {
      // Timers and sockets of the supervisor do not keep a process alive, a command that has not ended does.
      const alive = setInterval(() => undefined, 2 ** 30);
      const { runCommand } = await import("./cli/run-command.ts");
      process.exitCode = await runCommand(host);
      clearInterval(alive);
    }
  }
}

await main();
