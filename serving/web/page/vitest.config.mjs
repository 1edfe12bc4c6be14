/** Run with sdk/js's tools: `sdk/js/node_modules/.bin/vitest run --root serving/web/page`. */

import { fileURLToPath } from "node:url";

export default {
  test: { globals: true, include: ["tests/**/*.test.ts"], environment: "node", cache: false },
  resolve: { alias: { nacre: fileURLToPath(new URL("../../../sdk/js/src/play.ts", import.meta.url)) } },
};
