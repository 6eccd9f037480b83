import { mkdtempSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { lintelAt, type Proxy } from "./contenders.ts";
import type { Fixture } from "./fixture.ts";

/** Functions named in the summary of a profile. */
const FUNCTIONS_MAX = 12;

/** Where the worker's time went in a run: functions by their own time, as V8's profiler sees them. */
export interface ProfileSummary {
  /** Of the time the worker was not idle; the biggest first. */
  readonly functions: readonly { readonly name: string; readonly share: number }[];
  /** The share of time in JavaScript of Lintel, of Node, and in native code and the kernel below them. */
  readonly shares: { readonly lintel: number; readonly node: number; readonly native: number };
}

/**
 * Runs `load` against a Lintel of its own whose worker is profiled, and sums up what the profiler saw during it. Not for
 * measuring: a profiled program is slower. The worker writes its profile when it ends.
 */
export async function profileOf(
  fixture: Fixture,
  routes: number,
  ready: (proxy: Proxy) => Promise<void>,
  load: (proxy: Proxy) => Promise<void>,
): Promise<ProfileSummary> {
  const folder = mkdtempSync(join(fixture.folder, "profile-"));
  const flags = `--cpu-prof --cpu-prof-dir=${folder} --cpu-prof-interval=500`;
  const proxy = await lintelAt("lintel-profiled", ".", { NODE_OPTIONS: flags }).open(fixture, routes);
  let beganUs = 0;
  let endedUs = 0;
  try {
    await ready(proxy);
    beganUs = nowUs();
    await load(proxy);
    endedUs = nowUs();
  } finally {
    await proxy.running.stop();
  }
  return summarize(busiest(folder, beganUs, endedUs), beganUs, endedUs);
}

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  /** Microseconds of the monotonic clock. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Returns the profile of the process that had most to do: each process of the program writes one. */
function busiest(folder: string, beganUs: number, endedUs: number): Profile {
  const profiles = readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).size > 0)
    .map((file) => parseProfile(readFileSync(file, "utf8")));
  const busyUs = (profile: Profile): number =>
    [...ownTimes(profile, beganUs, endedUs).values()].reduce((sum, us) => sum + us, 0);
  const [first] = profiles.toSorted((left, right) => busyUs(right) - busyUs(left));
  if (first === undefined) throw new Error(`No process left a profile in ${folder}`);
  return first;
}

function parseProfile(text: string): Profile {
  const value: unknown = JSON.parse(text);
  if (!isProfile(value)) throw new Error("A profile is not of the kind this Node writes");
  return value;
}

function isProfile(value: unknown): value is Profile {
  if (typeof value !== "object" || value === null) return false;
  const lists = ["nodes", "samples", "timeDeltas"].map((name): unknown => Reflect.get(value, name));
  return lists.every(Array.isArray) && typeof Reflect.get(value, "startTime") === "number";
}

function summarize(profile: Profile, beganUs: number, endedUs: number): ProfileSummary {
  const times = [...ownTimes(profile, beganUs, endedUs)].toSorted(([, left], [, right]) => right - left);
  const totalUs = times.reduce((sum, [, us]) => sum + us, 0);
  if (totalUs === 0) throw new Error("The profiler saw nothing of the load");
  const shareOf = (owner: RegExp): number =>
    times.filter(([name]) => owner.test(name)).reduce((sum, [, us]) => sum + us, 0) / totalUs;
  const [lintel, node] = [shareOf(/\.ts\)$/), shareOf(/\(node:.*\)$/)];
  return {
    functions: times.slice(0, FUNCTIONS_MAX).map(([name, us]) => ({ name, share: us / totalUs })),
    shares: { lintel, node, native: 1 - lintel - node },
  };
}

/** Microseconds by function between the two moments, the idle ones left out. */
function ownTimes(profile: Profile, beganUs: number, endedUs: number): ReadonlyMap<string, number> {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  let atUs = profile.startTime;
  for (const [index, id] of profile.samples.entries()) {
    const us = profile.timeDeltas[index] ?? 0;
    atUs += us;
    const name = names.get(id) ?? "";
    if (name === "(idle)" || atUs < beganUs || atUs > endedUs) continue;
    times.set(name, (times.get(name) ?? 0) + us);
  }
  return times;
}

function nameOf({ functionName, url }: Profile["nodes"][number]["callFrame"]): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  if (url === "") return name;
  return `${name} (${url.startsWith("node:") ? url : basename(url)})`;
}

function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
