/** Runs the real program on free loopback ports for a test, and stops it afterwards. */
import { spawn, type ChildProcess } from "node:child_process";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { isRecord, recordAt, numberAt, stringAt, arrayAt } from "../../src/ground/json.ts";
import { eventually } from "./eventually.ts";

const LINTEL = join(import.meta.dirname, "../../bin/lintel");
const FREE_PORTS = ["--http", "0", "--https", "0", "--api", "0", "--acme", "0", "--admin", "0"];

export interface Port {
  readonly host: string;
  readonly port: number;
}

export interface Process {
  readonly name: string;
  readonly pid: number;
  readonly state: string;
}

/** A running `lintel up`. */
export class Instance {
  readonly state: string;
  readonly child: ChildProcess;
  #output = "";

  private constructor(state: string, child: ChildProcess) {
    this.state = state;
    this.child = child;
    child.stdout?.on("data", (chunk: Buffer) => (this.#output += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (this.#output += chunk.toString()));
  }

  /** Starts on `state`, and kills what is left of it after the test. */
  static start(
    t: TestContext,
    options: {
      readonly state?: string;
      readonly arguments: readonly string[];
      readonly listen?: string;
      readonly command?: "up" | "proxy";
    },
  ): Instance {
    const state = options.state ?? stateFolder(t);
    const listen = ["--listen", options.listen ?? "127.0.0.1"];
    const child = spawn(
      LINTEL,
      [options.command ?? "up", "--state", state, ...listen, ...FREE_PORTS, "--workers", "2", ...options.arguments],
      {
        stdio: ["ignore", "pipe", "pipe"],
        // A process group of its own, as a terminal gives it.
        detached: true,
      },
    );
    const instance = new Instance(state, child);
    t.after(() => instance.kill());
    return instance;
  }

  /** What it has printed so far, on both streams. */
  get output(): string {
    return this.#output;
  }

  /** Resolves when `text` has been printed. */
  async printed(text: string | RegExp, deadlineMs = 120_000): Promise<void> {
    const has = (): boolean => (typeof text === "string" ? this.#output.includes(text) : text.test(this.#output));
    await eventually(
      `output with ${String(text)}`,
      () => {
        if (has()) return true;
        if (this.child.exitCode !== null) throw new Error(`It ended with ${this.child.exitCode}`);
        return undefined;
      },
      deadlineMs,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n--- output\n${this.#output}\n--- log\n${this.log()}`, { cause: error });
    });
  }

  /** Resolves when the start is over and its summary is printed. */
  async ready(): Promise<this> {
    await this.printed("Stop     Ctrl-C");
    return this;
  }

  get https(): Port {
    return this.#port("edgeHttps");
  }

  get http(): Port {
    return this.#port("edgeHttp");
  }

  get admin(): Port {
    return this.#port("admin");
  }

  get kubeconfig(): string {
    return join(this.state, "kubeconfig");
  }

  get ca(): string {
    return readFileSync(join(this.state, "ca.crt"), "utf8");
  }

  log(): string {
    const path = join(this.state, "lintel.log");
    return existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(-60).join("\n") : "";
  }

  async status(): Promise<Readonly<Record<string, unknown>>> {
    const { stdout } = await run(LINTEL, ["status", "--state", this.state, "-o", "json"]);
    const value: unknown = JSON.parse(stdout);
    if (!isRecord(value)) throw new Error("The status is not an object");
    return value;
  }

  async processes(): Promise<readonly Process[]> {
    return arrayAt(await this.status(), "processes").map((entry) => ({
      name: stringAt(entry, "name") ?? "",
      pid: numberAt(entry, "pid") ?? 0,
      state: stringAt(entry, "state") ?? "",
    }));
  }

  async kubectl(...args: readonly string[]): Promise<string> {
    const { stdout } = await run("kubectl", ["--kubeconfig", this.kubeconfig, ...args]);
    return stdout;
  }

  /** Asks it to stop and resolves with its exit code. */
  async stop(signal: NodeJS.Signals = "SIGINT"): Promise<number | null> {
    if (this.child.exitCode === null) {
      const exited = once(this.child, "exit");
      this.child.kill(signal);
      await exited;
    }
    return this.child.exitCode;
  }

  kill(): void {
    if (this.child.exitCode === null) this.child.kill("SIGKILL");
  }

  #port(name: string): Port {
    const facts: unknown = JSON.parse(readFileSync(join(this.state, "run", "instance.json"), "utf8"));
    const record = recordAt(facts, name);
    return { host: stringAt(record, "host") ?? "", port: numberAt(record, "port") ?? 0 };
  }
}

/** A new folder that is removed after the test. */
export function stateFolder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "lintel-e2e-"));
  t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return directory;
}

/** Runs a program to its end; rejects when it fails. */
export async function run(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return await promisify(execFile)(command, [...args], {
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...environment },
  });
}

/** Runs `lintel` to its end and resolves whatever the exit code. */
export async function lintel(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return await new Promise((resolve) => {
    execFile(LINTEL, [...args], (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });
}
