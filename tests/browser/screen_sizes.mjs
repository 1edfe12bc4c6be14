/** On what the page is looked at: `node SCREENS.mjs URL FOLDER [SIZE...]`, over a line that can be cut. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { launch, openPage } from "./browser.mjs";
import { Line } from "./line.mjs";

export const SIZES = {
  360: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
  740: { viewport: { width: 740, height: 360 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
  1440: { viewport: { width: 1440, height: 900 } },
  3840: { viewport: { width: 3840, height: 2160 } },
};

/**
 * `visit` goes to the page's states on one size in one colour scheme. It is given the line, its address, whether there is
 * touch, and `open`: another person's page, its context, and `shot(name)`, which writes a picture of it.
 */
export async function onEverySize(visit) {
  const [target, folder, ...sizes] = process.argv.slice(2);
  mkdirSync(folder, { recursive: true });
  const line = new Line(target);
  const url = await line.open();
  const browser = await launch();
  for (const size of sizes.length ? sizes : Object.keys(SIZES)) {
    for (const colorScheme of ["light", "dark"]) {
      const contexts = [];
      const open = async () => {
        const { page, context } = await openPage(browser, { ...SIZES[size], colorScheme });
        contexts.push(context);
        const shot = (name) => page.screenshot({ path: join(folder, `${size}-${colorScheme}-${name}.png`) });
        return { page, context, shot };
      };
      await visit({ line, url, open, hasTouch: SIZES[size].hasTouch });
      await Promise.all(contexts.map((context) => context.close()));
      console.log(`${size} ${colorScheme}`);
    }
  }
  await browser.close();
  line.close();
}
