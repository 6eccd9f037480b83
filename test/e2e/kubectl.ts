import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { ensureDefaults } from "../../src/api/bootstrap.ts";
import { ApiServer } from "../../src/api/server.ts";
import { systemClock } from "../../src/ground/system-clock.ts";
import { MemoryLog } from "../../src/ground/testing.ts";
import { LocalCa } from "../../src/pki/local-ca.ts";
import { MemoryStore } from "../../src/store/memory.ts";

const TOKEN = "test-token";
/** A command that takes longer hangs. */
const COMMAND_MS_MAX = 30_000;

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Returns why tests with kubectl can't run here, or false when they can. */
export async function kubectlIsMissing(): Promise<string | false> {
  const { code } = await runProgram(["version", "--client"], {}, {});
  return code === 0 ? false : 'Install kubectl 1.32 or later ("kubectl version --client" must work) to run these tests';
}

/** An API server over a memory store on 127.0.0.1, and the real kubectl with a kubeconfig for it. */
export class KubectlCluster implements AsyncDisposable {
  readonly store: MemoryStore;
  readonly directory: string;
  readonly #api: ApiServer;
  readonly #server: Server;

  private constructor(store: MemoryStore, api: ApiServer, server: Server, directory: string) {
    this.store = store;
    this.#api = api;
    this.#server = server;
    this.directory = directory;
  }

  static async open(): Promise<KubectlCluster> {
    const directory = await mkdtemp(path.join(tmpdir(), "lintel-kubectl-"));
    const ca = await LocalCa.open({ directory: path.join(directory, "ca"), clock: systemClock });
    const { chain, key } = await ca.issue({ names: ["127.0.0.1"], durationMs: 3_600_000 });
    const store = new MemoryStore({ clock: systemClock });
    await ensureDefaults(store);
    const api = new ApiServer({ store, clock: systemClock, log: new MemoryLog(), token: TOKEN, version: "0.0.0" });
    const server = createServer({ cert: chain, key }, api.handle);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await writeFile(path.join(directory, "kubeconfig"), kubeconfig(port, ca.rootPem));
    return new KubectlCluster(store, api, server, directory);
  }

  /** Runs kubectl to its end, whatever the outcome. */
  run(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runProgram(args, this.#environment(options), options);
  }

  /** Runs kubectl and returns what it printed. Throws with its complaint when it fails. */
  async output(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    const result = await this.run(args, options);
    if (result.code === 0) return result.stdout;
    throw new Error(`kubectl ${args.join(" ")} ended with ${String(result.code)}: ${result.stderr}`);
  }

  /** Applies manifests given as text, and returns what kubectl printed. */
  apply(manifests: string, ...args: readonly string[]): Promise<CommandResult> {
    return this.run(["apply", "-f", "-", ...args], { stdin: manifests });
  }

  /** Starts kubectl; its output can be awaited line by line. */
  start(args: readonly string[]): RunningCommand {
    return new RunningCommand(args, this.#environment({}));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#api.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.directory, { recursive: true, force: true });
  }

  #environment({ environment }: CommandOptions): Readonly<Record<string, string>> {
    return { KUBECONFIG: path.join(this.directory, "kubeconfig"), HOME: this.directory, ...environment };
  }
}

/** A kubectl that runs until it is stopped. */
export class RunningCommand implements Disposable {
  readonly #child: ReturnType<typeof spawn>;
  #text = "";
  readonly #waiting: (() => void)[] = [];

  constructor(args: readonly string[], environment: Readonly<Record<string, string>>) {
    this.#child = spawn("kubectl", args, {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const onText = (chunk: Buffer): void => {
      this.#text += chunk.toString("utf8");
      for (const wake of this.#waiting.splice(0)) wake();
    };
    this.#child.stdout?.on("data", onText);
    this.#child.stderr?.on("data", onText);
  }

  /** Waits until the output so far matches. */
  async until(pattern: RegExp): Promise<string> {
    const signal = AbortSignal.timeout(COMMAND_MS_MAX);
    while (!pattern.test(this.#text)) {
      if (signal.aborted) throw new Error(`kubectl never printed ${String(pattern)}: ${this.#text}`);
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        setTimeout(resolve, 200);
      });
    }
    return this.#text;
  }

  /** Waits for its end; returns its exit code. */
  async ended(): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, "exit");
    return this.#child.exitCode;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGTERM");
  }
}

function runProgram(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  options: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const settings = { env: { ...process.env, ...environment }, timeout: COMMAND_MS_MAX };
    const child = execFile("kubectl", args, settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(options.stdin ?? "");
  });
}

function kubeconfig(port: number, rootPem: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "test",
        cluster: {
          server: `https://127.0.0.1:${String(port)}`,
          "certificate-authority-data": Buffer.from(rootPem).toString("base64"),
        },
      },
    ],
    users: [{ name: "admin", user: { token: TOKEN } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
    "current-context": "test",
  });
}
