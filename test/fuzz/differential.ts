import type { AccessLine } from "../../src/proxy/access-line.ts";
import type { DataPlane } from "../../src/proxy/data-plane.ts";
import { badHead } from "./bad-head.ts";
import { converse, type Heard } from "./converse.ts";
import { Dice } from "./dice.ts";
import type { Findings } from "./fuzz.ts";
import { type Conversation, makeConversation } from "./make-requests.ts";
import { openFuzzedEdge } from "./fuzzed-edge.ts";
import { type Nginx, openNginx } from "./nginx.ts";
import { type Message, readRequests, readResponses, valuesOf } from "./read-messages.ts";
import { openRecordingEndpoint, type RecordingEndpoint, type Taken } from "./recording-endpoint.ts";
import { WHY_STRICTER } from "./stricter.ts";

/** What one conversation brought to light. */
export interface Outcome {
  /** Each is a bug: of the edge, or of this fuzzer. */
  readonly bugs: readonly string[];
  /** The edge refused what nginx passed on: the edge's words. */
  readonly stricter: string | undefined;
  /** The edge passed on what nginx refused: nginx's status. */
  readonly laxer: string | undefined;
  readonly forwarded: number;
}

/** The edge and nginx, each before an endpoint of its own that keeps what it gets. */
export class Differential implements AsyncDisposable {
  readonly #edge: DataPlane;
  readonly #port: number;
  readonly #lines: AccessLine[];
  readonly #behindEdge: RecordingEndpoint;
  readonly #nginx: Nginx | undefined;
  readonly #behindNginx: RecordingEndpoint;

  private constructor(parts: {
    edge: DataPlane;
    lines: AccessLine[];
    behindEdge: RecordingEndpoint;
    nginx: Nginx | undefined;
    behindNginx: RecordingEndpoint;
  }) {
    this.#edge = parts.edge;
    this.#port = parts.edge.addresses().http[0]?.port ?? 0;
    this.#lines = parts.lines;
    this.#behindEdge = parts.behindEdge;
    this.#nginx = parts.nginx;
    this.#behindNginx = parts.behindNginx;
  }

  /** Starts all four; without `nginx` only the edge is judged, by the strict reading. */
  static async open(options: { readonly nginx: boolean }): Promise<Differential> {
    const [behindEdge, behindNginx] = [await openRecordingEndpoint(), await openRecordingEndpoint()];
    const lines: AccessLine[] = [];
    const edge = await openFuzzedEdge(behindEdge.port, lines);
    const nginx = options.nginx ? await openNginx(behindNginx.port) : undefined;
    return new Differential({ edge, lines, behindEdge, nginx, behindNginx });
  }

  /** Has the conversation that a seed makes, in the form a fuzz run counts. */
  async findings(seed: number): Promise<Findings> {
    const { bugs, stricter, laxer, forwarded } = await this.judge(makeConversation(new Dice(seed)));
    return { bugs, stricter: listed(stricter), laxer: listed(laxer), forwarded: forwarded > 0 ? ["some"] : [] };
  }

  /** Has one conversation with both. */
  async judge(pieces: Conversation): Promise<Outcome> {
    const [ours, theirs] = await Promise.all([
      converse(this.#port, pieces),
      this.#nginx === undefined ? undefined : converse(this.#nginx.port, pieces),
    ]);
    // What an endpoint got of a request that was cut off may still be on its way to this process.
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
    const said = readRequests(pieces.join("")).messages;
    const edge: Side = { heard: ours, taken: this.#behindEdge.take(), said };
    const lines = this.#lines.splice(0);
    const bugs = judgeEdge(edge, lines);
    if (theirs === undefined) return { bugs, stricter: undefined, laxer: undefined, forwarded: forwardedOf(lines) };
    const nginx: Side = { heard: theirs, taken: this.#behindNginx.take(), said };
    return { ...compare(edge, nginx, lines, bugs), forwarded: forwardedOf(lines) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#edge[Symbol.asyncDispose]();
    await this.#nginx?.[Symbol.asyncDispose]();
    await this.#behindEdge[Symbol.asyncDispose]();
    await this.#behindNginx[Symbol.asyncDispose]();
  }
}

function listed(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [text];
}

interface Side {
  readonly heard: Heard;
  readonly taken: Taken;
  /** What a strict reader takes the client to have said. */
  readonly said: readonly Message[];
}

function forwardedOf(lines: readonly AccessLine[]): number {
  return lines.filter((line) => line.status === 200).length;
}

/** Holds the edge to its own word: endpoint, access log, client and strict reading must all tell the same story. */
function judgeEdge({ heard, taken, said }: Side, lines: readonly AccessLine[]): readonly string[] {
  const bugs = taken.problems.map((problem) => `the endpoint got what is no request: ${problem}`);
  if (heard.end === "timeout") bugs.push("the edge did not end the conversation");
  let next = 0;
  for (const [index, line] of lines.entries()) {
    const meant = said[index];
    const got = taken.requests[next];
    const complete = line.status === 200;
    if (complete && meant === undefined) bugs.push(`request ${index} was forwarded, and a strict reader sees none`);
    if (got !== undefined && isOf(got, line)) {
      next++;
      if (meant !== undefined && complete) bugs.push(...sameRequest(meant, got, index));
    } else if (complete) bugs.push(`request ${index} did not reach the endpoint as the edge logged it`);
  }
  const extra = taken.requests[next];
  if (extra !== undefined) bugs.push(`the endpoint got a request that the edge knows nothing of: ${extra.start}`);
  bugs.push(...taken.requests.flatMap(badHead), ...badAnswers(heard, taken, lines));
  return bugs;
}

function isOf(got: Message, line: AccessLine): boolean {
  const [method, target = ""] = got.start.split(" ");
  return method === line.method && target.split("?")[0] === line.path && got.body.length === line.requestBytes;
}

function sameRequest(meant: Message, got: Message, index: number): readonly string[] {
  const bugs: string[] = [];
  if (meant.start.split(" ")[0] !== got.start.split(" ")[0]) bugs.push(`request ${index} changed its method`);
  if (meant.body !== got.body) bugs.push(`request ${index} changed its body`);
  return bugs;
}

/** Every answer must be for the request in its place. */
function badAnswers(heard: Heard, taken: Taken, lines: readonly AccessLine[]): readonly string[] {
  const methods = lines.map((line) => line.method);
  const reading = readResponses(heard.text, methods, heard.end === "orderly");
  if (reading.problem !== undefined) return [`the client got what is no response: ${reading.problem}`];
  const bugs: string[] = [];
  const answers = reading.messages.filter(({ start }) => !/ 1\d\d/.test(start.slice(8)));
  if (answers.length > lines.length) bugs.push("the client got more answers than there were requests");
  for (const [index, answer] of answers.entries()) {
    const line = lines[index];
    const status = Number(answer.start.split(" ")[1]);
    if (line !== undefined && line.status !== 0 && line.status !== status) bugs.push(`answer ${index} has ${status}`);
    const sequence = Number(valuesOf(answer.headers, "x-sequence")[0] ?? "0");
    const request = taken.requests[sequence - 1];
    if (sequence > 0 && (request === undefined || line === undefined || !isOf(request, line))) {
      bugs.push(`answer ${index} is for another request`);
    }
  }
  return bugs;
}

/** Compares request by request until one of the two refuses. */
function compare(
  edge: Side,
  nginx: Side,
  lines: readonly AccessLine[],
  edgeBugs: readonly string[],
): Omit<Outcome, "forwarded"> {
  const bugs = [...edgeBugs];
  const ours = verdicts(edge);
  const theirs = verdicts(nginx);
  for (let index = 0; index < Math.max(ours.length, theirs.length); index++) {
    const [mine, other] = [ours[index], theirs[index]];
    if (mine?.request !== undefined && other?.request !== undefined) {
      const same = sameRequest(other.request, mine.request, index);
      bugs.push(...same.map((bug) => `against nginx: ${bug}`));
      if (same.length > 0) break;
      continue;
    }
    if (mine?.request !== undefined) {
      return { bugs, stricter: undefined, laxer: whyLaxer(mine.request, other?.status) };
    }
    if (other?.request === undefined) break;
    const reason = lines[index]?.reason ?? closingOf(edge, index) ?? `status ${mine?.status}`;
    if (!WHY_STRICTER.some(({ says }) => says.test(reason))) {
      bugs.push(`refused without a known reason what nginx passes on: ${reason}`);
    }
    return { bugs, stricter: reason, laxer: undefined };
  }
  return { bugs, stricter: undefined, laxer: undefined };
}

/** Names what nginx did not like, as far as the request as it was forwarded shows it. */
function whyLaxer({ start, headers }: Message, status: string | undefined): string {
  if (status === undefined) return "nginx closed without an answer";
  const [method = ""] = start.split(" ");
  const cause = /^[A-Z_-]+$/.test(method) ? (valuesOf(headers, "host")[0] ?? "").slice(0, 30) : "an unusual method";
  return `nginx answered ${status}: ${cause}`;
}

/** Says why there is no answer: the one before was announced to be the last, or the bytes began as HTTP/2 does. */
function closingOf({ heard, said }: Side, index: number): string | undefined {
  if (index === 0 && said[0]?.start.startsWith("PRI ") === true) return "taken for the preface of HTTP/2";
  const answers = heard.text.split(/(?=HTTP\/1\.1 )/);
  const last = answers[index - 1] ?? "";
  return /\r\nConnection: close\r\n/.test(last) ? "closed after an answer with Connection: close" : undefined;
}

interface Verdict {
  readonly status: string;
  /** As the endpoint got it, when it was forwarded. */
  readonly request: Message | undefined;
}

function verdicts({ heard, taken, said }: Side): readonly Verdict[] {
  const methods = said.map(({ start }) => start.split(" ")[0] ?? "");
  const { messages } = readResponses(heard.text, methods, true);
  return messages
    .filter(({ start }) => !/ 1\d\d/.test(start.slice(8)))
    .map((answer) => {
      const sequence = Number(valuesOf(answer.headers, "x-sequence")[0] ?? "0");
      return { status: answer.start.split(" ")[1] ?? "", request: taken.requests[sequence - 1] };
    });
}
