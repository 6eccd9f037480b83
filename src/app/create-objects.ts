import type { Clock } from "../ground/clock.ts";
import { LintelError } from "../ground/errors.ts";
import { apiVersionOf, KINDS, type Kind } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { ClusterStore } from "../store/cluster/cluster-store.ts";
import type { ClusterAccess } from "../store/cluster/cluster-access.ts";

/** What became of one object. */
export interface CreatedObject {
  readonly object: KubeObject;
  readonly outcome: "created" | "replaced" | "left";
}

/**
 * Creates objects at an API server, in their order. One that exists is left as it is, or replaced with `replace`. Throws what the
 * server says to the first that it refuses; those before it stay.
 */
export async function createObjects(options: {
  readonly access: ClusterAccess;
  readonly clock: Clock;
  readonly random: () => number;
  readonly userAgent: string;
  readonly objects: readonly KubeObject[];
  readonly replace: boolean;
}): Promise<readonly CreatedObject[]> {
  const store = new ClusterStore(options);
  const done: CreatedObject[] = [];
  try {
    for (const object of options.objects) {
      const kind = kindOf(object);
      const { namespace = "", name } = object.metadata;
      const before = await store.get(kind, namespace, name);
      if (before === undefined) await store.create(kind, object);
      else if (options.replace) await store.update(kind, object);
      done.push({ object, outcome: before === undefined ? "created" : options.replace ? "replaced" : "left" });
    }
  } finally {
    await store.close();
  }
  return done;
}

function kindOf(object: KubeObject): Kind {
  const kind = KINDS.find((entry) => entry.kind === object.kind && apiVersionOf(entry) === object.apiVersion);
  if (kind !== undefined) return kind;
  throw new LintelError(`Cannot create a ${object.kind} of ${object.apiVersion}: no such kind is known`, {
    code: "BadConfig",
    fault: "user",
  });
}
