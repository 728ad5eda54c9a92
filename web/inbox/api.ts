/** The gateway's inbox API: docs/sockets.md, "The inbox by HTTP". */

import type { Item, ItemButton } from "../client/protocol.js";
import type { Tokens } from "./tokens.js";

export type Filter = "all" | "unread" | "snoozed" | "archived";

export interface Page {
  items: Item[];
  /** Gets the page after this one; null after the last. */
  next: string | null;
}

export interface QuietHours {
  enabled: boolean;
  start_time: string;
  end_time: string;
  timezone: string | null;
}

export interface Preferences {
  push_notifications: boolean;
  email_notifications: boolean;
  notification_types: Record<string, boolean>;
  quiet_hours: QuietHours;
}

/** RFC 9457. `faults`: JSON pointers into what was sent, each with what is wrong there. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
    readonly faults: { pointer: string; detail: string }[] = [],
  ) {
    super(detail);
  }
}

interface Row {
  id: string;
  notification_type: string;
  content: unknown;
  title: string;
  body: string;
  url: string | null;
  seen_at: string | null;
  read_at: string | null;
  archived_at: string | null;
  /** These two are missing from an older gateway. */
  snoozed_until?: string | null;
  expires_at?: string | null;
  created_at: string;
  updated_at: string;
  digest_count: number | null;
  buttons: ItemButton[] | null;
}

const PATH = "/api/v1/notifications";
const TIMEOUT_MS = 20_000;

export class InboxApi {
  constructor(
    private readonly base: string,
    private readonly tokens: Tokens,
  ) {}

  async list(filter: Filter, limit: number, cursor: string | null): Promise<Page> {
    const query = new URLSearchParams({ limit: String(limit) });
    if (cursor) query.set("cursor", cursor);
    if (filter === "unread") query.set("unread_only", "true");
    if (filter === "archived" || filter === "snoozed") query.set(filter, "true");
    const found = (await this.#call("GET", `?${query}`)) as { notifications: Row[]; next_cursor: string | null };
    return { items: found.notifications.map(item), next: found.next_cursor };
  }

  async preferences(): Promise<Preferences> {
    return (await this.#call("GET", "/preferences")) as Preferences;
  }

  /** What is left out stays as it is; the answer is the whole. */
  async store(preferences: Partial<Preferences>): Promise<Preferences> {
    return (await this.#call("PUT", "/preferences", preferences)) as Preferences;
  }

  async #call(method: string, path: string, body?: unknown, again = true): Promise<unknown> {
    const headers: Record<string, string> = { authorization: `Bearer ${await this.tokens.current()}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    const answer = await fetch(this.base + PATH + path, {
      method,
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (answer.status === 401 && again) {
      this.tokens.forget();
      return this.#call(method, path, body, false);
    }
    const found = (await answer.json()) as { detail?: string; errors?: { pointer: string; detail: string }[] };
    if (!answer.ok) throw new Problem(answer.status, found.detail ?? answer.statusText, found.errors);
    return found;
  }
}

function item(row: Row): Item {
  const { seen_at, read_at, archived_at, snoozed_until, expires_at, updated_at } = row;
  const times = { seen_at, read_at, archived_at, snoozed_until, expires_at, updated_at };
  return {
    id: row.id,
    type: row.notification_type,
    data: row.content,
    title: row.title,
    body: row.body,
    created_at: Date.parse(row.created_at),
    ...(row.url && { url: row.url }),
    ...(row.digest_count && { digest_count: row.digest_count }),
    buttons: row.buttons ?? [],
    ...Object.fromEntries(Object.entries(times).flatMap(([name, at]) => (at ? [[name, Date.parse(at)]] : []))),
  };
}
