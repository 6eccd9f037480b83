import { connect } from "node:net";
import type { Conversation } from "./make-requests.ts";

/** What a client heard, and how it ended: `orderly` is the server's own close, `reset` anything else. */
export interface Heard {
  readonly text: string;
  readonly end: "orderly" | "reset" | "timeout";
}

/** How long a server may take to end a conversation whose client has said all. */
const PATIENCE_MS = 5000;

/** Writes the pieces one after the other on a connection of its own, closes its half, and hears the other out. */
export function converse(port: number, pieces: Conversation): Promise<Heard> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    let text = "";
    let end: Heard["end"] = "reset";
    socket.setTimeout(PATIENCE_MS, () => {
      end = "timeout";
      socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => (text += bytes.toString("latin1")));
    socket.on("end", () => (end = "orderly"));
    socket.on("close", () => resolve({ text, end }));
    socket.on("connect", () => {
      const say = (index: number): void => {
        const piece = pieces[index];
        if (socket.destroyed) return;
        if (piece === undefined) return void socket.end();
        socket.write(piece, "latin1");
        setImmediate(say, index + 1);
      };
      say(0);
    });
  });
}
