/** Finds the programs of a real control plane: kube-apiserver and etcd. */
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** The version that is built where none is given; kept equal to go.mod by the tool that builds it. */
export const KUBERNETES_VERSION = "1.34.0";

export interface KubernetesBinaries {
  readonly apiServer: string;
  readonly etcd: string;
}

/** Where the tool that builds kube-apiserver leaves it. */
export function builtApiServer(): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(cache, "lintel", `kube-apiserver-${KUBERNETES_VERSION}`);
}

/**
 * Returns the programs, or the one line that says what is missing. The folder in KUBEBUILDER_ASSETS wins, as with
 * envtest; else what `npm run test:cluster` built, with the etcd on the PATH.
 */
export function findKubernetesBinaries(): KubernetesBinaries | string {
  const assets = process.env["KUBEBUILDER_ASSETS"];
  if (assets !== undefined && assets !== "") {
    const found = { apiServer: join(assets, "kube-apiserver"), etcd: join(assets, "etcd") };
    return isExecutable(found.apiServer) && isExecutable(found.etcd)
      ? found
      : `KUBEBUILDER_ASSETS is "${assets}", which lacks kube-apiserver or etcd`;
  }
  const apiServer = builtApiServer();
  if (!isExecutable(apiServer))
    return 'run "npm run test:cluster" with Go installed to build kube-apiserver, or set KUBEBUILDER_ASSETS';
  const etcd = (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "etcd"))
    .find(isExecutable);
  return etcd === undefined ? 'install "etcd" (Debian package "etcd-server") to run this' : { apiServer, etcd };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
