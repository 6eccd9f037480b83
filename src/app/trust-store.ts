import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/** Where Debian and its relatives keep authorities of one's own, and what makes programs see them. */
const SYSTEM: TrustStore = { folder: "/usr/local/share/ca-certificates", refresh: "update-ca-certificates" };
const FILE = "lintel-local-ca.crt";

/** The authorities that programs of this machine trust. */
export interface TrustStore {
  readonly folder: string;
  /** Run without arguments after a change. */
  readonly refresh: string;
}

/** Returns what a person without the right to do it themselves has to run, for `act`. */
export function trustCommand(act: "trust" | "untrust", certificatePath: string): string {
  const target = join(SYSTEM.folder, FILE);
  return act === "trust"
    ? `sudo cp "${certificatePath}" ${target} && sudo ${SYSTEM.refresh}`
    : `sudo rm -f ${target} && sudo ${SYSTEM.refresh}`;
}

/** Puts an authority into the trust store. Returns the file. */
export async function trustAuthority(pem: string, store: TrustStore = SYSTEM): Promise<string> {
  const path = join(store.folder, FILE);
  writeFileSync(path, pem, { mode: 0o644 });
  await promisify(execFile)(store.refresh, []);
  return path;
}

/** Takes the authority out of the trust store; does nothing when it is not there. */
export async function untrustAuthority(store: TrustStore = SYSTEM): Promise<void> {
  rmSync(join(store.folder, FILE), { force: true });
  await promisify(execFile)(store.refresh, []);
}
