/** What both pages show: the badge, how they are connected, and the list. Texts are texts, whatever they look like. */

import { Notifications } from "./notifications.js";

/** @type {Record<string, string>} */
const TYPES = {
  issue_detected: "Issue",
  office_alert: "Office alert",
  status_update: "Status",
  equipment_alert: "Equipment",
  inventory_alert: "Inventory",
  work_order_update: "Message",
};
const MARKS = ["", "", "high", "urgent"];

/**
 * @param {string} id
 * @returns {any}
 */
export function by(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * @param {string} tag
 * @param {string} name
 * @param {string} text
 */
function element(tag, name, text) {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

/** @param {string} user */
export function show(user) {
  const notifications = new Notifications(user, draw);
  /** By id, so that what is shown already stays in its place. @type {Map<string, { item: HTMLElement, read: boolean }>} */
  const drawn = new Map();

  function draw() {
    const { unreadCount, isConnected, list } = notifications;
    by("badge").hidden = unreadCount === 0;
    by("badge").textContent = `${unreadCount} unread`;
    by("connection").textContent = isConnected ? "connected" : "not connected; trying again every 5 seconds";
    by("connection").classList.toggle("live", isConnected);
    by("none").hidden = list.length > 0;
    const items = list.map((one) => {
      const known = drawn.get(one.id);
      const item = known && known.read === one.read ? known.item : itemOf(one);
      drawn.set(one.id, { item, read: one.read });
      return item;
    });
    const place = by("list");
    items.forEach((item, at) => {
      if (place.children[at] !== item) place.insertBefore(item, place.children[at] ?? null);
    });
    while (place.children.length > items.length) place.lastElementChild.remove();
  }

  /** @param {import("./calls.js").Notification} one */
  function itemOf(one) {
    const item = element("li", one.read ? "read" : "unread", "");
    const head = element("p", "head", "");
    head.append(element("strong", "", TYPES[one.type] ?? one.type));
    const mark = MARKS[one.priority];
    if (mark) head.append(element("span", `mark ${mark}`, mark));
    const time = document.createElement("time");
    time.dateTime = one.timestamp;
    time.textContent = new Date(one.timestamp).toLocaleTimeString("en-GB");
    head.append(time);
    item.append(head, element("p", "message", one.message));
    if (one.metadata?.notes) item.append(element("p", "quiet", `Notes: ${one.metadata.notes}`));
    if (!one.read) {
      const button = /** @type {HTMLButtonElement} */ (element("button", "", "Mark as read"));
      button.onclick = async () => {
        button.disabled = true;
        try {
          await notifications.markAsRead(one.id);
        } catch (error) {
          button.disabled = false;
          button.textContent = `Mark as read (it failed: ${error instanceof Error ? error.message : error})`;
        }
      };
      item.append(button);
    }
    return item;
  }

  void notifications.connect();
}

/**
 * @param {string} id
 * @param {() => Promise<string>} send
 */
export function prepare(id, send) {
  by(id).addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      by("said").textContent = await send();
    } catch (error) {
      by("said").textContent = `Not sent: ${error instanceof Error ? error.message : error}`;
    }
  });
}
