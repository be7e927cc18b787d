import assert from "node:assert/strict";
import { test } from "node:test";
import { dataOf, rangeOf, shapeOf, timesOf, type Chart } from "../src/charts/data";
import { faint } from "../src/charts/options";

const CHART: Chart = {
  id: "requests",
  start: 1_700_000_000_000,
  step: 5000,
  count: 3,
  note: "",
  series: [
    { id: "0:200", name: "200", last: "2/s", color_class: "series-0", values: [1, null, 2] },
    { id: "1:500", name: "500", last: "0/s", color_class: "series-error-0", values: [0, 0, 0] },
  ],
};

test("times are seconds on the server's steps", () => {
  assert.deepEqual(timesOf(CHART), [1_700_000_000, 1_700_000_005, 1_700_000_010]);
});

test("series share the time axis and keep their gaps", () => {
  assert.deepEqual(dataOf(CHART), [timesOf(CHART), [1, null, 2], [0, 0, 0]]);
});

test("new figures alone leave a chart's shape, another line or colour does not", () => {
  const newer = { ...CHART, series: CHART.series.map((series) => ({ ...series, last: "9/s", values: [3, 4, 5] })) };
  assert.equal(shapeOf(newer), shapeOf(CHART));
  assert.notEqual(shapeOf({ ...CHART, series: CHART.series.slice(1) }), shapeOf(CHART));
});

test("the scale of values starts at zero, and has height even where all is zero or nothing", () => {
  assert.deepEqual(rangeOf(null, null), [0, 1]);
  assert.deepEqual(rangeOf(0, 0), [0, 1]);
  const [low, high] = rangeOf(5, 100);
  assert.equal(low, 0);
  assert.ok(high > 100);
  assert.ok(rangeOf(-10, 5)[0] < -10);
});

test("an area takes its line's colour, faintly", () => {
  assert.equal(faint("rgb(1, 2, 3)"), "rgba(1, 2, 3, 0.12)");
  assert.equal(faint("color(display-p3 1 0 0)"), "transparent");
});
