import assert from "node:assert/strict";
import { AcmeError } from "../acme/client/acme-error.ts";
import type { RenewalInfo } from "../acme/client/acme-client.ts";
import type { AcmeAuthorization, AcmeOrderResource, AcmeProblem } from "../acme/wire.ts";
import { LintelError } from "../ground/errors.ts";
import { ManualClock, MemoryLog, seededRandom, settle } from "../ground/testing.ts";
import { encodeKey, generateKey, parseKey } from "../pki/key.ts";
import { selfSign, signRequest, type SigningAuthority } from "../pki/sign.ts";
import { createRequest } from "../pki/x509/request.ts";
import { conditionsOf, type Condition } from "../resource/condition.ts";
import { apiVersionOf, CERTIFICATE, EVENT, NAMESPACE, SECRET, type Kind } from "../resource/kind.ts";
import type { KubeObject, ObjectMeta } from "../resource/object.ts";
import { applyDelta, diffSnapshots, isEmptyDelta } from "../routing/delta.ts";
import { EMPTY_SNAPSHOT, type Snapshot } from "../routing/snapshot.ts";
import type { Store } from "../store/contract.ts";
import { MemoryStore } from "../store/memory.ts";
import type { CertificateAlert } from "./alerts/reconcile.ts";
import type { AcmeCaller } from "./acme-accounts.ts";
import { ControlPlane, type ControlPlaneOptions } from "./control-plane.ts";
import type { Edge } from "./edge.ts";
import type { ProgressEvent } from "./progress.ts";
import type { SecretSources } from "./secret-cache.ts";

/** Rounds of waiting for other threads (keys, signatures) before a test is given up: a minute or more. */
const ROUNDS_MAX = 5_000_000;

/** An edge without workers. Does not imitate: workers that die, start or lag behind one another. */
export class FakeEdge implements Edge {
  snapshot: Snapshot = EMPTY_SNAPSHOT;
  /** While true, no worker acknowledges anything. */
  held = false;
  readonly #waiting = new Set<() => void>();

  publish(content: Omit<Snapshot, "generation">): number {
    const next = { ...content, generation: this.snapshot.generation + 1 };
    const delta = diffSnapshots(this.snapshot, next);
    if (this.snapshot.generation > 0 && isEmptyDelta(delta)) return this.snapshot.generation;
    this.snapshot = applyDelta(this.snapshot, delta) ?? next;
    return this.snapshot.generation;
  }

  /** How many wait for an acknowledgement. */
  get waiting(): number {
    return this.#waiting.size;
  }

  async served(_generation: number, options: { readonly signal: AbortSignal }): Promise<void> {
    if (!this.held) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.add(resolve);
      options.signal.addEventListener("abort", () => {
        this.#waiting.delete(resolve);
        reject(new Error("aborted"));
      });
    });
  }

  release(): void {
    this.held = false;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

interface FakeOrder {
  readonly url: string;
  status: string;
  readonly names: readonly { type: "dns" | "ip"; value: string }[];
  readonly authorizations: readonly string[];
  chain: string | undefined;
  error: AcmeProblem | undefined;
}

interface FakeAuthorization {
  readonly name: string;
  readonly token: string;
  status: string;
  error: AcmeProblem | undefined;
}

/**
 * A CA with the ACME client in front of it, without a network: it validates the moment it is told to, through `validate`.
 * Does not imitate: nonces, signatures of requests, accounts (every key has the same one), expiry, rate limits (unless
 * `refuse` plays them), wildcards, authorizations that are reused, or an order that is still processing after finalize.
 */
export class FakeCa {
  /** What was asked, in order, also what was refused: `newOrder shop.example`. */
  readonly calls: string[] = [];
  /** Returns why the CA can't verify a name, or undefined when it can. */
  validate: (name: string, token: string) => AcmeProblem | undefined = () => undefined;
  /** Called before each answer with what was asked; throws to refuse. */
  refuse: (call: string) => void = () => undefined;
  /** What it says about every certificate; undefined: it gives no renewal information. */
  renewalInfo: RenewalInfo | undefined;
  /** Whether accounts have a list of their orders. */
  listsOrders = false;
  /** How it calls itself in CAA records. */
  caaIdentities: readonly string[] = [];
  /** The one challenge it offers for a name. */
  challengeType: string = "http-01";
  /** How many certificates it signed. */
  issued = 0;
  /** How long certificates live. */
  lifetimeMs: number = 90 * 24 * 3_600_000;
  readonly #clock: ManualClock;
  readonly #authority: SigningAuthority;
  readonly #orders = new Map<string, FakeOrder>();
  readonly #authorizations = new Map<string, FakeAuthorization>();

  private constructor(clock: ManualClock, authority: SigningAuthority) {
    this.#clock = clock;
    this.#authority = authority;
  }

  static async open(clock: ManualClock): Promise<FakeCa> {
    return new FakeCa(clock, await makeAuthority(clock, "Fake CA"));
  }

  /** How often `act` was asked. */
  count(act: string): number {
    return this.calls.filter((call) => call.startsWith(act)).length;
  }

  /** What a control plane talks to. `alive` plays a process that is gone: nothing it asks arrives. */
  caller(alive: () => boolean = () => true): AcmeCaller {
    const asked = (call: string): void => {
      if (!alive()) throw new LintelError("Cannot reach the CA: the process is gone", { code: "Unreachable" });
      this.calls.push(call);
      this.refuse(call);
    };
    return {
      directory: async () => ({ ...DIRECTORY, caaIdentities: this.caaIdentities }),
      register: async ({ contact, onlyExisting = false, forgetContact = false }) => {
        asked(`register${onlyExisting ? " existing" : ""} ${contact.join(",")}${forgetContact ? " forget" : ""}`);
        return { accountUrl: "https://ca.example/account/1", status: "valid" };
      },
      newOrder: async ({ identifiers, replaces }) => {
        const instead = replaces === undefined ? "" : " replaces";
        asked(`newOrder ${identifiers.map(({ value }) => value).join(",")}${instead}`);
        return this.#newOrder(identifiers);
      },
      findOrder: async (identifiers) => {
        asked("findOrder");
        const wanted = JSON.stringify(identifiers);
        const open = [...this.#orders.values()].filter(({ status }) => status === "pending" || status === "ready");
        const found = this.listsOrders ? open.find(({ names }) => JSON.stringify(names) === wanted) : undefined;
        return found === undefined ? undefined : this.#order(found.url);
      },
      order: async (url) => {
        asked(`order ${url}`);
        return this.#order(url);
      },
      authorization: async (url) => {
        asked(`authorization ${url}`);
        return this.#authorization(url);
      },
      accept: async (url) => {
        asked(`accept ${url}`);
        this.#validate(url.replace("/challenge/", "/authorization/"));
      },
      finalize: async (url, csr) => {
        asked(`finalize ${url}`);
        return this.#finalize(url.replace("/finalize", ""), csr);
      },
      certificate: async (url) => {
        asked(`certificate ${url}`);
        return this.#orders.get(url.replace("/certificate", ""))?.chain ?? "";
      },
      renewalInfo: async () => {
        asked("renewalInfo");
        return this.renewalInfo;
      },
      thumbprint: () => "thumbprint",
      changeKey: async () => asked("changeKey"),
      deactivate: async () => asked("deactivate"),
      close: () => undefined,
    };
  }

  #newOrder(names: FakeOrder["names"]): AcmeOrderResource {
    const number = String(this.#orders.size + 1);
    const url = `https://ca.example/order/${number}`;
    const authorizations = names.map(({ value }, index) => {
      const address = `https://ca.example/authorization/${number}-${String(index)}`;
      const token = `token-${number}-${String(index)}`;
      this.#authorizations.set(address, { name: value, token, status: "pending", error: undefined });
      return address;
    });
    this.#orders.set(url, { url, status: "pending", names, authorizations, chain: undefined, error: undefined });
    return this.#order(url);
  }

  #order(url: string): AcmeOrderResource {
    const order = this.#orders.get(url);
    if (order === undefined) throw new AcmeError("read the order", problemOf("malformed", "no such order", 404));
    return {
      url,
      status: order.status,
      identifiers: order.names,
      finalize: `${url}/finalize`,
      authorizations: order.authorizations,
      ...(order.chain === undefined ? {} : { certificate: `${url}/certificate` }),
      ...(order.error === undefined ? {} : { error: order.error }),
    };
  }

  #authorization(url: string): AcmeAuthorization {
    const { name, token, status, error } = this.#authorizations.get(url)!;
    const challengeUrl = url.replace("/authorization/", "/challenge/");
    const challenge = {
      url: challengeUrl,
      type: this.challengeType,
      token,
      status,
      ...(error === undefined ? {} : { error }),
    };
    return { url, status, identifier: { type: "dns", value: name }, wildcard: false, challenges: [challenge] };
  }

  #validate(url: string): void {
    const authorization = this.#authorizations.get(url)!;
    assert.equal(authorization.status, "pending", "a challenge is accepted once");
    authorization.error = this.validate(authorization.name, authorization.token);
    authorization.status = authorization.error === undefined ? "valid" : "invalid";
    for (const order of this.#orders.values()) {
      if (!order.authorizations.includes(url)) continue;
      const states = order.authorizations.map((address) => this.#authorizations.get(address)!.status);
      if (states.includes("invalid")) order.status = "invalid";
      else if (states.every((state) => state === "valid")) order.status = "ready";
    }
  }

  async #finalize(url: string, csr: string): Promise<AcmeOrderResource> {
    const order = this.#orders.get(url)!;
    if (order.status !== "ready") {
      throw new AcmeError("finalize", problemOf("orderNotReady", `order is ${order.status}`, 403));
    }
    const { chain } = await signRequest({
      csr,
      authority: this.#authority,
      notBeforeMs: this.#clock.nowMs(),
      durationMs: this.lifetimeMs,
      isCa: false,
      usages: ["digital signature", "key encipherment", "server auth"],
    });
    this.issued += 1;
    order.chain = chain;
    order.status = "valid";
    return this.#order(url);
  }
}

const DIRECTORY = {
  newNonce: "https://ca.example/nonce",
  newAccount: "https://ca.example/account",
  newOrder: "https://ca.example/order",
  revokeCert: "https://ca.example/revoke",
  keyChange: "https://ca.example/key",
  renewalInfo: undefined,
  termsOfService: undefined,
  externalAccountRequired: false,
  profiles: [],
} as const;

/** A problem document of an ACME server. */
export function problemOf(type: string, detail: string, status = 0): AcmeProblem {
  return { type: `urn:ietf:params:acme:error:${type}`, detail, status };
}

/**
 * A store whose process dies: after `writesLeft` more writes nothing arrives any more. Events don't count, since they are
 * written beside everything else. Does not imitate: a write that is done and whose answer is lost.
 */
export class MortalStore implements Store {
  alive: boolean = true;
  writesLeft: number = Number.POSITIVE_INFINITY;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get: Store["get"] = async (...args) => {
    this.#check();
    return this.#store.get(...args);
  };
  list: Store["list"] = async (...args) => {
    this.#check();
    return this.#store.list(...args);
  };
  create: Store["create"] = (...args) => this.#write(args[0], () => this.#store.create(...args));
  update: Store["update"] = (...args) => this.#write(args[0], () => this.#store.update(...args));
  updateStatus: Store["updateStatus"] = (...args) => this.#write(args[0], () => this.#store.updateStatus(...args));
  delete: Store["delete"] = (...args) => this.#write(args[0], () => this.#store.delete(...args));
  watch: Store["watch"] = (...args) => this.#store.watch(...args);

  async #write<Result>(kind: Kind, write: () => Promise<Result>): Promise<Result> {
    this.#check();
    const result = await write();
    if (kind !== EVENT) this.writesLeft -= 1;
    if (this.writesLeft <= 0) this.alive = false;
    return result;
  }

  #check(): void {
    if (!this.alive) throw new LintelError("Cannot reach the store: the process is gone", { code: "Unreachable" });
  }
}

/** A control plane over a memory store, a fake edge and a fake CA, on a clock that stands still. */
export class TestPlane {
  readonly clock: ManualClock;
  readonly store: MemoryStore;
  readonly edge: FakeEdge;
  readonly ca: FakeCa;
  readonly log: MemoryLog = new MemoryLog();
  readonly progress: ProgressEvent[] = [];
  readonly alerts: CertificateAlert[] = [];
  plane: ControlPlane;
  readonly #options: Partial<ControlPlaneOptions>;

  private constructor(
    parts: Pick<TestPlane, "clock" | "store" | "edge" | "ca">,
    options: Partial<ControlPlaneOptions>,
  ) {
    this.clock = parts.clock;
    this.store = parts.store;
    this.edge = parts.edge;
    this.ca = parts.ca;
    this.#options = options;
    this.plane = {} as ControlPlane;
  }

  static async open(options: Partial<ControlPlaneOptions> = {}): Promise<TestPlane> {
    const clock = new ManualClock();
    const store = new MemoryStore({ clock });
    for (const name of ["default", "kube-system", "shop"]) {
      await store.create(NAMESPACE, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    }
    const test = new TestPlane({ clock, store, edge: new FakeEdge(), ca: await FakeCa.open(clock) }, options);
    test.plane = await test.openPlane();
    return test;
  }

  /** Opens a control plane on what there is; `store` may be a mortal one. */
  async openPlane(options: Partial<ControlPlaneOptions> = {}): Promise<ControlPlane> {
    const { clock, store, edge, ca, log } = this;
    const chosen = { ...this.#options, ...options };
    return ControlPlane.open({
      store,
      edge,
      clock,
      random: seededRandom(1),
      log,
      localCa: { issue: () => issueStandIn(clock) },
      acmeDirectory: (url) => ({ url, offline: false }),
      addresses: [{ ip: "192.0.2.1" }],
      settings: { trustedProxies: [], httpsPort: 443 },
      classes: ["lintel", "nginx"],
      serveClassless: true,
      clusterResourceNamespace: "kube-system",
      onProgress: (event) => this.progress.push(event),
      onAlert: (alert) => this.alerts.push(alert),
      openAcmeCaller: () => ca.caller(),
      ...chosen,
    });
  }

  /** Ends the control plane, and lets a new one take over. */
  async restart(options: Partial<ControlPlaneOptions> = {}): Promise<void> {
    await this.plane.close();
    this.plane = await this.openPlane(options);
  }

  /** Lets everything happen that needs no time to pass. */
  async quiet(): Promise<void> {
    let calm = 0;
    // Whoever waits for a held edge waits for the test: it counts as calm after a while.
    for (let round = 0; calm < (this.edge.waiting === 0 ? 3 : 30); round++) {
      assert.ok(round < ROUNDS_MAX, "the control plane never came to rest");
      await settle();
      calm = this.plane.busy && this.edge.waiting === 0 ? 0 : calm + 1;
    }
  }

  /**
   * Lets `ms` pass, and everything happen that this brings: work in other threads takes no simulated time. Time stops at
   * every timer, so what happens when never depends on how fast the machine is; and at least once in `stepMs`.
   */
  async pass(ms: number, stepMs: number = 6 * 3_600_000): Promise<void> {
    const endMs = this.clock.nowMs() + ms;
    await this.quiet();
    for (let leftMs = ms; leftMs > 0; leftMs = endMs - this.clock.nowMs()) {
      await this.clock.advance(Math.min(leftMs, stepMs, this.clock.nextTimerMs() ?? stepMs));
      await this.quiet();
    }
  }

  /** Moves time in small steps until `condition` holds; fails after a simulated minute. */
  async until(condition: () => Promise<boolean> | boolean, what = "the condition"): Promise<void> {
    for (let step = 0; step < 600; step++) {
      await this.quiet();
      if (await condition()) return;
      await this.clock.advance(100);
    }
    assert.fail(`${what} did not come true within a minute`);
  }

  async get(kind: Kind, name: string, namespace = "shop"): Promise<KubeObject | undefined> {
    return this.store.get(kind, kind.namespaced ? namespace : "", name);
  }

  async condition(kind: Kind, name: string, type: string, namespace = "shop"): Promise<Condition | undefined> {
    const object = await this.get(kind, name, namespace);
    return conditionsOf(object?.["status"]).find((condition) => condition.type === type);
  }

  async untilReady(name: string): Promise<void> {
    await this.until(
      async () => (await this.condition(CERTIFICATE, name, "Ready"))?.status === "True",
      `Certificate "${name}" Ready`,
    );
  }

  async close(): Promise<void> {
    await this.plane.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Returns the Secrets of `store` as a store that is far away tells of them. */
export function secretSourcesOf(store: Pick<Store, "list" | "watch">): SecretSources {
  const part = (isIn: (type: unknown) => boolean, shown: (secret: KubeObject) => KubeObject): SecretSources["tls"] => ({
    list: async (kind) => {
      const { items, resourceVersion } = await store.list(kind);
      return { items: items.filter((item) => isIn(item["type"])).map(shown), resourceVersion };
    },
    async *watch(kind, options) {
      for await (const event of store.watch(kind, options)) {
        if (isIn(event.object["type"])) yield { ...event, object: shown(event.object) };
      }
    },
  });
  return {
    tls: part(
      (type) => type === "kubernetes.io/tls",
      (secret) => secret,
    ),
    others: part(
      (type) => type !== "kubernetes.io/tls",
      ({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }),
    ),
  };
}

/** Returns an object of `kind` in namespace `shop`. */
export function make(
  kind: Kind,
  name: string,
  fields: Readonly<Record<string, unknown>> = {},
  metadata: Partial<ObjectMeta> = {},
): KubeObject {
  return {
    ...fields,
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: { name, ...(kind.namespaced ? { namespace: "shop" } : {}), ...metadata },
  };
}

/** Returns a TLS Secret with the key pair of a CA named `commonName`. */
export async function caSecret(clock: ManualClock, name: string, commonName = "Shop CA"): Promise<KubeObject> {
  const { chain, key } = await makeAuthority(clock, commonName);
  const data = { "tls.crt": base64(chain), "tls.key": base64(encodeKey(key, "PKCS8")) };
  return make(SECRET, name, { type: "kubernetes.io/tls", data });
}

async function makeAuthority(clock: ManualClock, commonName: string): Promise<SigningAuthority> {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const csr = await createRequest(key, { commonName, isCa: true });
  const { chain } = await selfSign({
    csr,
    key,
    notBeforeMs: clock.nowMs() - 3_600_000,
    durationMs: 10 * 365 * 24 * 3_600_000,
    isCa: true,
    usages: ["cert sign", "crl sign"],
  });
  return { chain, key, root: chain };
}

async function issueStandIn(clock: ManualClock): Promise<{ chain: string; key: string; notAfterMs: number }> {
  const { chain, key } = await makeAuthority(clock, "Stand-in");
  const pem = encodeKey(key, "PKCS8");
  parseKey(pem);
  return { chain, key: pem, notAfterMs: clock.nowMs() + 3 * 24 * 3_600_000 };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
