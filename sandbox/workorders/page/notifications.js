/** A user's notifications, live: `dashboard.notification.update` at `/ws`, and the list by HTTP. */

import { Inbox } from "./calls.js";

/** @typedef {import("./calls.js").Notification} Notification */

export const RECONNECT_MS = 5000;

export class Notifications {
  /** By id. @type {Map<string, Notification>} */
  #shown = new Map();
  unreadCount = 0;
  isConnected = false;
  #cursor = "";

  /**
   * @param {string} user
   * @param {() => void} changed
   */
  constructor(user, changed) {
    this.#inbox = new Inbox(user);
    this.#changed = changed;
  }

  #inbox;
  #changed;

  /** Newest first. */
  get list() {
    return [...this.#shown.values()].sort((one, other) => other.timestamp.localeCompare(one.timestamp));
  }

  /** Reads the list, connects, and comes back every five seconds until the page is closed. */
  async connect() {
    try {
      if (!this.#cursor) await this.#read();
      const query = new URLSearchParams({ ticket: await this.#inbox.ticket(), ...(this.#cursor && { cursor: this.#cursor }) });
      const socket = new WebSocket(`ws://${location.host}/ws?${query}`);
      socket.onopen = () => this.#connected(true);
      socket.onmessage = ({ data }) => void this.#heard(JSON.parse(data));
      socket.onclose = () => this.#lost();
    } catch {
      this.#lost();
    }
  }

  /** @param {string} id */
  async markAsRead(id) {
    await this.#inbox.markNotificationAsRead(id);
    this.#put(id, { read: true });
  }

  /** @param {any} frame */
  async #heard(frame) {
    if (frame.type === "reset") await this.#read();
    if (frame.type === "dashboard.notification.update") this.#update(frame.data);
    this.#cursor = frame.cursor ?? this.#cursor;
  }

  /** @param {{ notification?: Notification, changed?: { id: string, read: boolean, removed: boolean }[], unread_count?: number }} data */
  #update(data) {
    if (data.notification) this.#shown.set(data.notification.id, data.notification);
    for (const { id, read, removed } of data.changed ?? []) {
      if (removed) this.#shown.delete(id);
      else this.#put(id, { read });
    }
    if (typeof data.unread_count === "number") this.unreadCount = data.unread_count;
    this.#changed();
  }

  /**
   * @param {string} id
   * @param {{ read: boolean }} state
   */
  #put(id, state) {
    const known = this.#shown.get(id);
    if (known) this.#shown.set(id, { ...known, ...state });
    this.#changed();
  }

  async #read() {
    const { notifications, unread } = await this.#inbox.list();
    this.#shown = new Map(notifications.map((one) => [one.id, one]));
    this.unreadCount = unread;
    this.#changed();
  }

  #lost() {
    this.#connected(false);
    setTimeout(() => void this.connect(), RECONNECT_MS);
  }

  /** @param {boolean} yes */
  #connected(yes) {
    this.isConnected = yes;
    this.#changed();
  }
}
