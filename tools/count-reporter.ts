import type { TestEvent } from "node:test/reporters";

/** A reporter of node:test that writes nothing but three numbers: tests passed, failed and skipped. */
// node:test loads a reporter by its default export.
// oxlint-disable-next-line import/no-default-export -- node:test asks for it
export default async function* countReporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for await (const event of events) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    if (event.data.details.type === "suite") continue;
    if (event.type === "test:fail") total.failed += 1;
    else if (event.data.skip !== undefined && event.data.skip !== false) total.skipped += 1;
    else total.passed += 1;
  }
  yield `${total.passed} ${total.failed} ${total.skipped}`;
}
