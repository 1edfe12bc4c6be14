/** Small drawings, 20 units wide, in the colour of the text. */

import { h, svg } from "./dom";

const PATHS = {
  pause: "M7 4.5v11M13 4.5v11",
  play: "M6.5 4.2v11.6l9-5.8z",
  sound: "M3.5 8v4h3l4 3.2V4.8L6.5 8zM13.2 7.2a4 4 0 0 1 0 5.6M15.4 5a7 7 0 0 1 0 10",
  mute: "M3.5 8v4h3l4 3.2V4.8L6.5 8zM13.5 8l4 4M17.5 8l-4 4",
  eye: "M2.5 10S5.2 5 10 5s7.5 5 7.5 5-2.7 5-7.5 5-7.5-5-7.5-5zM10 12.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z",
  person: "M10 8.8a2.9 2.9 0 1 0 0-5.8 2.9 2.9 0 0 0 0 5.8zM4.2 17c.5-3.6 2.8-5.5 5.8-5.5s5.3 1.9 5.8 5.5",
  camera: "M3 6.5h9v7.5H3zM12 9.2l5-2.5v7l-5-2.5",
  save: "M5.5 3.5h9v13L10 13.2l-4.5 3.3z",
  fork: "M6 3.5v13M6 11c0-3.5 7.5-1.5 7.5-6.5M13.5 4.5v-1M6 16.5v0",
  share: "M10 12V3.5M6.8 6.5L10 3.3l3.2 3.2M4.5 10v6.5h11V10",
  download: "M10 3.5V12M6.8 9L10 12.2 13.2 9M4.5 13.5v3h11v-3",
  panel: "M3.5 4.5h13v11h-13zM12 4.5v11",
  back: "M8.5 5L3.5 10l5 5M4 10h12.5",
  gear: "M4 6h6M14 6h2M4 14h2M10 14h6M12 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  help: "M7.5 7.5a2.5 2.5 0 1 1 3.7 2.2c-.8.4-1.2.9-1.2 1.8M10 14.5v.2",
  picture: "M3.5 4.5h13v11h-13zM4 13.5l3.8-3.8 3 3 2-2 3.4 3.4M13 8v.2",
  full: "M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4",
  close: "M5 5l10 10M15 5L5 15",
  rewind: "M9.5 5.5L4.5 10l5 4.5zM15.5 5.5l-5 4.5 5 4.5z",
  send: "M3.5 10h12M11 5.5L15.5 10 11 14.5",
  copy: "M7 7h9v9H7zM4 13V4h9",
  bin: "M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.8 11h7.4l.8-11",
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGElement {
  const path = svg("path", { d: PATHS[name] });
  return svg("svg", { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" }, path);
}

/** A button with a drawing; `label` is its name and its tip, `key` what does the same. */
export function iconButton(name: IconName, label: string, onClick: () => void, key = ""): HTMLButtonElement {
  const tip = key ? `${label} (${key})` : label;
  return h(
    "button",
    {
      class: "tool",
      type: "button",
      "aria-label": label,
      title: tip,
      "aria-keyshortcuts": key || null,
      onclick: onClick,
    },
    icon(name),
  );
}

export function setIcon(button: HTMLButtonElement, name: IconName, label: string, key = ""): void {
  button.replaceChildren(icon(name));
  button.setAttribute("aria-label", label);
  button.title = key ? `${label} (${key})` : label;
}
