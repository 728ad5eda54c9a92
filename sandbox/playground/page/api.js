/** What the page asks: its own server, and the gateway as each phone's user. */

/**
 * @typedef {{ id: string, name: string, locale: string, zone: string }} Owner
 * @typedef {{ key: string, category: string, channels: string[], priority: string, critical: boolean, example: object }} Workflow
 * @typedef {{ people: Owner[], workflows: Workflow[], urls: Record<string, string>, component: "ready" | "not_built" | "unreachable" }} Stage
 * @typedef {{ id: string, user: string }} Accepted
 */

const PATH = "/api/v1/notifications";

/** RFC 9457, or silence: `message` says what, `fix` what to do. */
export class Refused extends Error {
  /**
   * @param {string} detail
   * @param {string} fix
   */
  constructor(detail, fix = "") {
    super(detail);
    this.fix = fix;
  }

  /** Both in a line. */
  get text() {
    return [this.message, this.fix].filter(Boolean).join(". ");
  }
}

/**
 * @param {string} url
 * @param {RequestInit} options
 * @returns {Promise<any>}
 */
async function call(url, options = {}) {
  let answer;
  try {
    answer = await fetch(url, { cache: "no-store", ...options });
  } catch {
    throw new Refused("Nobody answers. Does the stack run?");
  }
  const body = (answer.headers.get("content-type") ?? "").includes("json") ? await answer.json() : await answer.text();
  if (!answer.ok) throw new Refused(body.detail ?? `${answer.status} ${answer.statusText}`, body.fix);
  return body;
}

/** @returns {Promise<Stage>} */
export const stage = () => call("/api/stage");

/**
 * @param {object} order
 * @returns {Promise<Accepted[]>}
 */
export const send = async (order) => (await call("/api/notifications", { method: "POST", body: JSON.stringify(order) })).notifications;

/**
 * @param {string[]} ids
 * @returns {Promise<any[]>}
 */
export const timelines = async (ids) =>
  (await call(`/api/timelines?${new URLSearchParams(ids.map((id) => ["id", id]))}`)).notifications;

/** Returns when it is dead. */
export const killGateway = () => call("/api/gateway/kill", { method: "POST" });

/** One user's own settings, at the gateway, with their token. */
export class Settings {
  /**
   * @param {string} gateway
   * @param {string} user
   */
  constructor(gateway, user) {
    this.gateway = gateway;
    this.user = user;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<any>}
   */
  async #call(method, path, body) {
    const token = await call(`/api/tokens/${this.user}`);
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    return call(this.gateway + PATH + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  }

  /** What is switched on. */
  async read() {
    const [preferences, all] = await Promise.all([this.#call("GET", "/preferences"), this.#call("GET", "/preferences/all")]);
    return { quiet: preferences.quiet_hours, muteUntil: all.mute_until };
  }

  /** @param {object} hours */
  keepQuiet(hours) {
    return this.#call("PUT", "/preferences", { quiet_hours: hours });
  }

  /** @param {Date | null} until */
  mute(until) {
    return until ? this.#call("PUT", "/preferences/mute", { until: until.toISOString() }) : this.#call("DELETE", "/preferences/mute");
  }
}
