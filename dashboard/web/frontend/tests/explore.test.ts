import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldOf, paceOf, queryOf } from "../src/explore/state";

test("an address holds what is not the default", () => {
  assert.equal(queryOf([["expr", ""], ["tab", ""], ["range", "1h"], ["end", " "], ["refresh", "off"]]), "");
  const query = queryOf([["expr", " up > 0 "], ["tab", "graph"], ["range", "6h"], ["refresh", "5s"]]);
  assert.equal(query, "?expr=up+%3E+0&tab=graph&range=6h&refresh=5s");
});

test("fields that an address does not have are the default ones", () => {
  assert.equal(fieldOf("?expr=a%2Bb", "expr"), "a+b");
  assert.equal(fieldOf("", "range"), "1h");
  assert.equal(fieldOf("", "end"), "");
});

test("only known choices ask again", () => {
  assert.equal(paceOf("?refresh=15s"), 15_000);
  assert.equal(paceOf("?refresh=1ms"), 0);
  assert.equal(paceOf(""), 0);
});
