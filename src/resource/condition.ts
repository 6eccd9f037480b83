import { arrayAt, numberAt, stringAt } from "../ground/json.ts";

/** The common shape of a status condition. `reason` is API: people script against it. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  /** RFC 3339, whole seconds; changes only when `status` does. */
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

/** Returns the conditions of a `status` value; malformed entries are left out. */
export function conditionsOf(status: unknown): readonly Condition[] {
  return arrayAt(status, "conditions").flatMap((entry) => {
    const type = stringAt(entry, "type");
    const state = stringAt(entry, "status");
    if (type === undefined || (state !== "True" && state !== "False" && state !== "Unknown")) return [];
    const observedGeneration = numberAt(entry, "observedGeneration");
    return [
      {
        type,
        status: state,
        reason: stringAt(entry, "reason") ?? "",
        message: stringAt(entry, "message") ?? "",
        lastTransitionTime: stringAt(entry, "lastTransitionTime") ?? "",
        ...(observedGeneration === undefined ? {} : { observedGeneration }),
      },
    ];
  });
}

/** Returns `conditions` with `next` in place of the one of its type; the transition time is kept while the status is the same. */
export function withCondition(
  conditions: readonly Condition[],
  next: Omit<Condition, "lastTransitionTime">,
  nowMs: number,
): readonly Condition[] {
  const before = conditions.find((condition) => condition.type === next.type);
  const lastTransitionTime =
    before !== undefined && before.status === next.status && before.lastTransitionTime !== ""
      ? before.lastTransitionTime
      : rfc3339(nowMs);
  const entry: Condition = { ...next, lastTransitionTime };
  return before === undefined
    ? [...conditions, entry]
    : conditions.map((condition) => (condition.type === next.type ? entry : condition));
}

/** Returns the moment as Kubernetes writes it: RFC 3339 in UTC with whole seconds. */
export function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
