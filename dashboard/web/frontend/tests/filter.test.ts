import assert from "node:assert/strict";
import { test } from "node:test";
import { matches } from "../src/lib/filter";

test("every word must be somewhere, in any order and case", () => {
  assert.ok(matches("ai-planner up 1.2.0 localhost:8002", "8002 Planner"));
  assert.ok(matches("anything", "  "));
  assert.ok(!matches("ai-planner up", "planner down"));
});
