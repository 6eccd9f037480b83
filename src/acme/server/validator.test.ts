import assert from "node:assert/strict";
import { test } from "node:test";
import { LintelError } from "../../ground/errors.ts";
import { ManualClock, settle } from "../../ground/testing.ts";
import type { Http01Dialer } from "./http01-dialer.ts";
import type { ProblemDocument } from "./server-problem.ts";
import { ATTEMPT_DURATION_MAX_MS, ATTEMPTS_MAX, Validator } from "./validator.ts";

const PROOF = { type: "http-01", host: "shop.internal", token: "tok", keyAuthorization: "tok.thumb" } as const;
const { signal } = new AbortController();

test("validate() ignores white space at the end of the answer, and nothing else", async () => {
  assert.equal(await validate(answering(200, "tok.thumb \r\n")), undefined);
  for (const body of [" tok.thumb", "tok.thumb\n.", "TOK.thumb", "tok.thumb2", ""]) {
    assert.equal((await validate(answering(200, body)))?.type, "urn:ietf:params:acme:error:unauthorized", body);
  }
  assert.notEqual(await validate(answering(201, "tok.thumb")), undefined);
});

test("validate() shows in one line what was asked, where, and what came back", async () => {
  const problem = await validate(answering(200, "<html>\n\u001b[31m  parked\n", "192.0.2.1"));
  assert.equal(
    problem?.detail,
    'GET http://shop.internal/.well-known/acme-challenge/tok at 192.0.2.1 answered 200 with "<html> [31m parked", not "tok.thumb"',
  );
});

test("validate() succeeds when the answer comes late but within the attempts", async () => {
  let asked = 0;
  const dial: Http01Dialer = () => Promise.resolve({ status: ++asked < ATTEMPTS_MAX ? 404 : 200, body: "tok.thumb" });
  assert.equal(await validate(dial), undefined);
  assert.equal(asked, ATTEMPTS_MAX);
});

test("validate() calls a name without address dns, and anything else that fails connection", async () => {
  const dns = await validate(failing(new LintelError('"shop.internal" has no address here', { code: "NotFound" })));
  assert.equal(dns?.type, "urn:ietf:params:acme:error:dns");
  const connection = await validate(failing(new Error("connect ECONNREFUSED 192.0.2.1:80")));
  assert.equal(connection?.type, "urn:ietf:params:acme:error:connection");
  assert.match(connection?.detail ?? "", /failed: connect ECONNREFUSED 192\.0\.2\.1:80$/);
});

test("validate() ends an attempt that gets no answer", async () => {
  const problem = await validate(silent, ATTEMPT_DURATION_MAX_MS);
  assert.match(problem?.detail ?? "", /failed: no answer within 10 seconds$/);
});

test("validate() rejects when it is told to stop", async () => {
  const stop = new AbortController();
  const validation = new Validator({ clock: new ManualClock(), random: () => 0.5, dial: silent }).validate(
    PROOF,
    stop.signal,
  );
  const outcome = assert.rejects(validation, /stopping/);
  await settle();
  stop.abort(new Error("stopping"));
  await outcome;
});

test("validate() runs sixteen at once and lets the others wait their turn", async () => {
  const answers: (() => void)[] = [];
  const dial: Http01Dialer = () =>
    new Promise((resolve) => answers.push(() => resolve({ status: 200, body: "tok.thumb" })));
  const validator = new Validator({ clock: new ManualClock(), random: () => 0.5, dial });
  const all = Promise.all(Array.from({ length: 40 }, () => validator.validate(PROOF, signal)));
  await settle();
  assert.equal(answers.length, 16);
  while (answers.length > 0) {
    answers.shift()?.();
    await settle();
  }
  assert.deepEqual(new Set(await all), new Set([undefined]));
});

function failing(error: Error): Http01Dialer {
  return async () => {
    throw error;
  };
}

/** Never answers. */
function silent(_host: string, _path: string, options: { readonly signal: AbortSignal }): ReturnType<Http01Dialer> {
  return new Promise((_resolve, reject) => {
    options.signal.addEventListener("abort", () => reject(new Error("aborted")));
  });
}

function answering(status: number, body: string, address?: string): Http01Dialer {
  return () => Promise.resolve({ status, body, address });
}

async function validate(dial: Http01Dialer, stepMs = 5000): Promise<ProblemDocument | undefined> {
  const clock = new ManualClock();
  const validation = new Validator({ clock, random: () => 0.5, dial }).validate(PROOF, signal);
  for (let attempt = 0; attempt < ATTEMPTS_MAX * 2; attempt++) await clock.advance(stepMs);
  return validation;
}
