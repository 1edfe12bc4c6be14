// The contract's messages as TypeScript, from ../../protos: `npm run generate`, with buf (it comes with `make install`).
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const PACKAGE = dirname(dirname(fileURLToPath(import.meta.url)));
const OWN_BUF = join(PACKAGE, "../../.venv/bin/buf");

/** Into `folder`; false where there is no buf. */
export function generate(folder) {
  const buf = existsSync(OWN_BUF) ? OWN_BUF : "buf";
  try {
    execFileSync(buf, ["generate", "--output", folder], { cwd: PACKAGE, stdio: ["ignore", "inherit", "inherit"] });
  } catch (error) {
    if (error.code === "ENOENT") return false;
    throw error;
  }
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !generate(PACKAGE)) {
  console.error("there is no buf: run `make install` first");
  process.exit(1);
}
