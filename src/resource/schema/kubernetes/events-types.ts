/** The fields of the events types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const EVENTS_TYPES: Readonly<Record<string, string>> = {
  "events.Event":
    "metadata 1? meta.ObjectMeta; eventTime 2! microTime; series 3* events.EventSeries; reportingController 4 string; reportingInstance 5 string; action 6 string; reason 7 string; regarding 8 core.ObjectReference; related 9* core.ObjectReference; note 10 string; type 11 string; deprecatedSource 12 core.EventSource; deprecatedFirstTimestamp 13 time; deprecatedLastTimestamp 14 time; deprecatedCount 15 int32",
  "events.EventSeries": "count 1! int32; lastObservedTime 2! microTime",
};
