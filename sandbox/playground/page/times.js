/** Times as people say them (pure). */

const ISO = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/**
 * The wall clock of a zone: `14:05`.
 * @param {number} at
 * @param {string} zone
 */
export function clock(at, zone) {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone }).format(at);
}

/**
 * A city for a zone: `New York`.
 * @param {string} zone
 */
export const city = (zone) => (zone.split("/").at(-1) ?? zone).replaceAll("_", " ");

/**
 * A time where somebody is: `14:05:09 in Berlin`, with the day unless it is that of `now`.
 * @param {string} iso
 * @param {string} zone
 * @param {number} now
 */
export function there(iso, zone, now) {
  const at = Date.parse(iso);
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", timeZone: zone });
  const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: zone }).format(at);
  const date = day.format(at) === day.format(now) ? "" : `${day.format(at)}, `;
  return `${date}${time} in ${city(zone)}`;
}

/**
 * A sentence of the console's, with its times where the user is, and without the event's id.
 * @param {string} text
 * @param {string} zone
 * @param {number} now
 */
export function readable(text, zone, now) {
  return text.replace(/ It came of the event [\w-]+\./, "").replace(ISO, (iso) => there(iso, zone, now));
}

/**
 * Since it was accepted: `+12 ms`, `+3.1 s`, `+2 min`.
 * @param {number} ms
 */
export function since(ms) {
  if (ms < 1000) return `+${Math.max(0, Math.round(ms))} ms`;
  if (ms < 120_000) return `+${(ms / 1000).toFixed(1)} s`;
  return `+${Math.round(ms / 60_000)} min`;
}

/**
 * Quiet hours that began a minute ago and end in an hour, on the wall clock of a zone.
 * @param {number} now
 * @param {string} zone
 */
export function quietNow(now, zone) {
  return { enabled: true, start_time: clock(now - 60_000, zone), end_time: clock(now + 3_600_000, zone), timezone: zone };
}
