import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { getJson, RefusedError } from "../src/live/poll";

const realFetch = globalThis.fetch;

afterEach(() => {
  globalThis.fetch = realFetch;
});

function answering(body: string, status = 200): void {
  globalThis.fetch = () => Promise.resolve(new Response(body, { status }));
}

test("an answer is its JSON", async () => {
  answering('{"firing": 2}');
  assert.deepEqual(await getJson("/x"), { firing: 2 });
});

test("an answer that breaks off is a failure, not an answer without fields", async () => {
  answering('{"firing": 2, "car');
  await assert.rejects(getJson("/x"), SyntaxError);
});

test("a refusal is told in the server's words, or by its status where it has none", async () => {
  answering('{"detail": "the server is starting"}', 503);
  await assert.rejects(getJson("/x"), (error) => error instanceof RefusedError && error.message === "the server is starting");
  answering("<html>", 502);
  await assert.rejects(getJson("/x"), (error) => error instanceof RefusedError && error.message === "status 502");
});
