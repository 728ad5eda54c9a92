/** An inbox without its looks: one client, one model, the API, and what is being shown of them. */

import { CarillonClient, type Counts, type Item } from "../client/index.js";
import { isNewer, type ItemState } from "../client/protocol.js";
import type { Actions, ItemChange } from "./actions.js";
import { InboxApi, Problem, type Filter, type Preferences } from "./api.js";
import type { ListState } from "./list_view.js";
import { GUESSES, SNOOZED, type Guess } from "./guesses.js";
import { InboxModel, RETURNS } from "./model.js";
import type { PreferencesState } from "./preferences_view.js";
import { isSnoozed, timeLeft } from "./times.js";
import { Tokens } from "./tokens.js";

export interface InboxOptions {
  api: string;
  sockets: string;
  token: () => string | Promise<string>;
  limit: number;
}

/** What the inbox needs of who shows it. */
export interface InboxHost {
  changed(): void;
  /** False: the page has prevented what follows. */
  tell(name: string, detail: object): boolean;
  close(): void;
}

export class Inbox implements Actions {
  readonly client: CarillonClient;
  page: "list" | "preferences" = "list";
  opened = false;
  counts: Counts | undefined;
  preferences: PreferencesState = { shown: undefined, phase: "loading", faults: [] };
  readonly #api: InboxApi;
  readonly #model = new InboxModel();
  readonly #saidSeen = new Set<string>();
  #filter: Filter = "all";
  #loading = false;
  #failed = false;
  #changeFailed = false;
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly options: InboxOptions,
    private readonly host: InboxHost,
  ) {
    const tokens = new Tokens(options.token);
    this.#api = new InboxApi(options.api, tokens);
    this.client = new CarillonClient({ url: options.sockets, token: () => tokens.fresh() });
    const { client } = this;
    client.on("notification", ({ item, history }) => {
      this.#model.put(item);
      host.tell("notification", { item, history });
      this.#shown();
    });
    client.on("state", ({ change, items }) => {
      this.#model.apply(items);
      for (const { id, snoozed_until } of items) if (snoozed_until) this.#saidSeen.delete(id);
      if (RETURNS.includes(change) && items.some((state) => this.#isMissing(state))) void this.#load(null);
      else this.#shown();
    });
    client.on("counts", (counts) => {
      if (!isNewer(counts.as_of, this.counts?.as_of)) return;
      this.counts = counts;
      host.tell("count", { unread: counts.unread, unseen: counts.unseen });
      host.changed();
    });
    client.on("reset", () => this.#again());
    client.on("connection", (state) => {
      host.tell("connection", { state });
      if (state === "live" && this.#failed) void this.#load(null);
      host.changed();
    });
    client.on("error", (error) => host.tell("error", error));
  }

  get list(): ListState {
    return {
      filter: this.#filter,
      items: this.#model.list(this.#filter, Date.now()),
      more: !!this.#model.reach(this.#filter)?.next,
      loading: this.#loading,
      failed: this.#failed,
      changeFailed: this.#changeFailed,
      connection: this.client.state,
      unread: this.counts?.unread ?? 0,
    };
  }

  /** The panel is in front of the user. */
  open(): void {
    this.opened = true;
    if (this.#model.reach(this.#filter)) this.#shown();
    else void this.#load(null);
  }

  closed(): void {
    this.opened = false;
    this.page = "list";
  }

  show(filter: Filter): void {
    this.#filter = filter;
    void this.#load(null);
  }

  more(): void {
    const next = this.#model.reach(this.#filter)?.next;
    if (next && !this.#loading) void this.#load(next);
  }

  retry(): void {
    void this.#load(null);
  }

  close(): void {
    this.host.close();
  }

  change(change: ItemChange, id: string): void {
    this.#guess(id, GUESSES[change](Date.now()), this.client[change](id));
  }

  snooze(id: string, until: number): void {
    this.#guess(id, { ...SNOOZED, snoozed_until: until }, this.client.snooze(until, id));
  }

  /** Shows what is asked for, until it is known whether it was done. */
  #guess(id: string, guess: Guess, asked: Promise<number>): void {
    const undo = this.#model.guess(id, guess);
    this.#changeFailed = false;
    asked.catch((error: unknown) => {
      undo();
      this.#changeFailed = true;
      this.host.tell("error", { code: "change_failed", detail: String(error) });
      this.host.changed();
    });
    this.#changed();
  }

  select(id: string, event: Event): void {
    const item = this.#model.get(id);
    if (!item) return;
    if (!item.read_at) this.change("read", id);
    if (!this.host.tell("select", { item })) event.preventDefault();
  }

  press(id: string, action: string | undefined): void {
    const item = this.#model.get(id);
    if (!item) return;
    if (!item.read_at) this.change("read", id);
    if (action !== undefined) this.host.tell("action", { item, action });
  }

  readAll(): void {
    const now = Date.now();
    for (const item of this.#model.list("unread", now)) this.#model.guess(item.id, { read_at: now });
    this.client.readAll().catch(() => this.#again());
    this.host.changed();
  }

  settings(): void {
    this.page = "preferences";
    this.preferences = { shown: undefined, phase: "loading", faults: [] };
    this.host.changed();
    this.#api.preferences().then(
      (shown) => this.#prefer({ shown, phase: "ready", faults: [] }),
      () => this.#prefer({ shown: undefined, phase: "failed", faults: [] }),
    );
  }

  back(): void {
    this.page = "list";
    this.host.changed();
  }

  save(wanted: Preferences): void {
    const { shown } = this.preferences;
    this.#prefer({ shown, phase: "saving", faults: [] });
    this.#api.store(wanted).then(
      (stored) => {
        this.#prefer({ shown: stored, phase: "saved", faults: [] });
        this.host.tell("preferences", { preferences: stored });
      },
      (error: unknown) => this.#prefer({ shown, phase: "rejected", faults: error instanceof Problem ? error.faults : [] }),
    );
  }

  #prefer(state: PreferencesState): void {
    this.preferences = state;
    this.host.changed();
  }

  /** What was told before an answer comes counts on top of it: the model knows which is newer. */
  async #load(cursor: string | null): Promise<void> {
    const turn = ++this.#turn;
    const filter = this.#filter;
    this.#loading = true;
    this.#failed = this.#changeFailed = false;
    this.host.changed();
    try {
      const page = await this.#api.list(filter, this.options.limit, cursor);
      if (turn === this.#turn) this.#model.page(filter, page, cursor === null);
    } catch (error) {
      if (turn === this.#turn) this.#failed = true;
      this.host.tell("error", { code: "list_failed", detail: String(error) });
    }
    if (turn !== this.#turn) return;
    this.#loading = false;
    this.#shown();
  }

  /** Nothing that is shown can be relied on. */
  #again(): void {
    this.#model.clear();
    this.#saidSeen.clear();
    this.counts = this.client.counts;
    if (this.opened) void this.#load(null);
    this.host.changed();
  }

  #isMissing(state: ItemState): boolean {
    const isThere = !state.deleted_at && !state.archived_at && !isSnoozed(state, Date.now());
    return isThere && !this.#model.get(state.id) && !!this.#model.reach(this.#filter);
  }

  /** Draws, and again at the time when an item is over or back: who is offline sees it, too. */
  #changed(): void {
    this.host.changed();
    clearTimeout(this.#timer);
    const now = Date.now();
    const next = this.#model.next(now);
    const again = () => this.client.state !== "stopped" && this.#shown();
    if (next !== undefined) this.#timer = setTimeout(again, timeLeft(next, now));
  }

  /** Seen is what was in front of the user: not what came while the panel was closed. */
  #shown(): void {
    this.#changed();
    if (!this.opened || this.page !== "list" || this.#filter === "snoozed" || document.visibilityState === "hidden") return;
    const isNew = (item: Item) => !item.seen_at && !item.read_at && !item.archived_at && !this.#saidSeen.has(item.id);
    const ids = this.#model.list(this.#filter, Date.now()).filter(isNew).map((item) => item.id);
    if (!ids.length) return;
    for (const id of ids) this.#saidSeen.add(id);
    this.client.seen(...ids).catch(() => ids.forEach((id) => this.#saidSeen.delete(id)));
  }
}
