import { systemClock, systemRandom } from "../ground/system-clock.ts";
import { messageOf } from "../ground/errors.ts";
import type { Host } from "../ground/host.ts";
import { openLog } from "../ground/log.ts";
import { DataPlane } from "../proxy/data-plane.ts";
import { ChildLink } from "../supervisor/child-link.ts";
import { AccessLog } from "./access-log.ts";
import { FeedClient } from "./feed-client.ts";
import { readKeptSnapshot } from "./last-snapshot.ts";
import { parseWorkerSettings, type WorkerSettings } from "./role-settings.ts";
import { FEED_SOCKET, SNAPSHOT_FILE } from "./state-folder.ts";

/** How long a new worker waits for control's word before it serves what was kept; control answers in milliseconds when it is there. */
const HEAR_MS_MAX = 500;
/** The same when control is there but busy: what was kept may be older than what the worker that is replaced serves. */
const HEAR_BUSY_MS_MAX = 2_000;
/** The same when nothing was kept: the first start, or control is gone and there is nothing to serve. */
const HEAR_FIRST_MS_MAX = 5_000;
/** How long an orphan finishes what it has in flight; its ports are let go of at once. */
const ORPHAN_GRACE_MS = 5_000;

/** Where control, which validates names at the edge, comes from. */
const LOOPBACK: readonly string[] = ["127.0.0.0/8", "::1"];

/** Runs a data-plane worker until the supervisor ends it. */
export async function runWorker(host: Host): Promise<void> {
  const link = await ChildLink.open(host);
  try {
    await startWorker(host, link);
  } catch (error) {
    await link.fatal({ code: "Internal", message: `Cannot start a worker: ${messageOf(error)}` });
  }
}

async function startWorker(host: Host, link: ChildLink): Promise<void> {
  const { sockets, slot, settings } = link.start;
  const { ticketSecret, proxyProtocol, proxySources, ...logging } = parseWorkerSettings(settings);
  const accessLog = openAccessLog(link, logging);
  const log = openLog({ level: "info", fd: 2 }).child({ process: slot });
  const kept = await readKeptSnapshot(SNAPSHOT_FILE);
  let dataPlane: DataPlane | undefined;
  let pending = kept?.snapshot;
  const feed = new FeedClient({
    socketPath: FEED_SOCKET,
    pid: host.pid,
    kept,
    clock: systemClock,
    log,
    serve: (snapshot) => {
      pending = snapshot;
      return dataPlane?.serve(snapshot).problems ?? [];
    },
    stats: () => ({
      ...dataPlane?.stats(),
      memoryBytes: host.memoryBytes(),
      cpuMs: host.cpuMs(),
      accessLog: logCounts(accessLog),
    }),
  });
  feed.open();
  await (kept === undefined ? feed.heard(HEAR_FIRST_MS_MAX) : feed.heard(HEAR_MS_MAX, HEAR_BUSY_MS_MAX));
  dataPlane = await DataPlane.open({
    http: (sockets["http"] ?? []).map((fd) => ({ fd })),
    https: (sockets["https"] ?? []).map((fd) => ({ fd })),
    clock: systemClock,
    random: systemRandom,
    log,
    // Without one the data plane makes its own: an empty secret would be known to everyone.
    ...(ticketSecret === "" ? {} : { ticketSecret: Buffer.from(ticketSecret, "base64") }),
    ...(proxyProtocol
      ? { proxyProtocol: { sources: proxySources.length === 0 ? [] : [...proxySources, ...LOOPBACK] } }
      : {}),
    snapshot: pending,
    ...(accessLog === undefined ? {} : { accessLog: (line) => accessLog.add(line) }),
  });
  // One may have come while the sockets were opened.
  if (pending !== undefined && pending.generation !== dataPlane.generation) dataPlane.serve(pending);
  const leave = async (graceMs: number): Promise<void> => {
    feed.close();
    await dataPlane.drain({ signal: AbortSignal.timeout(graceMs) });
    await accessLog?.flushed();
  };
  link.handle({ stop: leave, orphaned: () => leave(ORPHAN_GRACE_MS) });
  link.ready();
}

/** Returns undefined when none is asked for. The first worker of all renames the file when it is too large. */
function openAccessLog(
  { start: { slot, sockets } }: ChildLink,
  { accessLog, accessLogSample }: Pick<WorkerSettings, "accessLog" | "accessLogSample">,
): AccessLog | undefined {
  if (accessLog === "") return undefined;
  return AccessLog.open({
    target: accessLog === "-" ? { fd: sockets["access-log"]?.[0] ?? 1 } : { path: accessLog },
    sample: accessLogSample,
    clock: systemClock,
    rotates: slot === "worker-1",
  });
}

function logCounts(log: AccessLog | undefined): { readonly written: number; readonly dropped: number } {
  return { written: log?.written ?? 0, dropped: log?.dropped ?? 0 };
}
