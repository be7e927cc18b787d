import assert from "node:assert/strict";
import { test } from "node:test";
import { age, number, percent, seconds, size, withUnit } from "../src/lib/format";

test("numbers keep three digits that matter", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [0.1234, "0.12"],
    [1.5, "1.5"],
    [12.34, "12.3"],
    [999.4, "999"],
    [999.9, "1k"],
    [1234, "1.23k"],
    [45_600_000, "45.6M"],
    [-1234, "-1.23k"],
    [0.0005, "0.0005"],
    [0.00002, "2e-5"],
    [-3e-12, "-3e-12"],
    [NaN, "–"],
    [Infinity, "∞"],
  ];
  for (const [value, text] of cases) assert.equal(number(value), text, String(value));
});

test("durations take the unit that fits", () => {
  const cases: [number, string][] = [
    [0, "0 s"],
    [0.00045, "450 µs"],
    [0.045, "45 ms"],
    [1.25, "1.25 s"],
    [120, "2 min"],
    [7200, "2 h"],
    [259_200, "3 d"],
  ];
  for (const [value, text] of cases) assert.equal(seconds(value), text, String(value));
});

test("only what is whole shows as a hundred percent, and only nothing as none", () => {
  const cases: [number, string][] = [
    [0, "0 %"],
    [0.00001, "<0.01 %"],
    [0.0123, "1.23 %"],
    [0.99999, "99.99 %"],
    [1, "100 %"],
    [NaN, "–"],
  ];
  for (const [ratio, text] of cases) assert.equal(percent(ratio), text, String(ratio));
});

test("ages are whole and never below zero", () => {
  assert.deepEqual([-5, 4_900, 61_000, 7_200_000, 172_800_000].map(age), ["0 s", "4 s", "1 min", "2 h", "2 d"]);
});

test("a panel's unit decides how its values are written", () => {
  assert.equal(withUnit(1536, "bytes"), "1.5 KiB");
  assert.equal(withUnit(1536, "bytes/s"), "1.5 KiB/s");
  assert.equal(withUnit(0.05, "ratio"), "5 %");
  assert.equal(withUnit(12, "per second"), "12/s");
  assert.equal(withUnit(0.5, "seconds"), "500 ms");
  assert.equal(withUnit(41, "celsius"), "41 °C");
  assert.equal(withUnit(72.5, "watts"), "72.5 W");
  assert.equal(withUnit(12, "none"), "12");
  assert.equal(percent(NaN), "–");
  assert.equal(size(0), "0 B");
});
