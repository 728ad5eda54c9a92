/** Where a page keeps its cursor: what was shown is not sent again, what was not is. */

export interface CursorStore {
  load(key: string): string | null;
  save(key: string, cursor: string | null): void;
}

/** In localStorage, one per gateway and user. Where that is forbidden the cursor lives as long as the page. */
export const localCursors: CursorStore = {
  load(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  save(key, cursor) {
    try {
      if (cursor === null) localStorage.removeItem(key);
      else localStorage.setItem(key, cursor);
    } catch {
      // full, or forbidden
    }
  },
};

/** Nothing is kept: each page gets what was never seen or read. */
export const noCursors: CursorStore = { load: () => null, save: () => undefined };
