/** What an inbox shows, whatever tells of it, in whatever order: pages of lists, messages of the socket. Pure. */

import type { Item, ItemState } from "../client/protocol.js";
import type { Filter, Page } from "./api.js";
import { isOver, isSnoozed, nextTime } from "./times.js";

const TIMES = ["seen_at", "read_at", "archived_at", "snoozed_until", "deleted_at", "updated_at"] as const;
type Times = Pick<ItemState, (typeof TIMES)[number]>;

/** After these changes an item may be in the list that was never read from it. */
export const RETURNS = ["unarchived", "unsnoozed", "sync"];

interface Reach {
  next: string | null;
  /** Older ones are not shown yet: what lies between is not known. */
  floor: number;
  /** The places of what pages had: many items may have one time, and only the gateway knows their order. */
  places: Map<string, number>;
  /** What came since. */
  late: Set<string>;
}

export class InboxModel {
  readonly #items = new Map<string, Item>();
  /** The newest state of each id, known or not: a page that was read before must not bring back what is gone. */
  readonly #states = new Map<string, ItemState>();
  readonly #reach = new Map<Filter, Reach>();

  get(id: string): Item | undefined {
    return this.#items.get(id);
  }

  /** A new item, or one that is known already. */
  put(item: Item): void {
    const before = this.#items.get(item.id);
    const known = this.#states.get(item.id) ?? before;
    this.#items.set(item.id, { ...before, ...item, ...times(known && newer(known, item) ? known : item) });
    if (!before) for (const { late } of this.#reach.values()) late.add(item.id);
  }

  /** States are whole: a time that is missing has not come, or was taken back. */
  apply(states: readonly ItemState[]): void {
    for (const state of states) {
      const known = this.#states.get(state.id);
      if (known && !newer(state, known)) continue;
      this.#states.set(state.id, state);
      const item = this.#items.get(state.id);
      if (item && newer(state, item)) this.#items.set(state.id, { ...item, ...times(state) });
    }
  }

  /** What the user did here, shown until the server's word of it comes. Returns how to take it back. */
  guess(id: string, change: Partial<Record<keyof Times, number | undefined>>): () => void {
    const before = this.#items.get(id);
    if (!before) return () => undefined;
    const guessed = { ...before, ...change } as Item;
    this.#items.set(id, guessed);
    return () => void (this.#items.get(id) === guessed && this.#items.set(id, before));
  }

  /** A page that was read: the first one, or the next one. */
  page(filter: Filter, { items, next }: Page, first: boolean): void {
    const before = first ? undefined : this.#reach.get(filter);
    const places = before?.places ?? new Map<string, number>();
    for (const item of items) {
      this.put(item);
      places.set(item.id, places.get(item.id) ?? places.size);
    }
    const floor = next === null ? -Infinity : Math.min(...items.map((item) => item.created_at));
    this.#reach.set(filter, { next, floor, places, late: before?.late ?? new Set() });
  }

  /** Undefined: no page was read yet. */
  reach(filter: Filter): { next: string | null } | undefined {
    return this.#reach.get(filter);
  }

  /** When the list changes by itself after `now`. */
  next(now: number): number | undefined {
    return nextTime(this.#items.values(), now);
  }

  /** Newest first. */
  list(filter: Filter, now: number): Item[] {
    const reach = this.#reach.get(filter);
    const floor = reach?.floor ?? -Infinity;
    const place = ({ id }: Item) => reach?.places.get(id) ?? -1;
    const isReached = (item: Item) =>
      item.created_at > floor || place(item) >= 0 || (item.created_at === floor && reach?.late.has(item.id));
    return [...this.#items.values()]
      .filter((item) => belongs(item, filter, now) && isReached(item))
      .sort(
        (one, other) =>
          other.created_at - one.created_at ||
          place(one) - place(other) ||
          (other.offset ?? 0) - (one.offset ?? 0),
      );
  }

  clear(): void {
    this.#items.clear();
    this.#states.clear();
    this.#reach.clear();
  }
}

function belongs(item: Item, filter: Filter, now: number): boolean {
  if (isOver(item, now)) return false;
  if (filter === "snoozed" || isSnoozed(item, now)) return filter === "snoozed" && isSnoozed(item, now);
  if (filter === "archived") return !!item.archived_at;
  return !item.archived_at && (filter === "all" || !item.read_at);
}

/** Two devices that change the same in the same moment may be told in either order: the larger `updated_at` is right. */
function newer(one: ItemState, other: ItemState): boolean {
  return (one.updated_at ?? 0) >= (other.updated_at ?? 0);
}

function times(state: ItemState): Times {
  return Object.fromEntries(TIMES.map((name) => [name, state[name]])) as Times;
}
