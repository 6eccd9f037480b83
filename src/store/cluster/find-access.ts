import { delimiter, join } from "node:path";
import { existsSync } from "node:fs";
import type { Clock } from "../../ground/clock.ts";
import { LintelError } from "../../ground/errors.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { inClusterAccess } from "./in-cluster-access.ts";
import { kubeconfigAccess } from "./kubeconfig-access.ts";

/** Where to look for a cluster. */
export interface FindAccessOptions {
  /** A path that was asked for; nothing else is tried. */
  readonly kubeconfig?: string | undefined;
  /** @default the kubeconfig's current-context */
  readonly context?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

/**
 * Returns the access to the cluster that is meant: of the kubeconfig that was asked for, of the one in KUBECONFIG, of
 * the Pod we run in, or of `~/.kube/config`, in this order. Unlike kubectl it does not merge several files: with more
 * than one in KUBECONFIG, the first that exists counts. Throws LintelError `BadConfig` when there is none.
 */
export async function findAccess(options: FindAccessOptions): Promise<ClusterAccess> {
  const { kubeconfig, context, environment, clock } = options;
  const read = (path: string): Promise<ClusterAccess> => kubeconfigAccess({ path, context, clock, environment });
  if (kubeconfig !== undefined) return read(kubeconfig);
  const named = (environment["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  const [first] = named;
  if (first !== undefined) return read(named.find((path) => existsSync(path)) ?? first);
  const inside = await inClusterAccess({ environment, clock });
  if (inside !== undefined) return inside;
  const home = join(environment["HOME"] ?? "", ".kube/config");
  if (environment["HOME"] !== undefined && existsSync(home)) return read(home);
  throw new LintelError("Cannot find a cluster: there is no kubeconfig, and this is no Pod", {
    code: "BadConfig",
    fault: "user",
    hint: 'Name one with --kubeconfig; for one machine without a cluster, use "lintel up"',
  });
}
