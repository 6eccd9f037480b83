import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { arrayAt, recordAt, stringAt } from "../../ground/json.ts";
import { ManualClock } from "../../ground/testing.ts";
import { certificateBlocks, certificateParts } from "../../pki/x509/certificate.ts";
import { apiVersionOf, MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS, type Kind } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { readWebhookPair, tendWebhookCertificate, type WebhookPlace } from "./webhook-certificate.ts";

const DAY_MS = 86_400_000;

/** Keeps objects by kind and name; knows neither versions nor preconditions. */
class Objects {
  readonly #objects = new Map<string, KubeObject>();
  writes = 0;

  async get(kind: Kind, _namespace: string, name: string): Promise<KubeObject | undefined> {
    return this.#objects.get(`${kind.kind}/${name}`);
  }

  async create(kind: Kind, object: KubeObject): Promise<KubeObject> {
    this.writes += 1;
    this.#objects.set(`${kind.kind}/${object.metadata.name}`, object);
    return object;
  }

  async update(kind: Kind, object: KubeObject): Promise<KubeObject> {
    return this.create(kind, object);
  }
}

async function placeWith(...services: readonly string[]): Promise<WebhookPlace & { readonly store: Objects }> {
  const store = new Objects();
  for (const [index, kind] of [MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS].entries()) {
    const name = services[index];
    if (name === undefined) continue;
    const webhooks = [{ name: "a", clientConfig: { service: { name, namespace: "edge" } } }];
    await store.create(kind, {
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      metadata: { name: "lintel" },
      webhooks,
    });
  }
  store.writes = 0;
  return { store, clock: new ManualClock(Date.UTC(2026, 0, 1)), namespace: "edge", name: "lintel" };
}

async function trusted(place: WebhookPlace): Promise<readonly string[]> {
  const configuration = await place.store.get(VALIDATING_WEBHOOKS, "", "lintel");
  const bundle = stringAt(recordAt(arrayAt(configuration, "webhooks")[0], "clientConfig"), "caBundle") ?? "";
  return certificateBlocks(Buffer.from(bundle, "base64").toString()).map(
    (der) => certificateParts(der).facts.serialHex,
  );
}

async function served(place: WebhookPlace): Promise<string> {
  const [block] = certificateBlocks((await readWebhookPair(place))?.certificate ?? "");
  assert.ok(block !== undefined);
  return certificateParts(block).facts.serialHex;
}

describe("tendWebhookCertificate()", () => {
  it("makes a certificate for the Services of the configurations, which then trust it, and rests", async () => {
    const place = await placeWith("one", "two");
    await tendWebhookCertificate(place);
    const [block] = certificateBlocks((await readWebhookPair(place))?.certificate ?? "");
    assert.ok(block !== undefined);
    assert.deepEqual(certificateParts(block).facts.dnsNames, ["one.edge.svc", "two.edge.svc"]);
    assert.deepEqual(await trusted(place), [await served(place)]);
    const { writes } = place.store;
    await tendWebhookCertificate(place);
    assert.equal(place.store.writes, writes);
  });

  it("replaces it two months before its end, and has the one before trusted besides", async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 1));
    const place = { ...(await placeWith("one", "one")), clock };
    await tendWebhookCertificate(place);
    const first = await served(place);
    await clock.advance(300 * DAY_MS);
    await tendWebhookCertificate(place);
    assert.equal(await served(place), first);
    await clock.advance(6 * DAY_MS);
    await tendWebhookCertificate(place);
    const second = await served(place);
    assert.notEqual(second, first);
    assert.deepEqual(await trusted(place), [second, first]);
    await clock.advance(310 * DAY_MS);
    await tendWebhookCertificate(place);
    assert.deepEqual(await trusted(place), [await served(place), second]);
  });

  it("writes nothing without configurations", async () => {
    const place = await placeWith();
    await tendWebhookCertificate(place);
    assert.equal(place.store.writes, 0);
    assert.equal(await readWebhookPair(place), undefined);
  });
});
