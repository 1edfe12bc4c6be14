/** Where a person is: one of a few scenes, and which may follow which. Pure. */

export type Scene =
  | { at: "start" }
  | { at: "opening"; title: string; waiting?: Waiting }
  | { at: "playing"; isPaused: boolean }
  | { at: "lost"; isPaused: boolean }
  | { at: "held" }
  | { at: "ended"; reason: string };

export interface Waiting {
  position: number;
  numWaiting: number;
  waitS?: number;
}

export type Happening =
  | { is: "open"; title: string }
  | { is: "queued"; waiting: Waiting }
  | { is: "entered"; isPaused: boolean }
  | { is: "paused" }
  | { is: "resumed" }
  | { is: "lost" }
  | { is: "back" }
  | { is: "held" }
  | { is: "ended"; reason: string }
  | { is: "left" };

export class SceneError extends Error {
  constructor(scene: Scene, happening: Happening) {
    super(`"${happening.is}" cannot happen while one is at "${scene.at}"`);
  }
}

type Follow = (scene: Scene, happening: Happening) => Scene | undefined;

const FOLLOW: Record<Happening["is"], Follow> = {
  open: (_, happening) => (happening.is === "open" ? { at: "opening", title: happening.title } : undefined),
  queued: (scene, happening) =>
    scene.at === "opening" && happening.is === "queued" ? { ...scene, waiting: happening.waiting } : undefined,
  entered: (scene, happening) =>
    scene.at === "opening" && happening.is === "entered" ? { at: "playing", isPaused: happening.isPaused } : undefined,
  paused: (scene) => (isInside(scene) ? { ...scene, isPaused: true } : undefined),
  resumed: (scene) => (isInside(scene) ? { ...scene, isPaused: false } : undefined),
  lost: (scene) => (isInside(scene) ? { at: "lost", isPaused: scene.isPaused } : undefined),
  back: (scene) => (isInside(scene) ? { at: "playing", isPaused: scene.isPaused } : undefined),
  held: (scene) => (scene.at === "opening" || isInside(scene) ? { at: "held" } : undefined),
  ended: (scene, happening) =>
    scene.at !== "start" && happening.is === "ended" ? { at: "ended", reason: happening.reason } : undefined,
  left: () => ({ at: "start" }),
};

/** The scene after something happened. Throws `SceneError` for what cannot happen there. */
export function follow(scene: Scene, happening: Happening): Scene {
  const next = FOLLOW[happening.is](scene, happening);
  if (next === undefined) throw new SceneError(scene, happening);
  return next;
}

function isInside(scene: Scene): scene is Extract<Scene, { isPaused: boolean }> {
  return scene.at === "playing" || scene.at === "lost";
}
