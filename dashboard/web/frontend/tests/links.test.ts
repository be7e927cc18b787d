import assert from "node:assert/strict";
import { test } from "node:test";
import { safeLink } from "../src/live/bind";

test("only http, https and our own paths become links", () => {
  for (const good of ["/alerts", "/apps/a%2Fb", "http://example.org/x", "https://example.org"]) assert.equal(safeLink(good), good);
  const bad = ["javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "//evil.example", "/\\evil.example", " /x", "java\nscript:1", "", "https:"];
  for (const address of bad) assert.equal(safeLink(address), "", address);
});
