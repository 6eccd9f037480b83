/** The fields of the node types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const NODE_TYPES: Readonly<Record<string, string>> = {
  "node.Overhead": "podFixed 1 {}quantity",
  "node.RuntimeClass":
    "metadata 1 meta.ObjectMeta; handler 2! string; overhead 3* node.Overhead; scheduling 4* node.Scheduling",
  "node.Scheduling": "nodeSelector 1 {}string/map:atomic; tolerations 2 []core.Toleration/list:atomic",
};
