/** What the two sides say to one another: docs/sockets.md is the contract. Times are milliseconds since the epoch. */

/** How new a count is: of two the one with the larger `offset` is newer, then the one with the larger `at`. */
export interface AsOf {
  offset: number;
  at: number;
}

/** What of an item can change. A time that is missing has not come yet. */
export interface ItemState {
  id: string;
  seen_at?: number;
  read_at?: number;
  archived_at?: number;
  /** Until then it is in no list and no count. */
  snoozed_until?: number;
  deleted_at?: number;
  updated_at?: number;
}

/** Either `url` or `action`, a name that the page knows. */
export interface ItemButton {
  label: string;
  url?: string;
  action?: string;
}

export interface Item extends ItemState {
  /** The notification's id, of an item that a later step of it has made. */
  notification?: string;
  workflow?: string;
  type?: string;
  offset?: number;
  title?: string;
  body?: string;
  url?: string;
  data?: unknown;
  actor?: string;
  created_at: number;
  /** From then on it is gone. */
  expires_at?: number;
  digest_count?: number;
  buttons?: ItemButton[];
}

export interface Counts {
  unread: number;
  unseen?: number;
  as_of: AsOf;
}

export interface Hello extends Counts {
  type: "hello";
  cursor: string;
  user: string;
  session?: string;
}

export interface Notified extends Counts {
  type: "notification";
  item: Item;
  cursor: string;
  replay?: boolean;
}

export interface Changed extends Counts {
  type: "state";
  change: string;
  items: ItemState[];
  cursor: string;
}

export interface Ok {
  type: "ok";
  for: string;
  ref?: string | null;
  updated?: number;
}

export interface Rejected {
  type: "error";
  code: string;
  detail: string;
  ref?: string | null;
}

/** Types and fields that are not named here are ignored. */
export type ServerMessage =
  | Hello
  | Notified
  | Changed
  | Ok
  | Rejected
  | { type: "reset"; reason: string }
  | { type: "live"; cursor?: string }
  | { type: "pong" }
  | { type: "token_expiring"; seconds: number }
  | { type: "reconnect"; after_ms: number };

export interface Command {
  type: "read" | "unread" | "seen" | "archive" | "unarchive" | "snooze" | "unsnooze" | "delete";
  ids?: string[];
  /** Of snooze: a time, at most 366 days ahead. */
  until?: number;
  all?: boolean;
  notification_type?: string;
}

export const SUBPROTOCOL = "carillon.v1";
export const MAX_IDS = 100;

/** Whether the first count is newer than the second. */
export function isNewer(one: AsOf, other: AsOf | undefined): boolean {
  return !other || one.offset > other.offset || (one.offset === other.offset && one.at >= other.at);
}
