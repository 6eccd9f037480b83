import type { ProgressEvent } from "../control/progress.ts";
import type { Tone } from "./notice.ts";

/** Returns how a step of a certificate is told to the person at the terminal. */
export function progressLine(event: ProgressEvent): readonly [Tone, string] {
  const { namespace, certificate, message } = event;
  return [toneOf(event), certificate === "" ? message : `${namespace}/${certificate}: ${message}`];
}

function toneOf(event: ProgressEvent): Tone {
  switch (event.step) {
    case "certificate-ready":
      return "done";
    case "certificate-failed":
      return "error";
    case "certificate-ordered":
    case "challenge-presented":
    case "challenge-answered":
      return "note";
    default:
      return event.step satisfies never;
  }
}
