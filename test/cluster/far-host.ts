/** A machine of its own for a test: a network namespace, since a real API server takes no endpoints on loopback. */
import { execFileSync, spawn } from "node:child_process";
import type { TestContext } from "node:test";
import { eventually } from "../e2e/eventually.ts";

/** Reserved for benchmarks of networks (RFC 2544): nothing real is reached by it. */
const NETWORK = "198.18";
const PORT = 8080;
/** Networks of two hosts below one index. */
const BLOCKS = 64;

const SERVER = `
  require("node:http").createServer((request, response) => {
    response.end(process.argv[1] + " " + request.url);
  }).listen(${PORT}, process.argv[2]);
`;

/** Returns why there can be none here, or false. */
export function skipWithoutNamespaces(): string | false {
  if (process.getuid?.() !== 0) return "run as root to make network namespaces";
  try {
    execFileSync("ip", ["netns", "list"], { stdio: "ignore" });
    return false;
  } catch {
    return 'install "ip" (Debian package "iproute2") to run this';
  }
}

export interface FarHost {
  readonly address: string;
  readonly port: number;
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", [...args]);
}

/** Starts a web server that answers with `name` and the path, on an address of its own; all of it goes after the test. */
export async function startFarHost(t: TestContext, name: string, index: number): Promise<FarHost> {
  const space = `lt${process.pid}-${index}`;
  const [ours, theirs] = [`lt${index}a${process.pid % 10_000}`, `lt${index}b${process.pid % 10_000}`];
  // Where a run was killed, its network may still be there: the next one takes another.
  const block = 4 * (process.pid % BLOCKS);
  const [gateway, address] = [`${NETWORK}.${index}.${block + 1}`, `${NETWORK}.${index}.${block + 2}`];
  ip("netns", "add", space);
  t.after(() => ip("netns", "delete", space));
  ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", space);
  ip("address", "add", `${gateway}/30`, "dev", ours);
  ip("link", "set", ours, "up");
  ip("-n", space, "address", "add", `${address}/30`, "dev", theirs);
  ip("-n", space, "link", "set", theirs, "up");
  const child = spawn("ip", ["netns", "exec", space, process.execPath, "-e", SERVER, name, address], {
    stdio: "ignore",
  });
  t.after(() => child.kill("SIGKILL"));
  await eventually(`the server of ${name}`, async () => {
    const answer = await fetch(`http://${address}:${PORT}/`);
    return answer.ok ? true : undefined;
  });
  return { address, port: PORT };
}
