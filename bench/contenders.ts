import { execFileSync } from "node:child_process";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, type Fixture } from "./fixture.ts";
import { start, type Running } from "./processes.ts";

/** The core every contender is pinned to; load and backends have the other. */
export const PROXY_CORE = 0;
export const LOAD_CORE = 1;

/** A started proxy: plain HTTP and HTTPS (HTTP/1.1 and HTTP/2) on loopback, for the host `localhost`. */
export interface Proxy {
  readonly name: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly running: Running;
}

/** Something that can be measured. */
export interface Contender {
  readonly name: string;
  version(): string;
  /** `routes`: how many other hosts are configured beside `localhost`. */
  open(fixture: Fixture, routes: number): Promise<Proxy>;
}

/** In the order of the table; the first is what the others are compared with. */
export const CONTENDERS: readonly Contender[] = [
  { name: "nginx", version: nginxVersion, open: (fixture, routes) => openNginx("nginx", "", fixture, routes) },
  {
    name: "nginx-tuned",
    version: nginxVersion,
    open: (fixture, routes) => openNginx("nginx-tuned", NGINX_TUNED, fixture, routes),
  },
  { name: "haproxy", version: () => firstLine("haproxy", ["-v"]), open: openHaproxy },
  { name: "caddy", version: () => firstLine("caddy", ["version"]), open: openCaddy },
  lintelAt("lintel", "."),
];

/** Lintel as it is in the checkout at `folder`; `env` is added to its environment. */
export function lintelAt(name: string, folder: string, env: NodeJS.ProcessEnv = {}): Contender {
  const program = join(folder, "bin/lintel");
  return {
    name,
    version: () => firstLine(program, ["version"]),
    open: (fixture, routes) => openLintel({ name, program, env }, fixture, routes),
  };
}

const NGINX_TUNED = `proxy_buffers 16 256k; proxy_buffer_size 256k; proxy_busy_buffers_size 512k;
  proxy_max_temp_file_size 0; proxy_request_buffering off; client_body_buffer_size 1m; ssl_buffer_size 16k;`;

async function openNginx(name: string, tuning: string, fixture: Fixture, routes: number): Promise<Proxy> {
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  const folder = makeFolder(fixture, name);
  const locations = `
    location / { proxy_pass http://fast; }
    location /upload { proxy_pass http://sink; }
    location /v2/ { proxy_pass http://registry; proxy_set_header Host $http_host; }
    location /ws { proxy_pass http://sink; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }`;
  const others = Array.from({ length: routes }, (_, index) => {
    const names = `server_name host-${index}.example;`;
    return `server { listen 127.0.0.1:${httpPort}; ${names} location /app { proxy_pass http://fast; } }`;
  }).join("\n");
  const config = `user root; daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 8192; }
http { access_log off; client_max_body_size 0; keepalive_requests 1000000000; keepalive_timeout 600;
  server_names_hash_max_size 65536; server_names_hash_bucket_size 128;
  client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3;
  uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5; ${tuning}
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
  proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $host;
  upstream fast { server 127.0.0.1:${fixture.fastPort}; keepalive 256; keepalive_requests 1000000000; }
  upstream registry { server 127.0.0.1:${fixture.registryPort}; keepalive 16; }
  upstream sink { server 127.0.0.1:${fixture.sinkPort}; keepalive 256; }
  ssl_certificate ${fixture.certificate}; ssl_certificate_key ${fixture.key};
  ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:s:10m; http2_max_concurrent_streams 256;
  server { listen 127.0.0.1:${httpPort} backlog=4096 default_server; server_name localhost; ${locations} }
  server { listen 127.0.0.1:${httpsPort} ssl http2 backlog=4096; server_name localhost; ${locations} }
  ${others} }
`;
  const file = join(folder, "nginx.conf");
  writeFileSync(file, config);
  return { name, httpPort, httpsPort, running: start(PROXY_CORE, ["nginx", "-c", file], logOf(folder)) };
}

async function openHaproxy(fixture: Fixture, routes: number): Promise<Proxy> {
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  const folder = makeFolder(fixture, "haproxy");
  const pem = join(folder, "tls.pem");
  writeFileSync(pem, readFileSync(fixture.certificate, "utf8") + readFileSync(fixture.key, "utf8"));
  const map = join(folder, "hosts.map");
  writeFileSync(map, Array.from({ length: routes }, (_, index) => `host-${index}.example fast\n`).join(""));
  const config = `global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout client 600s
  timeout server 600s
  timeout connect 5s
  timeout tunnel 600s
  option forwardfor
  http-reuse always
frontend edge
  bind 127.0.0.1:${httpPort} backlog 4096
  bind 127.0.0.1:${httpsPort} backlog 4096 ssl crt ${pem} alpn h2,http/1.1
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  use_backend registry if { path_beg /v2/ }
  use_backend sink if { path_beg /upload /ws }
  use_backend %[req.hdr(host),field(1,:),lower,map(${map},fast)]
backend fast
  server a 127.0.0.1:${fixture.fastPort}
backend sink
  server a 127.0.0.1:${fixture.sinkPort}
backend registry
  server a 127.0.0.1:${fixture.registryPort}
`;
  const file = join(folder, "haproxy.cfg");
  writeFileSync(file, config);
  return { name: "haproxy", httpPort, httpsPort, running: start(PROXY_CORE, ["haproxy", "-f", file], logOf(folder)) };
}

async function openCaddy(fixture: Fixture, routes: number): Promise<Proxy> {
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  const folder = makeFolder(fixture, "caddy");
  const body = `
  handle /upload* {
    reverse_proxy 127.0.0.1:${fixture.sinkPort}
  }
  handle /v2/* {
    reverse_proxy 127.0.0.1:${fixture.registryPort}
  }
  handle /ws* {
    reverse_proxy 127.0.0.1:${fixture.sinkPort}
  }
  handle {
    reverse_proxy 127.0.0.1:${fixture.fastPort} {
      header_up X-Real-IP {remote_host}
      transport http {
        keepalive_idle_conns_per_host 256
      }
    }
  }`;
  const others = Array.from(
    { length: routes },
    (_, index) => `http://host-${index}.example:${httpPort} {
  bind 127.0.0.1
  reverse_proxy /app* 127.0.0.1:${fixture.fastPort}
}`,
  ).join("\n");
  const config = `{
  admin off
  auto_https off
}
http://localhost:${httpPort} {
  bind 127.0.0.1
${body}
}
https://localhost:${httpsPort} {
  bind 127.0.0.1
  tls ${fixture.certificate} ${fixture.key}
${body}
}
${others}
`;
  const file = join(folder, "Caddyfile");
  writeFileSync(file, config);
  const command = ["caddy", "run", "--config", file, "--adapter", "caddyfile"];
  const env = { GOMAXPROCS: "1", HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  return { name: "caddy", httpPort, httpsPort, running: start(PROXY_CORE, command, logOf(folder), env) };
}

async function openLintel(
  { name, program, env }: { readonly name: string; readonly program: string; readonly env: NodeJS.ProcessEnv },
  fixture: Fixture,
  routes: number,
): Promise<Proxy> {
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  const folder = makeFolder(fixture, `${name}-${routes}`);
  const file = join(folder, "manifests.yaml");
  writeFileSync(file, lintelManifests(fixture, routes));
  const ports = ["--http", String(httpPort), "--https", String(httpsPort), "--api", "0", "--acme", "0", "--admin", "0"];
  const command = [program, "up", file, "--state", join(folder, "state"), "--listen", "127.0.0.1", "--workers", "1"];
  const running = start(PROXY_CORE, [...command, ...ports], logOf(folder), env);
  return { name, httpPort, httpsPort, running };
}

function lintelManifests(fixture: Fixture, routes: number): string {
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "bench-tls", namespace: "default" },
    type: "kubernetes.io/tls",
    data: {
      "tls.crt": readFileSync(fixture.certificate).toString("base64"),
      "tls.key": readFileSync(fixture.key).toString("base64"),
    },
  };
  const main = [path("/", "fast"), path("/upload", "sink"), path("/ws", "sink"), path("/v2", "registry")];
  const documents: readonly object[] = [
    secret,
    ...service("fast", fixture.fastPort),
    ...service("sink", fixture.sinkPort),
    ...service("registry", fixture.registryPort),
    ingress("bench", "localhost", main, [{ hosts: ["localhost"], secretName: "bench-tls" }]),
    ...Array.from({ length: routes }, (_, index) =>
      ingress(`host-${index}`, `host-${index}.example`, [path("/app", "fast")], []),
    ),
  ];
  return documents.map((document) => `---\n${JSON.stringify(document)}\n`).join("");
}

function service(name: string, port: number): readonly object[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "default" },
      spec: { ports: [{ name: "http", port: 80, targetPort: port }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${name}-1`, namespace: "default", labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ name: "http", port }],
      endpoints: [{ addresses: ["127.0.0.1"] }],
    },
  ];
}

function path(prefix: string, name: string): object {
  return {
    path: prefix,
    pathType: "Prefix",
    backend: { service: { name, port: { number: 80 } } },
  };
}

function ingress(name: string, host: string, paths: readonly object[], tls: readonly object[]): object {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name, namespace: "default", annotations: { "nginx.ingress.kubernetes.io/ssl-redirect": "false" } },
    spec: { tls, rules: [{ host, http: { paths } }] },
  };
}

function nginxVersion(): string {
  return execFileSync("sh", ["-c", "nginx -v 2>&1"], { encoding: "utf8" }).trim();
}

function firstLine(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: "utf8" }).split("\n")[0] ?? "";
}

function makeFolder(fixture: Fixture, name: string): string {
  const folder = join(fixture.folder, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

function logOf(folder: string): number {
  return openSync(join(folder, "output.log"), "a");
}
