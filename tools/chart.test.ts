import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { parse } from "yaml";
import { stringAt } from "../src/ground/json.ts";
import { CHART, chartFiles } from "./write-chart.ts";

for (const [path, content] of Object.entries(chartFiles())) {
  it(`${path} of the chart is what "npm run chart" writes`, () => {
    assert.ok(readFileSync(join(CHART, path), "utf8") === content, 'run "npm run chart"');
  });
}

it("the chart has the version of the program", () => {
  const program: unknown = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
  const version = stringAt(program, "version");
  const chart: unknown = parse(readFileSync(join(CHART, "Chart.yaml"), "utf8"));
  assert.equal(stringAt(chart, "version"), version);
  assert.equal(stringAt(chart, "appVersion"), version);
});
