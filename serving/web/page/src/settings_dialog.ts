/** Looks, picture, motion, mouse and loudness. */

import { choice, openDialog, slider } from "./dialog";
import { h } from "./dom";
import type { Preferences } from "./preferences";

export function openSettings(preferences: Preferences): void {
  const { theme, picture, motion, volume, sensitivity, invertPitch, recorded } = preferences.all;
  const invert = h("input", { type: "checkbox", checked: invertPitch });
  invert.addEventListener("change", () => preferences.set({ invertPitch: invert.checked }));
  openDialog("Settings", [
    choice(
      "Looks",
      [
        ["system", "As the system"],
        ["light", "Light"],
        ["dark", "Dark"],
      ],
      theme,
      (value) => preferences.set({ theme: value }),
    ),
    choice(
      "Picture",
      [
        ["crisp", "Crisp"],
        ["soft", "Soft"],
      ],
      picture,
      (value) => preferences.set({ picture: value }),
    ),
    choice(
      "Motion of the page",
      [
        ["system", "As the system"],
        ["reduced", "Reduced"],
      ],
      motion,
      (value) => preferences.set({ motion: value }),
    ),
    choice(
      "Recordings",
      [
        ["opus", "As they sounded"],
        ["aac", "For QuickTime"],
      ],
      recorded,
      (value) => preferences.set({ recorded: value }),
    ),
    slider("Loudness", { min: 0, max: 1, step: 0.05, value: volume }, (value) => preferences.set({ volume: value })),
    slider("Mouse", { min: 0.2, max: 3, step: 0.1, value: sensitivity }, (value) =>
      preferences.set({ sensitivity: value }),
    ),
    h("label", { class: "check" }, invert, h("span", null, "Mouse up looks down")),
  ]);
}
