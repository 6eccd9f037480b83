// Loads that no packaged tool makes: TLS connections with and without resumption, WebSocket messages, idle connections.
// Prints "count seconds".
import { connect, type TLSSocket } from "node:tls";

// One key exchange for all: Debian's OpenSSL 3.0 does not know the post-quantum hybrid that newer ones prefer.
const [mode = "", port = "", amount = "", ecdhCurve = "X25519"] = process.argv.slice(2);
const exchange = { ecdhCurve, rejectUnauthorized: false } as const;
const target = { host: "127.0.0.1", port: Number(port), servername: "localhost", ...exchange } as const;
const REQUEST = "GET /1k HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

switch (mode) {
  case "handshake":
  case "resume":
    await report((endMs) => Promise.all(Array.from({ length: 8 }, () => connections(endMs, mode === "resume"))));
    break;
  case "websocket":
    await report((endMs) => Promise.all(Array.from({ length: 64 }, () => messages(endMs))));
    break;
  case "idle":
    await idle(Number(amount));
    break;
  default:
    throw new Error(`Unknown mode "${mode}"`);
}

async function report(work: (endMs: number) => Promise<readonly number[]>): Promise<void> {
  const startMs = performance.now();
  const counts = await work(startMs + Number(amount) * 1000);
  const seconds = (performance.now() - startMs) / 1000;
  process.stdout.write(`${counts.reduce((sum, count) => sum + count, 0)} ${seconds}\n`);
  process.exit(0);
}

async function connections(endMs: number, resume: boolean): Promise<number> {
  let count = 0;
  let session: Buffer | undefined;
  while (performance.now() < endMs) {
    const socket = connect({ ...target, ...(session === undefined ? {} : { session }) });
    if (resume) socket.on("session", (ticket: Buffer) => (session = ticket));
    await new Promise<void>((resolve, reject) => {
      let bytes = 0;
      socket.on("secureConnect", () => {
        if (resume && count > 1 && !socket.isSessionReused()) reject(new Error("The session was not resumed"));
        socket.write(REQUEST);
      });
      socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
      socket.on("error", reject);
      socket.on("close", () => (bytes > 1024 ? resolve() : reject(new Error(`The answer had ${bytes} bytes`))));
    });
    count += 1;
  }
  return count;
}

async function messages(endMs: number): Promise<number> {
  const socket = await open();
  const head = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
  socket.write(`${head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
  const frame = Buffer.concat([Buffer.from([0x82, 0x80 | 64, 1, 2, 3, 4]), Buffer.alloc(64, 7)]);
  let count = 0;
  let bytes = -1;
  await new Promise<void>((resolve, reject) => {
    socket.on("data", (chunk: Buffer) => {
      if (bytes < 0) {
        if (!chunk.toString("latin1").startsWith("HTTP/1.1 101")) reject(new Error(chunk.toString("latin1")));
        bytes = 0;
        socket.write(frame);
        return;
      }
      bytes += chunk.length;
      // One message is under way at a time: a frame of 64 bytes comes back with a head of two.
      if (bytes < 66) return;
      bytes -= 66;
      count += 1;
      if (performance.now() < endMs) socket.write(frame);
      else resolve();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("The WebSocket was closed")));
  });
  socket.removeAllListeners("close");
  socket.destroy();
  return count;
}

/** Opens that many idle connections, says so, and holds them until it is ended. */
async function idle(count: number): Promise<void> {
  const sockets: TLSSocket[] = [];
  for (let index = 0; index < count; index++) sockets.push(await open());
  process.stdout.write(`${sockets.length} 0\n`);
  setInterval(() => undefined, 60_000);
}

function open(): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(target, () => resolve(socket));
    socket.once("error", reject);
  });
}
