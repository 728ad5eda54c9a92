/** What a change does to an item, shown until the server's word of it comes. */

import type { ItemChange } from "./actions.js";

export type Guess = Partial<Record<"seen_at" | "read_at" | "archived_at" | "snoozed_until" | "deleted_at", number | undefined>>;
const BACK = { snoozed_until: undefined };
export const GUESSES: Record<ItemChange, (now: number) => Guess> = {
  read: (now) => ({ ...BACK, read_at: now }),
  unread: () => ({ read_at: undefined }),
  archive: (now) => ({ ...BACK, archived_at: now }),
  unarchive: () => ({ archived_at: undefined }),
  unsnooze: () => BACK,
  delete: (now) => ({ deleted_at: now }),
};
export const SNOOZED: Guess = { read_at: undefined, seen_at: undefined, archived_at: undefined };
