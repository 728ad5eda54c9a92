/** The bell, the panel and the page in it, drawn from an inbox. */

import { arrange, h, icon, set } from "./dom.js";
import type { Inbox } from "./inbox.js";
import { ListView } from "./list_view.js";
import { place } from "./placement.js";
import { PreferencesView } from "./preferences_view.js";
import type { Texts } from "./texts.js";

const MOST = 99;

export interface ShellOptions {
  texts: Texts;
  /** Undefined as long as there is no token and no address. */
  inbox: Inbox | undefined;
  /** The panel stands in the page, without a bell. */
  inline: boolean;
  badge: "unread" | "unseen";
  toggle: () => void;
}

export class Shell {
  readonly #bell: HTMLButtonElement;
  readonly #badge = h("span", { class: "badge", part: "badge", "aria-hidden": "true" });
  readonly #panel: HTMLElement;
  readonly #said = h("div", { class: "silent", role: "status" });
  #list: ListView | undefined;
  #preferences: PreferencesView | undefined;
  #heading: HTMLElement | undefined;

  constructor(
    root: ShadowRoot,
    private readonly options: ShellOptions,
  ) {
    const { texts, inline, toggle } = options;
    const attributes = { type: "button", class: "bell", part: "bell", "aria-haspopup": "dialog", onclick: toggle };
    this.#bell = h("button", attributes, icon("bell"), this.#badge);
    const onkeydown = (event: KeyboardEvent) => this.#key(event);
    this.#panel = h("section", {
      class: "panel",
      part: "panel",
      role: inline ? "region" : "dialog",
      "aria-labelledby": "title",
      tabindex: -1,
      dir: texts.direction,
      lang: texts.locale,
      hidden: true,
      onkeydown,
    });
    set(this.#bell, "lang", texts.locale);
    this.#said.lang = texts.locale;
    const anchor = h("div", { class: "anchor" }, !inline && this.#bell, this.#panel);
    arrange(root, [anchor, this.#said]);
    this.draw();
  }

  /** For who does not see it come. */
  say(title: string): void {
    this.#said.textContent = this.options.texts.text("notified", { title });
  }

  draw(): void {
    const { inbox, texts, badge } = this.options;
    const unseen = badge === "unseen" ? inbox?.counts?.unseen : undefined;
    const count = unseen ?? inbox?.counts?.unread ?? 0;
    const shown = count > MOST ? `${texts.number(MOST)}+` : texts.number(count);
    this.#badge.textContent = shown;
    this.#badge.hidden = count === 0;
    set(this.#bell, "aria-label", texts.text(unseen === undefined ? "bell" : "bell_new", { shown }));
    set(this.#bell, "aria-expanded", String(!!inbox?.opened));
    this.#panel.hidden = !inbox?.opened;
    if (inbox?.opened) this.#drawPage(inbox);
  }

  opened(): void {
    this.draw();
    if (this.options.inline) return;
    place(this.#panel);
    this.#panel.focus();
  }

  closed(): void {
    const inside = this.#panel.matches(":focus-within");
    this.draw();
    this.#list = this.#preferences = this.#heading = undefined;
    this.#panel.replaceChildren();
    if (inside) this.#bell.focus();
  }

  #drawPage(inbox: Inbox): void {
    const { texts, inline } = this.options;
    if (inbox.page === "list") {
      this.#preferences = undefined;
      this.#list ??= new ListView(texts, inbox, !inline);
      this.#turn(this.#list);
      this.#list.update(inbox.list, Date.now());
    } else {
      this.#preferences ??= new PreferencesView(texts, inbox, !inline);
      this.#turn(this.#preferences);
      this.#preferences.update(inbox.preferences);
    }
  }

  /** The other page: its heading gets the focus, so that it is read out. */
  #turn({ element, heading }: ListView | PreferencesView): void {
    if (this.#heading === heading) return;
    const turned = this.#heading !== undefined;
    this.#heading = heading;
    arrange(this.#panel, [element]);
    if (turned) heading.focus();
  }

  #key(event: KeyboardEvent): void {
    const { inbox } = this.options;
    const inList = (event.target as Element).closest("article, select, input");
    if (event.key === "Escape" && inbox?.page === "preferences") inbox.back();
    else if (event.key === "Escape") inbox?.close();
    else if (event.key === "ArrowDown" && !inList && inbox?.page === "list") this.#list?.enter();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
