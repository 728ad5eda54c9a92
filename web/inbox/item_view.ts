/** One notification of the list: an article of a feed (ARIA Authoring Practices). */

import type { Item } from "../client/protocol.js";
import type { Actions, ItemChange } from "./actions.js";
import { h, iconButton, set } from "./dom.js";
import { safeLink } from "./links.js";
import type { Texts } from "./texts.js";
import { inAnHour, isSnoozed, tomorrowMorning } from "./times.js";

export interface ItemView {
  element: HTMLElement;
  time: HTMLTimeElement;
  /** What it was made of: it is made again when that is another. */
  made: string;
}

/** What an item's element depends on, but for the time that has passed. */
export function madeOf(item: Item, texts: Texts): string {
  const { title, body, url, read_at, archived_at, snoozed_until, digest_count, buttons } = item;
  const until = isSnoozed(item, Date.now()) && snoozed_until;
  return JSON.stringify([texts.locale, title, body, url, !read_at, !archived_at, until, digest_count, buttons]);
}

export function itemView(item: Item, texts: Texts, actions: Actions): ItemView {
  const { id } = item;
  const isUnread = !item.read_at;
  const title = item.title || texts.type(item.type ?? item.workflow ?? "");
  const time = h("time", { datetime: new Date(item.created_at).toISOString(), title: texts.time(item.created_at) });
  const heading = h(
    "h3",
    { id: `title-${id}` },
    isUnread && h("span", { class: "silent" }, `${texts.text("is_unread")}: `),
    opener(item, title, actions),
  );
  const act = (change: ItemChange) => () => actions.change(change, id);
  const label = (key: ItemChange | "snooze") => ({
    "aria-label": `${texts.text(key)}: ${title}`,
  });
  const reading = isUnread ? "read" : "unread";
  const archiving = item.archived_at ? "unarchive" : "archive";
  const until = isSnoozed(item, Date.now()) ? item.snoozed_until : undefined;
  const choices = until === undefined ? snoozeChoices(item, texts, actions) : null;
  const element = h(
    "article",
    {
      class: isUnread ? "item unread" : "item",
      part: isUnread ? "item unread" : "item",
      tabindex: -1,
      "data-id": id,
      "aria-labelledby": `title-${id}`,
      "aria-describedby": item.body ? `body-${id}` : null,
    },
    heading,
    !!item.body && h("p", { id: `body-${id}`, dir: "auto" }, item.body),
    buttons(item, actions),
    h(
      "div",
      { class: "foot" },
      time,
      until !== undefined && h("span", {}, texts.text("snoozed_until", { time: texts.moment(until) })),
      !!item.digest_count && h("span", {}, texts.text("digest", { count: item.digest_count })),
      h(
        "div",
        { class: "actions" },
        iconButton(isUnread ? "check" : "dot", texts.text(reading), act(reading), label(reading)),
        iconButton(archiving, texts.text(archiving), act(archiving), label(archiving)),
        choices
          ? snoozer(choices, texts.text("snooze"), label("snooze"))
          : iconButton("unsnooze", texts.text("unsnooze"), act("unsnooze"), { ...label("unsnooze"), class: "icon-button snooze" }),
        iconButton("delete", texts.text("delete"), act("delete"), label("delete")),
      ),
    ),
    choices,
  );
  return { element, time, made: madeOf(item, texts) };
}

/** The whole row opens the item: its link, where it has one that leads somewhere. */
function opener(item: Item, title: string, actions: Actions): HTMLElement {
  const onclick = (event: Event) => actions.select(item.id, event);
  const href = safeLink(item.url, document.baseURI);
  if (href) return h("a", { class: "open", dir: "auto", href, rel: "noopener", onclick }, title);
  return h("button", { class: "open", dir: "auto", type: "button", onclick }, title);
}

/** Until when, below the item; hidden until they are asked for. */
function snoozeChoices(item: Item, texts: Texts, actions: Actions): HTMLElement {
  const choice = (label: string, until: (now: number) => number) =>
    h("button", { type: "button", class: "button", onclick: () => actions.snooze(item.id, until(Date.now())) }, label);
  return h(
    "div",
    { class: "buttons choices", role: "group", "aria-label": texts.text("snooze"), hidden: true },
    choice(texts.text("snooze_hour"), inAnHour),
    choice(texts.text("snooze_tomorrow", { time: texts.clock(tomorrowMorning(Date.now())) }), tomorrowMorning),
  );
}

function snoozer(choices: HTMLElement, text: string, label: Record<string, string>): HTMLElement {
  const button = iconButton("snooze", text, () => show(!!choices.hidden), { ...label, class: "icon-button snooze", "aria-expanded": "false" });
  const show = (open: boolean) => {
    choices.hidden = !open;
    set(button, "aria-expanded", String(open));
    if (open) choices.querySelector("button")?.focus();
    else button.focus();
  };
  choices.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    show(false);
  });
  return button;
}

function buttons(item: Item, actions: Actions): HTMLElement | null {
  const made = (item.buttons ?? []).flatMap(({ label, url, action }, at): HTMLElement[] => {
    const look = at === 0 ? "button main" : "button";
    const href = safeLink(url, document.baseURI);
    const onclick = () => actions.press(item.id, action);
    if (href) return [h("a", { class: look, dir: "auto", href, rel: "noopener", onclick }, label)];
    return action ? [h("button", { class: look, dir: "auto", type: "button", onclick }, label)] : [];
  });
  return made.length ? h("div", { class: "buttons" }, ...made) : null;
}
