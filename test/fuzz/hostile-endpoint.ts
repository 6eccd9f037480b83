import { createServer, type AddressInfo, type Socket } from "node:net";
import type { AccessLine } from "../../src/proxy/access-line.ts";
import type { DataPlane } from "../../src/proxy/data-plane.ts";
import { converse } from "./converse.ts";
import { Dice } from "./dice.ts";
import type { Findings } from "./fuzz.ts";
import { openFuzzedEdge } from "./fuzzed-edge.ts";
import { type HostileAnswer, makeAnswer, SMUGGLED_MARK } from "./make-responses.ts";
import { readRequests, readResponses } from "./read-messages.ts";

/** An endpoint that says less than it announced is given up after this. */
const READ_TIMEOUT_MS = 20;

/** The edge between a plain client and an endpoint that answers what it likes. */
export class HostileEndpoint implements AsyncDisposable {
  readonly #edge: DataPlane;
  readonly #lines: AccessLine[];
  readonly #close: () => Promise<void>;
  #answer: () => HostileAnswer = () => ({ pieces: [], closes: "end" });

  private constructor(edge: DataPlane, lines: AccessLine[], close: () => Promise<void>) {
    this.#edge = edge;
    this.#lines = lines;
    this.#close = close;
  }

  /** Starts both on loopback. */
  static async open(): Promise<HostileEndpoint> {
    const sockets = new Set<Socket>();
    const lines: AccessLine[] = [];
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
      let text = "";
      socket.on("data", (bytes) => {
        text += bytes.toString("latin1");
        const reading = readRequests(text);
        text = reading.rest;
        for (const _ of reading.messages) say(socket, self.#answer());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const edge = await openFuzzedEdge((server.address() as AddressInfo).port, lines, READ_TIMEOUT_MS);
    const self = new HostileEndpoint(edge, lines, async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return self;
  }

  /** Asks three times on one connection, is answered as `seed` says, and returns what is wrong with what the client heard. */
  async findings(seed: number): Promise<Findings> {
    const dice = new Dice(seed);
    this.#answer = () => makeAnswer(dice);
    const methods = [dice.pick(["GET", "HEAD", "POST"]), dice.pick(["GET", "HEAD"]), "GET"];
    const port = this.#edge.addresses().http[0]?.port ?? 0;
    const heard = await converse(port, [methods.map(ask).join("")]);
    const lines = this.#lines.splice(0);
    const reading = readResponses(heard.text, methods, heard.end === "orderly");
    const bugs: string[] = [];
    if (reading.problem !== undefined) bugs.push(`the client got what is no response: ${reading.problem}`);
    if (heard.end === "timeout") bugs.push("the edge did not end the conversation");
    const answers = reading.messages.filter(({ start }) => !/ 1\d\d/.test(start.slice(8)));
    if (answers.length > lines.length) bugs.push("the client got more answers than it asked for");
    for (const { start, headers, framing } of reading.messages) {
      if (headers.some(([name]) => name === "x-smuggled")) bugs.push(`a hidden response was heard: ${SMUGGLED_MARK}`);
      if (/ 101/.test(start)) bugs.push("the endpoint switched protocols unasked");
      if (framing === "until-close") bugs.push("a body has no end but the connection's");
    }
    for (const [index, answer] of answers.entries()) {
      const status = Number(answer.start.split(" ")[1]);
      if (lines[index]?.status !== status) bugs.push(`answer ${index} is ${status}, logged ${lines[index]?.status}`);
    }
    return { bugs, forwarded: answers.some(({ start }) => start.includes(" 200")) ? ["some"] : [] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#edge[Symbol.asyncDispose]();
    await this.#close();
  }
}

function ask(method: string): string {
  return `${method} / HTTP/1.1\r\nHost: shop.example\r\n\r\n`;
}

function say(socket: Socket, { pieces, closes }: HostileAnswer): void {
  const next = (index: number): void => {
    const piece = pieces[index];
    if (socket.destroyed) return;
    if (piece !== undefined) {
      socket.write(piece, "latin1");
      setImmediate(next, index + 1);
    } else if (closes === "end") socket.end();
    else if (closes === "reset") socket.resetAndDestroy();
  };
  next(0);
}
