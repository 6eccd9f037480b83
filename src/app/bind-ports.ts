import { isLintelError } from "../ground/errors.ts";
import { numberAt, isRecord } from "../ground/json.ts";
import { bindPort, type BoundPort } from "../supervisor/bound-port.ts";
import { readFileIfAny, writeFileAtomically } from "./state-folder.ts";

/** Every port an instance may have. */
const PORT_NAMES = ["http", "https", "api", "acme", "admin", "example-a", "example-b"] as const;
/** One of {@link PORT_NAMES}. */
export type PortName = (typeof PORT_NAMES)[number];

/** What the user wants of one port. */
export type PortWish =
  /** This one or an error; 0: the one of the last run or any free one. */
  | { readonly kind: "exact"; readonly port: number }
  /** The first of these that can be had, else any free one; whoever starts Lintel is told why. */
  | { readonly kind: "preferred"; readonly ports: readonly number[] };

/** A port to bind, on one number for all its addresses. */
export interface PortPlan {
  readonly name: PortName;
  /** IP literals, all on one port number. */
  readonly addresses: readonly string[];
  /** Addresses that are left out when this machine does not have them. */
  readonly optionalAddresses: readonly string[];
  readonly wish: PortWish;
}

/** What {@link bindPorts} got. */
export interface BoundPorts {
  readonly ports: ReadonlyMap<PortName, readonly BoundPort[]>;
  /** One sentence for each port that is not the preferred one. */
  readonly notes: readonly string[];
}

/**
 * Binds every planned port, or none: throws CannotBind naming the first that failed. The numbers are remembered in the
 * file `memory`, so that an instance with free ports keeps its addresses across restarts.
 */
export function bindPorts(plans: readonly PortPlan[], memory: string): BoundPorts {
  const remembered = readMemory(memory);
  const ports = new Map<PortName, readonly BoundPort[]>();
  const notes: string[] = [];
  try {
    for (const plan of plans) {
      const bound = bindOne(plan, remembered.get(plan.name), notes);
      ports.set(plan.name, bound);
    }
  } catch (error) {
    for (const bound of ports.values()) for (const port of bound) port.close();
    throw error;
  }
  const numbers = [...ports].map(([name, bound]) => [name, bound[0]?.port ?? 0]);
  writeFileAtomically(memory, `${JSON.stringify(Object.fromEntries(numbers))}\n`, 0o600);
  return { ports, notes };
}

function bindOne(plan: PortPlan, remembered: number | undefined, notes: string[]): readonly BoundPort[] {
  const { wish } = plan;
  if (wish.kind === "exact" && wish.port !== 0) return bindAll(plan, wish.port);
  const preferred = wish.kind === "preferred" ? wish.ports : [];
  const reasons: string[] = [];
  for (const port of [...preferred, ...(remembered === undefined ? [] : [remembered])]) {
    try {
      const bound = bindAll(plan, port);
      const note = portNote(plan.name, port, reasons);
      if (note !== undefined) notes.push(note);
      return bound;
    } catch (error) {
      if (!isLintelError(error, "CannotBind")) throw error;
      if (preferred.includes(port)) reasons.push(error.message);
    }
  }
  const bound = bindAnywhere(plan);
  const note = portNote(plan.name, bound[0]?.port ?? 0, reasons);
  if (note !== undefined) notes.push(note);
  return bound;
}

function portNote(name: PortName, port: number, reasons: readonly string[]): string | undefined {
  const [first] = reasons;
  return first === undefined ? undefined : `${first}: using port ${port} for ${name.toUpperCase()} instead`;
}

/** A free port of the first address may be taken on the second: a few attempts. */
function bindAnywhere(plan: PortPlan): readonly BoundPort[] {
  const ATTEMPTS_MAX = 10;
  for (let attempt = 1; ; attempt++) {
    try {
      return bindAll(plan, 0);
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || plan.addresses.length === 1) throw error;
    }
  }
}

function bindAll(plan: PortPlan, port: number): readonly BoundPort[] {
  const bound: BoundPort[] = [];
  try {
    for (const host of plan.addresses) {
      try {
        bound.push(bindPort({ host, port: bound[0]?.port ?? port }));
      } catch (error) {
        if (!plan.optionalAddresses.includes(host) || bound.length === 0 || !isAddressMissing(error)) throw error;
      }
    }
    return bound;
  } catch (error) {
    for (const port of bound) port.close();
    throw error;
  }
}

function isAddressMissing(error: unknown): boolean {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT" || code === "EINVAL";
}

function readMemory(path: string): ReadonlyMap<PortName, number> {
  const result = new Map<PortName, number>();
  try {
    const value: unknown = JSON.parse(readFileIfAny(path) ?? "{}");
    for (const name of PORT_NAMES) {
      const port = isRecord(value) ? numberAt(value, name) : undefined;
      if (port !== undefined && port > 0) result.set(name, port);
    }
  } catch {
    // Only a preference: without it any free port does.
  }
  return result;
}
