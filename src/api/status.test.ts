import assert from "node:assert/strict";
import { test } from "node:test";
import { LintelError } from "../ground/errors.ts";
import { toApiStatusError } from "./status.ts";

test("toApiStatusError() says what to do, without paths, when the state cannot be written", () => {
  const error = new LintelError('Cannot write the state to "/srv/secret": disk is full', { code: "StateUnreadable" });
  const { httpStatus, message } = toApiStatusError(error);
  assert.equal(httpStatus, 500);
  assert.match(message, /state cannot be written: make room on the disk/);
  assert.doesNotMatch(message, /srv/);
});
