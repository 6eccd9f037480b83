import { existsSync } from "node:fs";
import type { Clock } from "../ground/clock.ts";
import { LintelError } from "../ground/errors.ts";
import { ClusterStore } from "../store/cluster/cluster-store.ts";
import { findAccess } from "../store/cluster/find-access.ts";
import type { Store } from "../store/contract.ts";
import { currentHolder } from "../supervisor/state-lock.ts";
import { stateFolderAt } from "./state-folder.ts";

/** Where a command finds the API it is to ask, and how it names itself. */
export interface ApiAccessOptions {
  /** A kubeconfig that was named; nothing else is tried. */
  readonly kubeconfig: string | undefined;
  /** State folders of instances of this machine, the preferred first. */
  readonly directories: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/** An API as a store, and the namespace that is meant when none is named. */
export interface ApiAccess {
  readonly store: Store;
  readonly namespace: string;
}

/**
 * Returns the API of the instance that runs on this machine, or of the kubeconfig that was named. Throws Unreachable when
 * neither is there.
 */
export async function apiAccess(options: ApiAccessOptions): Promise<ApiAccess> {
  const { clock, random, environment, directories } = options;
  const running = directories.find((directory) => currentHolder(directory) !== undefined);
  const ours = running === undefined ? undefined : stateFolderAt(running).kubeconfig;
  const kubeconfig = options.kubeconfig ?? (ours !== undefined && existsSync(ours) ? ours : undefined);
  if (kubeconfig === undefined) {
    throw new LintelError(`Cannot find a running Lintel with an API: none holds "${directories[0] ?? ""}"`, {
      code: "Unreachable",
      fault: "user",
      hint: 'Start one with "lintel up", name its folder with --state, or a cluster with --kubeconfig',
    });
  }
  const access = await findAccess({ kubeconfig, environment, clock });
  return { store: new ClusterStore({ access, clock, random, userAgent: "lintel" }), namespace: access.namespace };
}
