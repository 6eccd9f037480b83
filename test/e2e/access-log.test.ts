// The access log of the real program: several workers write one file, which another program renames meanwhile.
import assert from "node:assert/strict";
import { readFileSync, renameSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { isRecord } from "../../src/ground/json.ts";
import { eventually } from "./eventually.ts";
import { httpsGet } from "./https-get.ts";
import { stateFolder } from "./instance.ts";
import { startSites } from "./site.ts";

const ROTATIONS = 5;
const REQUESTS = 60;
const WORKERS = 3;

test(`no line is lost or torn when ${WORKERS} workers write and the file is renamed ${ROTATIONS} times`, async (t) => {
  const server = createServer((_request, response) => response.end("ok"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const file = join(stateFolder(t), "access.log");
  const site = { name: "logged", port: (server.address() as AddressInfo).port };
  const options = ["--access-log", file, "--workers", String(WORKERS)];
  const instance = await startSites(t, [site], options);
  const files = Array.from({ length: ROTATIONS }, (_, index) => `${file}.old-${index + 1}`);
  const wanted: string[] = [];
  for (const [round, old] of [...files, undefined].entries()) {
    const paths = Array.from({ length: REQUESTS }, (_, index) => `/${round}/${index}`);
    wanted.push(...paths);
    const answers = await Promise.all(paths.map((path) => httpsGet(instance, "logged.localhost", path)));
    assert.ok(answers.every(({ status }) => status === 200));
    // As logrotate does, with nobody told.
    if (old === undefined) continue;
    await eventually("the file is there", () => linesOf(file).length > 0 || undefined);
    renameSync(file, old);
  }
  // When a worker notices a rename is its own affair; that it does is not.
  let more = 0;
  await eventually("the newest file is written to", async () => {
    const path = `/after/${more++}`;
    wanted.push(path);
    await httpsGet(instance, "logged.localhost", path);
    return linesOf(file).length > 0 || undefined;
  });
  const found = await eventually("every line is in one of the files", () => {
    const paths = [...files, file].flatMap(linesOf).map(pathOf).filter(isOurs);
    return paths.length >= wanted.length ? paths : undefined;
  });
  assert.deepEqual(found.toSorted(), wanted.toSorted());
});

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n").slice(0, -1);
  } catch {
    // It is not there yet, or no more.
    return [];
  }
}

/** The validation of the certificate's name is a request as well. */
function isOurs(path: string): boolean {
  return !path.startsWith("/.well-known/");
}

/** Throws when the line is no JSON: another worker's would be in the middle of it. */
function pathOf(line: string): string {
  const value: unknown = JSON.parse(line);
  return isRecord(value) ? String(value["path"]) : "";
}
