import { recordAt } from "../../ground/json.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Names that differ between events.k8s.io/v1 and core/v1, the stored version. */
const RENAMED = [
  ["note", "message"],
  ["regarding", "involvedObject"],
  ["reportingController", "reportingComponent"],
  ["deprecatedCount", "count"],
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedSource", "source"],
] as const;

/** Returns an Event of events.k8s.io/v1 in core/v1. */
export function eventToStored(object: Fields): Fields {
  return renamed(object, new Map(RENAMED));
}

/** Returns an Event of core/v1 in events.k8s.io/v1. The reporter falls back to the source, which older clients fill in. */
export function eventFromStored(object: Fields): Fields {
  const result = renamed(object, new Map(RENAMED.map(([newer, older]) => [older, newer])));
  const controller = result["reportingController"];
  if (controller !== undefined && controller !== "") return result;
  return { ...result, reportingController: recordAt(object, "source")["component"] ?? "" };
}

function renamed(object: Fields, names: ReadonlyMap<string, string>): Fields {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value]));
}
