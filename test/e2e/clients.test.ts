/** Clients that many programs are made with, on the API of the real program. */
import assert from "node:assert/strict";
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { arrayAt, recordAt, stringAt } from "../../src/ground/json.ts";
import { skipWithout } from "../../src/ground/testing.ts";
import { eventually } from "./eventually.ts";
import { Instance } from "./instance.ts";

const CACHE = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
const INFORMERS = join(CACHE, "lintel-tests/client-go-0.34.0/informers");
const LABELS = { test: "informers" };
const ROUNDS = 2;
/** Reflectors wait half a minute between attempts once some have failed. */
const HELD_MS_MAX = 180_000;

/** Names and versions of what a cache holds. */
type Held = Readonly<Record<string, string>>;

test("informers of client-go know every change though control is killed over and over", { skip: skip() }, async (t) => {
  const instance = await Instance.start(t, { arguments: ["--offline"] }).ready();
  await instance.kubectl("create", "configmap", "kept");
  await instance.kubectl("create", "configmap", "leaves");
  await instance.kubectl("label", "configmap", "kept", "leaves", "test=informers");
  const informers = await Informers.start(t, instance.kubeconfig);
  await informers.hold(await listed(instance));
  for (let round = 0; round < ROUNDS; round++) {
    await killControl(instance);
    // Whatever is the first to go through is written before the informers are back.
    const name = `new-${String(round)}`;
    await eventually("kubectl works again", () => instance.kubectl("create", "configmap", name));
    await instance.kubectl("label", "configmap", name, "test=informers");
    await instance.kubectl("annotate", "configmap", "kept", "--overwrite", `round=${String(round)}`);
    await instance.kubectl("delete", "configmap", round === 0 ? "leaves" : `new-${String(round - 1)}`);
    const now = await listed(instance);
    assert.deepEqual(Object.keys(now).toSorted(), ["kept", name]);
    await informers.hold(now);
  }
});

function skip(): string | false {
  if (!existsSync(INFORMERS)) return 'run ".ci/build-client-go" with Go installed to run this';
  return skipWithout("kubectl");
}

/** The program that keeps the caches. */
class Informers {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Starts it; resolves when all caches are filled. */
  static async start(t: TestContext, kubeconfig: string): Promise<Informers> {
    const child = spawn(INFORMERS, [kubeconfig]);
    child.stderr.resume();
    t.after(() => child.kill("SIGKILL"));
    const started = new Informers(child);
    assert.equal(await started.#line(), "synced");
    return started;
  }

  /** Resolves when all caches hold exactly `wanted`. */
  async hold(wanted: Held): Promise<void> {
    let last = "";
    await eventually(
      "all caches hold what there is",
      async () => {
        this.#child.stdin.write("\n");
        last = await this.#line();
        const caches: unknown = JSON.parse(last);
        const kinds = ["typed", "unstructured", "metadata"];
        return kinds.every((kind) => isSame(recordAt(caches, kind), wanted)) || undefined;
      },
      HELD_MS_MAX,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\nwanted ${JSON.stringify(wanted)}\nheld ${last}`, { cause: error });
    });
  }

  async #line(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done === true) throw new Error("The informers have ended");
    return next.value;
  }
}

function isSame(held: Readonly<Record<string, unknown>>, wanted: Held): boolean {
  const names = Object.keys(wanted);
  return Object.keys(held).length === names.length && names.every((name) => held[name] === wanted[name]);
}

async function listed(instance: Instance): Promise<Held> {
  const selector = Object.entries(LABELS).map(([name, value]) => `${name}=${value}`);
  const text = await instance.kubectl("get", "configmaps", "-l", selector.join(), "-o", "json");
  const list: unknown = JSON.parse(text);
  return Object.fromEntries(
    arrayAt(list, "items").map((item) => {
      const metadata = recordAt(item, "metadata");
      return [stringAt(metadata, "name") ?? "", stringAt(metadata, "resourceVersion") ?? ""];
    }),
  );
}

async function killControl(instance: Instance): Promise<void> {
  const control = (await instance.processes()).find(({ name }) => name === "control");
  assert.ok(control !== undefined);
  process.kill(control.pid, "SIGKILL");
}
