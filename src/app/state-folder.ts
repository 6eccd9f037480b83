import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createPrivateKey, generateKeyPairSync, randomBytes, type KeyObject } from "node:crypto";
import { dirname, join } from "node:path";
import { LintelError } from "../ground/errors.ts";

/** The files of one instance; everything it must not lose is below `directory`. */
export interface StateFolder {
  readonly directory: string;
  /** What belongs to the running processes: sockets, the kept snapshot. Their working directory, so socket paths stay short. */
  readonly run: string;
  readonly database: string;
  readonly localCa: string;
  readonly acme: string;
  readonly kubeconfig: string;
  readonly caCertificate: string;
  readonly log: string;
  /** What `lintel status` needs to find the instance. */
  readonly instance: string;
  readonly token: string;
  /** The authority of client certificates, and the key that signs tokens of ServiceAccounts. */
  readonly clientAuthority: string;
  readonly serviceAccountKey: string;
  /** Which objects came from files, so that they go when the files do. */
  readonly applied: string;
  /** The ports of the last run, tried first where any port will do. */
  readonly ports: string;
  /** The example's manifests, with the ports of this run. */
  readonly example: string;
}

/** The socket between control and workers, relative to the working directory they share. */
export const FEED_SOCKET = "edge.sock";
/** The kept snapshot, in the same place. */
export const SNAPSHOT_FILE = "snapshot.json";

/** Returns the paths below `directory` without touching them. */
export function stateFolderAt(directory: string): StateFolder {
  return {
    directory,
    run: join(directory, "run"),
    database: join(directory, "objects.sqlite"),
    localCa: join(directory, "local-ca"),
    acme: join(directory, "acme"),
    kubeconfig: join(directory, "kubeconfig"),
    caCertificate: join(directory, "ca.crt"),
    log: join(directory, "lintel.log"),
    instance: join(directory, "run", "instance.json"),
    token: join(directory, "token"),
    clientAuthority: join(directory, "client-authority.pem"),
    serviceAccountKey: join(directory, "service-account.key"),
    applied: join(directory, "applied.json"),
    ports: join(directory, "run", "ports.json"),
    example: join(directory, "example"),
  };
}

/** Makes the folder (mode 0700: it holds private keys). Throws StateUnreadable when that is impossible. */
export function createStateFolder(directory: string): StateFolder {
  const folder = stateFolderAt(directory);
  try {
    makeFolder(folder.run);
    chmodSync(directory, 0o700);
  } catch (error) {
    const sentence = sentenceOf(error);
    throw new LintelError(
      `Cannot write to state folder "${directory}"${sentence === undefined ? "" : `: ${sentence}`}`,
      {
        code: "StateUnreadable",
        fault: "user",
        hint: "Choose a folder you may write to with --state",
        ...(sentence === undefined ? { cause: error } : {}),
      },
    );
  }
  return folder;
}

/** What the system's short words mean for a folder; undefined for others, which then speak for themselves. */
function sentenceOf(error: unknown): string | undefined {
  switch (error instanceof Error && "code" in error ? error.code : undefined) {
    case "EROFS":
      return "its file system is read-only";
    case "EACCES":
    case "EPERM":
      return "you may not write there";
    // Of making a folder whose parent is there: some file systems of the kernel take none.
    case "ENOENT":
      return "nothing can be made there";
    case "ENOTDIR":
    case "EEXIST":
      return "a file is in the way";
    case "ENOSPC":
      return "the disk is full";
    default:
      return undefined;
  }
}

/**
 * Makes a folder (mode 0700) and those above it that are missing; throws what the system said. One step at a time: Node's own
 * recursive way never ends where a parent exists and yet takes no folders, as in `/proc`.
 */
export function makeFolder(directory: string): void {
  if (existsSync(directory)) return;
  const parent = dirname(directory);
  if (parent !== directory) makeFolder(parent);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    // Somebody else made it meanwhile.
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/** Replaces the file in one step, so that no reader and no crash sees half of it. */
export function writeFileAtomically(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode });
  chmodSync(`${path}.new`, mode);
  renameSync(`${path}.new`, path);
}

/** Returns the text of the file, or undefined when there is none. */
export function readFileIfAny(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new LintelError(`Cannot read "${path}"`, { code: "StateUnreadable", fault: "user", cause: error });
  }
}

/** Returns the bearer token of the API, made on the first start and kept: an exported kubeconfig stays good. */
export function ensureToken(folder: StateFolder): string {
  const before = readFileIfAny(folder.token)?.trim();
  if (before !== undefined && before !== "") return before;
  const token = randomBytes(32).toString("base64url");
  writeFileAtomically(folder.token, `${token}\n`, 0o600);
  return token;
}

/** Returns the key that signs tokens of ServiceAccounts, made on the first start and kept: tokens outlive a restart. */
export function ensureServiceAccountKey(folder: StateFolder): KeyObject {
  const before = readFileIfAny(folder.serviceAccountKey);
  if (before !== undefined) return createPrivateKey(before);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileAtomically(folder.serviceAccountKey, privateKey.export({ type: "pkcs8", format: "pem" }), 0o600);
  return privateKey;
}
