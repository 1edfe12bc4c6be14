/** The page's own things go away while nobody looks for them. */

const IDLE_MS = 3500;
const BUSY = ".chrome :focus-visible, .side:focus-within, details[open], .peek.pinned";
const STIRRED_BY = ["pointermove", "pointerdown", "focusin", "keydown"] as const;
// Keys that are meant for the world are no reason to show the page's own things.
const AT_WORLD = "canvas.world, body";

/** Adds the class `idle` to `element` once nothing stirred for a while and `mayRest`. Gives what ends it. */
export function quieten(
  element: HTMLElement,
  mayRest: () => boolean,
): { stir: (event?: Event) => void; end: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stir = (event?: Event): void => {
    if (event?.type === "keydown" && event.target instanceof Element && event.target.matches(AT_WORLD)) return;
    element.classList.remove("idle");
    clearTimeout(timer);
    timer = setTimeout(() => element.classList.toggle("idle", mayRest() && !element.querySelector(BUSY)), IDLE_MS);
  };
  for (const name of STIRRED_BY) document.addEventListener(name, stir, { passive: true });
  stir();
  const end = (): void => {
    clearTimeout(timer);
    for (const name of STIRRED_BY) document.removeEventListener(name, stir);
  };
  return { stir, end };
}
