/** The edge with one of the two APIs: `lintel up` with its own, or `lintel controller` on a real API server. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { numberAt, recordAt } from "../../src/ground/json.ts";
import { Instance, run, stateFolder } from "../e2e/instance.ts";
import { ApiServer } from "./api-server.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";
import { Replica } from "./replica.ts";

/** Whose API it is. */
export type Api = "embedded" | "real";

/** Both, for tests that are run on each. */
export const APIS: readonly Api[] = ["embedded", "real"];

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What was shown over TLS. */
  readonly certificate: PeerCertificate | undefined;
}

/** Returns why the edge cannot be run with that API here, or the first of `others`, or false. */
export function skipWithoutApi(api: Api, ...others: readonly (string | false)[]): string | false {
  const binaries = api === "real" ? findKubernetesBinaries() : undefined;
  if (typeof binaries === "string") return binaries;
  return others.find((other) => other !== false) ?? false;
}

export class Edge {
  readonly api: Api;
  readonly kubeconfig: string;
  /** Of the running program. */
  readonly state: string;
  readonly #files: string;
  #written = 0;

  private constructor(api: Api, kubeconfig: string, state: string, files: string) {
    this.api = api;
    this.kubeconfig = kubeconfig;
    this.state = state;
    this.#files = files;
  }

  /** Starts all of it, with the class `lintel` and nothing else; it ends with the test. `more` are options of the program. */
  static async start(t: TestContext, api: Api, more: readonly string[] = []): Promise<Edge> {
    const files = stateFolder(t);
    const edge = api === "embedded" ? await embedded(t, more, files) : await real(t, more, files);
    await edge.apply(LINTEL_CLASS);
    return edge;
  }

  static of(api: Api, kubeconfig: string, state: string, files: string): Edge {
    return new Edge(api, kubeconfig, state, files);
  }

  /** Returns what kubectl prints; rejects with its complaint. */
  async kubectl(...args: readonly string[]): Promise<string> {
    const { stdout } = await run("kubectl", args, { KUBECONFIG: this.kubeconfig });
    return stdout;
  }

  /** Applies manifests as a person does, from a file. */
  async apply(manifests: string, ...more: readonly string[]): Promise<string> {
    this.#written += 1;
    const path = join(this.#files, `${String(this.#written)}.yaml`);
    writeFileSync(path, manifests);
    return this.kubectl("apply", "-f", path, ...more);
  }

  /** Runs `lintel` on what runs here, whatever its exit code. */
  async lintel(...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
    const program = join(import.meta.dirname, "../../bin/lintel");
    return new Promise((resolve) => {
      execFile(program, [...args], (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
        resolve({ code, text: stdout + stderr });
      });
    });
  }

  port(name: "edgeHttp" | "edgeHttps"): number {
    const facts: unknown = JSON.parse(readFileSync(join(this.state, "run", "instance.json"), "utf8"));
    return numberAt(recordAt(facts, name), "port") ?? 0;
  }

  http(host: string, path = "/", options: RequestOptions = {}): Promise<Answer> {
    return this.#ask("http", host, path, options);
  }

  /** Whoever signed it is looked at by the test, in the answer. */
  https(host: string, path = "/", options: RequestOptions = {}): Promise<Answer> {
    return this.#ask("https", host, path, options);
  }

  #ask(scheme: "http" | "https", host: string, path: string, options: RequestOptions): Promise<Answer> {
    const { method = "GET", body = "", headers = {} } = options;
    const shared = { host: "127.0.0.1", path, method, headers: { host, ...headers }, agent: false, timeout: 60_000 };
    return new Promise((resolve, reject) => {
      const call =
        scheme === "http"
          ? httpRequest({ ...shared, port: this.port("edgeHttp") })
          : httpsRequest({ ...shared, port: this.port("edgeHttps"), servername: host, rejectUnauthorized: false });
      call.on("response", (response) => {
        const certificate = scheme === "https" ? (response.socket as TLSSocket).getPeerCertificate(true) : undefined;
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("error", reject);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers, certificate }),
        );
      });
      call.on("timeout", () => call.destroy(new Error("No answer within a minute")));
      call.on("error", reject);
      call.end(body);
    });
  }
}

export interface RequestOptions {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const LINTEL_CLASS = `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: lintel }
spec: { controller: lintel.dev/ingress }
`;

async function embedded(t: TestContext, more: readonly string[], files: string): Promise<Edge> {
  const instance = await Instance.start(t, { arguments: more }).ready();
  return Edge.of("embedded", instance.kubeconfig, instance.state, files);
}

async function real(t: TestContext, more: readonly string[], files: string): Promise<Edge> {
  const binaries = findKubernetesBinaries();
  if (typeof binaries === "string") throw new Error(binaries);
  const server = await ApiServer.start(binaries);
  t.after(() => server.stop());
  await run("kubectl", ["create", "namespace", "lintel"], { KUBECONFIG: server.kubeconfig });
  const replica = await Replica.start(t, server.kubeconfig, ...more).serving();
  await replica.printed("This replica leads: ");
  return Edge.of("real", server.kubeconfig, replica.state, files);
}
