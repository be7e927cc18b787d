// Bundles src/entries/*.ts and src/styles/*.css into hashed files, with a manifest for the templates and the
// licences of the libraries that ended up in a bundle.
//
// The manifest maps "entries/page.js" or "styles/page.css" to {file, css, imports}: the hashed file, the style
// sheets that the entry imports, and the chunks that a page can preload.

import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const STAMP = "STAMP"; // Written by scripts/build_frontend.py, which decides whether a build is needed.

export async function buildFrontend({ root = HERE, outdir = join(HERE, "..", "static", "dist") } = {}) {
  const result = await bundle(root, outdir);
  const outputs = outputsByName(result.metafile, root, outdir);
  await mkdir(outdir, { recursive: true });
  for (const file of result.outputFiles) await writeFile(file.path, file.contents);
  await writeFile(join(outdir, "LICENSES.txt"), await licences(outputs, root));
  await replaceFile(join(outdir, "manifest.json"), JSON.stringify(manifest(outputs), null, 2) + "\n");
  const kept = new Set([...Object.keys(outputs), "LICENSES.txt", "manifest.json", STAMP]);
  for (const name of await readdir(outdir)) if (!kept.has(name)) await rm(join(outdir, name), { recursive: true });
}

async function bundle(root, outdir) {
  const entryPoints = [
    ...(await filesIn(join(root, "src", "entries"), ".ts")),
    ...(await filesIn(join(root, "src", "styles"), ".css")),
  ];
  return build({
    absWorkingDir: root,
    entryPoints,
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    minify: true,
    charset: "utf8",
    legalComments: "none", // LICENSES.txt has all of them; the comments miss most.
    entryNames: "[name]-[hash]",
    chunkNames: "chunk-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".svg": "file", ".woff2": "file" },
    metafile: true,
    write: false,
    logLevel: "silent",
  });
}

async function filesIn(folder, extension) {
  if (!existsSync(folder)) return [];
  const names = (await readdir(folder)).filter((name) => name.endsWith(extension)).sort();
  return names.map((name) => join(folder, name));
}

// esbuild names its outputs by paths relative to the working directory; everything lies flat in outdir.
function outputsByName(metafile, root, outdir) {
  const named = Object.entries(metafile.outputs).map(([path, output]) => {
    const name = relative(outdir, resolve(root, path)).split(sep).join("/");
    return [name, output];
  });
  return Object.fromEntries(named.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function manifest(outputs) {
  const entries = {};
  for (const [file, output] of Object.entries(outputs)) {
    if (!output.entryPoint || !output.entryPoint.startsWith("src/")) continue;
    const logical = output.entryPoint.slice("src/".length).replace(/\.ts$/, ".js");
    entries[logical] = {
      file,
      css: output.cssBundle ? [basename(output.cssBundle)] : [],
      imports: staticImports(outputs, file),
    };
  }
  return entries;
}

function staticImports(outputs, file, seen = new Set()) {
  for (const { path, kind } of outputs[file].imports) {
    const name = basename(path);
    if (kind !== "import-statement" || seen.has(name)) continue;
    seen.add(name);
    staticImports(outputs, name, seen);
  }
  return [...seen].sort();
}

async function licences(outputs, root) {
  const texts = [];
  for (const folder of bundledPackages(outputs)) texts.push(await licenceOf(join(root, folder)));
  return texts.length ? texts.join("\n" + "-".repeat(78) + "\n\n") : "No third-party library is bundled.\n";
}

function bundledPackages(outputs) {
  const folders = new Set();
  for (const output of Object.values(outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
      if (found && bytesInOutput > 0) folders.add(found[1]);
    }
  }
  return [...folders].sort();
}

async function licenceOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).sort().find((entry) => /^licen[cs]e/i.test(entry));
  if (!file && !license) throw new Error(`${name} ${version} is bundled, but says nothing about its licence.`);
  const text = file ? await readFile(join(folder, file), "utf8") : "";
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
}

// A server that reads the manifest meanwhile sees the old one or the new one, never half of one.
async function replaceFile(path, text) {
  const temporary = `${path}.${process.pid}.new`;
  await writeFile(temporary, text);
  await rename(temporary, path);
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  await buildFrontend().catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
}
