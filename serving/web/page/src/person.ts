/** What a person does to the page as a whole: where the focus goes, the first touch, and single keys. */

import { isTypedIn, listen, type Shortcuts } from "./shortcuts";

export interface PersonEvents {
  /** The focus is in something that takes keys for itself. */
  typing(isTyping: boolean): void;
  /** Any key or press: after the first, browsers let a page sound. */
  touched(): void;
  shortcuts(): Shortcuts;
}

/** Listens until what it gives is called. */
export function listenToPerson(events: PersonEvents): () => void {
  const onFocus = (event: FocusEvent): void => events.typing(event.type === "focusin" && isTypedIn(event.target));
  const onTouch = (): void => events.touched();
  const listeners: [string, EventListener][] = [
    ["focusin", onFocus as EventListener],
    ["focusout", onFocus as EventListener],
    ["pointerdown", onTouch],
    ["keydown", onTouch],
  ];
  for (const [name, listener] of listeners) document.addEventListener(name, listener);
  const off = listen(() => events.shortcuts());
  return () => {
    off();
    for (const [name, listener] of listeners) document.removeEventListener(name, listener);
  };
}

/** Throws where the browser does not let it. */
export async function toggleFullScreen(): Promise<void> {
  if (document.fullscreenElement) await document.exitFullscreen();
  else await document.documentElement.requestFullscreen({ navigationUI: "hide" });
}
