import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { skipWithout } from "../../src/ground/testing.ts";
import { Instance } from "../e2e/instance.ts";
import { ApiServer } from "./api-server.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";
import { KUBECTL_COMMANDS } from "./kubectl-commands.ts";

const binaries = findKubernetesBinaries();
const FIXTURES = join(import.meta.dirname, "fixtures");

interface Said {
  readonly code: number;
  readonly text: string;
}

describe("kubectl", { skip: typeof binaries === "string" ? binaries : skipWithout("kubectl") }, () => {
  let server: ApiServer;
  before(async () => {
    if (typeof binaries !== "string") server = await ApiServer.start(binaries);
  });
  after(async () => server.stop());

  it("prints the same of the embedded API as of a real server, but for what is listed with its reason", async (t) => {
    const instance = await Instance.start(t, { arguments: [] }).ready();
    const wrong: unknown[] = [];
    let same = 0;
    for (const entry of KUBECTL_COMMANDS) {
      const { command, differs } = typeof entry === "string" ? { command: entry, differs: undefined } : entry;
      const [real, ours] = await Promise.all(
        [server.kubeconfig, instance.kubeconfig].map((kubeconfig) => kubectl(kubeconfig, command)),
      );
      const isSame = isDeepStrictEqual(real, ours);
      if (isSame) same += 1;
      if (isSame !== (differs === undefined)) wrong.push({ command, differs, real, ours });
    }
    t.diagnostic(`${same} of ${KUBECTL_COMMANDS.length} the same`);
    assert.deepEqual(wrong, []);
  });
});

/** Runs what a person would type after `kubectl`, pipes included. */
function kubectl(kubeconfig: string, command: string): Promise<Said> {
  return new Promise((resolve) => {
    const environment = { ...process.env, KUBECONFIG: kubeconfig, KUBE_EDITOR: "sed -i s/one/uno/" };
    execFile("sh", ["-c", `kubectl ${command}`], { env: environment, cwd: FIXTURES }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ code, text: comparable(`${stdout}${stderr}`) });
    });
  });
}

/** What is never the same on two servers: addresses, ids, versions, moments, and how wide the columns come out with them. */
function comparable(text: string): string {
  return text
    .replaceAll(/https:\/\/127\.0\.0\.1:\d+/g, "SERVER")
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UID")
    .replaceAll(/("?resourceVersion"?: ?)"\d+"/g, "$1N")
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "MOMENT")
    .replaceAll(/[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000/g, "MOMENT")
    .replaceAll(/\b\d+(\.\d+)?(ms|s|m)(\d+s)?\b/g, "AGE")
    .replaceAll(/\b10(\.\d+){3}\b/g, "ADDRESS")
    .replaceAll(/ +/g, " ");
}
