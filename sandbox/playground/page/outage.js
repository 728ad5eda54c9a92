/** One kill of the gateway as the phones saw it: who lost the line when, who has it back, and what was sent meanwhile (pure). */

/** @typedef {{ lost: number | undefined, back: number | undefined, sent: string[] }} Line */
/** @typedef {{ phase: "connected" | "lost" | "back", ms: number, sent: number, here: number }} Report */

export class Outage {
  /**
   * @param {number} at
   * @param {string[]} users
   */
  constructor(at, users) {
    this.at = at;
    /** @type {Map<string, Line>} */
    this.lines = new Map(users.map((user) => [user, { lost: undefined, back: undefined, sent: [] }]));
  }

  /**
   * A phone's connection is in another state.
   * @param {string} user
   * @param {string} state
   * @param {number} at
   */
  changed(user, state, at) {
    const line = this.lines.get(user);
    if (!line) return;
    if (state !== "live") line.lost ??= at;
    else if (line.lost !== undefined) line.back ??= at;
  }

  /**
   * Notifications were accepted; those for who is connected again were not sent meanwhile.
   * @param {{ id: string, user: string }[]} notifications
   */
  accepted(notifications) {
    for (const { id, user } of notifications) {
      const line = this.lines.get(user);
      if (line && line.back === undefined) line.sent.push(id);
    }
  }

  get over() {
    return [...this.lines.values()].every((line) => line.back !== undefined);
  }

  /**
   * How it is for one phone; `received` are the items that it has, `kept` those that its user's settings keep from it.
   * @param {string} user
   * @param {number} now
   * @param {ReadonlySet<string>} received
   * @param {ReadonlySet<string>} kept
   * @returns {Report}
   */
  report(user, now, received, kept) {
    const line = this.lines.get(user) ?? { lost: undefined, back: undefined, sent: [] };
    const due = line.sent.filter((id) => !kept.has(id) || received.has(id));
    const counts = { sent: due.length, here: due.filter((id) => received.has(id)).length };
    if (line.lost === undefined) return { phase: "connected", ms: 0, ...counts };
    if (line.back === undefined) return { phase: "lost", ms: now - line.lost, ...counts };
    return { phase: "back", ms: line.back - line.lost, ...counts };
  }
}

/**
 * A report in words.
 * @param {string} name
 * @param {Report} report
 */
export function told(name, { phase, ms, sent, here }) {
  const seconds = (ms / 1000).toFixed(1);
  if (phase === "connected") return `${name}: still connected`;
  if (phase === "lost") return `${name}: no gateway for ${Math.floor(ms / 1000)} s`;
  if (!sent) return `${name}: back after ${seconds} s; nothing was sent meanwhile`;
  const missing = here < sent ? "still catching up" : "nothing is missing";
  return `${name}: back after ${seconds} s; ${here} of ${sent} sent meanwhile are here, ${missing}`;
}
