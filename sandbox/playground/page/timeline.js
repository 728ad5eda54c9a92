/** What was sent, the newest first, asked about as long as somebody looks. */

import * as api from "./api.js";
import { Card } from "./card.js";
import { by, say } from "./dom.js";

const KEPT = 12;
const EVERY_MS = 1000;
const SETTLED_TURNS = 5;
const HINT = "What you send is explained here: each rule that was asked, each attempt, as it happens.";

export class TimelineView {
  /** @type {Card[]} */
  cards = [];
  #turn = 0;
  #asking = false;
  /** @type {Set<string>} */
  #wanted = new Set();

  /**
   * @param {string} sink
   * @param {() => void} changed
   */
  constructor(sink, changed) {
    this.sink = sink;
    this.changed = changed;
    setInterval(() => void this.#look(), EVERY_MS);
    document.addEventListener("visibilitychange", () => void this.#look());
  }

  /**
   * @param {import("./card.js").SentNotification[]} sent
   */
  add(sent) {
    for (const card of this.cards) card.fold();
    const made = sent.map((one) => new Card(one, this.sink));
    made.slice(1).forEach((card) => card.fold());
    this.cards = [...made, ...this.cards].slice(0, KEPT);
    by("cards").prepend(...made.map((card) => card.element));
    for (const gone of [...by("cards").children].slice(KEPT)) gone.remove();
    void this.#look();
  }

  /** Something happened to it: ask at once. @param {string} id */
  wants(id) {
    this.#wanted.add(id);
  }

  /** Ids that settings keep from the inboxes. */
  get kept() {
    return new Set(this.cards.filter((card) => card.kept).map((card) => card.sent.id));
  }

  /** Those that are settled are asked about more rarely: all that may come is what their user does. */
  async #look() {
    if (this.#asking || document.visibilityState === "hidden") return;
    const often = this.#turn++ % SETTLED_TURNS === 0;
    const ids = this.cards.filter((card) => often || !card.settled || this.#wanted.has(card.sent.id)).map((card) => card.sent.id);
    if (!ids.length) return;
    this.#asking = true;
    this.#wanted.clear();
    try {
      const found = new Map((await api.timelines(ids)).map((one) => [one.id, one]));
      for (const card of this.cards) if (found.has(card.sent.id)) card.update(found.get(card.sent.id), Date.now());
      say(by("timeline-said"), HINT);
    } catch (error) {
      say(by("timeline-said"), error instanceof api.Refused ? `Not up to date: ${error.text}` : String(error));
    } finally {
      this.#asking = false;
    }
    this.changed();
  }
}
