import type { Schema } from "./schema.ts";
import { TEXT, atomicList, int32, intOrString, struct, text, use } from "./schema.ts";
import { topLevel } from "./metadata.ts";

const NETWORKING = "io.k8s.api.networking.v1";

const TYPED_LOCAL_OBJECT_REFERENCE: Schema = struct(
  "io.k8s.api.core.v1.TypedLocalObjectReference",
  "Points at an object in the same namespace.",
  {
    apiGroup: text("Group of the object; absent for the core group.", { default: null, keepsEmpty: true }),
    kind: text("Kind of the object.", { default: "" }),
    name: text("Name of the object.", { default: "" }),
  },
  { required: ["kind", "name"], "x-kubernetes-map-type": "atomic" },
);

const SERVICE_BACKEND_PORT: Schema = struct(
  `${NETWORKING}.ServiceBackendPort`,
  "A port of a service, by name or by number.",
  {
    name: text("Name of the port; not together with number."),
    number: int32("Number of the port; not together with name."),
  },
  { "x-kubernetes-map-type": "atomic" },
);

const INGRESS_SERVICE_BACKEND: Schema = struct(
  `${NETWORKING}.IngressServiceBackend`,
  "A service that answers.",
  {
    name: text("Name of the service, in the same namespace.", { default: "" }),
    port: use(SERVICE_BACKEND_PORT, "Port of the service.", { default: {} }),
  },
  { required: ["name"] },
);

const INGRESS_BACKEND: Schema = struct(`${NETWORKING}.IngressBackend`, "Where matching requests go.", {
  resource: use(TYPED_LOCAL_OBJECT_REFERENCE, "Another kind of object that answers; not together with service."),
  service: use(INGRESS_SERVICE_BACKEND, "Service that answers; not together with resource."),
});

const HTTP_INGRESS_PATH: Schema = struct(
  `${NETWORKING}.HTTPIngressPath`,
  "One path and where it leads.",
  {
    backend: use(INGRESS_BACKEND, "Where matching requests go.", { default: {} }),
    path: text("Path to match; starts with a slash."),
    pathType: text("Exact, Prefix (by path element) or ImplementationSpecific.", {
      goType: "v1.PathType",
      keepsEmpty: true,
    }),
  },
  { required: ["pathType", "backend"] },
);

const HTTP_INGRESS_RULE_VALUE: Schema = struct(
  `${NETWORKING}.HTTPIngressRuleValue`,
  "Paths of a host.",
  { paths: atomicList(HTTP_INGRESS_PATH, "Paths and where they lead; the most specific match wins.") },
  { required: ["paths"] },
);

const INGRESS_RULE: Schema = struct(`${NETWORKING}.IngressRule`, "Routes the requests for one host.", {
  host: text("Host name to match; *.example.com matches one more label, absent matches any."),
  http: use(HTTP_INGRESS_RULE_VALUE, "Paths of the host; absent sends everything to the default backend."),
});

const INGRESS_TLS: Schema = struct(`${NETWORKING}.IngressTLS`, "The certificate of some hosts.", {
  hosts: atomicList(TEXT, "Hosts the certificate is for."),
  secretName: text("Secret with tls.crt and tls.key, in the same namespace."),
});

const INGRESS_SPEC: Schema = struct(`${NETWORKING}.IngressSpec`, "Which requests go where.", {
  defaultBackend: use(INGRESS_BACKEND, "Where requests go that no rule matches."),
  ingressClassName: text("IngressClass whose controller serves this object.", { keepsEmpty: true }),
  rules: atomicList(INGRESS_RULE, "Rules by host."),
  tls: atomicList(INGRESS_TLS, "Certificates by host."),
});

const INGRESS_PORT_STATUS: Schema = struct(
  `${NETWORKING}.IngressPortStatus`,
  "State of one port.",
  {
    error: text("Why the port does not work."),
    port: int32("Port number.", { default: 0 }),
    protocol: text("TCP, UDP or SCTP.", { default: "", goType: "v1.Protocol" }),
  },
  { required: ["port", "protocol"] },
);

const INGRESS_LOAD_BALANCER_INGRESS: Schema = struct(
  `${NETWORKING}.IngressLoadBalancerIngress`,
  "One point where traffic enters.",
  {
    hostname: text("DNS name of the point."),
    ip: text("Address of the point."),
    ports: atomicList(INGRESS_PORT_STATUS, "State of its ports."),
  },
);

const INGRESS_LOAD_BALANCER_STATUS: Schema = struct(
  `${NETWORKING}.IngressLoadBalancerStatus`,
  "Where the edge can be reached.",
  { ingress: atomicList(INGRESS_LOAD_BALANCER_INGRESS, "Points where traffic enters.") },
);

const INGRESS_STATUS: Schema = struct(`${NETWORKING}.IngressStatus`, "State of the ingress.", {
  loadBalancer: use(INGRESS_LOAD_BALANCER_STATUS, "Where the edge can be reached.", { default: {} }),
});

/** Ingress, networking.k8s.io/v1: the stored form. */
export const INGRESS_SCHEMA: Schema = topLevel(`${NETWORKING}.Ingress`, "Leads requests from outside to services.", {
  spec: use(INGRESS_SPEC, "Which requests go where.", { default: {} }),
  status: use(INGRESS_STATUS, "State of the ingress.", { default: {} }),
});

const INGRESS_CLASS_PARAMETERS: Schema = struct(
  `${NETWORKING}.IngressClassParametersReference`,
  "Points at settings of the controller.",
  {
    apiGroup: text("Group of the object; absent for the core group.", { keepsEmpty: true }),
    kind: text("Kind of the object.", { default: "" }),
    name: text("Name of the object.", { default: "" }),
    namespace: text("Namespace of the object, when scope is Namespace.", { keepsEmpty: true }),
    scope: text("Cluster or Namespace.", { keepsEmpty: true }),
  },
  { required: ["kind", "name"] },
);

const INGRESS_CLASS_SPEC: Schema = struct(`${NETWORKING}.IngressClassSpec`, "Which controller serves the class.", {
  controller: text("Name of the controller, such as k8s.io/ingress-nginx; cannot change."),
  parameters: use(INGRESS_CLASS_PARAMETERS, "Settings of the controller."),
});

/** IngressClass, networking.k8s.io/v1. */
export const INGRESS_CLASS_SCHEMA: Schema = topLevel(
  `${NETWORKING}.IngressClass`,
  "A name under which a controller serves ingresses.",
  { spec: use(INGRESS_CLASS_SPEC, "Which controller serves the class.", { default: {} }) },
);

/** Ingress as the retired beta versions had it. The two groups differ in nothing but names. */
function betaIngress(prefix: string): Schema {
  const backend = struct(`${prefix}.IngressBackend`, "Where matching requests go.", {
    resource: use(TYPED_LOCAL_OBJECT_REFERENCE, "Another kind of object that answers; not together with a service."),
    serviceName: text("Name of the service, in the same namespace."),
    servicePort: intOrString("Port of the service, by number or name."),
  });
  const path = struct(
    `${prefix}.HTTPIngressPath`,
    "One path and where it leads.",
    {
      backend: use(backend, "Where matching requests go.", { default: {} }),
      path: text("Path to match."),
      pathType: text("Exact, Prefix or ImplementationSpecific, which is the default.", {
        goType: "v1beta1.PathType",
        keepsEmpty: true,
      }),
    },
    { required: ["backend"] },
  );
  const http = struct(
    `${prefix}.HTTPIngressRuleValue`,
    "Paths of a host.",
    { paths: atomicList(path, "Paths and where they lead.") },
    { required: ["paths"] },
  );
  const rule = struct(`${prefix}.IngressRule`, "Routes the requests for one host.", {
    host: text("Host name to match; absent matches any."),
    http: use(http, "Paths of the host."),
  });
  const tls = struct(`${prefix}.IngressTLS`, "The certificate of some hosts.", {
    hosts: atomicList(TEXT, "Hosts the certificate is for."),
    secretName: text("Secret with tls.crt and tls.key."),
  });
  const spec = struct(`${prefix}.IngressSpec`, "Which requests go where.", {
    backend: use(backend, "Where requests go that no rule matches."),
    ingressClassName: text("IngressClass whose controller serves this object.", { keepsEmpty: true }),
    rules: atomicList(rule, "Rules by host."),
    tls: atomicList(tls, "Certificates by host."),
  });
  return topLevel(`${prefix}.Ingress`, "Leads requests from outside to services, in a retired version.", {
    spec: use(spec, "Which requests go where.", { default: {} }),
    status: use(INGRESS_STATUS, "State of the ingress.", { default: {} }),
  });
}

/** Ingress, networking.k8s.io/v1beta1. */
export const INGRESS_V1BETA1_SCHEMA: Schema = betaIngress("io.k8s.api.networking.v1beta1");

/** Ingress, extensions/v1beta1. */
export const EXTENSIONS_INGRESS_SCHEMA: Schema = betaIngress("io.k8s.api.extensions.v1beta1");
