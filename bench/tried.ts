/**
 * What was tried on the rows that cost more than nginx, by workload, for the results to say. Words only: the figures are what
 * a run measures.
 */
export const TRIED: Readonly<Record<string, string>> = {
  http1:
    "Tried: reads through a callback of our own instead of Node's (no difference). Most of it is the kernel's work for the " +
    "write; what is left is the price of entering and leaving JavaScript for each read.",
  https1:
    "Tried: the same as without TLS. Head and small body already leave as one record and one write, and AES-128-GCM is agreed " +
    "on before AES-256. What is left is in how Node carries TLS: each read and write passes two memory queues beside OpenSSL, " +
    "and each write is completed by a callback in the next turn of the event loop. Completing them without one would need to " +
    "foresee when Node is ready for the next write, and being wrong there ends the process.",
  "tls-new":
    "Tried: peeking at the ClientHello once and handing the connection to a TLS server that is there already (in use), " +
    "AES-128-GCM with SHA-256 instead of AES-256 with SHA-384 (in use), addresses not asked for (in use), fewer threads for " +
    "V8, other settings of malloc (no difference). Node makes two sockets with four stream states for a connection, and issues " +
    "two tickets without a way to ask for one.",
  "tls-resume":
    "Tried: the same as for new sessions. A resumed session saves the signature alone, so the two sockets of Node weigh more.",
  websocket:
    "Tried: reads through a callback of our own instead of Node's (no difference), fewer threads for V8, no context frames for " +
    "asynchronous calls, other settings of malloc (none beyond the noise of a run). Each message is one read and one write, as with nginx; what is left is how " +
    "Node carries TLS: two memory queues beside OpenSSL, and a callback for each completed write.",
};
