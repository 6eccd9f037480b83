import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/ground/system-clock.ts";
import { freePort } from "../../src/ground/testing.ts";

const NGINX = "/usr/sbin/nginx";

/** Whether there is an nginx to compare with. */
export const hasNginx: boolean = existsSync(NGINX);

/** Debian's nginx in front of an endpoint, streaming, with as little of its own in the way as it allows. */
export interface Nginx extends AsyncDisposable {
  readonly port: number;
}

/** Starts one on a free port of loopback, in a folder of its own. */
export function openNginx(endpointPort: number): Promise<Nginx> {
  return startNginx((port) => serverOf(port, endpointPort));
}

/** Starts one with these `server` blocks on a free port of loopback, in a folder of its own. */
export async function startNginx(serversOf: (port: number) => string): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "fuzz-nginx-"));
  const port = await freePort();
  writeFileSync(join(folder, "nginx.conf"), configOf(folder, serversOf(port)));
  const child = spawn(NGINX, ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")], {
    stdio: "ignore",
  });
  for (let attempt = 0; !(await answers(port)); attempt++) {
    if (attempt === 100) throw new Error(`nginx does not answer; see ${folder}/error.log`);
    await systemClock.sleep(20);
  }
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configOf(folder: string, servers: string): string {
  return `daemon off;
worker_processes 1;
${typeof process.getuid === "function" && process.getuid() === 0 ? "user root;" : ""}
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  client_header_timeout 1s; client_body_timeout 1s; keepalive_timeout 1s; proxy_read_timeout 1s;
  lingering_close off;
  underscores_in_headers on;
  large_client_header_buffers 4 32k;
  ${servers}
}
`;
}

function serverOf(port: number, endpointPort: number): string {
  return `server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${endpointPort};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_ignore_client_abort on;
    }
  }`;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
