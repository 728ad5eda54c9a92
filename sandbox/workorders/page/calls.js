/** What the pages ask by HTTP: their product, and as its user the inbox. */

/**
 * @typedef {{ id: string, type: string, message: string, timestamp: string, priority: number, metadata: any, read: boolean }} Notification
 */

const INBOX = "/api/v1/notifications";
/** @type {Record<string, number>} */
const PRIORITIES = { high: 2, urgent: 3 };

/**
 * @param {string} path
 * @param {RequestInit} options
 * @returns {Promise<any>}
 */
export async function call(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", ...options });
  } catch {
    throw new Error("Nobody answers.");
  }
  const body = (answer.headers.get("content-type") ?? "").includes("json") ? await answer.json() : await answer.text();
  if (!answer.ok) throw new Error(body.detail ?? body ?? answer.statusText);
  return body;
}

/**
 * @param {string} path
 * @param {object} body
 */
export const post = (path, body) => call(path, { method: "POST", body: JSON.stringify(body) });

/** The inbox of one user, with a new token for each call: nobody stays logged in for long here. */
export class Inbox {
  /** @param {string} user */
  constructor(user) {
    this.user = user;
  }

  /** A ticket opens one socket. @returns {Promise<string>} */
  async ticket() {
    return (await this.#call("POST", "/tickets")).ticket;
  }

  /** @returns {Promise<{ notifications: Notification[], unread: number }>} */
  async list() {
    const page = await this.#call("GET", "?limit=50");
    return {
      unread: page.unread,
      notifications: page.notifications.map((/** @type {any} */ one) => ({
        id: one.id,
        type: one.notification_type,
        message: [one.title, one.body].filter(Boolean).join("\n"),
        timestamp: one.created_at,
        priority: PRIORITIES[one.priority] ?? 1,
        metadata: one.content,
        read: one.is_read,
      })),
    };
  }

  /** @param {string} id */
  async markNotificationAsRead(id) {
    await this.#call("PUT", `/${encodeURIComponent(id)}/read`);
  }

  /**
   * @param {string} method
   * @param {string} path
   */
  async #call(method, path) {
    const token = await call(`/api/tokens/${this.user}`);
    return call(INBOX + path, { method, headers: { authorization: `Bearer ${token}` } });
  }
}
