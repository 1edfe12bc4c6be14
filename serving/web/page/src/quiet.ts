/** The page's own things go away while nobody looks for them. */

const IDLE_MS = 3500;
const BUSY = ".chrome :focus-visible, .side:focus-within, details[open], .peek.pinned";
const STIRRED_BY = ["pointermove", "pointerdown", "focusin"] as const;

/** Adds the class `idle` to `element` once nothing stirred for a while and `mayRest`. Gives what ends it. */
export function quieten(element: HTMLElement, mayRest: () => boolean): { stir: () => void; end: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stir = (): void => {
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
