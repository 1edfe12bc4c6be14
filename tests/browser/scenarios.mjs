/** What a person does, in order: each goes on in the page as the one before left it, unless it opens its own. */

import { readFileSync } from "node:fs";
import {
  difference,
  expect,
  frames,
  look,
  newTab,
  numPainted,
  openPage,
  playing,
  sessionId,
  shiftBetween,
  start,
} from "./browser.mjs";

const WORDS = "a quiet street at dusk";
const text = (page, selector) => page.textContent(selector);

async function lineOf(page, kind, status) {
  const line = `.receipt.${status}[data-kind="${kind}"]`;
  await page.waitForSelector(line);
  return text(page, line);
}

/** How far the picture goes to the right while a key is held. */
async function shiftWhile(page, key) {
  await page.keyboard.down(key);
  await frames(page, 6); // until what was held before has left the screen
  let shift = 0;
  let before = await look(page);
  for (let step = 0; step < 8; step += 1) {
    await frames(page, 1);
    const after = await look(page);
    shift += shiftBetween(before, after);
    before = after;
  }
  await page.keyboard.up(key);
  return shift;
}

export const scenarios = {
  async the_page_is_there_with_starters_n_01({ page, url }) {
    await page.goto(url);
    await page.waitForSelector("h1:has-text('Where would you like to be?')");
    await page.waitForFunction(() =>
      [...document.querySelectorAll(".starter img")].every((each) => each.complete && each.naturalWidth > 0),
    );
    expect((await page.locator(".starter").count()) >= 6, "fewer than six starters");
    expect(await page.evaluate(() => document.activeElement?.matches("textarea.words")), "one cannot type at once");
  },

  async a_sentence_becomes_a_world_n_02({ page, url }) {
    await start(page, url, WORDS);
    const columns = await look(page);
    expect(Math.max(...columns) - Math.min(...columns) > 5, "the picture is blank");
    expect((await text(page, ".title")) === WORDS, "the title is not the sentence");
    expect((await text(page, ".live")) === "Live", "it does not say that it is live");
  },

  async keys_walk_and_their_receipts_are_told_n_03({ page }) {
    await page.keyboard.press("i");
    const before = await look(page);
    await page.keyboard.down("w");
    await frames(page, 15);
    await page.keyboard.up("w");
    expect(difference(before, await look(page)) > 1, "walking changed nothing");
    expect(/chunk \d+ · \d+:\d\d/.test(await lineOf(page, "move", "applied")), "the receipt names no chunk");
  },

  async the_picture_turns_the_way_that_is_pressed_n_03({ page }) {
    const right = await shiftWhile(page, "ArrowRight");
    const left = await shiftWhile(page, "ArrowLeft");
    expect(right < -5 && left > 5, `the picture went ${right} columns on turning right, ${left} on turning left`);
  },

  async a_sentence_changes_the_world_n_04({ page }) {
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.matches(".say")), "Enter does not lead to the line");
    await page.keyboard.type("it starts to rain");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".caption:has-text('it starts to rain')");
    await page.waitForSelector(".caption.applied");
    await lineOf(page, "directive", "applied");
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowUp");
    expect((await page.inputValue(".say")) === "it starts to rain", "the history has forgotten");
    await page.keyboard.press("Escape");
    await page.waitForSelector(".receipt:has-text('weather: rain')");
  },

  async a_sentence_of_which_nothing_was_understood_is_told({ page }) {
    await page.fill(".say", "hello");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".notice:has-text('Nothing was understood of “hello”')");
    await page.waitForSelector(".receipt:has-text('not understood')");
  },

  async perspective_and_camera_are_asked_for_n_05({ page }) {
    await page.keyboard.press("v");
    await lineOf(page, "perspective", "applied");
    await page.keyboard.press("c");
    await page.click(".menu button:has-text('Pan left')");
    await lineOf(page, "camera", "applied");
    await page.keyboard.press("i");
  },

  async sound_is_heard_and_switched_off_n_14({ page }) {
    await page.waitForFunction(() => globalThis.nacre.app.view.sound);
    await page.waitForFunction(() => {
      const { analyser } = globalThis.nacre.app.view;
      const samples = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(samples);
      return samples.some((sample) => Math.abs(sample) > 1e-4);
    });
    await page.keyboard.press("m");
    await page.waitForSelector("[aria-label='Sound on']");
    expect(await page.evaluate(() => !globalThis.nacre.app.view.sound), "it still sounds");
    await page.keyboard.press("m");
    await page.waitForSelector("[aria-label='Sound off']");
  },

  async a_pause_stops_the_world_and_ends_n_06({ page }) {
    await page.keyboard.press("Space");
    await page.waitForSelector(".live[data-state=paused]");
    await page.waitForFunction(async () => {
      const painted = () => globalThis.nacre.app.view.stats().framesPainted;
      const before = painted();
      await new Promise((resolve) => setTimeout(resolve, 600));
      return painted() === before;
    });
    await page.keyboard.press("Space");
    await page.waitForSelector(".live[data-state=live]");
    await frames(page, 3);
  },

  async a_moment_is_saved_under_a_name_n_07({ page }) {
    await page.keyboard.press("b");
    await page.fill("dialog .field", "rain on the street");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".notice:has-text('Saved as “rain on the street”')");
  },

  async the_recording_is_downloaded_n_15({ page }) {
    const waiting = page.waitForEvent("download");
    await page.click("[aria-label='Download the recording']");
    const file = readFileSync(await (await waiting).path());
    expect(file.subarray(4, 8).toString() === "ftyp" && file.length > 10_000, `${file.length} bytes are no film`);
  },

  async a_rewind_keeps_the_old_future_as_a_branch_n_08({ page }) {
    const before = await page.getAttribute(".film", "aria-valuemax");
    await page.focus(".film");
    await page.keyboard.press("Home");
    for (let step = 0; step < 2; step += 1) await page.keyboard.press("ArrowRight");
    await page.waitForSelector(".peek.pinned");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".lane");
    await page.waitForFunction(
      (than) => Number(document.querySelector(".film").getAttribute("aria-valuemax")) < Number(than),
      before,
    );
    await frames(page, 3);
  },

  async a_fork_is_another_session_that_plays_n_08({ page }) {
    const before = await sessionId(page);
    await page.focus("canvas.world");
    await page.keyboard.press("k");
    await page.waitForFunction((than) => ![than, ""].includes(globalThis.nacre.app.world?.sessionId ?? ""), before);
    await playing(page);
    await page.waitForFunction(() => document.querySelectorAll(".lane").length >= 2);
  },

  async a_branch_can_be_entered_n_08({ page }) {
    const before = await sessionId(page);
    await page.locator(".lane").last().click();
    await page.waitForFunction((than) => ![than, ""].includes(globalThis.nacre.app.world?.sessionId ?? ""), before);
    await playing(page);
  },

  async a_reload_goes_on_in_the_same_world_n_09({ page }) {
    const before = await sessionId(page);
    await page.reload();
    await playing(page);
    expect((await sessionId(page)) === before, "it is another session");
  },

  async a_lost_line_is_told_and_comes_back_n_09({ page, line, faults }) {
    const before = await sessionId(page);
    line.cut();
    await page.waitForSelector(".cover:has-text('The connection was lost.')");
    await page.keyboard.press("b"); // saving meanwhile is refused with a sentence
    await page.fill("dialog .field", "not now");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".notice button:has-text('Try again')"); // what the page asked by itself may be refused before
    line.mend();
    await page.waitForSelector(".live[data-state=live]");
    await playing(page);
    expect((await sessionId(page)) === before, "it is another session");
    await page.click(".notice button:has-text('Try again')");
    await page.waitForSelector(".notice:has-text('Saved as “not now”')");
    for (const complaint of ["net::ERR", "WebSocket connection to"]) drop(faults, complaint); // the browser's own, of a line that is cut
  },

  async whoever_has_a_link_looks_on_n_15({ page, browser, url }) {
    await page.click("[aria-label=Share]");
    await page.click("dialog button:has-text('Make a link')");
    const link = await page.inputValue("dialog [aria-label=Link]");
    expect(link.startsWith(`${url}/#share=`), `the link is ${link}`);
    await page.keyboard.press("Escape");
    const viewer = await openPage(browser);
    await viewer.page.goto(link);
    await playing(viewer.page);
    expect((await text(viewer.page, ".live")) === "Looking on", "a viewer is not told to be one");
    expect(
      (await viewer.page.locator(".say, .timeline, [aria-label=Pause]").count()) === 0,
      "a viewer is offered what is not theirs",
    );
    expect(!viewer.page.url().includes("share="), "the token stays in the address");
    expect(viewer.faults.length === 0, viewer.faults.join("; "));
    await viewer.context.close();
  },

  async a_second_tab_is_told_and_looks_on_or_takes_control({ page, context, url }) {
    const id = await sessionId(page);
    const other = await newTab(context);
    await other.page.goto(url);
    await other.page.click(`.card[data-id="${id}"]`);
    await other.page.waitForSelector("text=This world is already open elsewhere.");
    await other.page.click("button:has-text('Look on')");
    await playing(other.page);
    await other.page.click("[aria-label='Leave this world']");
    await other.page.click(`.card[data-id="${id}"]`);
    await other.page.click("button:has-text('Take control')");
    await playing(other.page);
    await page.click(".hands button:has-text('Give it')");
    await other.page.waitForFunction(() => globalThis.nacre.app.world.inControl);
    await page.waitForSelector(".hands:has-text('You are looking on')");
    await other.page.close();
    await page.waitForFunction(() => globalThis.nacre.app.world.inControl);
    expect(other.faults.length === 0, other.faults.join("; "));
  },

  async leaving_leads_to_ones_worlds_which_can_be_entered_again_n_07({ page }) {
    const id = await sessionId(page);
    await page.click("[aria-label='Leave this world']");
    await page.waitForSelector(".card[data-kind=world]:has-text('rain on the street')");
    await page.waitForSelector(`.card[data-id="${id}"] img`);
    await page.click(".card[data-kind=world]");
    await playing(page);
    await page.click("[aria-label='Leave this world']");
    await page.waitForSelector("h1:has-text('Where would you like to be?')");
    await page.click("[aria-label='Delete rain on the street']");
    await page.click("[aria-label='Really delete rain on the street']");
    const gone = page.locator(".card[data-kind=world]:has-text('rain on the street')");
    await gone.waitFor({ state: "detached" });
    expect((await page.locator(".card[data-kind=world]").count()) === 1, "another world went with it");
  },

  async bad_pictures_are_refused_with_a_sentence({ page, url, picture, faults }) {
    await page.goto(url);
    await page.click("[role=tab]:has-text('A picture')");
    const offer = async (name, buffer, told) => {
      await page.setInputFiles("#picture-file", { name, mimeType: "image/png", buffer });
      await page.waitForSelector(`.notice.trouble:has-text('${told}')`);
    };
    await offer("words.png", Buffer.from("these are words"), "not a picture that can be read");
    await offer("half.png", readFileSync(picture).subarray(0, 2000), "cut short or damaged");
    await page.click("button[type=submit]");
    await page.waitForSelector("text=There is nothing to begin from.");
    await page.click("button:has-text('Back to the start')");
    drop(faults, "status of 400"); // the browser tells of every refusal
  },

  async a_picture_becomes_a_world_n_02({ page, picture }) {
    await page.click("[role=tab]:has-text('A picture')");
    await page.setInputFiles("#picture-file", picture);
    await page.waitForSelector("img.chosen");
    await page.click("button[type=submit]");
    await playing(page);
    await page.click("[aria-label='Leave this world']");
  },

  async somebody_somewhere_becomes_a_world_by_keys_alone_n_02({ page }) {
    await page.waitForSelector("textarea.words");
    await page.focus("[role=tab][aria-selected=true]");
    await page.keyboard.press("ArrowRight");
    const isSeen = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle === "solid");
    expect(isSeen, "the focus cannot be seen");
    await page.keyboard.press("Tab");
    await page.keyboard.type("a girl in a red coat");
    await page.keyboard.press("Tab");
    await page.keyboard.type("a green meadow");
    await page.keyboard.press("Enter");
    await playing(page);
    expect((await text(page, ".title")) === "a girl in a red coat, a green meadow", "the title is another");
    await page.click("[aria-label='Leave this world']");
    await page.waitForSelector("textarea.words");
  },

  async a_service_that_is_away_is_told_and_can_be_asked_again({ page, line, faults }) {
    line.cut();
    await page.click(".starter >> nth=0");
    await page.waitForSelector("text=The service does not answer.");
    line.mend();
    await page.click("button:has-text('Back to the start')");
    await page.click(".starter >> nth=0");
    await playing(page);
    await page.click("[aria-label='Leave this world']");
    drop(faults, "net::ERR");
  },

  async a_browser_without_webcodecs_says_so_and_plays({ browser, url }) {
    const plain = await openPage(browser);
    await plain.page.addInitScript(() => {
      for (const name of ["VideoDecoder", "AudioDecoder", "EncodedVideoChunk", "EncodedAudioChunk"])
        delete globalThis[name];
    });
    await plain.page.goto(url);
    await plain.page.waitForSelector(".warning:has-text('WebCodecs')");
    await start(plain.page, url, WORDS);
    expect((await numPainted(plain.page)) > 0, "nothing is shown");
    await plain.page.click("[aria-label='Leave this world']");
    expect(plain.faults.length === 0, plain.faults.join("; "));
    await plain.context.close();
  },

  async nothing_is_wider_than_a_small_phone_d_10({ browser, url }) {
    const phone = await openPage(browser, {
      viewport: { width: 360, height: 740 },
      hasTouch: true,
      isMobile: true,
      deviceScaleFactor: 2,
    });
    const overflows = () => phone.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    await phone.page.goto(url);
    await phone.page.waitForSelector(".starter");
    expect(!(await overflows()), "the start page is too wide");
    await phone.page.tap(".starter >> nth=0");
    await playing(phone.page);
    expect(!(await overflows()), "the world's page is too wide");
    expect(phone.faults.length === 0, phone.faults.join("; "));
    await phone.page.tap("[aria-label='Leave this world']");
    await phone.page.waitForSelector(".starter");
    await phone.context.close();
  },
};

function drop(faults, words) {
  faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes(words)));
}
