// Runs tests/*.test.ts (bundled first) and tests/*.test.mjs with Node's own test runner.

import { readdir } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUTDIR = join(HERE, "node_modules", ".cache", "tests");

const names = (await readdir(join(HERE, "tests"))).sort();
const typescript = names.filter((name) => name.endsWith(".test.ts"));
await build({
  entryPoints: typescript.map((name) => join(HERE, "tests", name)),
  outdir: OUTDIR,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  loader: { ".css": "empty" },
  logLevel: "warning",
});
const files = [
  ...typescript.map((name) => join(OUTDIR, name.replace(/\.ts$/, ".mjs"))),
  ...names.filter((name) => name.endsWith(".test.mjs")).map((name) => join(HERE, "tests", name)),
];
const run = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...files], { stdio: "inherit" });
process.exit(run.status ?? 1);
