/** How long and from where. */
export interface FuzzOptions {
  /** Of the first case; each next one has the next. */
  readonly seed: number;
  /** On the scale of `performance.now()`. */
  readonly untilMs: number;
  readonly casesMax: number;
}

/** What one case brought to light: `bugs`, and by any other name what is only worth counting. */
export type Findings = Readonly<Record<string, readonly string[]>>;

/** What was found, by kind and text, each with the seeds that showed it. */
export interface FuzzReport {
  readonly cases: number;
  readonly found: ReadonlyMap<string, readonly number[]>;
}

/** Judges one made-up case after the other until the time or the number is up. */
export async function fuzz(judge: (seed: number) => Promise<Findings>, options: FuzzOptions): Promise<FuzzReport> {
  const found = new Map<string, number[]>();
  let cases = 0;
  while (cases < options.casesMax && performance.now() < options.untilMs) {
    const seed = options.seed + cases++;
    for (const [kind, texts] of Object.entries(await judge(seed))) {
      for (const text of texts) {
        const seeds = found.get(`${kind}: ${text}`) ?? [];
        seeds.push(seed);
        found.set(`${kind}: ${text}`, seeds);
      }
    }
  }
  return { cases, found };
}

/** Returns the findings that are bugs. */
export function bugsOf(report: FuzzReport): readonly string[] {
  return [...report.found]
    .filter(([text]) => text.startsWith("bugs: "))
    .map(([text, seeds]) => `${text} (seeds ${seeds.slice(0, 5).join(", ")})`);
}
