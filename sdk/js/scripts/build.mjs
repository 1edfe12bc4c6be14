// Builds dist/: one ES module with all that it needs, and its types. `--check` builds elsewhere, and says what differs.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

import { shortDescriptors } from "./descriptors.mjs";
import { PACKAGE, generate } from "./generate.mjs";

/** What a page is asked to load. */
const MAX_GZIPPED_BYTES = 80 * 1024;
const RUNTIME = JSON.parse(readFileSync(join(PACKAGE, "node_modules/@bufbuild/protobuf/package.json"), "utf8"));
const BANNER = `/*! nacre. Apache-2.0. Includes @bufbuild/protobuf ${RUNTIME.version}: ${RUNTIME.license}. */`;

async function bundle(folder) {
  await build({
    absWorkingDir: PACKAGE,
    entryPoints: ["src/index.ts"],
    outfile: join(folder, "nacre.js"),
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    legalComments: "none",
    banner: { js: BANNER },
    plugins: [shortDescriptors(join(PACKAGE, "src"))],
    logLevel: "warning",
  });
}

/** Only what the surface speaks of: not the generated messages. */
function declare(folder) {
  const scratch = mkdtempSync(join(tmpdir(), "nacre-types-"));
  try {
    const flags = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--stripInternal"];
    const tsc = join(PACKAGE, "node_modules/typescript/bin/tsc");
    execFileSync(process.execPath, [tsc, ...flags, "--outDir", scratch, "--rootDir", "src"], { cwd: PACKAGE, stdio: "inherit" });
    for (const file of reachable(join(scratch, "index.d.ts"))) {
      const target = join(folder, "types", relative(scratch, file));
      mkdirSync(dirname(target), { recursive: true });
      cpSync(file, target);
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
  writeFileSync(join(folder, "nacre.d.ts"), 'export * from "./types/index.js";\n');
}

function reachable(file, found = new Set()) {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, name] of readFileSync(file, "utf8").matchAll(/(?:from|import)\s*\(?"(\.[^"]+)\.js"/g)) {
    reachable(join(dirname(file), `${name}.d.ts`), found);
  }
  return found;
}

function filesOf(folder) {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  return new Map(names.map((each) => [relative(folder, join(each.parentPath, each.name)), readFileSync(join(each.parentPath, each.name))]));
}

function differences(expected, actual) {
  const names = new Set([...expected.keys(), ...actual.keys()]);
  return [...names].filter((name) => !expected.get(name)?.equals(actual.get(name) ?? Buffer.alloc(0))).sort();
}

async function make(folder) {
  await bundle(folder);
  declare(folder);
  const bytes = gzipSync(readFileSync(join(folder, "nacre.js")), { level: 9 }).length;
  if (bytes > MAX_GZIPPED_BYTES) throw new Error(`the bundle has ${bytes} bytes gzipped, of at most ${MAX_GZIPPED_BYTES}`);
  return bytes;
}

async function check() {
  const scratch = mkdtempSync(join(tmpdir(), "nacre-dist-"));
  try {
    const messages = join(scratch, "messages");
    const isGenerated = generate(messages);
    const found = isGenerated ? differences(filesOf(join(messages, "src/nacre")), filesOf(join(PACKAGE, "src/nacre"))) : [];
    if (!isGenerated) console.log("there is no buf: whether src/nacre is what protos/ yields was not checked");
    const bytes = await make(join(scratch, "dist"));
    found.push(...differences(filesOf(join(scratch, "dist")), filesOf(join(PACKAGE, "dist"))));
    if (found.length > 0) throw new Error(`not what the sources yield (npm run generate && npm run build): ${found.join(", ")}`);
    console.log(`dist is what the sources yield; ${bytes} bytes gzipped`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

if (process.argv.includes("--check")) {
  await check();
} else {
  rmSync(join(PACKAGE, "dist"), { recursive: true, force: true });
  console.log(`dist/nacre.js: ${await make(join(PACKAGE, "dist"))} bytes gzipped`);
}
