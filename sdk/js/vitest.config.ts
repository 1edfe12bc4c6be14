import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Those in a real browser take longer, and are asked for: npm run test:browser.
    include: process.env.NACRE_BROWSER ? ["tests/browser/*.test.ts"] : ["tests/{unit,service}/*.test.ts"],
    globalSetup: ["tests/service.ts"],
    setupFiles: ["tests/setup.ts"],
    // One process for all: the machine that runs the service beside has few cores.
    pool: "threads",
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
