/** One running `lintel controller` on a test's API server. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { numberAt, recordAt, stringAt } from "../../src/ground/json.ts";
import { eventually } from "../e2e/eventually.ts";
import { stateFolder } from "../e2e/instance.ts";

const LINTEL = join(import.meta.dirname, "../../bin/lintel");

export class Replica {
  readonly child: ChildProcess;
  readonly state: string;
  #output = "";

  private constructor(child: ChildProcess, state: string) {
    this.child = child;
    this.state = state;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => (this.#output += chunk.toString()));
    }
  }

  /** Starts one in the namespace `lintel`; kills what is left of it after the test. */
  static start(t: TestContext, kubeconfig: string, ...more: readonly string[]): Replica {
    const state = stateFolder(t);
    const places = ["--state", state, "--listen", "127.0.0.1", "--http", "0", "--https", "0", "--admin", "0"];
    const args = [
      "controller",
      "--kubeconfig",
      kubeconfig,
      "--namespace",
      "lintel",
      "--workers",
      "1",
      ...places,
      ...more,
    ];
    const child = spawn(LINTEL, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
    const replica = new Replica(child, state);
    t.after(() => replica.killAll());
    return replica;
  }

  get output(): string {
    return this.#output;
  }

  async printed(text: string, deadlineMs = 60_000): Promise<void> {
    await eventually(
      `output with "${text}"`,
      () => {
        if (this.#output.includes(text)) return true;
        if (this.child.exitCode !== null) throw new Error(`It ended with ${this.child.exitCode}`);
        return undefined;
      },
      deadlineMs,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n--- output\n${this.#output}`, { cause: error });
    });
  }

  /** Resolves when it serves what the cluster says. */
  async serving(): Promise<this> {
    await this.printed("✓ Serving ");
    await this.printed("✓ Listening on ");
    return this;
  }

  get leads(): boolean {
    return this.#output.lastIndexOf("This replica leads: ") > this.#output.lastIndexOf("leads no more");
  }

  /** Asks for a path of a host over HTTP. */
  async get(host: string, path: string): Promise<{ readonly status: number; readonly body: string }> {
    const facts: unknown = JSON.parse(readFileSync(join(this.state, "run", "instance.json"), "utf8"));
    const port = numberAt(recordAt(facts, "edgeHttp"), "port") ?? 0;
    return await new Promise((resolve, reject) => {
      const outgoing = request({ host: "127.0.0.1", port, path, headers: { host }, agent: false }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
        response.on("error", reject);
      });
      outgoing.on("error", reject);
      outgoing.end();
    });
  }

  async stop(): Promise<void> {
    const exited = once(this.child, "exit");
    this.child.kill("SIGTERM");
    await exited;
  }

  /** Ends or stops every process of it at once, as a machine that loses its power or its network. */
  signalAll(signal: NodeJS.Signals): void {
    if (this.child.pid !== undefined) process.kill(-this.child.pid, signal);
  }

  killAll(): void {
    try {
      this.signalAll("SIGKILL");
    } catch {
      // It has ended.
    }
  }

  /** Identity in Leases. */
  static holder(lease: unknown): string {
    return stringAt(recordAt(lease, "spec"), "holderIdentity") ?? "";
  }
}
