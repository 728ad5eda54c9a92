/** The list: filters, notices, the feed and what moves in it by keys. */

import type { ConnectionState } from "../client/connection.js";
import type { Item } from "../client/protocol.js";
import type { Actions } from "./actions.js";
import type { Filter } from "./api.js";
import { arrange, h, iconButton, set } from "./dom.js";
import { itemView, madeOf, type ItemView } from "./item_view.js";
import type { Key, Texts } from "./texts.js";

export interface ListState {
  filter: Filter;
  items: Item[];
  more: boolean;
  loading: boolean;
  failed: boolean;
  changeFailed: boolean;
  connection: ConnectionState;
  unread: number;
}

const FILTERS: Filter[] = ["all", "unread", "snoozed", "archived"];
const NOTICES: Partial<Record<ConnectionState, Key>> = { waiting: "disconnected", offline: "disconnected", failed: "failed" };
const STEPS: Record<string, (at: number, count: number) => number> = {
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  PageDown: (at) => at + 5,
  PageUp: (at) => at - 5,
  Home: () => 0,
  End: (_, count) => count - 1,
};

export class ListView {
  readonly element: HTMLElement;
  readonly heading: HTMLElement;
  readonly #filters: HTMLButtonElement[];
  readonly #readAll: HTMLButtonElement;
  readonly #notice = h("p", { class: "notice", role: "status" });
  readonly #feed: HTMLElement;
  readonly #empty = h("p", { class: "empty", role: "status" });
  readonly #more: HTMLButtonElement;
  readonly #views = new Map<string, ItemView>();
  #items: Item[] = [];

  constructor(
    private readonly texts: Texts,
    private readonly actions: Actions,
    closes: boolean,
  ) {
    this.heading = h("h2", { id: "title", tabindex: -1 }, texts.text("title"));
    this.#filters = FILTERS.map((filter) => {
      const onclick = () => actions.show(filter);
      return h("button", { type: "button", class: "filter", onclick }, texts.text(`filter_${filter}`));
    });
    this.#readAll = iconButton("checks", texts.text("read_all"), () => actions.readAll());
    this.#feed = h("div", { role: "feed", "aria-labelledby": "title", onkeydown: (event: KeyboardEvent) => this.#key(event) });
    this.#more = h("button", { type: "button", class: "more", onclick: () => actions.more() }, texts.text("more"));
    this.element = h(
      "div",
      { class: "view" },
      h(
        "header",
        {},
        this.heading,
        this.#readAll,
        iconButton("settings", texts.text("preferences"), () => actions.settings()),
        closes && iconButton("close", texts.text("close"), () => actions.close()),
      ),
      h("div", { class: "bar", role: "group", "aria-label": texts.text("filters") }, ...this.#filters),
      this.#notice,
      h("div", { class: "scroll", tabindex: -1 }, this.#feed, this.#empty, this.#more),
    );
  }

  update(state: ListState, now: number): void {
    const { items, filter } = state;
    this.#items = items;
    FILTERS.forEach((each, at) => set(this.#filters[at]!, "aria-pressed", String(each === filter)));
    this.#readAll.disabled = state.unread === 0;
    this.#say(state);
    this.#show(state, now);
    set(this.#feed, "aria-busy", String(state.loading));
    this.#feed.hidden = items.length === 0;
    this.#empty.hidden = items.length > 0 || state.failed;
    this.#empty.textContent = this.texts.text(state.loading ? "loading" : `empty_${filter}`);
    this.#more.hidden = !state.more || items.length === 0;
    this.#more.disabled = state.loading;
  }

  #say({ connection, failed, changeFailed }: ListState): void {
    const key = NOTICES[connection] ?? (failed ? "list_failed" : changeFailed ? "change_failed" : undefined);
    const text = key ? this.texts.text(key) : "";
    if (this.#notice.dataset.said === text) return;
    this.#notice.dataset.said = text;
    this.#notice.classList.toggle("bad", key === "list_failed" || key === "change_failed");
    const retry = () => h("button", { type: "button", class: "button", onclick: () => this.actions.retry() }, this.texts.text("retry"));
    this.#notice.replaceChildren(text, ...(key === "list_failed" ? [retry()] : []));
    this.#notice.hidden = !text;
  }

  #show({ items, more }: ListState, now: number): void {
    const focused = (this.#feed.getRootNode() as ShadowRoot).activeElement?.closest("article");
    const at = focused ? [...this.#feed.children].indexOf(focused) : -1;
    const inside = at >= 0 && focused?.contains((this.#feed.getRootNode() as ShadowRoot).activeElement);
    const elements = items.map((item, position) => {
      let view = this.#views.get(item.id);
      if (!view || view.made !== madeOf(item, this.texts)) {
        view = itemView(item, this.texts, this.actions);
        this.#views.set(item.id, view);
      }
      view.time.textContent = this.texts.ago(item.created_at, now);
      set(view.element, "aria-posinset", position + 1);
      set(view.element, "aria-setsize", more ? -1 : items.length);
      return view.element;
    });
    arrange(this.#feed, elements);
    for (const [id, { element }] of this.#views) if (!element.isConnected) this.#views.delete(id);
    const current = elements.find((element) => element.tabIndex === 0) ?? elements[0];
    elements.forEach((element) => (element.tabIndex = element === current ? 0 : -1));
    if (inside && !focused?.isConnected) this.#focus(this.#again(focused!.dataset.id!, at));
  }

  /** Where the focus goes when its item was made anew, or is gone: to the same place. */
  #again(id: string, at: number): number {
    const same = this.#items.findIndex((item) => item.id === id);
    return same >= 0 ? same : Math.min(at, this.#items.length - 1);
  }

  #focus(at: number): void {
    const found = this.#feed.children[at] as HTMLElement | undefined;
    if (!found) return this.heading.focus();
    for (const child of this.#feed.children) (child as HTMLElement).tabIndex = -1;
    found.tabIndex = 0;
    found.focus();
  }

  /** From anywhere in the panel into the list. */
  enter(): void {
    this.#focus(0);
  }

  #key(event: KeyboardEvent): void {
    const article = (event.target as Element).closest("article");
    if (!article || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = [...this.#feed.children].indexOf(article);
    const item = this.#items[at];
    const step = STEPS[event.key];
    if (step) this.#focus(Math.max(0, Math.min(step(at, this.#items.length), this.#items.length - 1)));
    else if (!item) return;
    else if (event.key === "Enter" && event.target === article) article.querySelector<HTMLElement>(".open")?.click();
    else if (event.key === "Delete") this.actions.change("delete", item.id);
    else if (event.key === "r") this.actions.change(item.read_at ? "unread" : "read", item.id);
    else if (event.key === "e") this.actions.change(item.archived_at ? "unarchive" : "archive", item.id);
    else if (event.key === "s") article.querySelector<HTMLElement>("button.snooze")?.click();
    else return;
    event.preventDefault();
  }
}
