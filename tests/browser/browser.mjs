/** Chromium, and what a person does with the page in it. */

import { createRequire } from "node:module";

// Of the client's own tools, so that there is one thing to install.
const { chromium } = createRequire(new URL("../../sdk/js/package.json", import.meta.url))("playwright-core");

const EXECUTABLE = process.env.NACRE_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
export const PATIENCE_MS = 30_000; // the model shares two cores with the browser

export function launch(moreFlags = []) {
  return chromium.launch({ executablePath: EXECUTABLE, headless: true, args: [...FLAGS, ...moreFlags] });
}

/** A page of its own storage; what goes wrong in it is in `faults`. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  return { context, ...(await newTab(context)) };
}

export async function newTab(context) {
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(`page: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  return { page, faults };
}

export async function start(page, url, words) {
  await page.goto(url);
  await page.fill("textarea.words", words);
  await page.click("button[type=submit]:has-text('Enter the world')");
  await playing(page);
}

/** A picture was painted, and another one after it. */
export async function playing(page) {
  await page.waitForSelector(".play.shown");
  const before = await numPainted(page);
  await page.waitForFunction((than) => (globalThis.nacre.app.view?.stats().framesPainted ?? 0) > than, before);
}

export const numPainted = (page) => page.evaluate(() => globalThis.nacre.app.view?.stats().framesPainted ?? 0);

export const sessionId = (page) => page.evaluate(() => globalThis.nacre.app.world?.sessionId ?? "");

/** What is seen: the mean colour of every column, from left to right, and of the whole. */
export function look(page) {
  return page.evaluate(() => {
    const canvas = document.querySelector("canvas.world");
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const columns = Array.from({ length: width }, () => 0);
    for (let at = 0; at < data.length; at += 4)
      columns[(at / 4) % width] += (data[at] + data[at + 1] + data[at + 2]) / (3 * height);
    return columns;
  });
}

/** Two thumbs on the picture, the left one to walk and the right one to look, moved from where they came down. */
export async function thumbs(page, context, { walkPx, lookPx }) {
  const cdp = await context.newCDPSession(page);
  const box = await page.locator(".stage").boundingBox();
  const y = box.y + box.height / 2;
  const [left, right] = [{ x: box.x + 80, y, id: 0 }, { x: box.x + box.width - 80, y, id: 1 }];
  const touch = (type, touchPoints) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints });
  await touch("touchStart", [left]);
  await touch("touchStart", [left, right]);
  await touch("touchMove", [{ ...left, y: y - walkPx }, { ...right, x: right.x + lookPx }]);
  await page.waitForFunction(() => document.querySelectorAll(".stick:not([hidden])").length === 2);
  return { lift: () => touch("touchEnd", []) };
}

/** Waits for so many more pictures. */
export async function frames(page, count) {
  const than = (await numPainted(page)) + count;
  await page.waitForFunction((wanted) => globalThis.nacre.app.view.stats().framesPainted >= wanted, than);
}

/** By how many columns the second picture lies to the right of the first (below zero: to the left). */
export function shiftBetween(before, after, most = 30) {
  const width = before.length;
  let best = { shift: 0, error: Infinity };
  for (let shift = -most; shift <= most; shift += 1) {
    let error = 0;
    for (let x = most; x < width - most; x += 1) error += Math.abs(after[x + shift] - before[x]);
    if (error < best.error) best = { shift, error };
  }
  return best.shift;
}

export const difference = (a, b) => a.reduce((sum, value, at) => sum + Math.abs(value - b[at]), 0) / a.length;

export function expect(is, what) {
  if (!is) throw new Error(what);
}
