import { isRecord, stringAt } from "../ground/json.ts";
import { parseSummary, type InstanceSummary } from "./instance-summary.ts";

/** What control tells the person at the terminal, through the supervisor. */
export type Notice =
  /** One sentence without a full stop about something that happened. */
  | { readonly kind: "line"; readonly tone: Tone; readonly text: string }
  /** The start is over: this is what is served. */
  | { readonly kind: "summary"; readonly summary: InstanceSummary };

/** How a line is meant: something done, something to know, something to look at, something that failed. */
export type Tone = "done" | "note" | "warn" | "error";

const TONES: readonly Tone[] = ["done", "note", "warn", "error"];

/** Returns the notice, or undefined for anything else. */
export function parseNotice(value: unknown): Notice | undefined {
  switch (stringAt(value, "kind")) {
    case "line":
      return {
        kind: "line",
        tone: TONES.find((tone) => tone === stringAt(value, "tone")) ?? "note",
        text: stringAt(value, "text") ?? "",
      };
    case "summary":
      return { kind: "summary", summary: parseSummary(isRecord(value) ? value["summary"] : undefined) };
    case undefined:
    default:
      return undefined;
  }
}
