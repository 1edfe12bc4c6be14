/**
 * The README's two pictures of the page, from a service that runs:
 *
 *     node readme_pictures.mjs URL FOLDER
 */

import { join } from "node:path";
import { frames, launch, openPage, playing } from "./browser.mjs";

const SIZE = { viewport: { width: 1280, height: 800 } };
const [url, folder] = process.argv.slice(2);
const browser = await launch();
await shoot("light", "page_start.png", start);
await shoot("dark", "page.png", play);
await browser.close();

async function shoot(colorScheme, name, visit) {
  const { page, context } = await openPage(browser, { ...SIZE, colorScheme });
  await page.goto(url);
  await page.waitForSelector(".starter");
  await visit(page);
  await page.screenshot({ path: join(folder, name) });
  await context.close();
}

async function start(page) {
  await page.waitForTimeout(600);
}

/** Something was said, and what had been before it was left for a branch. */
async function play(page) {
  await page.click(".starter[data-id=girl]");
  await playing(page);
  await frames(page, 130);
  await page.click("[aria-label='Back by ten seconds']");
  await page.waitForSelector(".lane");
  await frames(page, 20);
  await page.waitForSelector(".notice", { state: "detached" }); // of the branch
  await page.fill(".say", "a red umbrella appears");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".caption.applied");
  await frames(page, 20);
}
