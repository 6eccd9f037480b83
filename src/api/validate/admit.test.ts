import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kind } from "../../resource/kind.ts";
import {
  CERTIFICATE,
  CERTIFICATE_REQUEST,
  CONFIG_MAP,
  DEPLOYMENT,
  ENDPOINTS,
  ENDPOINT_SLICE,
  EVENT,
  INGRESS,
  INGRESS_CLASS,
  ISSUER,
  LEASE,
  NAMESPACE,
  SECRET,
  SERVICE,
  apiVersionOf,
} from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { ApiStatusError } from "../status.ts";
import type { AdmitOptions } from "./admit.ts";
import { admit } from "./admit.ts";

type Fields = Readonly<Record<string, unknown>>;

function objectOf(kind: Kind, fields: Fields, metadata: Fields = {}): Fields {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: { name: "web", ...(kind.namespaced ? { namespace: "demo" } : {}), ...metadata },
    ...fields,
  };
}

function admitted(kind: Kind, fields: Fields, options: Partial<AdmitOptions> = {}): KubeObject {
  return admit(objectOf(kind, fields), { kind, ...options }).object;
}

function refusal(kind: Kind, object: unknown, options: Partial<AdmitOptions> = {}): ApiStatusError {
  try {
    admit(object, { kind, ...options });
  } catch (error) {
    assert.ok(error instanceof ApiStatusError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "the object was accepted" });
}

/** The causes of a refusal, one a line. */
function causes(kind: Kind, fields: Fields, options: Partial<AdmitOptions> = {}): readonly string[] {
  const { status } = refusal(kind, objectOf(kind, fields), options);
  return (status.details?.causes ?? []).map((cause) => `${cause.field}: ${cause.message}`);
}

const BACKEND = { service: { name: "web", port: { number: 80 } } };

function ingressSpec(rule: Fields, path: Fields = {}): Fields {
  return {
    spec: {
      rules: [{ ...rule, http: { paths: [{ path: "/", pathType: "Prefix", backend: BACKEND, ...path }] } }],
    },
  };
}

const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

// Decoding

test("admit() refuses unknown and duplicate fields when validation is strict", () => {
  const object = objectOf(INGRESS, { ...ingressSpec({ hots: "a" }), extra: 1 });
  const error = refusal(INGRESS, object, { duplicates: ["spec.tls"] });
  assert.equal(error.httpStatus, 400);
  assert.equal(
    error.message,
    'Ingress in version "v1" cannot be handled as a Ingress: strict decoding error: duplicate field "spec.tls", unknown field "spec.rules[0].hots", unknown field "extra"',
  );
});

test("admit() warns of unknown fields, or drops them in silence, when asked to", () => {
  const object = objectOf(INGRESS, ingressSpec({ hots: "a" }));
  const warned = admit(object, { kind: INGRESS, validation: "Warn" });
  assert.deepEqual(warned.warnings, ['unknown field "spec.rules[0].hots"']);
  const ignored = admit(object, { kind: INGRESS, validation: "Ignore" });
  assert.deepEqual(ignored.warnings, []);
  assert.deepEqual(ignored.object["spec"], ingressSpec({})["spec"]);
});

test("admit() names the patch when its result can't be decoded", () => {
  const error = refusal(INGRESS, objectOf(INGRESS, { spec: { frob: 1 } }), { patch: "map[spec:map[frob:1]]" });
  assert.equal(error.httpStatus, 422);
  assert.equal(
    error.message,
    ' "" is invalid: patch: Invalid value: "map[spec:map[frob:1]]": strict decoding error: unknown field "spec.frob"',
  );
});

test("admit() repeats nothing of a Secret that it refuses", () => {
  const object = objectOf(SECRET, { data: { password: 1 }, stringData: { key: "very secret" } });
  const error = refusal(SECRET, object, { patch: JSON.stringify(object) });
  assert.doesNotMatch(JSON.stringify(error.status), /very secret/);
  assert.match(
    error.message,
    /^ "" is invalid: patch: Invalid value: "<secret contents redacted>": json: cannot unmarshal/,
  );
});

test("admit() reports wrong types of built-in kinds in the words of Go's decoder", () => {
  const cases: readonly (readonly [Kind, Fields, string])[] = [
    [
      INGRESS,
      { spec: { tls: [{ hosts: "a" }] } },
      "string into Go struct field IngressTLS.spec.tls.hosts of type []string",
    ],
    [
      INGRESS,
      ingressSpec({}, { backend: { service: { name: "web", port: { number: "80" } } } }),
      "string into Go struct field ServiceBackendPort.spec.rules.http.paths.backend.service.port.number of type int32",
    ],
    [
      INGRESS,
      ingressSpec({}, { pathType: 1 }),
      "number into Go struct field HTTPIngressPath.spec.rules.http.paths.pathType of type v1.PathType",
    ],
    [CONFIG_MAP, { data: { a: 1 } }, "number into Go struct field ConfigMap.data of type string"],
    [SERVICE, { spec: { ports: {} } }, "object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort"],
    [
      SERVICE,
      { spec: { ports: [{ port: 1.5 }] } },
      "number 1.5 into Go struct field ServicePort.spec.ports.port of type int32",
    ],
  ];
  for (const [kind, fields, problem] of cases) {
    const error = refusal(kind, objectOf(kind, fields));
    assert.equal(
      error.message,
      `${kind.kind} in version "v1" cannot be handled as a ${kind.kind}: json: cannot unmarshal ${problem}`,
    );
    assert.equal(error.httpStatus, 400);
  }
});

test("admit() refuses Secret data that is not base64", () => {
  const error = refusal(SECRET, objectOf(SECRET, { data: { password: "not base64!" } }));
  assert.match(
    error.message,
    /^Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 3$/,
  );
});

test("admit() refuses an object of another kind or version", () => {
  const other = refusal(INGRESS, objectOf(SERVICE, {}));
  assert.match(other.message, /^Service in version "v1" cannot be handled as a Ingress/);
  const version = refusal(INGRESS, { ...objectOf(INGRESS, {}), apiVersion: "networking.k8s.io/v2" });
  assert.equal(
    version.message,
    "the API version in the data (networking.k8s.io/v2) does not match the expected API version (networking.k8s.io/v1)",
  );
});

test("admit() drops nulls and empty optional fields of built-in kinds", () => {
  const object = admitted(INGRESS, {
    spec: { ...(ingressSpec({ host: "" })["spec"] as Fields), tls: [], defaultBackend: null },
  });
  assert.deepEqual(object["spec"], ingressSpec({})["spec"]);
});

test("admit() takes a retired version and returns the stored one", () => {
  const beta = {
    apiVersion: "networking.k8s.io/v1beta1",
    kind: "Ingress",
    metadata: { name: "web", namespace: "demo" },
    spec: { backend: { serviceName: "web", servicePort: 80 } },
  };
  const { object } = admit(beta, { kind: INGRESS, apiVersion: "networking.k8s.io/v1beta1" });
  assert.equal(object.apiVersion, "networking.k8s.io/v1");
  assert.deepEqual(object["spec"], { defaultBackend: BACKEND });
});

test("admit() knows the fields of kinds that are only accepted", () => {
  const spec = { replicas: 2, replicsa: 3, template: { spec: { containers: [{ name: "web", imag: "nginx" }] } } };
  const { message } = refusal(DEPLOYMENT, objectOf(DEPLOYMENT, { spec }));
  assert.match(message, /unknown field "spec.replicsa", unknown field "spec.template.spec.containers\[0\].imag"$/);
});

// Metadata

test("admit() checks names by the rule of the kind", () => {
  const nameless = refusal(INGRESS, { ...objectOf(INGRESS, ingressSpec({})), metadata: {} });
  assert.equal(
    nameless.message,
    'Ingress.networking.k8s.io "" is invalid: metadata.name: Required value: name or generateName is required',
  );
  const upper = refusal(INGRESS, objectOf(INGRESS, ingressSpec({}), { name: "myIngress" }));
  assert.equal(
    upper.message,
    `Ingress.networking.k8s.io "myIngress" is invalid: metadata.name: Invalid value: "myIngress": ${SUBDOMAIN}`,
  );
  const service = refusal(SERVICE, objectOf(SERVICE, { spec: { ports: [{ port: 80 }] } }, { name: "1web" }));
  assert.match(service.message, /^Service "1web" is invalid: metadata\.name: Invalid value: "1web": a DNS-1035 label/);
  const namespace = refusal(NAMESPACE, objectOf(NAMESPACE, {}, { name: "a.b" }));
  assert.match(namespace.message, /a lowercase RFC 1123 label must consist/);
});

test("admit() checks labels, annotations, finalizers and owners", () => {
  const metadata = {
    labels: { "a b": "c", d: "e f" },
    annotations: { "x/y/z": "" },
    finalizers: ["frob"],
    ownerReferences: [{ apiVersion: "v1", kind: "Service", name: "web", uid: "" }],
  };
  const { status } = refusal(CONFIG_MAP, objectOf(CONFIG_MAP, {}, metadata));
  assert.deepEqual(
    status.details?.causes?.map((cause) => cause.field),
    [
      "metadata.labels",
      "metadata.labels",
      "metadata.annotations",
      "metadata.ownerReferences[0].uid",
      "metadata.finalizers[0]",
    ],
  );
});

test("admit() refuses annotations beyond 256 KiB", () => {
  const { message } = refusal(CONFIG_MAP, objectOf(CONFIG_MAP, {}, { annotations: { a: "x".repeat(262_144) } }));
  assert.match(message, /metadata\.annotations: Too long: may not be more than 262144 bytes$/);
});

test("admit() refuses new finalizers on an object that is being deleted", () => {
  const existing: KubeObject = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "web", namespace: "demo", deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["a.b/c"] },
  };
  const object = objectOf(CONFIG_MAP, {}, { finalizers: ["a.b/c", "a.b/d"] });
  assert.match(refusal(CONFIG_MAP, object, { existing }).message, /no new finalizers .* \[\]string\{"a\.b\/d"\}/);
});

// Kinds

test("admit() gives an Ingress its empty status", () => {
  assert.deepEqual(
    admitted(INGRESS, { ...ingressSpec({}), status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } } }),
    {
      ...objectOf(INGRESS, ingressSpec({})),
      status: { loadBalancer: {} },
    },
  );
});

test("admit() checks the hosts, paths and backends of an Ingress", () => {
  const cases: readonly (readonly [Fields, string])[] = [
    [ingressSpec({ host: "X" }), `spec.rules[0].host: Invalid value: "X": ${SUBDOMAIN}`],
    [
      ingressSpec({ host: "10.0.0.1" }),
      'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ],
    [
      ingressSpec({}, { pathType: undefined }),
      "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified",
    ],
    [
      ingressSpec({}, { pathType: "Frob" }),
      'spec.rules[0].http.paths[0].pathType: Unsupported value: "Frob": supported values: "Exact", "ImplementationSpecific", "Prefix"',
    ],
    [ingressSpec({}, { path: "a" }), 'spec.rules[0].http.paths[0].path: Invalid value: "a": must be an absolute path'],
    [
      ingressSpec({}, { path: "/a//b" }),
      `spec.rules[0].http.paths[0].path: Invalid value: "/a//b": must not contain '//'`,
    ],
    [
      ingressSpec({}, { backend: { service: { name: "web", port: { name: "a", number: 1 } } } }),
      'spec.rules[0].http.paths[0].backend: Invalid value: "": cannot set both port name & port number',
    ],
    [
      ingressSpec({}, { backend: { service: { name: "web" } } }),
      "spec.rules[0].http.paths[0].backend: Required value: port name or number is required",
    ],
    [
      ingressSpec({}, { backend: {} }),
      'spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required',
    ],
    [
      { spec: {} },
      "spec: Invalid value: []networking.IngressRule(nil): either `defaultBackend` or `rules` must be specified",
    ],
  ];
  for (const [fields, cause] of cases) assert.deepEqual(causes(INGRESS, fields), [cause]);
});

test("admit() accepts any path that is ImplementationSpecific, and wildcard hosts", () => {
  admitted(
    INGRESS,
    ingressSpec({ host: "*.shop.example" }, { path: "/a(/|$)(.*)//", pathType: "ImplementationSpecific" }),
  );
  assert.match(
    causes(INGRESS, ingressSpec({ host: "*shop.example" }))[0] ?? "",
    /a wildcard DNS-1123 subdomain must start/,
  );
});

test("admit() warns of the class annotation, and refuses one that differs from the class", () => {
  const annotations = { "kubernetes.io/ingress.class": "nginx" };
  const plain = admit(objectOf(INGRESS, ingressSpec({}), { annotations }), { kind: INGRESS });
  assert.match(plain.warnings[0] ?? "", /"kubernetes\.io\/ingress\.class" is deprecated/);
  const spec = { ...(ingressSpec({})["spec"] as Fields), ingressClassName: "other" };
  assert.match(refusal(INGRESS, objectOf(INGRESS, { spec }, { annotations })).message, /must match `ingressClassName`/);
});

test("admit() fills in a Service and gives it an address of its own", () => {
  const taken = new Set<string>();
  const allocation = { isAddressTaken: (ip: string) => taken.has(ip), isNodePortTaken: () => false };
  const fields = { spec: { ports: [{ port: 80 }], selector: { app: "web" } } };
  const spec = admitted(SERVICE, fields, { allocation })["spec"] as Record<string, unknown>;
  const address = String(spec["clusterIP"]);
  assert.match(address, /^10\.96\.\d+\.\d+$/);
  assert.deepEqual(spec, {
    ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
    selector: { app: "web" },
    sessionAffinity: "None",
    type: "ClusterIP",
    internalTrafficPolicy: "Cluster",
    clusterIP: address,
    clusterIPs: [address],
    ipFamilies: ["IPv4"],
    ipFamilyPolicy: "SingleStack",
  });
  taken.add(address);
  const next = admitted(SERVICE, fields, { allocation })["spec"] as Record<string, unknown>;
  assert.notEqual(next["clusterIP"], address);
});

test("admit() gives node ports to a Service that needs them, and keeps them on updates", () => {
  const fields = { spec: { type: "NodePort", ports: [{ port: 80 }] } };
  const first = admitted(SERVICE, fields);
  const { ports } = first["spec"] as { ports: readonly { nodePort: number }[] };
  const nodePort = ports[0]?.nodePort ?? 0;
  assert.ok(nodePort >= 30_000 && nodePort < 32_768);
  const second = admitted(SERVICE, fields, { existing: first });
  assert.deepEqual(second["spec"], first["spec"]);
});

test("admit() lets go of node ports and addresses when a Service changes its type", () => {
  const existing = admitted(SERVICE, { spec: { type: "NodePort", ports: [{ port: 80 }] } });
  const inside = admitted(SERVICE, { spec: { ...(existing["spec"] as Fields), type: "ClusterIP" } }, { existing });
  const { ports, clusterIP, externalTrafficPolicy } = inside["spec"] as Record<string, unknown>;
  assert.deepEqual(ports, [{ port: 80, protocol: "TCP", targetPort: 80 }]);
  assert.equal(clusterIP, (existing["spec"] as Fields)["clusterIP"]);
  assert.equal(externalTrafficPolicy, undefined);
  const named = { ...(existing["spec"] as Fields), type: "ExternalName", externalName: "a.example" };
  assert.deepEqual(admitted(SERVICE, { spec: named }, { existing })["spec"], {
    type: "ExternalName",
    externalName: "a.example",
    ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
    sessionAffinity: "None",
  });
});

test("admit() leaves headless and external Services without an address", () => {
  const headless = admitted(SERVICE, { spec: { clusterIP: "None", ports: [{ port: 80 }] } })["spec"] as Fields;
  assert.deepEqual(headless["clusterIPs"], ["None"]);
  const external = admitted(SERVICE, { spec: { type: "ExternalName", externalName: "shop.example" } })[
    "spec"
  ] as Fields;
  assert.equal(external["clusterIP"], undefined);
});

test("admit() checks the ports, type and address of a Service", () => {
  const cases: readonly (readonly [Fields, string])[] = [
    [{}, "spec.ports: Required value"],
    [
      { ports: [{ port: 0, targetPort: 80 }] },
      "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
    ],
    [
      { ports: [{ port: 80, protocol: "ICMP" }] },
      'spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
    ],
    [{ ports: [{ port: 80, name: "a" }, { port: 81 }] }, "spec.ports[1].name: Required value"],
    [
      { ports: [{ port: 80 }], type: "Frob" },
      'spec.type: Unsupported value: "Frob": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
    [
      { ports: [{ port: 80, nodePort: 30_000 }] },
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ],
    [
      { ports: [{ port: 80 }], clusterIP: "web" },
      'spec.clusterIPs[0]: Invalid value: "web": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    [{ type: "ExternalName" }, "spec.externalName: Required value"],
    [
      { type: "NodePort", ports: [{ port: 80, nodePort: 80 }] },
      "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
    ],
  ];
  for (const [spec, cause] of cases) assert.deepEqual(causes(SERVICE, { spec }), [cause]);
});

test("admit() refuses another address for a Service that has one", () => {
  const existing = admitted(SERVICE, { spec: { ports: [{ port: 80 }] } });
  const spec = { ports: [{ port: 80 }], clusterIP: "10.96.99.99", clusterIPs: ["10.96.99.99"] };
  assert.deepEqual(causes(SERVICE, { spec }, { existing }), [
    'spec.clusterIPs[0]: Invalid value: []string{"10.96.99.99"}: may not change once set',
  ]);
});

test("admit() writes stringData into data and makes a Secret Opaque", () => {
  const object = admitted(SECRET, { stringData: { user: "admin" }, data: { user: "eA==", other: "eA==" } });
  assert.deepEqual(object["data"], { user: "YWRtaW4=", other: "eA==" });
  assert.equal(object["type"], "Opaque");
  assert.equal(object["stringData"], undefined);
});

test("admit() checks what a Secret of a type must contain", () => {
  assert.deepEqual(causes(SECRET, { type: "kubernetes.io/tls", data: { "tls.crt": "eA==" } }), [
    "data[tls.key]: Required value",
  ]);
  assert.match(
    causes(SECRET, { data: { "a b": "" } })[0] ?? "",
    /^data\[a b\]: Invalid value: "a b": a valid config key/,
  );
  const docker = causes(SECRET, { type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": "eA==" } });
  assert.match(docker[0] ?? "", /<secret contents redacted>/);
});

test("admit() refuses to change what is immutable in Secrets and ConfigMaps", () => {
  const secret = admitted(SECRET, { data: { a: "eA==" }, immutable: true });
  assert.deepEqual(causes(SECRET, { data: { a: "eQ==" }, type: "example.com/x" }, { existing: secret }), [
    'type: Invalid value: "example.com/x": field is immutable',
    "immutable: Forbidden: field is immutable when `immutable` is set",
    "data: Forbidden: field is immutable when `immutable` is set",
  ]);
  const map = admitted(CONFIG_MAP, { data: { a: "b" }, immutable: true });
  assert.deepEqual(causes(CONFIG_MAP, { data: { a: "c" }, immutable: true }, { existing: map }), [
    "data: Forbidden: field is immutable when `immutable` is set",
  ]);
});

test("admit() takes addresses of this machine in EndpointSlices and Endpoints", () => {
  const slice = admitted(ENDPOINT_SLICE, {
    addressType: "IPv4",
    endpoints: [{ addresses: ["127.0.0.1"] }],
    ports: [{ port: 8080 }],
  });
  assert.deepEqual(slice["ports"], [{ name: "", protocol: "TCP", port: 8080 }]);
  assert.deepEqual(slice["endpoints"], [{ addresses: ["127.0.0.1"], conditions: {} }]);
  admitted(ENDPOINTS, { subsets: [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ port: 8080 }] }] });
});

test("admit() checks EndpointSlices and Endpoints", () => {
  assert.deepEqual(causes(ENDPOINT_SLICE, { addressType: "IPv6", endpoints: [{ addresses: ["10.0.0.1"] }] }), [
    'endpoints[0].addresses[0]: Invalid value: "10.0.0.1": must be a valid IPv6 address',
  ]);
  assert.deepEqual(causes(ENDPOINT_SLICE, { endpoints: [] }), ["addressType: Required value"]);
  assert.deepEqual(causes(ENDPOINTS, { subsets: [{ addresses: [{ ip: "web" }] }] }), [
    'subsets[0].addresses[0].ip: Invalid value: "web": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ]);
});

test("admit() gives a Namespace its label, finalizer and phase", () => {
  assert.deepEqual(admitted(NAMESPACE, {}), {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "web", labels: { "kubernetes.io/metadata.name": "web" } },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  });
});

test("admit() checks IngressClasses, Leases and Events", () => {
  assert.deepEqual(causes(INGRESS_CLASS, { spec: {} }), ["spec.controller: Required value"]);
  assert.deepEqual(causes(INGRESS_CLASS, { spec: { controller: "nginx" } }), [
    'spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")',
  ]);
  assert.deepEqual(causes(LEASE, { spec: { leaseDurationSeconds: 0 } }), [
    "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
  ]);
  assert.deepEqual(causes(EVENT, { involvedObject: { namespace: "other" } }), [
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ]);
});

// Custom resources

const ACME = { server: "https://ca.example/directory", privateKeySecretRef: { name: "account" } };

test("admit() reports what a custom resource lacks by its schema", () => {
  assert.equal(
    refusal(ISSUER, objectOf(ISSUER, { spec: { acme: { server: "https://ca.example" } } })).message,
    'Issuer.cert-manager.io "web" is invalid: [spec.acme.privateKeySecretRef: Required value, <nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  );
  assert.deepEqual(causes(CERTIFICATE, { spec: { secretName: "web-tls", issuerRef: [] } }), [
    'spec.issuerRef: Invalid value: "array": spec.issuerRef in body must be of type object: "array"',
  ]);
  assert.deepEqual(
    causes(CERTIFICATE, {
      spec: { secretName: "web-tls", issuerRef: { name: "x" }, privateKey: { algorithm: "DSA" } },
    }),
    ['spec.privateKey.algorithm: Unsupported value: "DSA": supported values: "RSA", "ECDSA", "Ed25519"'],
  );
});

test("admit() fills in the defaults of a custom resource's schema", () => {
  const parentRefs = [{ name: "edge" }];
  const spec = { acme: { ...ACME, solvers: [{ http01: { gatewayHTTPRoute: { parentRefs } } }] } };
  const { acme } = admitted(ISSUER, { spec })["spec"] as { acme: Record<string, unknown> };
  assert.equal(acme["renewalInformationSource"], "ARI");
  assert.deepEqual(acme["solvers"], [
    {
      http01: {
        gatewayHTTPRoute: { parentRefs: [{ name: "edge", group: "gateway.networking.k8s.io", kind: "Gateway" }] },
      },
    },
  ]);
});

test("admit() wants the version when a custom resource is replaced", () => {
  const existing = admitted(ISSUER, { spec: { selfSigned: {} } });
  assert.deepEqual(causes(ISSUER, { spec: { selfSigned: {} } }, { existing }), [
    "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update",
  ]);
});

function webhookMessage(kind: Kind, spec: Fields): string {
  const error = refusal(kind, objectOf(kind, { spec }));
  assert.equal(error.httpStatus, 403);
  return error.message.replace('admission webhook "webhook.cert-manager.io" denied the request: ', "");
}

test("admit() holds Certificates to the rules of cert-manager's webhook", () => {
  const base = { secretName: "web-tls", issuerRef: { name: "ca" }, dnsNames: ["web.example"] };
  const cases: readonly (readonly [Fields, string])[] = [
    [
      { dnsNames: [] },
      'spec: Invalid value: "": at least one of commonName (from the commonName field or from a literalSubject), dnsNames, emailSANs, ipAddresses, otherNames, or uriSANs must be set',
    ],
    [{ commonName: "x".repeat(65) }, "spec.commonName: Too long: may not be more than 64 bytes"],
    [
      { issuerRef: { name: "ca", kind: "Frob" } },
      'spec.issuerRef.kind: Invalid value: "Frob": must be one of Issuer or ClusterIssuer (did you forget to set spec.issuerRef.kind.group?)',
    ],
    [{ duration: "30m" }, "spec.duration: Invalid value: 30m0s: certificate duration must be greater than 1h0m0s"],
    [{ duration: "90d" }, 'spec.duration: Invalid value: "90d": time: unknown unit "d" in duration "90d"'],
    [
      { duration: "2h", renewBefore: "3h" },
      "spec.renewBefore: Invalid value: 3h0m0s: certificate duration 2h0m0s must be greater than renewBefore 3h0m0s",
    ],
    [{ ipAddresses: ["10.0.0"] }, 'spec.ipAddresses[0]: Invalid value: "10.0.0": invalid IP address'],
    [
      { privateKey: { size: 1024 } },
      "spec.privateKey.size: Invalid value: 1024: must be between 2048 and 8192 for rsa keyAlgorithm",
    ],
    [
      { privateKey: { algorithm: "ECDSA", size: 255 } },
      'spec.privateKey.size: Unsupported value: 255: supported values: "256", "384", "521"',
    ],
    [
      { literalSubject: "CN=web.example", commonName: "web.example" },
      'spec.commonName: Invalid value: "web.example": When providing a `LiteralSubject` no `commonName` may be provided.',
    ],
    [
      { literalSubject: "CN=web.example,XY=z" },
      'spec.literalSubject: Invalid value: "CN=web.example,XY=z": Literal subject contains unrecognized key with value [z]',
    ],
    [
      { literalSubject: "CN=web.example,O" },
      'spec.literalSubject: Invalid value: "CN=web.example,O": DN ended with incomplete type, value pair',
    ],
    [
      { otherNames: [{ oid: "1.2.x", utf8Value: "u" }] },
      'spec.otherNames[0].oid: Invalid value: "1.2.x": invalid oid syntax',
    ],
    [
      { signatureAlgorithm: "PureEd25519" },
      'spec.signatureAlgorithm: Invalid value: "PureEd25519": for key algorithm RSA the allowed signature algorithms are [SHA256WithRSA SHA384WithRSA SHA512WithRSA]',
    ],
    [
      { renewal: { windows: [] } },
      'spec.renewal.policy: Unsupported value: "": supported values: "Disabled", "RenewBefore"',
    ],
    [
      { renewal: { policy: "Disabled", windows: [{ cron: "@daily", windowDuration: "1h" }] } },
      "spec.renewal.windows: Forbidden: windows cannot be set when `renewal.policy` is set to Disabled",
    ],
    [
      {
        renewal: { policy: "RenewBefore", windows: [{ cron: "@daily", windowDuration: "1h", timezone: "Mars/Base" }] },
      },
      'spec.renewal.windows[0].timezone: Invalid value: "Mars/Base": invalid value for timezone. timezone must be IANA compliant',
    ],
    [
      { renewal: { policy: "RenewBefore", windows: [{ cron: "* * *", windowDuration: "1h" }] } },
      "spec.renewal.windows[0].cron: Invalid value: \"* * *\": invalid cron syntax: failed to parse cron spec '* * *': expected exactly 5 fields, found 3: [* * *]. cron needs to follow: cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow",
    ],
    [
      { keystores: { jks: { create: true } } },
      "spec.keystores.jks: Forbidden: must set exactly one of passwordSecretRef and password must for JKS keystores",
    ],
    [
      { usages: ["server auth"], secretTemplate: { annotations: { "cert-manager.io/issuer-name": "x" } } },
      'spec.secretTemplate.annotations: Invalid value: "cert-manager.io/issuer-name": cert-manager.io/* annotations are not allowed',
    ],
  ];
  for (const [fields, message] of cases) assert.equal(webhookMessage(CERTIFICATE, { ...base, ...fields }), message);
});

test("admit() holds Issuers to the rules of cert-manager's webhook", () => {
  const cases: readonly (readonly [Fields, string])[] = [
    [{}, "spec: Required value: at least one issuer must be configured"],
    [{ selfSigned: {}, acme: ACME }, "spec.selfSigned: Forbidden: may not specify more than one issuer type"],
    [{ acme: { ...ACME, solvers: [{}] } }, "spec.acme.solvers[0]: Required value: no solver type configured"],
    [
      { acme: { ...ACME, solvers: [{ http01: { ingress: { class: "a", name: "b" } } }] } },
      "spec.acme.solvers[0].http01.ingress: Forbidden: only one of 'ingressClassName', 'name' or 'class' should be specified",
    ],
    [
      { acme: { ...ACME, solvers: [{ dns01: { cloudflare: {} } }] } },
      "spec.acme.solvers[0].dns01.cloudflare: Required value: apiKeySecretRef or apiTokenSecretRef is required",
    ],
    [
      { acme: { ...ACME, solvers: [{ dns01: { rfc2136: { nameserver: "a:b:c" } } }] } },
      'spec.acme.solvers[0].dns01.rfc2136.nameserver: Invalid value: "a:b:c": nameserver must be set in the form host:port where host is an IPv4 address, an enclosed IPv6 address or a hostname and port is an optional port number.',
    ],
    [
      { vault: { server: "https://vault.example", path: "pki/../x", auth: { tokenSecretRef: { name: "t" } } } },
      "spec.vault.path: Invalid value: \"pki/../x\": must not contain '..' path segments",
    ],
  ];
  for (const [spec, message] of cases) assert.equal(webhookMessage(ISSUER, spec), message);
});

test("admit() writes the requester into a new CertificateRequest and refuses to change it", () => {
  const request = Buffer.from(
    `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from([0x30, 5, 0x30, 3, 2, 1, 0]).toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`,
  ).toString("base64");
  const spec = { request, issuerRef: { name: "ca" }, username: "somebody else" };
  const requester = { username: "alice", uid: "1", groups: ["staff"] };
  const first = admit(objectOf(CERTIFICATE_REQUEST, { spec }), { kind: CERTIFICATE_REQUEST, requester }).object;
  assert.deepEqual(first["spec"], { ...spec, username: "alice", uid: "1", groups: ["staff"] });
  const next = { ...first, metadata: { ...first.metadata, resourceVersion: "1" }, spec: { ...spec, isCA: true } };
  assert.match(refusal(CERTIFICATE_REQUEST, next, { existing: first }).message, /cannot change spec after creation/);
});

test("admit() refuses a CertificateRequest without a signing request in it", () => {
  const request = Buffer.from("invalid").toString("base64");
  assert.match(
    webhookMessage(CERTIFICATE_REQUEST, { request, issuerRef: { name: "ca" } }),
    /error decoding certificate request/,
  );
});

// Status

test("admit() keeps the status on an update, and everything else on an update of the status", () => {
  const existing: KubeObject = {
    ...admitted(INGRESS, ingressSpec({ host: "a.example" })),
    status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } },
  };
  const changed = objectOf(INGRESS, { ...ingressSpec({ host: "b.example" }), status: { loadBalancer: {} } });
  const updated = admit(changed, { kind: INGRESS, existing }).object;
  assert.deepEqual(updated["status"], existing["status"]);
  assert.deepEqual(updated["spec"], ingressSpec({ host: "b.example" })["spec"]);
  const status = admit(changed, { kind: INGRESS, existing, subresource: "status" }).object;
  assert.deepEqual(status["status"], { loadBalancer: {} });
  assert.deepEqual(status["spec"], existing["spec"]);
});
