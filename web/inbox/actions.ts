/** What a user can do in the inbox. */

import type { Filter, Preferences } from "./api.js";

export type ItemChange = "read" | "unread" | "archive" | "unarchive" | "unsnooze" | "delete";

export interface Actions {
  change(change: ItemChange, id: string): void;
  snooze(id: string, until: number): void;
  /** Opened: read, and its link followed unless the page prevents it. */
  select(id: string, event: Event): void;
  /** One of its buttons. */
  press(id: string, action: string | undefined): void;
  readAll(): void;
  show(filter: Filter): void;
  more(): void;
  retry(): void;
  close(): void;
  settings(): void;
  back(): void;
  save(preferences: Preferences): void;
}
