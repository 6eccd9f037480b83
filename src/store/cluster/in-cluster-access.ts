import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../ground/clock.ts";
import { LintelError, messageOf } from "../../ground/errors.ts";
import type { ClusterAccess } from "./cluster-access.ts";

/** Where Kubernetes mounts the credentials of a Pod's ServiceAccount. */
const MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Bound tokens are replaced on disk long before they expire; client-go reads them again as often. */
const TOKEN_FRESH_MS = 60_000;

/**
 * Returns the access that a Pod has to the API server of its cluster, or undefined outside a Pod. The token is read
 * again every minute, because Kubernetes rotates it. Throws LintelError `BadConfig` when the mount is not readable.
 */
export async function inClusterAccess(options: {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** @default where Kubernetes mounts it */
  readonly mount?: string;
}): Promise<ClusterAccess | undefined> {
  const { environment, clock, mount = MOUNT } = options;
  const host = environment["KUBERNETES_SERVICE_HOST"];
  const port = environment["KUBERNETES_SERVICE_PORT"];
  if (host === undefined || port === undefined || host === "" || port === "") return undefined;
  const [caPem, namespace] = await Promise.all([
    readMounted(join(mount, "ca.crt")),
    readMounted(join(mount, "namespace")),
  ]);
  let token: { readonly text: string; readonly readMs: number } | undefined;
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    caPem,
    namespace: namespace.trim(),
    source: "the Pod's ServiceAccount",
    credentials: async (renew = false) => {
      const nowMs = clock.monotonicMs();
      if (token === undefined || renew || nowMs - token.readMs >= TOKEN_FRESH_MS) {
        token = { text: (await readMounted(join(mount, "token"))).trim(), readMs: nowMs };
      }
      return { token: token.text };
    },
  };
}

async function readMounted(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new LintelError(`Cannot read the ServiceAccount's "${path}": ${messageOf(error)}`, {
      code: "BadConfig",
      fault: "user",
      hint: "Let the Pod have its token: automountServiceAccountToken must not be false",
      cause: error,
    });
  }
}
