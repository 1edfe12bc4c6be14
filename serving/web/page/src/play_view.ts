/** The page while one is in a world: its parts, and what each does to the others. */

import { WorldInput, type GoAway, type Receipt, type Session, type World } from "nacre";
import { BarView } from "./bar_view";
import { Curtain } from "./curtain";
import { DirectiveLine } from "./directive_line";
import { h } from "./dom";
import { HandsView } from "./hands_view";
import { openHelp } from "./help_dialog";
import { hintOf, offersOf, rightsOf, type Offers } from "./offers";
import { Panel } from "./panel";
import { listenToPerson, toggleFullScreen } from "./person";
import { Play } from "./play";
import type { PlayPlace } from "./play_place";
import { playShortcuts } from "./play_shortcuts";
import { quieten } from "./quiet";
import { askName } from "./save_dialog";
import { warningOf } from "./sentences";
import { openSettings } from "./settings_dialog";
import { openShareDialog } from "./share_dialog";
import type { Shortcuts } from "./shortcuts";
import { ShownChunks } from "./shown_chunks";
import { SoundSwitch } from "./sound_switch";
import { StateLine } from "./state_line";
import { Stills } from "./stills";
import { TimelineView } from "./timeline_view";
import { ToolsView } from "./tools_view";
import { duration } from "./words";

const BACK_S = 10;

export class PlayView {
  readonly element: HTMLElement;
  readonly play: Play;
  readonly hands: HandsView;
  readonly #offers: Offers;
  readonly #bar: BarView;
  readonly #sound: SoundSwitch;
  readonly #state: StateLine;
  readonly #curtain: Curtain;
  readonly #stills: Stills;
  readonly #panel: Panel;
  readonly #tools: ToolsView;
  readonly #line: DirectiveLine | undefined;
  readonly #timeline: TimelineView;
  readonly #shown: ShownChunks;
  readonly #input: WorldInput | undefined;
  readonly #quiet: ReturnType<typeof quieten>;
  readonly #offs: (() => void)[] = [];
  #isTyping = false;
  #isClosed = false; // answers may still come

  constructor(
    session: Session,
    private readonly world: World,
    readonly title: string,
    private readonly isOwner: boolean,
    private readonly place: PlayPlace,
  ) {
    const { store, stage, view } = place;
    this.#offers = offersOf(world.capabilities, world.role, rightsOf(isOwner, place.asker), place.canHear);
    this.play = new Play(session, world, view, title, {
      notices: place.notices,
      enter: place.enter,
      paused: (isPaused) => this.#showPaused(isPaused),
      recorded: () => place.preferences.all.recorded,
      branched: () => void this.#refreshBranches(),
    });
    this.hands = new HandsView(this.play);
    this.#panel = new Panel(view, () => this.#state.standing);
    this.#curtain = new Curtain(this.play, place, this.#offers.keep, () => this.#onCurtain());
    this.#bar = this.#makeBar();
    this.#sound = new SoundSwitch(place, this.#bar, this.#offers.sound);
    this.#state = new StateLine(this.#bar, this.play, this.#curtain);
    this.#stills = new Stills(stage.canvas, world.capabilities.chunkDurationS);
    this.#tools = this.#makeTools();
    if (this.#offers.directive) this.#line = new DirectiveLine({ said: store.said, onSay: (text) => this.#say(text) });
    this.#timeline = this.#makeTimeline();
    this.#shown = new ShownChunks(this.play, this.#stills, this.#timeline);
    this.element = this.#makeElement();
    const mayBeQuiet = (): boolean => world.state === "open" && !this.play.isPaused && !this.#state.isWarned;
    this.#quiet = quieten(this.element, mayBeQuiet);
    this.#input = this.#makeInput();
    this.#listen();
  }

  /** After the element is in the page. */
  begin(): void {
    const { view, stage, notices } = this.place;
    view.show(this.world);
    stage.canvas.focus({ preventScroll: true });
    this.hands.show(this.world.hands);
    this.#sound.show();
    this.#state.show();
    void this.#refreshBranches();
    this.play.session.state().then(
      (record) => {
        this.hands.waitS = record.takeControlAfterS ?? this.hands.waitS;
        this.#state.endsAt(record.endsAt);
        if (record.isPaused) this.#showPaused(true);
      },
      (error: unknown) => this.#isClosed || notices.trouble(error),
    );
  }

  close(): void {
    this.#isClosed = true;
    for (const off of this.#offs.splice(0)) off();
    this.#quiet.end();
    this.hands.close();
    this.#panel.close();
    this.#state.close();
    this.#input?.close();
    this.place.stage.close();
    this.world.leave();
  }

  // --- its parts ---

  #makeElement(): HTMLElement {
    const drop = {
      ondragover: (event: DragEvent) => event.preventDefault(),
      ondrop: (event: DragEvent) => this.#onDrop(event),
    };
    const timeline = this.#offers.keep && this.#timeline.element;
    return h(
      "main",
      { class: "play", ...drop },
      this.#bar.element,
      h("div", { class: "middle" }, this.place.stage.element, this.#panel.element),
      h("footer", { class: "dock chrome" }, this.#line?.element, this.#tools.element, timeline),
    );
  }

  #makeBar(): BarView {
    return new BarView(this.title, this.#offers.sound, this.hands.element, {
      leave: this.place.leave,
      sound: () => void this.#sound.toggle(),
      panel: () => this.#togglePanel(),
      fill: () => this.#fillScreen(),
      settings: () => openSettings(this.place.preferences),
      help: () => this.#help(),
    });
  }

  #makeTools(): ToolsView {
    const { play, world } = this;
    return new ToolsView(this.#offers, {
      pause: () => void play.togglePause(),
      rewind: () => void play.rewind({ seconds: BACK_S }),
      perspective: (which) => play.watch(world.perspective(which)),
      camera: (move) => {
        play.watch(world.camera(move));
        this.#focusWorld();
      },
      picture: (file) => void play.showPicture(file),
      save: () => void this.#save(),
      fork: () => void play.fork(),
      share: () => openShareDialog(play.session, this.place.notices, () => this.#focusWorld()),
      download: () => void play.download(),
    });
  }

  #makeTimeline(): TimelineView {
    const { widthPx, heightPx, chunkDurationS } = this.world.capabilities;
    return new TimelineView({
      chunkDurationS,
      film: this.#stills.film,
      aspect: widthPx / heightPx,
      onRewind: (chunk) => void this.play.rewind({ chunkIndex: chunk }),
      onFork: (chunk) => void this.play.fork(chunk),
      onEnter: (sessionId) => this.place.enterBranch(sessionId),
    });
  }

  #makeInput(): WorldInput | undefined {
    if (!this.#offers.move && !this.#offers.look) return undefined;
    const { stage, preferences } = this.place;
    const { sensitivity, invertPitch } = preferences.all;
    const input = new WorldInput(this.world, { element: stage.element, sensitivity, invertPitch });
    this.#offs.push(input.on("stick", (stick) => stage.showStick(stick)));
    return input;
  }

  // --- what happens ---

  #listen(): void {
    const { world, place, play } = this;
    const { view } = place;
    this.#offs.push(
      view.on("playing", () => this.#onPlaying()),
      view.on("frame", ({ chunkIndex }) => {
        place.stage.onFrame();
        this.#shown.onFrame(chunkIndex);
      }),
      view.on("sound", (isOn) => this.#bar.showSound(isOn)),
      view.on("error", (error) => place.notices.trouble(error)),
      world.on("receipt", (receipt) => this.#onReceipt(receipt)),
      world.on("hands", (hands) => this.hands.show(hands)),
      world.on("rewound", (rewind) => {
        this.#stills.film.rewind(rewind.chunkIndex);
        play.onRewound(rewind);
        this.#timeline.tick(play.now);
      }),
      world.on("goAway", (away) => this.#warn(away)),
      world.on("quality", () => this.#state.show()),
      world.on("reconnecting", ({ error }) => this.#lose(error)),
      world.on("attached", ({ resumed }) => resumed && this.#curtain.comeBack()),
      world.on("closed", (error) => this.#curtain.end(error)),
      place.preferences.onChange(({ volume }) => (view.volume = volume)),
      listenToPerson({
        typing: (isTyping) => {
          this.#isTyping = isTyping;
          this.#letIn();
        },
        touched: () => void this.#sound.atFirst(),
        shortcuts: () => this.#shortcuts,
      }),
    );
    if (this.isOwner) this.#offs.push(this.#stills.keepPosters(place.store, play.session.id));
  }

  get #shortcuts(): Shortcuts {
    const { play } = this;
    return playShortcuts(this.#offers, {
      togglePause: () => void play.togglePause(),
      back: () => void play.rewind({ seconds: BACK_S }),
      save: () => void this.#save(),
      fork: () => void play.fork(),
      speak: () => this.#line?.focus(),
      nextPerspective: () => this.#tools.nextPerspective(),
      openCamera: () => this.#tools.openCamera(),
      toggleSound: () => void this.#sound.toggle(),
      fillScreen: () => this.#fillScreen(),
      togglePanel: () => this.#togglePanel(),
      help: () => this.#help(),
    });
  }

  #onPlaying(): void {
    if (this.element.classList.contains("shown")) return; // it stood still for a moment
    performance.mark("nacre:painted");
    this.element.classList.add("shown");
    this.place.notices.whisper("The world plays.");
    const hint = hintOf(this.#offers, matchMedia("(pointer: coarse)").matches);
    if (hint && this.place.store.takeFirstTime()) this.place.stage.hint(hint);
  }

  #onReceipt(receipt: Receipt): void {
    this.#panel.note(receipt);
    if (receipt.outcome !== null) this.place.stage.settleCaption(receipt.controlId, receipt.status);
  }

  #warn({ reason, timeLeftS }: GoAway): void {
    const sentence = warningOf(reason, duration(timeLeftS), !this.place.store.key);
    this.place.notices.say(sentence);
    this.#state.warn(sentence, timeLeftS);
    this.#quiet.stir();
  }

  #lose(why: Error): void {
    this.#state.forgetWarning();
    this.#curtain.lose(why);
  }

  #onCurtain(): void {
    this.#letIn();
    this.#state.show();
    if (!this.#curtain.isDown) void this.#refreshBranches();
  }

  // --- what one does ---

  #say(text: string): void {
    const receipt = this.world.say(text);
    this.place.store.say(text);
    this.place.stage.caption(receipt.controlId, `“${text}”`);
    this.play.watch(receipt);
    this.#focusWorld();
  }

  async #save(): Promise<void> {
    const name = await askName(this.title);
    if (name) await this.play.save(name);
    this.#focusWorld();
  }

  #onDrop(event: DragEvent): void {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file && this.#offers.image) void this.play.showPicture(file);
  }

  #togglePanel(): void {
    this.#bar.showPanel(this.#panel.toggle());
  }

  #fillScreen(): void {
    toggleFullScreen().catch(() => this.place.notices.say("This browser does not let pages fill the screen."));
  }

  #help(): void {
    const { model, widthPx, heightPx, frameRate, licence } = this.world.capabilities;
    openHelp(this.#offers, [model, `${widthPx} by ${heightPx}`, `${frameRate} pictures a second`, licence]);
  }

  // --- what is seen ---

  #focusWorld(): void {
    this.place.stage.canvas.focus({ preventScroll: true });
  }

  /** Keys and touches reach the world unless they are meant for something else. */
  #letIn(): void {
    if (this.#input) this.#input.enabled = !this.#isTyping && !this.#curtain.isDown;
  }

  #showPaused(isPaused: boolean): void {
    if (this.#isClosed || this.#curtain.hasEnded) return;
    this.play.isPaused = isPaused;
    this.place.happened({ is: isPaused ? "paused" : "resumed" });
    this.#tools.showPaused(isPaused);
    this.#state.show();
    this.#quiet.stir();
  }

  async #refreshBranches(): Promise<void> {
    if (!this.#offers.keep) return;
    try {
      this.#timeline.showBranches(await this.play.branches(this.place.client), this.play.session.id);
    } catch (error) {
      if (!this.#isClosed) this.place.notices.trouble(error);
    }
  }
}
