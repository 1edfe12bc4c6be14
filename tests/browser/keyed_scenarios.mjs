/** On the page of a service that asks who one is, by somebody who has a key (`key`), and by their guests. */

import { expect, frames, openPage, playing, start } from "./browser.mjs";

const WORDS = "a quiet street at dusk";
const TAKEN_BACK = "text=This link was taken back.";
const ASKED = ".notice:has-text('This service asks who you are.')";

async function enterKey(page, key) {
  await page.click("button:has-text('Enter a key')");
  await page.fill("dialog [aria-label='Key or token']", key);
  await page.click("dialog button:has-text('Continue')");
}

/** Gives the link, once it is made. */
async function share(page, what) {
  await page.click("[aria-label=Share]");
  await page.click(`dialog label:has-text('${what}')`);
  await page.click("dialog button:has-text('Make a link')");
  const link = await page.inputValue("dialog [aria-label=Link]");
  await page.keyboard.press("Escape");
  return link;
}

/** Somebody who has nothing but the link, and sees the world. */
async function comeBy(link, browser) {
  const guest = await openPage(browser);
  await guest.page.goto(link);
  await playing(guest.page);
  return guest;
}

async function leave({ context, faults }) {
  expect(faults.length === 0, faults.join("; "));
  await context.close();
}

/** The browser itself tells of every answer that is a refusal. */
const but = (faults, known) => faults.splice(0, faults.length, ...faults.filter((each) => !each.includes(known)));

export const keyedScenarios = {
  async whoever_shows_no_key_is_asked_for_one_p_02({ page, faults, url, key }) {
    await page.goto(url);
    await page.waitForSelector(ASKED);
    await enterKey(page, "nacre-no-such-key");
    await page.waitForSelector(ASKED);
    await enterKey(page, key);
    await page.waitForSelector(".starter");
    await start(page, url, WORDS);
    expect((await page.locator(ASKED).count()) === 0, "who has shown a key is asked again");
    but(faults, "401");
  },

  async a_key_is_kept_in_its_tab_alone_p_02({ page, context, faults }) {
    await page.reload();
    await playing(page);
    const other = await context.newPage();
    await other.goto(page.url());
    await other.waitForSelector(ASKED);
    await other.close();
    expect(faults.length === 0, faults.join("; "));
  },

  async a_guest_looks_on_without_a_key_n_15({ page, browser }) {
    const link = await share(page, "Look on");
    const guest = await comeBy(link, browser);
    expect((await guest.page.textContent(".live")) === "Looking on", "a guest is not told to be one");
    expect((await guest.page.locator(".say, .timeline, [aria-label=Share]").count()) === 0, "more is offered than a link allows");
    await leave(guest);
  },

  async a_guest_says_things_and_nothing_else_n_15({ page, browser }) {
    const link = await share(page, "Say things");
    const guest = await comeBy(link, browser);
    await guest.page.keyboard.press("i"); // the panel, which lists what became of it
    await guest.page.fill("input.say", "it starts to rain");
    await guest.page.keyboard.press("Enter");
    await guest.page.waitForSelector('.receipt.applied[data-kind="directive"]');
    expect((await guest.page.locator("[aria-label=Share]").count()) === 0, "a guest is offered to let others in");
    await leave(guest);
  },

  async a_link_that_is_taken_back_ends_for_those_who_came_by_it_n_15({ page, browser }) {
    const link = await share(page, "Look on");
    const guest = await comeBy(link, browser);
    await page.click("[aria-label=Share]");
    await page.click("dialog .links li >> nth=0 >> [aria-label='Take this link back']");
    await page.keyboard.press("Escape");
    await guest.page.waitForSelector(TAKEN_BACK);
    await leave(guest);
    const late = await openPage(browser);
    await late.page.goto(link);
    await late.page.waitForSelector(TAKEN_BACK);
    expect((await late.page.locator(".play.shown").count()) === 0, "it opens nevertheless");
    await late.context.close();
    await frames(page, 4);
  },
};
