// Runs the tests against a real kube-apiserver and etcd, which it builds first where Go is installed.
//   npm run test:cluster                 everything in test/cluster
//   npm run test:cluster -- --build      only makes sure that kube-apiserver is there
// With KUBEBUILDER_ASSETS set, the programs of that folder are used and nothing is built: other versions of the API server.
// With LINTEL_TEST_KUBECTL set to a kubectl of any version, what it prints on both APIs is compared.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { builtApiServer, findKubernetesBinaries, KUBERNETES_VERSION } from "../test/cluster/kubernetes-binaries.ts";

const MODULE = join(import.meta.dirname, "../test/cluster/kube-apiserver");

if (process.env["KUBEBUILDER_ASSETS"] === undefined) buildOnce();
const found = findKubernetesBinaries();
if (typeof found === "string") process.stdout.write(`The tests in test/cluster are skipped: ${found}\n`);
if (!process.argv.includes("--build")) {
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, "run-tests.ts"), "test/cluster"], {
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
}

/** Go says nothing for minutes, so this does. */
function buildOnce(): void {
  const target = builtApiServer();
  if (existsSync(target)) return;
  if (spawnSync("go", ["version"]).status !== 0) return;
  checkVersion();
  process.stdout.write(`Building kube-apiserver ${KUBERNETES_VERSION} into ${target}: once, some minutes …\n`);
  mkdirSync(dirname(target), { recursive: true });
  const [major, minor] = KUBERNETES_VERSION.split(".");
  const version = "k8s.io/component-base/version";
  const flags = `-s -w -X ${version}.gitVersion=v${KUBERNETES_VERSION} -X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`;
  // Built beside its place and moved there: what is in place is always whole.
  const partial = `${target}.partial`;
  const args = [
    "build",
    "-mod=readonly",
    "-trimpath",
    "-ldflags",
    flags,
    "-o",
    partial,
    "k8s.io/kubernetes/cmd/kube-apiserver",
  ];
  const { status } = spawnSync("go", args, {
    cwd: MODULE,
    stdio: "inherit",
    env: { ...process.env, CGO_ENABLED: "0" },
  });
  if (status === 0) renameSync(partial, target);
  else process.stdout.write("Cannot build kube-apiserver; see above\n");
}

function checkVersion(): void {
  const required = /k8s\.io\/kubernetes v(\S+)/.exec(readFileSync(join(MODULE, "go.mod"), "utf8"))?.[1];
  if (required !== KUBERNETES_VERSION) {
    throw new Error(`go.mod requires Kubernetes ${required ?? "?"}, but the tests name ${KUBERNETES_VERSION}`);
  }
}
