/** Keys, mouse, gamepad and touch to `move` and `look`. */

import { Emitter, type Listener } from "../emitter.js";
import type { World } from "../world.js";
import { AT_REST, type Axes, sum } from "./axes.js";
import { type Axis, type Bindings, HeldKeys, TURN_ARROWS, WALK_ARROWS, WALK_KEYS } from "./keys.js";
import { MouseTurn } from "./mouse.js";
import { AxesSender } from "./sender.js";
import { type TouchStick, TouchSticks, gamepadAxes } from "./sticks.js";

export interface InputOptions {
  /** Gets pointer lock and touches; keys are taken from its window. */
  element: HTMLElement;
  keys?: boolean;
  /** "lock": by a click on the element, until Escape. "drag": while a button is held. */
  mouse?: "lock" | "drag" | false;
  gamepad?: boolean;
  touch?: boolean;
  /** By KeyboardEvent.code, beside W A S D and the arrows; null takes one away. */
  bindings?: Record<string, Axis | null>;
  sensitivity?: number;
  invertPitch?: boolean;
}

export interface InputEvents {
  axes: Axes;
  /** The pointer was locked, or let go. */
  lock: boolean;
  /** A gamepad came or went. */
  gamepad: boolean;
  /** For those who draw sticks: px in the element, axes -1 to 1, y down. */
  stick: TouchStick;
}

/** Everything is let go on blur, when the page is hidden, and when the connection is lost: no key stays stuck. */
export class WorldInput {
  private readonly events = new Emitter<InputEvents>();
  private readonly sender: AxesSender;
  private readonly keys: HeldKeys;
  private readonly turn: MouseTurn;
  private readonly sticks = new TouchSticks();
  private readonly off: (() => void)[] = [];
  private readonly stepS: number;
  private mouseAxes: Axes = AT_REST;
  private padAxes: Axes = AT_REST;
  private current: Axes = AT_REST;
  private mouseTimer: ReturnType<typeof setInterval> | undefined;
  private padHandle = 0;
  private isEnabled = true;

  constructor(
    private readonly world: World,
    private readonly options: InputOptions,
  ) {
    const { keys = true, mouse = "lock", gamepad = true, touch = true } = options;
    const { capabilities } = world;
    const canTurn = capabilities.controls.includes("look");
    this.stepS = capabilities.chunkDurationS || 0.1;
    this.sender = new AxesSender(world);
    this.keys = new HeldKeys(bindingsWith(canTurn, options.bindings));
    const { sensitivity = 1, invertPitch = false } = options;
    const { maxYawDegPerS, maxPitchDegPerS } = capabilities;
    this.turn = new MouseTurn({ maxYawDegPerS, maxPitchDegPerS, sensitivity, invertPitch });
    if (keys) this.bindKeys();
    if (mouse && canTurn) this.bindMouse(mouse);
    if (touch) this.bindTouch();
    if (gamepad) this.bindGamepad();
    this.bindSafety();
  }

  on<K extends keyof InputEvents>(event: K, listener: Listener<InputEvents[K]>): () => void {
    return this.events.on(event, listener);
  }

  get axes(): Axes {
    return this.current;
  }

  get isLocked(): boolean {
    return this.page.pointerLockElement === this.options.element;
  }

  get enabled(): boolean {
    return this.isEnabled;
  }

  /** False lets everything go. */
  set enabled(enabled: boolean) {
    this.isEnabled = enabled;
    if (!enabled) this.release();
  }

  /** Call it in a click: browsers want one. */
  lock(): void {
    // Refused without a click, or too soon after Escape; then there is no lock, and that is all.
    // Telephones have none.
    void Promise.resolve(this.options.element.requestPointerLock?.()).catch(() => {});
  }

  unlock(): void {
    if (this.isLocked) this.page.exitPointerLock();
  }

  /** Let everything go. */
  release(): void {
    this.keys.clear();
    this.turn.clear();
    this.stopTurning();
    this.padAxes = AT_REST;
    for (const stick of this.sticks.clear()) this.events.emit("stick", stick);
    this.update();
    this.sender.want(this.current, true);
  }

  close(): void {
    this.release();
    this.unlock();
    this.sender.close();
    cancelAnimationFrame(this.padHandle);
    for (const off of this.off.splice(0)) off();
  }

  private get page(): Document {
    return this.options.element.ownerDocument;
  }

  private update(): void {
    const { invertPitch = false } = this.options;
    const axes = sum([this.keys.axes(), this.mouseAxes, this.padAxes, this.sticks.axes(invertPitch)]);
    const isSame = (Object.keys(axes) as (keyof Axes)[]).every((name) => axes[name] === this.current[name]);
    if (isSame) return;
    this.current = axes;
    this.sender.want(axes);
    this.events.emit("axes", axes);
  }

  private bindKeys(): void {
    this.listen(window, "keydown", (event) => {
      const isShortcut = event.ctrlKey || event.metaKey || event.altKey || event.isComposing;
      if (!this.isEnabled || isShortcut || isTyping(event.target) || !this.keys.press(event.code)) return;
      event.preventDefault(); // arrows scroll the page
      this.update();
    });
    this.listen(window, "keyup", (event) => {
      // While Command is held, macOS does not tell which keys are let go.
      if (event.key === "Meta") this.keys.clear();
      this.keys.release(event.code);
      this.update();
    });
  }

  private bindMouse(way: "lock" | "drag"): void {
    const { element } = this.options;
    const isTurning = (event: PointerEvent) => (way === "lock" ? this.isLocked : event.buttons !== 0);
    this.listen(element, "pointermove", (event) => {
      if (!this.isEnabled || event.pointerType !== "mouse" || !isTurning(event)) return;
      this.turn.add(event.movementX, event.movementY);
      this.mouseTimer ??= setInterval(() => this.stepTurn(), this.stepS * 1e3);
      if (this.mouseAxes === AT_REST) this.stepTurn();
    });
    if (way === "lock") {
      this.listen(element, "click", (event) => {
        // Older browsers tell no kind of pointer of a click.
        const isMouse = ((event as PointerEvent).pointerType ?? "mouse") === "mouse";
        if (isMouse && this.isEnabled && !this.isLocked) this.lock();
      });
      this.listen(this.page, "pointerlockchange", () => {
        if (!this.isLocked) this.stopTurning();
        this.update();
        this.events.emit("lock", this.isLocked);
      });
    } else {
      this.listen(element, "pointerdown", (event) => {
        if (event.pointerType === "mouse") element.setPointerCapture(event.pointerId);
      });
    }
  }

  private stepTurn(): void {
    if (this.turn.isMoving) this.mouseAxes = this.turn.take(this.stepS);
    else this.stopTurning();
    this.update();
  }

  private stopTurning(): void {
    clearInterval(this.mouseTimer);
    this.mouseTimer = undefined;
    this.turn.clear();
    this.mouseAxes = AT_REST;
  }

  private bindTouch(): void {
    const { element } = this.options;
    // Else the browser takes a thumb's way for scrolling.
    const { touchAction } = element.style;
    element.style.touchAction = "none";
    this.off.push(() => (element.style.touchAction = touchAction));
    const told = (stick: TouchStick | null) => {
      if (stick) this.events.emit("stick", stick);
      this.update();
    };
    this.listen(element, "pointerdown", (event) => {
      if (!this.isEnabled || event.pointerType !== "touch") return;
      const box = element.getBoundingClientRect();
      const stick = this.sticks.down(event.pointerId, event.clientX - box.left, event.clientY - box.top, box.width);
      if (stick) element.setPointerCapture(event.pointerId);
      told(stick);
    });
    this.listen(element, "pointermove", (event) => {
      if (event.pointerType !== "touch") return;
      const box = element.getBoundingClientRect();
      told(this.sticks.move(event.pointerId, event.clientX - box.left, event.clientY - box.top));
    });
    for (const end of ["pointerup", "pointercancel"] as const) {
      this.listen(element, end, (event) => told(this.sticks.up(event.pointerId)));
    }
  }

  private bindGamepad(): void {
    const poll = () => {
      const pad = navigator.getGamepads?.().find((each) => each !== null);
      const invertPitch = this.options.invertPitch ?? false;
      this.padAxes = pad && this.isEnabled && this.page.hasFocus() ? gamepadAxes(pad.axes, invertPitch) : AT_REST;
      this.update();
      this.padHandle = pad ? requestAnimationFrame(poll) : 0;
    };
    this.listen(window, "gamepadconnected", () => {
      if (this.padHandle === 0) poll();
      this.events.emit("gamepad", true);
    });
    this.listen(window, "gamepaddisconnected", () => this.events.emit("gamepad", false));
    poll();
  }

  private bindSafety(): void {
    this.listen(window, "blur", () => this.release());
    this.listen(window, "pagehide", () => this.release());
    this.listen(this.page, "visibilitychange", () => this.page.hidden && this.release());
    this.off.push(
      this.world.on("reconnecting", () => this.release()),
      this.world.on("closed", () => this.release()),
      this.world.on("hands", () => {
        // What is held while control comes is sent then.
        if (this.world.inControl) this.sender.want(this.current);
        else this.sender.forget();
      }),
    );
  }

  private listen<T extends keyof WindowEventMap>(target: Window | Document | HTMLElement, type: T, listener: (event: WindowEventMap[T]) => void): void;
  private listen<T extends keyof DocumentEventMap>(target: Document, type: T, listener: (event: DocumentEventMap[T]) => void): void;
  private listen(target: EventTarget, type: string, listener: (event: never) => void): void {
    target.addEventListener(type, listener as EventListener);
    this.off.push(() => target.removeEventListener(type, listener as EventListener));
  }
}

function bindingsWith(canTurn: boolean, own: Record<string, Axis | null> = {}): Bindings {
  const all = { ...WALK_KEYS, ...(canTurn ? TURN_ARROWS : WALK_ARROWS), ...own };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, Axis] => entry[1] !== null));
}

/** Letters in a text field are letters. */
function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.closest("input, textarea, select") !== null;
}
