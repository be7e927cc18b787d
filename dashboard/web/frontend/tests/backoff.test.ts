import assert from "node:assert/strict";
import { test } from "node:test";
import { waitAfter } from "../src/lib/backoff";

test("attempts get rarer from one second to half a minute", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 5, 6, 50].map((failures) => waitAfter(failures, 5000)),
    [5000, 1000, 2000, 4000, 16_000, 30_000, 30_000],
  );
});
