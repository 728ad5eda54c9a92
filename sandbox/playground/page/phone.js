/** One phone: its owner's inbox, how it is connected, and what its owner may switch at once. */

import { Settings } from "./api.js";
import { h, say, set } from "./dom.js";
import { city, clock, quietNow } from "./times.js";

const STATES = /** @type {Record<string, string>} */ ({
  live: "connected",
  catching_up: "connected, catching up …",
  connecting: "connecting …",
  waiting: "no gateway; trying again …",
  offline: "this computer is offline",
  failed: "the connection was refused for good",
  stopped: "not connected",
});
const CONNECTED = ["live", "catching_up"];
const LOST = ["waiting", "offline", "failed"];
const HOUR_MS = 3_600_000;

export class Phone {
  /** Ids of the notifications that it has. @type {Set<string>} */
  received = new Set();
  state = "stopped";
  /** @type {{ enabled: boolean, start_time: string, end_time: string } | undefined} */
  #quiet;
  /** @type {string | null} */
  #muteUntil = null;

  /**
   * @param {import("./api.js").Owner} owner
   * @param {Record<string, string>} urls
   * @param {{ connection: (state: string) => void, received: (id: string) => void, changed: (id: string) => void }} on
   */
  constructor(owner, urls, on) {
    this.owner = owner;
    this.on = on;
    this.settings = new Settings(urls.gateway ?? "", owner.id);
    const language = new Intl.DisplayNames("en", { type: "language" }).of(owner.locale);
    this.clock = h("span");
    this.connection = h("p", { class: "connection", role: "status" }, "not connected");
    this.inbox = h("carillon-inbox", {
      inline: true, sockets: urls.sockets, api: urls.gateway, "token-url": `/api/tokens/${owner.id}`, locale: owner.locale, lang: owner.locale,
    });
    this.screen = h("div", {}, this.inbox);
    this.quiet = h("button", { type: "button", role: "switch", "aria-checked": "false", onclick: () => this.#switchQuiet() }, "Quiet hours");
    this.mute = h("button", { type: "button", role: "switch", "aria-checked": "false", onclick: () => this.#switchMute() }, "Mute for an hour");
    this.fault = h("p", { class: "fault", role: "status" });
    this.element = h(
      "article",
      { class: "phone", "aria-labelledby": `name-${owner.id}`, "data-user": owner.id },
      h("header", {}, h("h2", { id: `name-${owner.id}` }, owner.name), h("p", { class: "quiet" }, `reads ${language} · ${city(owner.zone)} `, this.clock)),
      this.connection,
      this.screen,
      h("div", { class: "switches", role: "group", "aria-label": `${owner.name} wants` }, this.quiet, this.mute),
      h("p", { class: "quiet hint" }, "Channels and types: the sliders in the inbox’s title."),
      this.fault,
    );
    const listen = (/** @type {string} */ name, /** @type {(detail: any) => void} */ then) =>
      this.inbox.addEventListener(`carillon-${name}`, (/** @type {CustomEvent} */ event) => then(event.detail));
    listen("connection", ({ state }) => this.#connected(state));
    listen("notification", ({ item }) => {
      this.received.add(item.id);
      on.received(item.id);
    });
    listen("preferences", () => void this.look());
    listen("count", () => on.changed(owner.id));
    // The demonstration's links lead nowhere.
    listen("select", () => on.changed(owner.id));
    this.inbox.addEventListener("carillon-select", (/** @type {Event} */ event) => event.preventDefault());
    this.tick(Date.now());
  }

  /** @param {number} now */
  tick(now) {
    say(this.clock, clock(now, this.owner.zone));
  }

  /** In place of the inbox, which this gateway cannot serve. @param {string} why */
  lack(why) {
    this.screen.replaceChildren(h("div", { class: "missing" }, h("p", {}, "Here belongs the inbox."), h("p", {}, why)));
  }

  /** Reads what is switched on; the gateway may be down. */
  async look() {
    try {
      const { quiet, muteUntil } = await this.settings.read();
      this.#quiet = quiet;
      this.#muteUntil = muteUntil;
      this.#draw();
    } catch {
      // It is read again when the phone is connected.
    }
  }

  /** @param {string} state */
  #connected(state) {
    this.state = state;
    say(this.connection, STATES[state] ?? state);
    this.connection.className = ["connection", CONNECTED.includes(state) && "live", LOST.includes(state) && "lost"].filter(Boolean).join(" ");
    if (state === "live") void this.look();
    this.on.connection(state);
  }

  #draw() {
    const quiet = this.#quiet?.enabled ?? false;
    const muted = !!this.#muteUntil && Date.parse(this.#muteUntil) > Date.now();
    set(this.quiet, "aria-checked", String(quiet));
    say(this.quiet, quiet ? `Quiet hours: ${this.#quiet?.start_time}–${this.#quiet?.end_time}` : "Quiet hours");
    set(this.mute, "aria-checked", String(muted));
    say(this.mute, muted ? `Muted until ${clock(Date.parse(this.#muteUntil ?? ""), this.owner.zone)}` : "Mute for an hour");
  }

  #switchQuiet() {
    const on = this.quiet.getAttribute("aria-checked") === "true";
    void this.#change(() => this.settings.keepQuiet(on ? { ...this.#quiet, enabled: false } : quietNow(Date.now(), this.owner.zone)));
  }

  #switchMute() {
    const on = this.mute.getAttribute("aria-checked") === "true";
    void this.#change(() => this.settings.mute(on ? null : new Date(Date.now() + HOUR_MS)));
  }

  /** @param {() => Promise<unknown>} change */
  async #change(change) {
    say(this.fault, "");
    try {
      await change();
    } catch (error) {
      say(this.fault, `Not changed: ${error instanceof Error ? error.message : error}`);
    }
    await this.look();
  }
}
