import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, test } from "node:test";
import { buildFrontend } from "../build.mjs";

let root;
let outdir;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "frontend-"));
  outdir = join(root, "dist");
});

afterEach(() => rm(root, { recursive: true }));

async function put(path, text) {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

async function manifest() {
  return JSON.parse(await readFile(join(outdir, "manifest.json"), "utf8"));
}

test("every entry and style sheet is in the manifest under its logical name, with a hashed file that exists", async () => {
  await put("src/entries/one.ts", "export const one: number = 1; console.log(one);");
  await put("src/styles/page.css", "body { color: red; }");
  await buildFrontend({ root, outdir });
  const entries = await manifest();
  assert.deepEqual(Object.keys(entries).sort(), ["entries/one.js", "styles/page.css"]);
  assert.match(entries["entries/one.js"].file, /^one-[A-Z0-9]{8}\.js$/);
  assert.match(entries["styles/page.css"].file, /^page-[A-Z0-9]{8}\.css$/);
  for (const { file } of Object.values(entries)) assert.ok((await readdir(outdir)).includes(file));
});

test("what two entries share is one chunk, named for preloading, and an imported style sheet is named", async () => {
  await put("src/shared.ts", "export function greet(name: string) { console.log('a long enough greeting', name); }");
  await put("src/one.css", "body { margin: 0; }");
  await put("src/entries/one.ts", "import '../one.css'; import { greet } from '../shared'; greet('one');");
  await put("src/entries/two.ts", "import { greet } from '../shared'; greet('two');");
  await buildFrontend({ root, outdir });
  const { "entries/one.js": one, "entries/two.js": two } = await manifest();
  assert.equal(one.imports.length, 1);
  assert.deepEqual(one.imports, two.imports);
  assert.equal(one.css.length, 1);
  assert.deepEqual(two.css, []);
  for (const file of [...one.imports, ...one.css]) assert.ok((await readdir(outdir)).includes(file));
});

test("LICENSES.txt holds the licence of a bundled library and not of one that is only installed", async () => {
  await put("node_modules/used/package.json", '{"name": "used", "version": "1.2.3", "license": "MIT", "main": "i.js"}');
  await put("node_modules/used/i.js", "export const used = () => console.log('used');");
  await put("node_modules/used/LICENSE", "Copyright the used people");
  await put("node_modules/idle/package.json", '{"name": "idle", "version": "1.0.0", "license": "MIT"}');
  await put("src/entries/one.ts", "import { used } from 'used'; used();");
  await buildFrontend({ root, outdir });
  const text = await readFile(join(outdir, "LICENSES.txt"), "utf8");
  assert.match(text, /used 1\.2\.3 \(MIT\)\n\nCopyright the used people/);
  assert.doesNotMatch(text, /idle/);
});

test("a bundled library without any licence stops the build", async () => {
  await put("node_modules/bare/package.json", '{"name": "bare", "version": "1.0.0", "main": "i.js"}');
  await put("node_modules/bare/i.js", "export const bare = () => console.log('bare');");
  await put("src/entries/one.ts", "import { bare } from 'bare'; bare();");
  await assert.rejects(buildFrontend({ root, outdir }), /bare 1\.0\.0 is bundled/);
});

test("files of an earlier build are removed, the stamp is kept", async () => {
  await put("src/entries/one.ts", "console.log(1);");
  await put("dist/one-OLDOLDOL.js", "old");
  await put("dist/STAMP", "kept");
  await buildFrontend({ root, outdir });
  const names = await readdir(outdir);
  assert.ok(!names.includes("one-OLDOLDOL.js"));
  assert.ok(names.includes("STAMP"));
});

test("a build that fails leaves the earlier one in place", async () => {
  await put("src/entries/one.ts", "console.log(1);");
  await buildFrontend({ root, outdir });
  const before = await manifest();
  await put("src/entries/one.ts", "import './missing';");
  await assert.rejects(buildFrontend({ root, outdir }), /Could not resolve/);
  assert.deepEqual(await manifest(), before);
});
