// Asks the embedded API and a real kube-apiserver what they make of the manifests people have, and prints where they differ:
// in the verdict, in its words, in the warnings, or in the object that would be stored. Nothing is kept on either.
//   bin/node tools/compare-manifests.ts [--definitions FILE]… [--apply] [--quiet] FILE-OR-FOLDER…
// Definitions are CustomResourceDefinitions given to both before; --apply asks with server-side apply instead of create; --quiet
// prints the counts only. The programs are those of `npm run test:cluster`.
import { globSync, readFileSync, statSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { parse, parseAllDocuments } from "yaml";
import { arrayAt, isRecord, recordAt, stringAt } from "../src/ground/json.ts";
import { ApiServer } from "../test/cluster/api-server.ts";
import { findKubernetesBinaries } from "../test/cluster/kubernetes-binaries.ts";
import { KubectlCluster } from "../test/e2e/kubectl.ts";

type Fields = Readonly<Record<string, unknown>>;

interface Answer {
  readonly code: number;
  readonly body: unknown;
  readonly warnings: readonly string[];
}

/** What is compared of an answer. */
type Verdict = Fields;

interface Document {
  readonly from: string;
  readonly object: Fields;
}

/** What Lintel adds where nothing acts on an object. */
const NOTICE = /^\S+ "[^"]*": (stored, but|not needed here|accepted: )/;

class Api {
  readonly #server: URL;
  readonly #ca: string;
  readonly #token: string;
  readonly #resources: Map<string, ReadonlyMap<string, { readonly name: string; readonly namespaced: boolean }>> =
    new Map();
  readonly #namespaces: Set<string> = new Set();

  constructor(kubeconfig: string) {
    const content: unknown = parse(readFileSync(kubeconfig, "utf8"));
    const cluster = recordAt(arrayAt(content, "clusters")[0], "cluster");
    this.#server = new URL(stringAt(cluster, "server") ?? "");
    this.#ca = Buffer.from(stringAt(cluster, "certificate-authority-data") ?? "", "base64").toString();
    this.#token = stringAt(recordAt(arrayAt(content, "users")[0], "user"), "token") ?? "";
  }

  /** Would this be taken, and as what? */
  async judge(object: Fields, apply: boolean): Promise<Verdict> {
    const apiVersion = stringAt(object, "apiVersion") ?? "";
    const resource = (await this.#resourcesOf(apiVersion)).get(stringAt(object, "kind") ?? "");
    if (resource === undefined) return { served: false };
    const metadata = recordAt(object, "metadata");
    const namespace = stringAt(metadata, "namespace") ?? "default";
    if (resource.namespaced) await this.#ensureNamespace(namespace);
    const path = `${root(apiVersion)}${resource.namespaced ? `/namespaces/${namespace}` : ""}/${resource.name}`;
    const query = "dryRun=All&fieldManager=test&fieldValidation=Strict";
    // As kubectl does before it sends.
    const placed = resource.namespaced ? { ...object, metadata: { ...metadata, namespace } } : object;
    const name = encodeURIComponent(stringAt(metadata, "name") ?? "");
    return verdictOf(
      apply
        ? await this.ask("PATCH", `${path}/${name}?${query}&force=true`, placed, "application/apply-patch+yaml")
        : await this.ask("POST", `${path}?${query}`, placed),
    );
  }

  async ask(method: string, path: string, object?: Fields, type = "application/json"): Promise<Answer> {
    const outgoing = request(new URL(path, this.#server), {
      method,
      ca: this.#ca,
      headers: { authorization: `Bearer ${this.#token}`, "content-type": type, accept: "application/json" },
    });
    return await new Promise((resolve, reject) => {
      outgoing.on("error", reject);
      outgoing.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const warnings = (response.headers["warning"] ?? "").matchAll(/299 - "((?:[^"\\]|\\.)*)"/g);
          resolve({
            code: response.statusCode ?? 0,
            body: text.startsWith("{") ? JSON.parse(text) : text,
            warnings: [...warnings].map(([, warning = ""]) => warning.replaceAll("\\", "")),
          });
        });
      });
      outgoing.end(object === undefined ? undefined : JSON.stringify(object));
    });
  }

  async #resourcesOf(
    apiVersion: string,
  ): Promise<ReadonlyMap<string, { readonly name: string; readonly namespaced: boolean }>> {
    const known = this.#resources.get(apiVersion);
    if (known !== undefined) return known;
    const { body } = await this.ask("GET", root(apiVersion));
    const found = arrayAt(body, "resources").flatMap((resource) => {
      const name = stringAt(resource, "name") ?? "";
      if (name.includes("/") || !isRecord(resource)) return [];
      return [[stringAt(resource, "kind") ?? "", { name, namespaced: resource["namespaced"] === true }] as const];
    });
    const resources = new Map(found);
    this.#resources.set(apiVersion, resources);
    return resources;
  }

  async #ensureNamespace(name: string): Promise<void> {
    if (this.#namespaces.has(name)) return;
    this.#namespaces.add(name);
    await this.ask("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }
}

function root(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function verdictOf({ code, body, warnings }: Answer): Verdict {
  const said = warnings.filter((warning) => !NOTICE.test(warning));
  if (code >= 300) {
    const causes = arrayAt(recordAt(body, "details"), "causes").map((cause) => inWordsOf132(JSON.stringify(cause)));
    const message = inWordsOf132(stringAt(body, "message") ?? String(body));
    // Several come in any order, and so does the message made of them.
    const shown = causes.length > 1 ? { causes: causes.toSorted() } : { message, causes };
    return { code, reason: stringAt(body, "reason"), ...shown, warnings: said };
  }
  return { code, object: JSON.parse(comparable(JSON.stringify(body))), warnings: said };
}

/** Servers from 1.33 on show values as JSON, where older ones did as Go does. */
function inWordsOf132(text: string): string {
  return text
    .replaceAll('Invalid value: \\"null\\"', "Invalid value: null")
    .replaceAll('Invalid value: "null"', "Invalid value: null")
    .replaceAll("Invalid value: []networking.IngressRule(nil)", "Invalid value: null");
}

/** Ids, moments, and what is given out: never the same twice. */
function comparable(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UID")
    .replaceAll(/"(time|creationTimestamp)":"[^"]*"/g, '"$1":"MOMENT"')
    .replaceAll(/"resourceVersion":"\d+"/g, '"resourceVersion":"N"')
    .replaceAll(/"clusterIP":"10\.[^"]*"/g, '"clusterIP":"ADDRESS"')
    .replaceAll(/"clusterIPs":\["10\.[^\]]*\]/g, '"clusterIPs":"ADDRESS"')
    .replaceAll(/"(nodePort|healthCheckNodePort)":3\d+/g, '"$1":"PORT"');
}

function documentsOf(place: string): readonly Document[] {
  const files = statSync(place).isDirectory() ? globSync(join(place, "**/*.{yaml,yml,json}")).sort() : [place];
  return files.flatMap((file) =>
    parseAllDocuments(readFileSync(file, "utf8"), { uniqueKeys: false, logLevel: "silent" })
      .flatMap((document) => {
        const value: unknown = document.errors.length > 0 ? undefined : document.toJS();
        return stringAt(value, "kind") === "List" ? arrayAt(value, "items") : [value];
      })
      .flatMap((value, index) =>
        isRecord(value) && stringAt(value, "kind") !== undefined && stringAt(value, "apiVersion") !== undefined
          ? [{ from: `${file}#${index}`, object: value }]
          : [],
      ),
  );
}

async function define(api: Api, object: Fields): Promise<void> {
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const name = stringAt(recordAt(object, "metadata"), "name") ?? "";
  const { code, body } = await api.ask(
    "PATCH",
    `${path}/${name}?fieldManager=test&force=true`,
    object,
    "application/apply-patch+yaml",
  );
  if (code >= 300) process.stdout.write(`Definition ${name}: ${JSON.stringify(body)}\n`);
}

/** The paths at which two values differ, each with both. */
function differences(real: unknown, ours: unknown, path = ""): readonly string[] {
  if (isDeepStrictEqual(real, ours)) return [];
  if (isRecord(real) && isRecord(ours)) {
    const keys = [...new Set([...Object.keys(real), ...Object.keys(ours)])];
    return keys.flatMap((key) => differences(real[key], ours[key], path === "" ? key : `${path}.${key}`));
  }
  if (Array.isArray(real) && Array.isArray(ours) && real.length === ours.length) {
    return real.flatMap((item, index) => differences(item, ours[index], `${path}[${index}]`));
  }
  return [`  ${path}\n    real ${JSON.stringify(real) ?? "-"}\n    ours ${JSON.stringify(ours) ?? "-"}`];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    definitions: { type: "string", multiple: true, default: [] },
    apply: { type: "boolean", default: false },
    quiet: { type: "boolean", default: false },
  },
});
const binaries = findKubernetesBinaries();
if (typeof binaries === "string") throw new Error(binaries);
const documents = positionals.flatMap(documentsOf);
const server = await ApiServer.start(binaries);
await using cluster = await KubectlCluster.open();
const [real, ours] = [new Api(server.kubeconfig), new Api(join(cluster.directory, "kubeconfig"))];
try {
  const definitions = values.definitions.flatMap(documentsOf);
  for (const { object } of definitions) for (const api of [real, ours]) await define(api, object);
  let same = 0;
  let stricter = 0;
  for (const { from, object } of documents) {
    const [theirs, mine] = await Promise.all([real.judge(object, values.apply), ours.judge(object, values.apply)]);
    const found = differences(theirs, mine);
    if (found.length === 0) same += 1;
    else if (!values.quiet) {
      const kind = `${stringAt(object, "apiVersion") ?? ""} ${stringAt(object, "kind") ?? ""}`;
      process.stdout.write(`${from} ${kind}\n${found.join("\n")}\n`);
    }
    if (theirs["code"] !== mine["code"] || theirs["served"] !== mine["served"]) stricter += 1;
  }
  const count = documents.length;
  process.stdout.write(
    `${count} documents: ${same} the same, ${count - same} differ, ${stricter} of them in the verdict\n`,
  );
  process.exitCode = same === count ? 0 : 1;
} finally {
  await server.stop();
}
