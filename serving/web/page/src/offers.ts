/** What the interface offers: no more than the model's capability record says, the role allows and the browser can. Pure. */

export interface Abilities {
  controls: readonly string[];
  perspectives: readonly string[];
  sampleRateHz: number;
}

export type PlayRole = "player" | "director" | "viewer";

export interface Offers {
  move: boolean;
  look: boolean;
  directive: boolean;
  image: boolean;
  camera: boolean;
  /** In the order of the record; empty where there is no choice. */
  perspectives: readonly string[];
  sound: boolean;
  pause: boolean;
  /** Rewind, save, fork, share, download. */
  keep: boolean;
}

/** What one may do to the session as a whole. */
export interface Rights {
  pause: boolean;
  keep: boolean;
}

/** Who one is, as far as the service knows. */
export interface Asker {
  role: string;
  subjectId: string;
}

/** By the service's roles. `asker`: null where it did not say, and will where something is not allowed. */
export function rightsOf(isOwner: boolean, asker: Asker | null): Rights {
  const keeps = !asker || asker.role === "owner" || asker.role === "admin";
  // What a guest began by a link to fork is theirs to play, and no more than that.
  const plays = keeps || asker.role === "player" || asker.subjectId.startsWith("share:");
  return { pause: isOwner && plays, keep: isOwner && keeps };
}

export const CAMERA_MOVES = [
  "static",
  "pan_left",
  "pan_right",
  "tilt_up",
  "tilt_down",
  "push_in",
  "pull_back",
  "orbit",
] as const;

export function offersOf(abilities: Abilities, role: PlayRole, rights: Rights, canHear: boolean): Offers {
  const drives = role === "player";
  const can = (control: string): boolean => drives && abilities.controls.includes(control);
  const says = role !== "viewer" && abilities.controls.includes("directive");
  return {
    move: can("move"),
    look: can("look"),
    directive: says,
    image: can("image"),
    camera: can("camera"),
    perspectives: can("perspective") && abilities.perspectives.length > 1 ? abilities.perspectives : [],
    sound: abilities.sampleRateHz > 0 && canHear,
    pause: rights.pause,
    keep: rights.keep,
  };
}

export interface Key {
  keys: readonly string[];
  does: string;
}

/** The keys that do something here, for the page that explains them. */
export function keysOf(offers: Offers): Key[] {
  const keys: (Key | false)[] = [
    offers.move && { keys: ["W", "A", "S", "D"], does: "walk" },
    offers.look && { keys: ["←", "→", "↑", "↓"], does: "look around; or click the picture and use the mouse" },
    offers.directive && { keys: ["Enter"], does: "say what happens" },
    offers.perspectives.length > 1 && { keys: ["V"], does: "another perspective" },
    offers.camera && { keys: ["C"], does: "camera moves" },
    offers.pause && { keys: ["Space"], does: "pause, and go on" },
    offers.keep && { keys: ["R"], does: "back by ten seconds" },
    offers.keep && { keys: ["B"], does: "save this moment" },
    offers.keep && { keys: ["K"], does: "fork: another way from here" },
    offers.sound && { keys: ["M"], does: "sound on and off" },
    { keys: ["F"], does: "fill the screen" },
    { keys: ["I"], does: "receipts and figures" },
    { keys: ["?"], does: "this page" },
    { keys: ["Esc"], does: "let go of the mouse, close what is open" },
  ];
  return keys.filter((key): key is Key => key !== false);
}

/** What somebody needs who is here for the first time. */
export function hintOf(offers: Offers, hasTouch: boolean): string {
  if (hasTouch) return offers.move ? "Left thumb walks, right thumb looks" : "";
  const parts = [
    offers.move && "W A S D to walk",
    offers.look && "arrows to look",
    offers.directive && "Enter to speak",
  ];
  return parts.filter(Boolean).join(" · ");
}
