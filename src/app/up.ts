import { randomBytes } from "node:crypto";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { LintelError, messageOf } from "../ground/errors.ts";
import type { Host } from "../ground/host.ts";
import { isRecord } from "../ground/json.ts";
import { openLog } from "../ground/log.ts";
import { systemClock } from "../ground/system-clock.ts";
import type { BoundPort } from "../supervisor/bound-port.ts";
import { LogFile } from "../supervisor/log-file.ts";
import type { SocketTable } from "../supervisor/messages.ts";
import type { SlotPlan } from "../supervisor/slot.ts";
import { acquireStateLock } from "../supervisor/state-lock.ts";
import { MixedPrograms, Supervisor } from "../supervisor/supervisor.ts";
import { bindPorts, type BoundPorts, type PortName, type PortPlan, type PortWish } from "./bind-ports.ts";
import { EXAMPLE_PORTS, writeExample } from "./example-manifests.ts";
import { writeInstance } from "./instance-file.ts";
import type { InstanceSummary } from "./instance-summary.ts";
import { REPLACE_MS_MAX, askForReplacement, openReplaceSocket, type ReplaceWish } from "./replace-socket.ts";
import { parseNotice, type Notice, type Tone } from "./notice.ts";
import { addressText, type Address, type ControlSettings, type WorkerSettings } from "./role-settings.ts";
import type { ClusterSettings, ClusterWishes } from "./cluster-settings.ts";
import { createStateFolder, stateFolderAt, type StateFolder } from "./state-folder.ts";

/** Everything `lintel up` was asked for, complete: no default is filled in later. */
export interface UpSettings {
  readonly version: string;
  readonly stateDirectory: string;
  /** IP literals for HTTP and HTTPS. */
  readonly listen: readonly string[];
  /** Of those, the ones that may be missing on this machine. */
  readonly optionalListen: readonly string[];
  /** Without `api` no port is bound for the Kubernetes API, without `acme` none for the local CA's server. */
  readonly ports: Readonly<Record<"http" | "https" | "admin", PortWish>> & {
    readonly api?: PortWish;
    readonly acme?: PortWish;
  };
  /** Of a cluster: its API server says what is served, and nothing is kept here but what was served last. */
  readonly cluster?: ClusterWishes;
  readonly workers: number;
  readonly offline: boolean;
  /** Resolvers as `host:port` for DNS-01; empty: the system's. */
  readonly nameservers: readonly string[];
  /** Whether solvers may run programs of this machine. */
  readonly allowExecSolver: boolean;
  /** IP literals where the embedded CA's ACME server listens beside 127.0.0.1, and the names it has there. */
  readonly acmeListen: readonly string[];
  readonly acmeNames: readonly string[];
  /** Whether the embedded CA registers accounts with an external account binding only. */
  readonly acmeRequireEab: boolean;
  /** When names are looked at before a CA is asked. */
  readonly preflight: "auto" | "always" | "off";
  /** Where alerts about certificates are posted; empty: nowhere. */
  readonly alertWebhook: string;
  readonly example: boolean;
  /** Manifests, absolute paths. */
  readonly files: readonly string[];
  /** Writes more of them below the folder it is given, once the state folder is held; returns the path. */
  readonly generate?: (directory: string) => string;
  /** Where a line for each request goes: an absolute path, "-" for the standard output, empty for nowhere. */
  readonly accessLog: string;
  /** One of so many requests answered below 400 gets a line; from 1 on. */
  readonly accessLogSample: number;
  /** CIDR blocks of proxies whose X-Forwarded-* is believed. */
  readonly trustedProxies: readonly string[];
  /** Connections must begin with a PROXY header, from one of the sources when there are any; undefined: none may. */
  readonly proxyProtocol: { readonly sources: readonly string[] } | undefined;
  /** What a stopping or replaced process gets to finish what it has in flight. */
  readonly graceMs: number;
}

/** Tells a person what happens. */
export interface UpReporter {
  line(tone: Tone, text: string): void;
  summary(summary: InstanceSummary, place: UpPlace): void;
}

/** Where things are, for the commands that are worth pasting. */
export interface UpPlace {
  readonly folder: StateFolder;
  readonly http: Address;
  readonly https: Address;
  /** Undefined: none was asked for. */
  readonly api: Address | undefined;
}

/** What each stopping process gets to finish what it has in flight, unless another time is asked for. */
export const STOP_GRACE_MS = 10_000;

/** What `tls.Server.setTicketKeys` takes. */
const TICKET_SECRET_BYTES = 48;

const START_MS_MAX = 60_000;

const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;

/** The exit code after a second Ctrl-C: 128 and the number of SIGINT, as shells say it. */
const EXIT_INTERRUPTED = 130;

/**
 * Runs an instance until it is told to stop: claims the state folder, binds the ports, keeps the processes running.
 * Returns once every process has left. SIGINT and SIGTERM stop it, a second one at once; SIGHUP replaces the workers
 * one after the other without losing a request. Throws StateHeld, CannotBind, and what control says when it cannot start.
 */
export async function runUp(host: Host, settings: UpSettings, reporter: UpReporter): Promise<void> {
  const stop = onStopSignals(host, reporter);
  const folder = createStateFolder(settings.stateDirectory);
  const sinceMs = systemClock.nowMs();
  const command = ["lintel", ...host.arguments].join(" ");
  await using resources = new AsyncDisposableStack();
  const lock = acquireStateLock({ directory: folder.directory, holder: { pid: host.pid, sinceMs, command } });
  resources.defer(() => lock.release());
  const bound = bindPorts(portPlans(settings), folder.ports);
  resources.defer(() => closePorts(bound));
  const logFd = openLogs(settings, folder, resources);
  const place = placeOf(folder, bound);
  for (const note of bound.notes) reporter.line("note", note);
  writeInstance(folder, {
    pid: host.pid,
    sinceMs,
    version: settings.version,
    admin: addressOf(bound, "admin"),
    api: addressOf(bound, "api"),
    edgeHttp: place.http,
    edgeHttps: place.https,
  });
  const start = new StartReport(reporter, place, settings);
  const supervisor = Supervisor.start({
    slots: slotPlans(host, settings, folder, bound),
    program: host.program,
    logFd,
    workingDirectory: folder.run,
    clock: systemClock,
    log: openLog({ level: "info", fd: logFd }).child({ process: "supervisor" }),
    onNotice: (_slot, notice) => start.notice(parseNotice(notice)),
    onDied: (slot, how, restartInMs) => {
      const when = restartInMs === 0 ? "now" : `in ${restartInMs} ms`;
      reporter.line("warn", `Process "${slot}" died (${how}): starting it again ${when}`);
    },
  });
  resources.defer(async () => {
    const left = supervisor.stop({ graceMs: settings.graceMs });
    // Nobody accepts any more: who comes now must be refused at once, not queue until the last process has left.
    closePorts(bound);
    await left;
  });
  stop.supervisor = supervisor;
  stop.graceMs = settings.graceMs;
  const socket = await openReplaceSocket({ folder, workingDirectory: host.workingDirectory }, async (wish) => {
    try {
      await moveTo(supervisor, wish, settings.graceMs);
    } catch (error) {
      if (!(error instanceof MixedPrograms)) throw error;
      reporter.line("error", `Processes of two versions serve: ${error.message}`);
      return { mixed: error.message };
    }
    const sentence = `Replaced every process: version ${wish.version} serves`;
    reporter.line("done", sentence);
    return { done: sentence };
  }).catch((error: unknown) => {
    // Serving matters more than being replaceable: a path may be too long for a socket.
    reporter.line("note", `Goes on without --replace: ${messageOf(error)}`);
    return undefined;
  });
  resources.defer(() => void socket?.close());
  await started(supervisor, stop);
  if (!stop.requested.aborted) {
    start.listening(`Listening on ${listeners(bound, "http")} and ${listeners(bound, "https")}`);
  }
  await stop.stopped;
}

/** A container's log is its standard error; else it is a file that is bounded. */
function openLogs(settings: UpSettings, folder: StateFolder, resources: AsyncDisposableStack): number {
  if (settings.cluster !== undefined) return STANDARD_ERROR;
  const logFile = LogFile.open({ path: folder.log, clock: systemClock });
  resources.defer(() => logFile.close());
  return logFile.fd;
}

/** Puts another program in the place of the running one; control last, which cannot hold the store twice. */
async function moveTo(supervisor: Supervisor, wish: ReplaceWish, graceMs: number): Promise<void> {
  await supervisor.move({
    recipe: ({ role, settings }) => ({
      program: wish.program,
      settings: role === "control" && isRecord(settings) ? { ...settings, version: wish.version } : settings,
    }),
    once: ["control", "example"],
    graceMs,
    timeoutMs: REPLACE_MS_MAX,
  });
}

/**
 * Has the instance that runs on the state folder move to this program; returns when it serves. `unused` is what stands on
 * the command line beside that, which changes nothing. Throws Unreachable and Aborted.
 */
export async function runReplace(
  host: Host,
  wanted: { readonly stateDirectory: string; readonly version: string; readonly unused: readonly string[] },
  reporter: UpReporter,
): Promise<void> {
  if (wanted.unused.length > 0) {
    const what = wanted.unused.join(", ");
    reporter.line("warn", `--replace keeps what Lintel was started with: ${what} of this command line changes nothing`);
    reporter.line("note", "Stop and start it to change that");
  }
  const place = { folder: stateFolderAt(wanted.stateDirectory), workingDirectory: host.workingDirectory };
  reporter.line("done", await askForReplacement(place, { program: host.program, version: wanted.version }));
}

/** Tells the steps of a start in an order that makes sense: the summary comes last, though it may be known first. */
class StartReport {
  readonly #reporter: UpReporter;
  readonly #place: UpPlace;
  #isListening = false;
  #summary: InstanceSummary | undefined;
  #isTold = false;

  constructor(reporter: UpReporter, place: UpPlace, settings: UpSettings) {
    this.#reporter = reporter;
    this.#place = place;
    reporter.line("note", `State in ${place.folder.directory}`);
    if (settings.offline) reporter.line("note", "Offline: the local CA answers every ACME issuer");
  }

  listening(text: string): void {
    this.#isListening = true;
    this.#reporter.line("done", text);
    this.#tellSummary();
  }

  notice(notice: Notice | undefined): void {
    if (notice?.kind === "line") this.#reporter.line(notice.tone, notice.text);
    else if (notice?.kind === "summary") {
      this.#summary ??= notice.summary;
      this.#tellSummary();
    }
  }

  /** Once: control that was started again has one too. */
  #tellSummary(): void {
    if (!this.#isListening || this.#summary === undefined || this.#isTold) return;
    this.#isTold = true;
    this.#reporter.summary(this.#summary, this.#place);
  }
}

interface Stop {
  readonly requested: AbortSignal;
  readonly stopped: Promise<void>;
  /** What the signals act on, once it is there. */
  supervisor: Supervisor | undefined;
  graceMs: number;
  isReplacing: boolean;
  /** Replacements of the workers that are to be made, the one under way included. */
  replacementsWanted: number;
}

/** From here on a signal never ends the process by itself, however early it comes. */
function onStopSignals(host: Host, reporter: UpReporter): Stop {
  const requested = new AbortController();
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  const stop: Stop = {
    requested: requested.signal,
    stopped,
    supervisor: undefined,
    graceMs: STOP_GRACE_MS,
    isReplacing: false,
    replacementsWanted: 0,
  };
  const onSignal = (): void => {
    if (requested.signal.aborted) {
      stop.supervisor?.kill();
      host.exit(EXIT_INTERRUPTED);
    }
    requested.abort(new LintelError("Asked to stop", { code: "Aborted", fault: "user" }));
    reporter.line("note", "Stopping: finishing what is in flight; again to stop at once");
    resolve();
  };
  host.onSignal("SIGINT", onSignal);
  host.onSignal("SIGTERM", onSignal);
  host.onSignal("SIGHUP", () => {
    if (!requested.signal.aborted) void replaceWorkers(stop, reporter);
  });
  return stop;
}

/** One replacement at a time: signals that come meanwhile ask for one more, however many they are. */
async function replaceWorkers(stop: Stop, reporter: UpReporter): Promise<void> {
  stop.replacementsWanted = stop.isReplacing ? 2 : 1;
  if (stop.isReplacing) return;
  stop.isReplacing = true;
  for (; stop.replacementsWanted > 0; stop.replacementsWanted -= 1) await replaceWorkersOnce(stop, reporter);
  stop.isReplacing = false;
}

async function replaceWorkersOnce({ supervisor, graceMs }: Stop, reporter: UpReporter): Promise<void> {
  try {
    await supervisor?.replace("worker", { graceMs, signal: AbortSignal.timeout(START_MS_MAX) });
    reporter.line("done", "Replaced the workers");
  } catch (error) {
    reporter.line("error", `Cannot replace the workers: ${messageOf(error)}`);
  }
}

/** Resolves when all processes are ready or the stop was asked for meanwhile. */
async function started(supervisor: Supervisor, stop: Stop): Promise<void> {
  try {
    await supervisor.ready({ signal: AbortSignal.any([stop.requested, AbortSignal.timeout(START_MS_MAX)]) });
  } catch (error) {
    if (!stop.requested.aborted) throw error;
  }
}

function portPlans(settings: UpSettings): readonly PortPlan[] {
  const { listen: addresses, optionalListen: optionalAddresses, ports } = settings;
  return [
    { name: "http", addresses, optionalAddresses, wish: ports.http },
    { name: "https", addresses, optionalAddresses, wish: ports.https },
    ...(ports.api === undefined ? [] : [local("api", ports.api)]),
    ...(ports.acme === undefined ? [] : [acmePlan(settings, ports.acme)]),
    // Probes and Prometheus reach a Pod at its own address.
    settings.cluster === undefined
      ? local("admin", ports.admin)
      : { name: "admin", addresses, optionalAddresses, wish: ports.admin },
    ...(settings.example
      ? [
          local("example-a", { kind: "preferred", ports: [EXAMPLE_PORTS[0]] }),
          local("example-b", { kind: "preferred", ports: [EXAMPLE_PORTS[1]] }),
        ]
      : []),
  ];
}

function local(name: PortName, wish: PortWish): PortPlan {
  return { name, addresses: ["127.0.0.1"], optionalAddresses: [], wish };
}

/** This machine's own issuers reach it at 127.0.0.1, whoever else does. */
function acmePlan({ acmeListen }: UpSettings, wish: PortWish): PortPlan {
  const addresses = acmeListen.includes("0.0.0.0") ? ["0.0.0.0", ...acmeListen] : ["127.0.0.1", ...acmeListen];
  return { name: "acme", addresses: [...new Set(addresses)], optionalAddresses: [], wish };
}

function slotPlans(host: Host, settings: UpSettings, folder: StateFolder, bound: BoundPorts): readonly SlotPlan[] {
  const files = [...settings.files];
  if (settings.generate !== undefined) files.push(settings.generate(join(folder.directory, "proxy")));
  if (settings.example) {
    const ports = [addressOf(bound, "example-a").port, addressOf(bound, "example-b").port] as const;
    files.push(writeExample({ program: host.program, directory: folder.example, ports }));
  }
  const control: ControlSettings = {
    version: settings.version,
    stateDirectory: folder.directory,
    files,
    offline: settings.offline,
    nameservers: settings.nameservers,
    allowExecSolver: settings.allowExecSolver,
    acmeNames: settings.acmeListen.length === 0 ? [] : [...settings.acmeNames, ...publicAddresses(settings.acmeListen)],
    acmeRequireEab: settings.acmeRequireEab,
    preflight: settings.preflight,
    alertWebhook: settings.alertWebhook,
    trustedProxies: settings.trustedProxies,
    proxyProtocol: settings.proxyProtocol !== undefined,
    edgeHttp: addressOf(bound, "http"),
    edgeHttps: addressOf(bound, "https"),
    api: addressOf(bound, "api"),
    acme: addressOf(bound, "acme"),
    admin: addressOf(bound, "admin"),
    publicAddresses: publicAddresses(settings.listen),
  };
  const worker: WorkerSettings = {
    accessLog: settings.accessLog,
    accessLogSample: settings.accessLogSample,
    proxyProtocol: settings.proxyProtocol !== undefined,
    proxySources: settings.proxyProtocol?.sources ?? [],
    ticketSecret: randomBytes(TICKET_SECRET_BYTES).toString("base64"),
  };
  return [
    settings.cluster === undefined
      ? {
          name: "control",
          role: "control",
          sockets: socketTable(bound, ["api", "acme", "admin"]),
          settings: control,
          hearsProcesses: true,
        }
      : {
          name: "control",
          role: "cluster-control",
          sockets: socketTable(bound, ["admin"]),
          settings: {
            ...control,
            ...settings.cluster,
            // Where only some peers send the header, other replicas are none of them.
            proxyProtocol: settings.proxyProtocol?.sources.length === 0,
          } satisfies ClusterSettings,
          hearsProcesses: true,
        },
    ...Array.from({ length: settings.workers }, (_, index) => ({
      name: `worker-${index + 1}`,
      role: "worker",
      sockets: {
        ...socketTable(bound, ["http", "https"]),
        ...(settings.accessLog === "-" ? { "access-log": [STANDARD_OUTPUT] } : {}),
      },
      settings: worker,
    })),
    ...(settings.example
      ? [{ name: "example", role: "example", sockets: socketTable(bound, ["example-a", "example-b"]), settings: {} }]
      : []),
  ];
}

function socketTable(bound: BoundPorts, names: readonly PortName[]): SocketTable {
  return Object.fromEntries(names.map((name) => [name, portsOf(bound, name).map((port) => port.fd)]));
}

function closePorts(bound: BoundPorts): void {
  for (const ports of bound.ports.values()) for (const port of ports) port.close();
}

function portsOf(bound: BoundPorts, name: PortName): readonly BoundPort[] {
  return bound.ports.get(name) ?? [];
}

/** How this machine itself reaches the port. */
function addressOf(bound: BoundPorts, name: PortName): Address {
  const [first] = portsOf(bound, name);
  const host = first?.host ?? "127.0.0.1";
  return { host: host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host, port: first?.port ?? 0 };
}

function placeOf(folder: StateFolder, bound: BoundPorts): UpPlace {
  return {
    folder,
    http: addressOf(bound, "http"),
    https: addressOf(bound, "https"),
    api: bound.ports.has("api") ? addressOf(bound, "api") : undefined,
  };
}

function listeners(bound: BoundPorts, name: "http" | "https"): string {
  return portsOf(bound, name)
    .map((port) => `${name}://${addressText(port)}`)
    .join(", ");
}

/** What clients elsewhere would dial: the addresses we listen on, or this machine's own for the unspecified ones. */
export function publicAddresses(listen: readonly string[]): readonly string[] {
  const ours = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((entry) => !entry.internal && !entry.address.startsWith("fe80:"));
  const found = listen.flatMap((host) => {
    if (host !== "0.0.0.0" && host !== "::") return [host];
    const family = host === "::" ? "IPv6" : "IPv4";
    return ours
      .filter((entry) => entry.family === family)
      .map((entry) => entry.address)
      .slice(0, 1);
  });
  return found.length === 0 ? ["127.0.0.1"] : found;
}
