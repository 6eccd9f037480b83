import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve as resolvePath } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { isDeepStrictEqual, stripVTControlCharacters } from "node:util";
import { skipWithout } from "../../src/ground/testing.ts";
import { Instance } from "../e2e/instance.ts";
import { ApiServer } from "./api-server.ts";
import type { KubectlCommand } from "./kubectl-command.ts";
import { KUBECTL_COMMANDS } from "./kubectl-commands.ts";
import { KUBECTL_CUSTOM_COMMANDS } from "./kubectl-custom-commands.ts";
import { KUBECTL_OBJECT_COMMANDS } from "./kubectl-object-commands.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";

const binaries = findKubernetesBinaries();
const FIXTURES = join(import.meta.dirname, "fixtures");
/** A kubectl in place of the one on the PATH. */
const KUBECTL = process.env["LINTEL_TEST_KUBECTL"] ?? "";
/** What must differ is only known of the versions that are usually run; others may say the same. */
const isUsual = KUBECTL === "" && (process.env["KUBEBUILDER_ASSETS"] ?? "") === "";
const skip = typeof binaries === "string" ? binaries : KUBECTL === "" ? skipWithout("kubectl") : false;

interface Said {
  readonly code: number;
  readonly text: string;
}

describe("kubectl", { skip }, () => {
  let server: ApiServer;
  let path = process.env["PATH"] ?? "";
  before(async () => {
    if (KUBECTL !== "") path = `${folderOf(KUBECTL)}${delimiter}${path}`;
    if (typeof binaries !== "string") server = await ApiServer.start(binaries);
  });
  after(async () => {
    await server.stop();
    if (KUBECTL !== "") rmSync(path.split(delimiter)[0] ?? "", { recursive: true });
  });

  /** Runs what a person would type, pipes included. */
  function typed(kubeconfig: string, command: string): Promise<Said> {
    const script = command.startsWith("$ ") ? command.slice(2) : `kubectl ${command}`;
    const env = { ...process.env, PATH: path, KUBECONFIG: kubeconfig, KUBE_EDITOR: "sed -i s/one/uno/" };
    return new Promise((resolve) => {
      execFile("sh", ["-c", script], { env, cwd: FIXTURES }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
        resolve({ code, text: comparable(stripVTControlCharacters(`${stdout}${stderr}`)) });
      });
    });
  }

  async function compare(t: TestContext, commands: readonly KubectlCommand[]): Promise<void> {
    const instance = await Instance.start(t, { arguments: [] }).ready();
    const wrong: unknown[] = [];
    let same = 0;
    for (const entry of commands) {
      const { command, differs } = typeof entry === "string" ? { command: entry, differs: undefined } : entry;
      const [real, ours] = await Promise.all(
        [server.kubeconfig, instance.kubeconfig].map((kubeconfig) => typed(kubeconfig, command)),
      );
      const isSame = isDeepStrictEqual(real, ours);
      if (isSame) same += 1;
      if (isSame ? isUsual && differs !== undefined : differs === undefined) {
        wrong.push({ command, differs, real, ours });
      }
    }
    t.diagnostic(`${same} of ${commands.length} the same`);
    assert.deepEqual(wrong, []);
  }

  it("prints the same of the embedded API as of a real server, but for what is listed with its reason", (t) =>
    compare(t, KUBECTL_COMMANDS));

  it("does the same with a kind that a user defines", (t) => compare(t, KUBECTL_CUSTOM_COMMANDS));

  it("does the same with objects on both, but for what is listed with its reason", (t) =>
    compare(t, KUBECTL_OBJECT_COMMANDS));
});

/** A folder in which `program` is named kubectl. */
function folderOf(program: string): string {
  const folder = mkdtempSync(join(tmpdir(), "lintel-kubectl-"));
  symlinkSync(resolvePath(program), join(folder, "kubectl"));
  return folder;
}

/**
 * What is never the same on two servers: addresses, ids, versions, moments, and how wide the columns come out with them.
 * Then what servers of other versions than 1.32 say in other words, and what kubectl says to its developers.
 */
function comparable(text: string): string {
  return text
    .replaceAll(/Warning: v1 Endpoints is deprecated in v1\.33\+[^\n]*\n/g, "")
    .replaceAll(/Warning: spec\.SessionAffinity is ignored for headless services\n/g, "")
    .replaceAll(/(\[\]networking\.IngressRule\(nil\)|"null"): (either|some)/g, "null: $2")
    .replaceAll(/Invalid value: (\[\]string\{|\[)("[^\]}]*")[\]}]/g, "Invalid value: $2")
    .replaceAll(/^ *creationTimestamp: null\n/gm, "")
    .replaceAll(" (BadRequest): invalid resource version: resourceVersion", ": resourceVersion")
    .replaceAll(/^[WIE]\d{4} \d\d:\d\d:\d\d\.\d+ .*\n/gm, "")
    .replaceAll(/(https:\/\/)?127\.0\.0\.1:\d+/g, "SERVER")
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UID")
    .replaceAll(/("?resourceVersion"?: ?)"\d+"|(Resource Version: +)\d+/g, "$1$2N")
    .replaceAll(/\/tmp\/(kubectl-edit|LIVE|MERGED)-\d+/g, "FILE")
    .replaceAll(/(named-)[a-z0-9]{5}/g, "$1NAME")
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "MOMENT")
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+\d{4}/g, "MOMENT")
    .replaceAll(/[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000/g, "MOMENT")
    .replaceAll(/\b\d+(\.\d+)?(ms|s|m)(\d+s)?\b/g, "AGE")
    .replaceAll(/\b10(\.\d+){3}\b/g, "ADDRESS")
    .replaceAll(/ +/g, " ");
}
