/** Single keys that do something, while nobody types. */

const TYPED_IN = "input, textarea, select, dialog, [contenteditable]";
const PRESSED_BY = "button, a, [role=button], summary, [role=slider]";

export type Shortcuts = Partial<Record<string, () => void>>;

/** Listens until what it gives is called. Keys are those of `KeyboardEvent.key`, letters small. */
export function listen(shortcuts: () => Shortcuts): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (target.closest(TYPED_IN) || document.querySelector("dialog[open]")) return;
    const isPress = event.key === "Enter" || event.key === " ";
    if (isPress && target.closest(PRESSED_BY)) return;
    const run = shortcuts()[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!run) return;
    event.preventDefault();
    run();
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}

/** Whether keys that are pressed there belong to what has the focus, and not to the world. */
export function isTypedIn(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(`${TYPED_IN}, [role=slider]`) !== null;
}
