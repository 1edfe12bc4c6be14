/**
 * Runs the scenarios in one browser and tells how each went, as JSON lines on standard output.
 *
 *     node run.mjs URL PICTURE FOLDER [NAME...]       FOLDER gets a picture of each page that went wrong
 *     node run.mjs --list
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { edgeScenarios } from "./edge_scenarios.mjs";
import { keyedScenarios } from "./keyed_scenarios.mjs";
import { scenarios } from "./scenarios.mjs";

const SCENARIO_MS = 90_000;
const all = { ...scenarios, ...edgeScenarios, ...keyedScenarios };

if (process.argv[2] === "--list") {
  console.log(Object.keys(all).join("\n"));
  process.exit(0);
}

const { launch, openPage } = await import("./browser.mjs");
const { Line } = await import("./line.mjs");
const [target, picture, folder, ...names] = process.argv.slice(2);
const chosen = Object.entries(all).filter(([name]) => names.length === 0 || names.includes(name));
mkdirSync(folder, { recursive: true });
const line = new Line(target);
const url = await line.open();
const browser = await launch();
const opened = await openPage(browser);

for (const [name, scenario] of chosen) {
  const began = performance.now();
  let error = "";
  try {
    await within(SCENARIO_MS, scenario({ ...opened, browser, url, line, picture, stopService, key: process.env.NACRE_KEY }));
    if (opened.faults.length) error = opened.faults.join("; ");
  } catch (failure) {
    error = failure.stack ?? String(failure);
    await opened.page.screenshot({ path: join(folder, `${name}.png`) }).catch(() => {});
    line.mend();
  }
  opened.faults.length = 0;
  console.log(JSON.stringify({ name, error, seconds: (performance.now() - began) / 1000 }));
}
await browser.close();
line.close();

/** As its operator would; its process is told by who runs this. */
function stopService() {
  process.kill(Number(process.env.NACRE_SERVICE_PID), "SIGTERM");
}

function within(limitMs, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${limitMs / 1000} s`)), limitMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
