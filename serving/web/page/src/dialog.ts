/** Dialogs: the browser's own, which keeps the focus inside and closes with Escape. */

import { append, h, type Child } from "./dom";
import { iconButton } from "./icons";

export interface Opened {
  element: HTMLDialogElement;
  body: HTMLElement;
  close(): void;
}

export function openDialog(
  title: string,
  children: Child[],
  options: { onClose?: () => void; isWide?: boolean } = {},
): Opened {
  const body = h("div", { class: "dialog-body" });
  append(body, children);
  const close = (): void => element.close();
  const element = h(
    "dialog",
    { class: options.isWide ? "dialog wide" : "dialog", "aria-label": title },
    h("header", { class: "dialog-head" }, h("h2", null, title), iconButton("close", "Close", close)),
    body,
  );
  element.addEventListener("close", () => {
    element.remove();
    options.onClose?.();
  });
  // A click beside it: the dialog itself is hit there only, what is in it covers the rest.
  element.addEventListener("pointerdown", (event) => {
    if (event.target === element) close();
  });
  document.body.append(element);
  element.showModal();
  return { element, body, close };
}

/** Choices of which one holds, as a row of radio buttons. */
export function choice<Value extends string>(
  label: string,
  values: readonly (readonly [Value, string])[],
  chosen: Value,
  onChange: (value: Value) => void,
): HTMLElement {
  const name = `choice-${label.toLowerCase().replaceAll(/[^a-z]+/g, "-")}`;
  const buttons = values.map(([value, text]) =>
    h(
      "label",
      { class: "segment" },
      h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onChange(value) }),
      h("span", null, text),
    ),
  );
  return h("fieldset", { class: "choice" }, h("legend", null, label), h("div", { class: "segments" }, ...buttons));
}

export function slider(
  label: string,
  range: { min: number; max: number; step: number; value: number },
  onChange: (value: number) => void,
): HTMLElement {
  const input = h("input", { type: "range", ...range, "aria-label": label });
  input.addEventListener("input", () => onChange(input.valueAsNumber));
  return h("label", { class: "slider" }, h("span", null, label), input);
}
