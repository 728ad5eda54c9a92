/** When items are over, snoozed or back. Pure; times are milliseconds since the epoch. */

import type { Item, ItemState } from "../client/protocol.js";

const HOUR_MS = 3_600_000;
const MORNING = 9;
/** Of setTimeout. */
const LONGEST_MS = 2_147_483_647;

/** Past its end, whether the server has told so or not. */
export function isOver(item: Item, now: number): boolean {
  return !!item.deleted_at || (item.expires_at ?? Infinity) <= now;
}

export function isSnoozed(item: ItemState, now: number): boolean {
  return (item.snoozed_until ?? 0) > now;
}

/** When the list changes by itself: the first end or return of these after `now`. */
export function nextTime(items: Iterable<Item>, now: number): number | undefined {
  let next = Infinity;
  for (const { expires_at, snoozed_until } of items) {
    for (const at of [expires_at, snoozed_until]) if (at && at > now && at < next) next = at;
  }
  return next === Infinity ? undefined : next;
}

/** For setTimeout: not longer than it can wait. */
export function timeLeft(at: number, now: number): number {
  return Math.min(at - now, LONGEST_MS);
}

export function inAnHour(now: number): number {
  return now + HOUR_MS;
}

/** By the clock on the wall, where the user is. */
export function tomorrowMorning(now: number): number {
  const day = new Date(now);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1, MORNING).getTime();
}
