/** The page as a whole: which scene one is in, and how one gets from one to the other. */

import {
  WorldView,
  type CanShow,
  type Client,
  type CreateOptions,
  type QueueStanding,
  type Session,
  type World,
} from "nacre";
import type { Entry } from "./entry";
import { enterPatiently, Finder, restAlone } from "./finding";
import { Gallery, type Card } from "./gallery";
import { Notices } from "./notices";
import { rightsOf, type Asker } from "./offers";
import { OpeningView, placeOf } from "./opening_view";
import { PlayView } from "./play_view";
import { Preferences } from "./preferences";
import { follow, type Happening, type Scene } from "./scene";
import { StageView } from "./stage_view";
import { StartView } from "./start_view";
import type { Here, Store } from "./store";
import { Troubles } from "./troubles";
import { titleOf } from "./words";

export interface AppOptions {
  client: Client;
  store: Store;
  root: HTMLElement;
  clientId: Promise<string>;
  /** What this browser can show and play. */
  can: Promise<CanShow>;
}

// The stream that a reloaded page had may be noticed as gone only after the new one asks.
const RETURN_TRIES = 4;

export class App {
  scene: Scene = { at: "start" };
  readonly notices = new Notices();
  readonly preferences: Preferences;
  readonly #finder: Finder;
  readonly #troubles: Troubles;
  #play: PlayView | undefined;
  #view: WorldView | undefined;
  #opening: OpeningView | undefined;
  #canHear = false;
  #asker: Promise<Asker | null> | undefined;
  #abort = new AbortController();

  constructor(private readonly options: AppOptions) {
    this.preferences = new Preferences(options.store);
    this.#finder = new Finder(options.client, options.store);
    this.#troubles = this.#makeTroubles();
    document.body.append(this.notices.element);
  }

  get world(): World | null {
    return this.#play?.play.world ?? null;
  }

  get view(): WorldView | null {
    return this.#view ?? null;
  }

  #makeTroubles(): Troubles {
    return new Troubles({
      finder: this.#finder,
      notices: this.notices,
      store: this.options.store,
      opening: () => this.#opening,
      open: (entry, find) => this.#open(entry, find),
      askControl: () => this.#play?.hands.ask(),
      held: () => this.happened({ is: "held" }),
      leave: () => this.leave(),
      showStart: () => this.showStart(),
    });
  }

  /** Who one is; asked once, and never waited for alone. */
  #whoAsks(): Promise<Asker | null> {
    return (this.#asker ??= this.options.client.caller().catch(() => {
      this.#asker = undefined;
      return null;
    }));
  }

  // --- where one comes from ---

  async begin(link: string): Promise<void> {
    if (link) return this.openLink(link);
    const { here } = this.options.store;
    if (here) return this.#return(here);
    await this.showStart();
  }

  async showStart(): Promise<void> {
    const { client, store, can } = this.options;
    const onTrouble = (error: unknown): void => this.#troubles.onStart(error);
    const mayDelete = this.#whoAsks().then((asker) => rightsOf(true, asker).keep);
    const onOpen = (card: Card): void => void this.#openCard(card);
    const gallery = new Gallery({ client, store, mayDelete, onOpen, onTrouble });
    const { preferences, notices } = this;
    const onStart = (options: CreateOptions, title: string, poster?: string): void =>
      void this.openNew(options, title, poster);
    const start = new StartView({ preferences, notices, gallery, onStart });
    this.#show(start.element);
    document.title = "Nacre";
    start.begin();
    performance.mark("nacre:usable");
    void can.then(({ webCodecs }) => webCodecs || start.warn());
    try {
      start.showModel(await client.capabilities());
      await gallery.refresh();
    } catch (error) {
      onTrouble(error);
    }
  }

  openNew(options: CreateOptions, title: string, poster?: string): Promise<void> {
    performance.mark("nacre:pressed");
    const onQueue = ({ position, numWaiting, etaS }: QueueStanding): void =>
      this.happened({ is: "queued", waiting: { position, numWaiting, waitS: etaS ?? undefined } });
    return this.#open({ title, isOwner: true, poster }, () =>
      this.#finder.create(options, this.#abort.signal, onQueue),
    );
  }

  openLink(token: string): Promise<void> {
    const entry: Entry = { title: "A shared world", isOwner: false };
    return this.#open(entry, async () => {
      const session = await this.options.client.openShare(token);
      entry.isOwner = session.resumeToken !== token; // a link to fork gives a session of one's own
      if (session.record) entry.title = titleOf(session.record.world);
      return session;
    });
  }

  /** One of one's own: by the token that this browser has, else by a link to it. */
  openOwn(sessionId: string, title: string): Promise<void> {
    return this.#open({ title, isOwner: true }, () => this.#finder.own(sessionId));
  }

  #openCard(card: Card): Promise<void> {
    const entry = { title: card.title, isOwner: true, poster: card.still };
    return this.#open(entry, () => this.#finder.kept(card));
  }

  /** After a reload: the same world goes on. */
  #return(here: Here): Promise<void> {
    const { sessionId, token, title, isOwner, role } = here;
    const poster = this.options.store.held[sessionId]?.still;
    return this.#open(
      { title, isOwner, role, poster },
      () => Promise.resolve(this.options.client.session(sessionId, token)),
      RETURN_TRIES,
    );
  }

  // --- into a world ---

  async #open(entry: Entry, find: () => Promise<Session>, tries = 1): Promise<void> {
    this.#closeAll();
    this.happened({ is: "open", title: entry.title });
    this.#opening = new OpeningView(entry.title, () => void this.leave(), entry.poster);
    this.#show(this.#opening.element);
    this.#prepareView();
    void this.#whoAsks();
    const { signal } = this.#abort;
    let session: Session | undefined;
    try {
      session = await find();
      if (signal.aborted) return void session.park().catch(() => {}); // nobody waits for it any more
      await this.#enter(session, entry, tries, signal);
    } catch (error) {
      if (!signal.aborted)
        this.#troubles.failed(error, entry, session, session ? () => Promise.resolve(session as Session) : find);
    }
  }

  async #enter(session: Session, entry: Entry, tries: number, signal: AbortSignal): Promise<void> {
    const { store } = this.options;
    const [clientId, { audio }, asker] = await Promise.all([
      this.options.clientId,
      this.options.can,
      this.#whoAsks(),
    ]);
    this.#canHear = audio.length > 0;
    const world = await enterPatiently(tries, () =>
      session.enter({ clientId, role: entry.role, standBy: entry.standBy, resume: true }),
    );
    if (signal.aborted) return world.leave();
    const { title, isOwner } = entry;
    store.here = { sessionId: session.id, token: session.resumeToken, title, isOwner, role: world.role };
    if (isOwner) this.#finder.hold(session, title);
    this.happened({ is: "entered", isPaused: false });
    this.#showPlay(session, world, entry, asker);
  }

  #showPlay(session: Session, world: World, entry: Entry, asker: Asker | null): void {
    const { widthPx: width, heightPx: height } = world.capabilities;
    const stage = this.#stage as StageView;
    stage.setPicture({ width, height }, entry.title);
    this.#play = new PlayView(session, world, entry.title, entry.isOwner, {
      client: this.options.client,
      notices: this.notices,
      preferences: this.preferences,
      store: this.options.store,
      view: this.#view as WorldView,
      stage,
      canHear: this.#canHear,
      asker,
      happened: (happening) => this.happened(happening),
      enter: (next, title) => this.#move(next, title),
      enterBranch: (sessionId) => void this.#enterBranch(sessionId),
      enterAgain: () => void this.#open({ ...entry, poster: undefined }, () => Promise.resolve(session)),
      leave: () => void this.leave(),
    });
    this.#opening = undefined;
    this.#show(this.#play.element);
    document.title = `${entry.title} · Nacre`;
    this.#play.begin();
  }

  #stage: StageView | undefined;

  /** Made within the press of a button, so that the browser lets it sound. */
  #prepareView(): void {
    const { sound, volume } = this.preferences.all;
    this.#stage = new StageView({ width: 128, height: 80 }, "");
    this.#view = new WorldView(this.#stage.canvas, { sound: false, volume });
    const isAsked = navigator.userActivation?.isActive ?? false;
    if (sound && isAsked) void this.#view.setSound(true);
  }

  /** From one session into another; the one that is left rests, so that its place is free. */
  async #move(next: Session, title: string): Promise<void> {
    const left = this.#play?.play;
    await this.#open({ title, isOwner: true }, () => Promise.resolve(next));
    if (left) await restAlone(left);
  }

  async #enterBranch(sessionId: string): Promise<void> {
    const left = this.#play;
    if (!left) return;
    await this.openOwn(sessionId, left.title);
    await restAlone(left.play);
  }

  // --- out of it ---

  async leave(): Promise<void> {
    const play = this.#play?.play;
    this.#closeAll();
    this.options.store.here = null;
    this.happened({ is: "left" });
    if (play) await restAlone(play);
    await this.showStart();
  }

  #closeAll(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.notices.clear();
    this.#play?.close();
    this.#view?.close();
    this.#play = this.#view = this.#opening = undefined;
  }

  happened(happening: Happening): void {
    this.scene = follow(this.scene, happening);
    document.documentElement.dataset.scene = this.scene.at;
    if (this.scene.at !== "opening") return;
    const { title, waiting } = this.scene;
    document.title = `${waiting ? placeOf(waiting) : title} · Nacre`; // somebody who waits is in another tab
    this.#opening?.wait(waiting);
  }

  #show(element: HTMLElement): void {
    this.options.root.replaceChildren(element);
    scrollTo(0, 0);
  }
}
