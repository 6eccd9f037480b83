import type { Schema } from "./schema.ts";
import {
  TEXT,
  atomicList,
  flag,
  int32,
  intOrString,
  keyedList,
  listOf,
  mergedBy,
  struct,
  text,
  textMap,
  use,
} from "./schema.ts";
import { CONDITION, topLevel } from "./metadata.ts";
import { OBJECT_REFERENCE } from "./core.ts";

const CORE = "io.k8s.api.core.v1";
const DISCOVERY = "io.k8s.api.discovery.v1";

const SERVICE_PORT: Schema = struct(
  `${CORE}.ServicePort`,
  "One port of a service.",
  {
    appProtocol: text("Protocol spoken on the port, such as kubernetes.io/h2c.", { keepsEmpty: true }),
    name: text("Name of the port; needed when there are several."),
    nodePort: int32("Port on every node, for NodePort and LoadBalancer services."),
    port: int32("Port the service answers on.", { default: 0 }),
    protocol: text("TCP, UDP or SCTP; TCP when absent.", { default: "TCP", goType: "v1.Protocol" }),
    targetPort: intOrString("Port of the endpoints, by number or name; the same as port when absent."),
  },
  { required: ["port"] },
);

const CLIENT_IP_CONFIG: Schema = struct(`${CORE}.ClientIPConfig`, "Affinity by client address.", {
  timeoutSeconds: int32("Seconds a client stays with an endpoint; 10800 when absent.", { keepsEmpty: true }),
});

const SESSION_AFFINITY_CONFIG: Schema = struct(`${CORE}.SessionAffinityConfig`, "How session affinity works.", {
  clientIP: use(CLIENT_IP_CONFIG, "Affinity by client address."),
});

const SERVICE_SPEC: Schema = struct(`${CORE}.ServiceSpec`, "What the service offers and who answers.", {
  allocateLoadBalancerNodePorts: flag("Whether a load balancer service gets node ports.", { keepsEmpty: true }),
  clusterIP: text("Address of the service in the cluster, None for a headless one; assigned when absent."),
  clusterIPs: atomicList(TEXT, "Addresses of the service, one a family; the first is clusterIP."),
  externalIPs: atomicList(TEXT, "Addresses outside the cluster's care at which nodes also accept traffic."),
  externalName: text("DNS name that an ExternalName service stands for."),
  externalTrafficPolicy: text("Cluster or Local: whether traffic from outside stays on its node.", {
    goType: "v1.ServiceExternalTrafficPolicy",
  }),
  healthCheckNodePort: int32("Node port for health checks of the load balancer."),
  internalTrafficPolicy: text("Cluster or Local: whether traffic from inside stays on its node.", {
    goType: "v1.ServiceInternalTrafficPolicy",
    keepsEmpty: true,
  }),
  ipFamilies: atomicList({ type: "string", goType: "v1.IPFamily" }, "Address families: IPv4, IPv6 or both."),
  ipFamilyPolicy: text("SingleStack, PreferDualStack or RequireDualStack.", {
    goType: "v1.IPFamilyPolicy",
    keepsEmpty: true,
  }),
  loadBalancerClass: text("Implementation that provides the load balancer.", { keepsEmpty: true }),
  loadBalancerIP: text("Address wanted from the load balancer; deprecated."),
  loadBalancerSourceRanges: atomicList(TEXT, "Client networks the load balancer lets through."),
  ports: keyedList(SERVICE_PORT, ["port", "protocol"], "Ports the service offers.", mergedBy("port")),
  publishNotReadyAddresses: flag("Whether endpoints count before they are ready."),
  selector: textMap("Labels of the pods that answer; without it endpoints are kept by others.", {
    "x-kubernetes-map-type": "atomic",
  }),
  sessionAffinity: text("None or ClientIP.", { goType: "v1.ServiceAffinity" }),
  sessionAffinityConfig: use(SESSION_AFFINITY_CONFIG, "How session affinity works."),
  trafficDistribution: text("Preference for near endpoints, such as PreferClose.", { keepsEmpty: true }),
  type: text("ClusterIP, NodePort, LoadBalancer or ExternalName.", { goType: "v1.ServiceType" }),
});

const PORT_STATUS: Schema = struct(
  `${CORE}.PortStatus`,
  "State of one port of the load balancer.",
  {
    error: text("Why the port does not work."),
    port: int32("Port number.", { default: 0 }),
    protocol: text("TCP, UDP or SCTP.", { default: "", goType: "v1.Protocol" }),
  },
  { required: ["port", "protocol"] },
);

const LOAD_BALANCER_INGRESS: Schema = struct(`${CORE}.LoadBalancerIngress`, "One point where traffic enters.", {
  hostname: text("DNS name of the point."),
  ip: text("Address of the point."),
  ipMode: text("VIP or Proxy.", { goType: "v1.LoadBalancerIPMode" }),
  ports: atomicList(PORT_STATUS, "State of its ports."),
});

const LOAD_BALANCER_STATUS: Schema = struct(`${CORE}.LoadBalancerStatus`, "State of the load balancer.", {
  ingress: atomicList(LOAD_BALANCER_INGRESS, "Points where traffic enters."),
});

const SERVICE_STATUS: Schema = struct(`${CORE}.ServiceStatus`, "State of the service.", {
  conditions: keyedList(CONDITION, ["type"], "Aspects of its state.", mergedBy("type")),
  loadBalancer: use(LOAD_BALANCER_STATUS, "State of its load balancer.", { default: {} }),
});

/** Service, core/v1. */
export const SERVICE_SCHEMA: Schema = topLevel(`${CORE}.Service`, "A stable name and port for a set of endpoints.", {
  spec: use(SERVICE_SPEC, "What the service offers and who answers.", { default: {} }),
  status: use(SERVICE_STATUS, "State of the service.", { default: {} }),
});

const ENDPOINT_ADDRESS: Schema = struct(
  `${CORE}.EndpointAddress`,
  "Address of one endpoint.",
  {
    hostname: text("Host name of the endpoint."),
    ip: text("Address of the endpoint.", { default: "" }),
    nodeName: text("Node the endpoint runs on.", { keepsEmpty: true }),
    targetRef: use(OBJECT_REFERENCE, "Object behind the endpoint."),
  },
  { required: ["ip"], "x-kubernetes-map-type": "atomic" },
);

const ENDPOINT_PORT: Schema = struct(
  `${CORE}.EndpointPort`,
  "Port of the endpoints.",
  {
    appProtocol: text("Protocol spoken on the port.", { keepsEmpty: true }),
    name: text("Name of the service port it belongs to."),
    port: int32("Port number.", { default: 0 }),
    protocol: text("TCP, UDP or SCTP; TCP when absent.", { goType: "v1.Protocol" }),
  },
  { required: ["port"], "x-kubernetes-map-type": "atomic" },
);

const ENDPOINT_SUBSET: Schema = struct(`${CORE}.EndpointSubset`, "Endpoints that share the same ports.", {
  addresses: atomicList(ENDPOINT_ADDRESS, "Endpoints that are ready."),
  notReadyAddresses: atomicList(ENDPOINT_ADDRESS, "Endpoints that are not ready."),
  ports: atomicList(ENDPOINT_PORT, "Ports of the endpoints."),
});

/** Endpoints, core/v1. */
export const ENDPOINTS_SCHEMA: Schema = topLevel(
  `${CORE}.Endpoints`,
  "Addresses behind the service of the same name.",
  {
    subsets: atomicList(ENDPOINT_SUBSET, "Addresses, grouped by the ports they share."),
  },
);

const ENDPOINT_CONDITIONS: Schema = struct(`${DISCOVERY}.EndpointConditions`, "State of an endpoint.", {
  ready: flag("Whether it takes traffic; unknown counts as ready.", { keepsEmpty: true }),
  serving: flag("Whether it answers, even while terminating.", { keepsEmpty: true }),
  terminating: flag("Whether it is going away.", { keepsEmpty: true }),
});

const FOR_ZONE: Schema = struct(
  `${DISCOVERY}.ForZone`,
  "A zone that should use the endpoint.",
  { name: text("Name of the zone.", { default: "" }) },
  { required: ["name"] },
);

const FOR_NODE: Schema = struct(
  `${DISCOVERY}.ForNode`,
  "A node that should use the endpoint.",
  { name: text("Name of the node.", { default: "" }) },
  { required: ["name"] },
);

const ENDPOINT_HINTS: Schema = struct(`${DISCOVERY}.EndpointHints`, "Who should prefer the endpoint.", {
  forNodes: atomicList(FOR_NODE, "Nodes that should use it."),
  forZones: atomicList(FOR_ZONE, "Zones that should use it."),
});

const SLICE_ENDPOINT: Schema = struct(
  `${DISCOVERY}.Endpoint`,
  "One endpoint.",
  {
    addresses: listOf(TEXT, "Addresses of the endpoint, all the same program; the first is used.", {
      "x-kubernetes-list-type": "set",
    }),
    conditions: use(ENDPOINT_CONDITIONS, "State of the endpoint.", { default: {} }),
    deprecatedTopology: textMap("No longer used."),
    hints: use(ENDPOINT_HINTS, "Who should prefer it."),
    hostname: text("Host name of the endpoint.", { keepsEmpty: true }),
    nodeName: text("Node it runs on.", { keepsEmpty: true }),
    targetRef: use(OBJECT_REFERENCE, "Object behind it."),
    zone: text("Zone it is in.", { keepsEmpty: true }),
  },
  { required: ["addresses"] },
);

const SLICE_PORT: Schema = struct(
  `${DISCOVERY}.EndpointPort`,
  "Port of the endpoints of a slice.",
  {
    appProtocol: text("Protocol spoken on the port.", { keepsEmpty: true }),
    name: text("Name of the service port it belongs to; empty for an unnamed one.", { keepsEmpty: true }),
    port: int32("Port number; absent means all ports.", { keepsEmpty: true }),
    protocol: text("TCP, UDP or SCTP; TCP when absent.", { goType: "v1.Protocol", keepsEmpty: true }),
  },
  { "x-kubernetes-map-type": "atomic" },
);

/** EndpointSlice, discovery.k8s.io/v1. */
export const ENDPOINT_SLICE_SCHEMA: Schema = topLevel(
  `${DISCOVERY}.EndpointSlice`,
  "Some of the endpoints of a service.",
  {
    addressType: text("IPv4, IPv6 or FQDN; cannot change.", { default: "", goType: "v1.AddressType" }),
    endpoints: atomicList(SLICE_ENDPOINT, "Endpoints of the slice."),
    ports: atomicList(SLICE_PORT, "Ports that each endpoint has."),
  },
  { required: ["addressType", "endpoints"] },
);
