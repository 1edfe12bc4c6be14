/** What happens more rarely: other hands, a full house, pictures that nobody can take, and the end of the service. Each
 * begins at the start page. */

import { difference, expect, frames, look, openPage, playing, thumbs } from "./browser.mjs";

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const applied = (kind) => `.receipt.applied[data-kind="${kind}"]`;

/** A PNG file's beginning, which says that it is so large. */
function headOfPng(width, height) {
  const head = Buffer.alloc(64);
  head.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  head.writeUInt32BE(width, 16);
  head.writeUInt32BE(height, 20);
  return head;
}

export const edgeScenarios = {
  async a_gamepad_walks_and_turns_n_03({ page, url }) {
    await page.goto(url);
    await page.click(".starter >> nth=0");
    await playing(page);
    await page.keyboard.press("i");
    const before = await look(page);
    await page.evaluate(() => {
      globalThis.padAxes = [0, -1, 0.8, 0];
      const pad = () => ({ index: 0, id: "a pad", mapping: "standard", connected: true, axes: globalThis.padAxes, buttons: [] });
      navigator.getGamepads = () => [pad()];
      dispatchEvent(new Event("gamepadconnected"));
    });
    await page.waitForSelector(`${applied("move")}:has-text("walk ahead")`);
    await page.waitForSelector(`${applied("look")}:has-text("right")`);
    await frames(page, 6);
    expect(difference(before, await look(page)) > 1, "the picture stayed as it was");
    await page.evaluate(() => (globalThis.padAxes = [0, 0, 0, 0]));
    await page.waitForSelector(`${applied("move")}:has-text("stand still")`);
    await page.click("[aria-label='Leave this world']");
    await page.waitForSelector(".starter");
  },

  async thumbs_walk_and_look_on_a_small_phone_n_03({ browser, url }) {
    const { page, context, faults } = await openPage(browser, PHONE);
    await page.goto(url);
    await page.tap(".starter >> nth=0");
    await playing(page);
    await page.evaluate(() => {
      globalThis.told = [];
      globalThis.nacre.app.world.on("receipt", ({ kind, text, status }) => status === "applied" && globalThis.told.push(`${kind} ${text}`));
    });
    const hands = await thumbs(page, context, { walkPx: 60, lookPx: 50 });
    const hasTold = (words) => page.waitForFunction((wanted) => globalThis.told.some((each) => each.startsWith(wanted)), words);
    await hasTold("move forward 1");
    await hasTold("look yaw 0.");
    await hands.lift();
    await hasTold("move forward 0, strafe 0");
    await page.waitForFunction(() => document.querySelectorAll(".stick:not([hidden])").length === 0);
    await page.tap("[aria-label='Leave this world']");
    await page.waitForSelector(".starter");
    expect(faults.length === 0, faults.join("; "));
    await context.close();
  },

  async whoever_comes_to_a_full_house_waits_in_line_and_gets_a_place({ page, url, faults }) {
    await page.goto(url);
    await page.waitForSelector(".starter");
    await page.evaluate(async () => {
      const { client } = globalThis.nacre.app.options;
      const words = ["one", "two"];
      globalThis.held = await Promise.all(words.map((prompt) => client.create({ prompt, waitS: 30 })));
    });
    await page.click(".starter >> nth=0");
    await page.waitForSelector(".in-line:has-text('You are next in line.')");
    expect((await page.locator(".queue-dots").count()) === 0, "a line of one is drawn");
    expect((await page.title()) === "Next in line · Nacre", `the tab says ${await page.title()}`);
    await page.evaluate(() => globalThis.held[0].end());
    await playing(page);
    await page.evaluate(() => globalThis.held[1].end());
    await page.click("[aria-label='Leave this world']");
    await page.waitForSelector(".starter");
    faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes("status of 429")));
  },

  async a_picture_that_nobody_can_open_is_refused_with_a_sentence({ page, url }) {
    await page.goto(url);
    await page.click("[role=tab]:has-text('A picture')");
    const file = { name: "huge.png", mimeType: "image/png", buffer: headOfPng(60_000, 60_000) };
    await page.setInputFiles("#picture-file", file);
    await page.waitForSelector(".notice.trouble:has-text('The picture is too large.')");
  },

  /** The last of all: nobody is there afterwards. */
  async a_service_that_stops_says_so_before_and_the_world_is_kept({ page, url, faults, stopService }) {
    await page.goto(url);
    await page.click(".starter >> nth=0");
    await playing(page);
    await page.keyboard.press("i");
    stopService();
    await page.waitForSelector(".notice:has-text('The service stops in')");
    await page.waitForSelector(".note[data-kind=end]:has-text('Ends in 0:0')");
    await page.waitForSelector(".figure:has-text('Ends'):has-text('second')");
    await page.waitForSelector(".cover:has-text('The service has stopped.')");
    await page.waitForSelector(".cover:has-text('Coming back as soon as it is there again')");
    expect(await page.locator(".note").isHidden(), "it still counts down");
    faults.length = 0; // the browser itself complains of a service that is gone
  },
};
