/**
 * Makes what is served, in dist, from what is written, with the tools of sdk/js:
 *
 *     node build.mjs            write dist
 *     node build.mjs --check    say whether dist is what these sources make (1 if not)
 *     node build.mjs --watch    as maps allow to debug it, again with every change
 */

import { createRequire } from "node:module";
import { cp, mkdir, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const sdk = join(here, "../../../sdk/js");
const { build, context } = createRequire(join(sdk, "package.json"))("esbuild");
const { shortDescriptors } = await import(join(sdk, "scripts/descriptors.mjs"));
const AS_THEY_ARE = ["index.html", "icon.svg", "starters"];

const settings = (out, isForDebugging) => ({
  absWorkingDir: here,
  entryPoints: [
    { in: "src/main.ts", out: "page" },
    { in: "src/styles/index.css", out: "page" },
  ],
  outdir: out,
  bundle: true,
  minify: !isForDebugging,
  sourcemap: isForDebugging ? "inline" : false,
  format: "esm",
  target: ["chrome111", "firefox121", "safari17"],
  // Without what those who run a service ask of it.
  alias: { nacre: join(sdk, "src/play.ts") },
  plugins: [shortDescriptors(join(sdk, "src"))],
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
});

async function make(out) {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await build(settings(out, false));
  for (const name of AS_THEY_ARE) await cp(join(here, name), join(out, name), { recursive: true });
}

async function filesOf(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(folder.length + 1));
  return names.sort();
}

async function differences(made, kept) {
  const [ours, theirs] = [await filesOf(made), await filesOf(kept).catch(() => [])];
  const missing = ours.filter((name) => !theirs.includes(name));
  const extra = theirs.filter((name) => !ours.includes(name));
  const changed = [];
  for (const name of ours.filter((each) => theirs.includes(each))) {
    const [a, b] = await Promise.all([readFile(join(made, name)), readFile(join(kept, name))]);
    if (!a.equals(b)) changed.push(name);
  }
  return [...missing, ...extra, ...changed];
}

async function check() {
  const made = await mkdtemp(join(tmpdir(), "nacre-page-"));
  try {
    await make(made);
    const stale = await differences(made, join(here, "dist"));
    if (stale.length) console.error(`not what the sources make: ${stale.join(", ")}; run: make page`);
    process.exitCode = stale.length ? 1 : 0;
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

if (process.argv.includes("--check")) await check();
else if (process.argv.includes("--watch")) await (await context(settings(join(here, "dist"), true))).watch();
else await make(join(here, "dist"));
