/**
 * Pictures of what is met beside the way that screens.mjs goes: troubles, guests, touch.
 *
 *     node screens_aside.mjs URL FOLDER [SIZE...]
 */

import { frames, playing, thumbs } from "./browser.mjs";
import { onEverySize } from "./screen_sizes.mjs";

await onEverySize(async ({ line, url, open, hasTouch }) => {
  const { page, context, shot } = await open();
  await atTheStart(page, shot, line, url);
  await inAWorld(page, shot, line, { context, hasTouch });
  const guest = await open();
  await asAGuest(page, guest.page, guest.shot);
});

async function atTheStart(page, shot, line, url) {
  await page.addInitScript(() => {
    if (!location.hash.includes("plain")) return;
    for (const name of ["VideoDecoder", "AudioDecoder"]) delete globalThis[name];
  });
  await page.goto(`${url}#plain`);
  await page.waitForSelector(".warning");
  await shot("20-no-webcodecs");
  await page.goto("about:blank");
  await page.goto(url);
  await page.click("[role=tab]:has-text('A picture')");
  await page.setInputFiles("#picture-file", { name: "x.png", mimeType: "image/png", buffer: Buffer.from("words") });
  await page.waitForSelector(".notice.trouble");
  await shot("21-bad-picture");
  await page.click("[role=tab]:has-text('A scene')");
  await page.fill("[aria-label=Somebody]", "a girl in a red coat");
  await page.focus("[aria-label=Somewhere]");
  await page.click("summary:has-text('More')");
  await page.keyboard.press("Tab");
  await shot("22-scene");
  line.cut();
  await page.click(".starter >> nth=0");
  await page.waitForSelector("text=The service does not answer.");
  await shot("23-away");
  line.mend();
  await page.click("button:has-text('Back to the start')");
}

async function inAWorld(page, shot, line, { context, hasTouch }) {
  await page.click(".starter >> nth=2");
  await playing(page);
  await frames(page, 25);
  if (hasTouch) await withThumbs(page, context, shot);
  await page.click("[aria-label=Camera]");
  await shot("25-camera");
  await page.keyboard.press("Escape");
  await page.click("[aria-label='Save this moment']");
  await page.waitForSelector("dialog");
  await shot("26-save");
  await page.keyboard.press("Escape");
  for (let times = 0; times < 2; times += 1) {
    await frames(page, 40);
    await page.click("[aria-label='Back by ten seconds']");
    await page.waitForFunction((count) => document.querySelectorAll(".lane").length > count, times);
  }
  await page.click("[aria-label=Pause]");
  await page.waitForSelector(".live[data-state=paused]");
  await shot("27-paused-branches");
  await page.click("[aria-label='Go on']");
  line.cut();
  await page.click("[aria-label='Save this moment']").catch(() => {});
  await page.waitForSelector(".cover:has-text('The connection was lost.')");
  line.mend();
  await page.waitForSelector(".live[data-state=live]");
}

async function withThumbs(page, context, shot) {
  const hands = await thumbs(page, context, { walkPx: 40, lookPx: 30 });
  await shot("24-thumbs");
  await hands.lift();
}

async function asAGuest(page, guest, shot) {
  const link = await page.evaluate(async () => {
    const { token } = await globalThis.nacre.app.world.session.share("join");
    return `${location.origin}/#share=${token}`;
  });
  await guest.goto(link);
  await guest.waitForSelector("text=This world is already open elsewhere.");
  await shot("28-guest-asked");
  await guest.click("text=Look on");
  await playing(guest);
  await frames(guest, 10);
  await shot("29-guest");
}
