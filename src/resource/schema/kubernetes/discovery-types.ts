/** The fields of the discovery types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const DISCOVERY_TYPES: Readonly<Record<string, string>> = {
  "discovery.Endpoint":
    "addresses 1! []string/list:set; conditions 2 discovery.EndpointConditions; hostname 3* string; targetRef 4* core.ObjectReference; deprecatedTopology 5 {}string; nodeName 6* string; zone 7* string; hints 8* discovery.EndpointHints",
  "discovery.EndpointConditions": "ready 1* bool; serving 2* bool; terminating 3* bool",
  "discovery.EndpointHints": "forZones 1 []discovery.ForZone/list:atomic; forNodes 2 []discovery.ForNode/list:atomic",
  "discovery.EndpointPort":
    "@atomic; name 1* string; protocol 2* string(v1.Protocol); port 3* int32; appProtocol 4* string",
  "discovery.EndpointSlice":
    "metadata 1 meta.ObjectMeta; addressType 4! string(v1.AddressType); endpoints 2! []discovery.Endpoint/list:atomic; ports 3? []discovery.EndpointPort/list:atomic",
  "discovery.ForNode": "name 1! string",
  "discovery.ForZone": "name 1! string",
};
