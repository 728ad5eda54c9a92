/** One notification that was sent, and what became of it: channels, what happened, and every rule. */

import { h, say } from "./dom.js";
import { readable, since, there } from "./times.js";

const GOOD = ["sent", "delivered", "read", "seen"];
const BAD = ["suppressed", "dead", "bounced", "complained", "undelivered", "cancelled", "expired"];
const AT_SINK = ["email", "webhook"];

/** @typedef {{ id: string, workflow: string, sentAt: number, owner: import("./api.js").Owner }} SentNotification */

export class Card {
  /** What the console says; undefined: it has not seen it. @type {any} */
  found;
  #known = "";

  /**
   * @param {SentNotification} sent
   * @param {string} sink
   */
  constructor(sent, sink) {
    this.sent = sent;
    this.sink = sink;
    this.chips = h("ul", { class: "chips", "aria-label": "Channels" }, h("li", { class: "chip" }, "accepted"));
    this.steps = h("ol", { class: "steps" });
    this.asked = h("summary", {}, "Every rule");
    this.rules = h("ul", { class: "rules" });
    this.details = h("details", { open: true, hidden: true }, this.asked, this.rules);
    const title = h("h3", { id: `card-${sent.id}` }, `${sent.workflow} for ${sent.owner.name}`);
    const time = h("time", { datetime: new Date(sent.sentAt).toISOString() }, new Date(sent.sentAt).toLocaleTimeString("en-GB"));
    this.element = h(
      "article",
      { class: "card", "aria-labelledby": `card-${sent.id}`, "data-id": sent.id },
      h("header", {}, title, time), this.chips, this.steps, this.details,
    );
  }

  /** Only the newest one's rules are open, unless somebody opens others. */
  fold() {
    this.details.open = false;
  }

  /** Whether nothing more is to come but what its user does. */
  get settled() {
    return this.found?.state === "terminal";
  }

  /** Whether its user's settings keep it from the inbox. */
  get kept() {
    const channels = /** @type {any[]} */ (this.found?.channels ?? []);
    return channels.some(({ channel, state }) => (channel === "in_app" || channel === null) && (BAD.includes(state) || state === "held"));
  }

  /**
   * @param {any} found
   * @param {number} now
   */
  update(found, now) {
    const text = JSON.stringify(found);
    if (text === this.#known) return;
    this.#known = text;
    this.found = found;
    this.chips.replaceChildren(...found.channels.map((/** @type {any} */ one) => this.#chip(one, now)));
    const begun = Date.parse(found.sentences[0]?.at ?? "") || this.sent.sentAt;
    this.steps.replaceChildren(
      ...found.sentences.map((/** @type {any} */ one) => this.#step(one.at ? since(Date.parse(one.at) - begun) : "", one.text, now)),
    );
    const count = found.decisions.flatMap((/** @type {any} */ one) => one.groups).flatMap((/** @type {any} */ one) => one.rules).length;
    this.details.hidden = count === 0;
    say(this.asked, `Every rule (${count} in ${found.decisions.length === 1 ? "one decision" : `${found.decisions.length} decisions`})`);
    const tries = found.attempts.map((/** @type {any} */ one) => `${one.account}: ${one.outcome} in ${one.latency_ms} ms`);
    this.rules.replaceChildren(
      ...found.decisions.flatMap((/** @type {any} */ one) => this.#decision(one, now, found.decisions.length > 1)),
      ...(tries.length ? [h("li", { "data-about": "attempts" }, h("strong", {}, "attempts:"), tries.join(" · "))] : []),
    );
  }

  /**
   * @param {any} channel
   * @param {number} now
   */
  #chip({ channel, state, because, until }, now) {
    const look = GOOD.includes(state) ? "chip good" : BAD.includes(state) ? "chip bad" : "chip";
    const where = until ? ` until ${there(until, this.sent.owner.zone, now)}` : "";
    const text = `${channel ?? "all of it"}: ${state}${where}`;
    const atSink = AT_SINK.includes(channel) && GOOD.includes(state);
    return h("li", { class: look, title: because }, atSink ? h("a", { href: this.sink, target: "_blank", rel: "noopener" }, text) : text);
  }

  /**
   * @param {string} when
   * @param {string} text
   * @param {number} now
   */
  #step(when, text, now) {
    return h("li", {}, h("time", {}, when), h("span", {}, readable(text, this.sent.owner.zone, now)));
  }

  /**
   * @param {any} decision
   * @param {number} now
   * @param {boolean} titled
   * @returns {HTMLElement[]}
   */
  #decision({ title, at, groups }, now, titled) {
    const zone = this.sent.owner.zone;
    const lines = groups.map((/** @type {any} */ { about, rules }) => {
      const passed = rules.filter((/** @type {any} */ rule) => rule.result === "passed").map((/** @type {any} */ rule) => rule.words);
      const notAsked = rules.filter((/** @type {any} */ rule) => rule.result === "not_asked").map((/** @type {any} */ rule) => rule.words);
      const stopped = rules.filter((/** @type {any} */ rule) => !["passed", "not_asked"].includes(rule.result));
      return h(
        "li",
        { "data-about": about },
        h("strong", {}, `${about}:`),
        passed.length > 0 && h("span", { class: "passed" }, `✓ ${passed.join(" · ")}`),
        ...stopped.map((/** @type {any} */ rule) => {
          const until = rule.until ? ` until ${there(rule.until, zone, now)}` : "";
          const held = rule.result === "held";
          return h("span", { class: held ? "held" : "stopped" }, ` ${held ? "…" : "✗"} ${rule.words}? No: ${rule.result}${until}${rule.because ? `, ${rule.because}` : ""}`);
        }),
        notAsked.length > 0 && h("span", { class: "quiet" }, ` · not asked any more: ${notAsked.join(" · ")}`),
      );
    });
    return titled ? [h("li", {}, h("strong", {}, `${title}, ${there(at, zone, now)}`)), ...lines] : lines;
  }
}
