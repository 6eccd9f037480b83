// The slow backend, in Node: reads uploads and echoes WebSocket messages. Not measured; it runs on the load's core.
import { createHash } from "node:crypto";
import { createServer } from "node:http";

const server = createServer((request, response) => {
  let bytes = 0;
  request.on("data", (chunk: Buffer) => (bytes += chunk.length));
  request.on("end", () => response.end(String(bytes)));
});
server.on("upgrade", (request, socket) => {
  const key = request.headers["sec-websocket-key"] ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  socket.write(`${[...head, `Sec-WebSocket-Accept: ${accept}`].join("\r\n")}\r\n\r\n`);
  let pending: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const answers: Buffer[] = [];
    // Only what the load generator sends: masked frames of fewer than 126 bytes.
    while (pending.length >= 6 && pending.length >= 6 + ((pending[1] ?? 0) & 0x7f)) {
      const length = (pending[1] ?? 0) & 0x7f;
      const answer = Buffer.alloc(2 + length);
      answer[0] = pending[0] ?? 0;
      answer[1] = length;
      for (let index = 0; index < length; index++) {
        answer[2 + index] = (pending[6 + index] ?? 0) ^ (pending[2 + (index & 3)] ?? 0);
      }
      answers.push(answer);
      pending = pending.subarray(6 + length);
    }
    if (answers.length > 0) socket.write(Buffer.concat(answers));
  });
  socket.on("error", () => socket.destroy());
});
server.listen(Number(process.argv[2]), "127.0.0.1");
